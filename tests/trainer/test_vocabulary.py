"""Vocabularies: what a token may be part of, and tokenizers taken over from other models."""

import pytest
from tiny_model import VERILOG, tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from engine.api import EngineError
from engine.tokenizer import SPECIAL_TOKENS
from trainer import vocabulary


def pieces(text):
    """`text` as tokens of a vocabulary that has seen it often enough to merge whatever it may."""
    tokenizer = vocabulary.train([text] * 50, 600)
    return [tokenizer.decode([i]) for i in tokenizer.encode(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("assign y = a;", ["assign", " y", " =", " a", ";"]),
        ("if (x)\n    y", ["if", " (", "x", ")\n    ", "y"]),
        ("wire a;\n\n  b", ["wire", " a", ";\n", "\n  ", "b"]),
        ("12345", ["123", "45"]),
        ("`define W 8", ["`define", " W", " 8"]),
    ],
)
def test_a_token_is_part_of_one_piece(text, tokens):
    assert pieces(text) == tokens


@pytest.mark.parametrize("text", [VERILOG, "a\tb\r\n  é \u00a0`", "[FRAG] [END]", "", "   "])
def test_text_comes_back_as_it_was(text):
    tokenizer = tiny_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text


def foreign(folder, byte_level=True):
    """A tokenizer as another model might have it: its own end of text, none of our tokens."""
    backend = Tokenizer(models.BPE(unk_token=None if byte_level else "<unk>"))
    alphabet = []
    if byte_level:
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["</s>", "<unk>", "[PAD]"]
    backend.train_from_iterator(
        ["abc ;"],
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    backend.save(str(folder / "tokenizer.json"))
    return backend


def test_a_foreign_tokenizer_gets_the_special_tokens_that_it_lacks(tmp_path):
    before = foreign(tmp_path)
    adopted = vocabulary.adopt(tmp_path)
    assert adopted.pad == before.token_to_id("[PAD]")
    assert adopted.size == before.get_vocab_size() + len(SPECIAL_TOKENS) - 1
    assert adopted.decode([*adopted.encode(VERILOG), adopted.frag]) == VERILOG
    assert adopted.frag not in adopted.encode("[FRAG]")


def test_a_tokenizer_of_ours_is_adopted_as_it_is(tmp_path):
    tiny_tokenizer().save(tmp_path)
    assert vocabulary.adopt(tmp_path).backend.get_vocab() == tiny_tokenizer().backend.get_vocab()


def test_a_tokenizer_that_loses_text_is_refused(tmp_path):
    foreign(tmp_path, byte_level=False)
    with pytest.raises(EngineError, match="does not give"):
        vocabulary.adopt(tmp_path)


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    with pytest.raises(EngineError, match=r"cannot read .*tokenizer\.json"):
        vocabulary.adopt(tmp_path)
