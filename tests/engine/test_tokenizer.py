"""The tokenizer: nothing lost, [FRAG] in, [FRAG] out, and text is never taken for a special token."""

import pytest
from tiny_model import VERILOG, tiny_tokenizer

from engine import tokenizer as tokenizers
from engine.api import EngineError
from engine.verilog.fragments import fragments


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.mark.parametrize(
    "text", ["", VERILOG, "\u4e2d\u6587 \U0001f600\r\n\t\x00", "  a   b \n\n\n  c"]
)
def test_decoding_gives_the_text_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode_fragments(text)) == text


def test_every_fragment_is_followed_by_frag(tokenizer):
    ids = tokenizer.encode_fragments(VERILOG)
    assert ids.count(tokenizer.frag) == len(fragments(VERILOG))
    assert ids[-1] == tokenizer.frag


def test_special_tokens_in_text_are_text(tokenizer):
    text = "wire x; // [FRAG] [END] [MIDDLE]"
    ids = tokenizer.encode(text)
    assert not tokenizer.special_ids & set(ids)
    assert tokenizer.decode(ids) == text


def test_a_saved_tokenizer_loads_and_agrees(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    assert tokenizers.load(tmp_path).encode(VERILOG) == tokenizer.encode(VERILOG)


def test_a_missing_tokenizer_is_named(tmp_path):
    with pytest.raises(EngineError, match=r"tokenizer\.json"):
        tokenizers.load(tmp_path)


def test_half_a_surrogate_pair_is_read_as_a_question_mark(tokenizer):
    assert tokenizer.encode("wire \ud800x;") == tokenizer.encode("wire ?x;")
