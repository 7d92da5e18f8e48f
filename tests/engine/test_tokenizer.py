"""The tokenizer: nothing lost, [FRAG] in, [FRAG] out, and text is never taken for a special token."""

import json

import pytest
from other_models import FAMILIES
from tiny_model import VERILOG, tiny_tokenizer
from transformers import PreTrainedTokenizerFast

from engine import tokenizer as tokenizers
from engine.api import EngineError
from engine.tokenizer import INFILL
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


# ---- tokenizers that other models bring


STYLES = sorted(FAMILIES.keys() - {"Mistral"})  # which has Llama's
TEXTS = ("module m;\n    wire x;", "é 中文 \U0001f600\r\n\t\x00", "  a   b \n\n\n  c", " ", "")


def save(backend, folder, **config):
    PreTrainedTokenizerFast(tokenizer_object=backend, **config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=STYLES)
def other(request, tmp_path_factory):
    folder = save(FAMILIES[request.param].tokenizer(), tmp_path_factory.mktemp("tokenizer"))
    return tokenizers.load_any(folder)


def test_a_tokenizer_of_ours_is_known_by_its_frag(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    ours = tokenizers.load_any(tmp_path)
    assert (ours.frag, ours.ends) == (tokenizer.frag, {tokenizer.end})


@pytest.mark.parametrize("text", TEXTS)
def test_another_tokenizer_gives_the_text_back(other, text):
    assert other.decode(other.encode(text)) == text
    assert other.frag is None


def test_the_text_of_parts_is_that_of_the_whole(other):
    """A sentencepiece decoder by itself would drop the blank at the beginning of each part."""
    ids = other.encode(VERILOG)
    parts = [other.decode(ids[n : n + 3]) for n in range(0, len(ids), 3)]
    assert "".join(parts) == VERILOG


def test_the_bytes_of_tokens_make_characters_that_no_token_has_whole(other):
    text = "// \U0001f600 中\n"
    parts = [other.bytes_of(token) for token in other.encode(text)]
    assert b"".join(parts) == text.encode()
    assert "\ufffd" in "".join(part.decode("utf-8", "replace") for part in parts)


def test_the_markers_of_a_hole_in_text_are_text(other):
    text = " ".join(name.replace("▁", "") for names in INFILL for name in names) + " <s> </s>"
    ids = other.encode(text)
    assert not other.special_ids & set(ids)
    assert other.decode(ids) == text


def test_control_tokens_and_rows_without_a_token_have_no_text(other):
    word = other.encode("module")
    noise = [*other.special_ids, other.size, other.size + 5]
    assert other.decode([*noise, *word, *noise]) == "module"
    assert other.special_ids <= other.ends


@pytest.mark.parametrize(
    ("style", "start", "lead", "hole"),
    [
        ("Llama", "<s>", " ", None),
        ("CodeLlama", "<s>", " ", INFILL[0][:3]),
        ("DeepSeek-Coder", "<｜begin▁of▁sentence｜>", "", INFILL[1]),
        ("Qwen2", None, "", INFILL[2]),
    ],
)
def test_what_a_style_begins_with_and_how_it_marks_a_hole(tmp_path, style, start, lead, hole):
    found = tokenizers.load_any(save(FAMILIES[style].tokenizer(), tmp_path))
    name = found.backend.id_to_token
    assert (start and found.backend.token_to_id(start), lead) == (found.start, found.lead)
    assert hole == (found.infill and tuple(map(name, found.infill)))


@pytest.mark.parametrize(("asked", "start"), [(True, 1), (False, None)])
def test_the_configuration_decides_what_a_text_begins_with(tmp_path, asked, start):
    save(FAMILIES["Llama"].tokenizer(), tmp_path, bos_token="<s>")
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"add_bos_token": asked}))
    assert tokenizers.load_any(tmp_path).start == start


def test_every_end_that_the_configurations_name_ends_an_answer(tmp_path):
    save(FAMILIES["Qwen2"].tokenizer(), tmp_path)
    (tmp_path / "config.json").write_text('{"eos_token_id": 7}')
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [8, 9]}')
    assert {7, 8, 9} < tokenizers.load_any(tmp_path).ends


def test_a_text_is_neither_cut_nor_filled_up_whatever_the_file_says(tmp_path):
    backend = FAMILIES["Qwen2"].tokenizer()
    backend.enable_truncation(8)
    backend.enable_padding(length=2000)
    backend.save(str(tmp_path / "tokenizer.json"))
    other = tokenizers.load_any(tmp_path)
    assert other.decode(other.encode(VERILOG)) == VERILOG
    assert len(other.encode("x")) == 1


def test_a_tokenizer_of_another_kind_is_refused(tmp_path):
    backend = FAMILIES["Llama"].tokenizer()
    backend.decoder = None
    with pytest.raises(EngineError, match="neither byte-level nor sentencepiece"):
        tokenizers.load_any(save(backend, tmp_path))


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"model": 1}'])
def test_a_damaged_tokenizer_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(EngineError, match=r"cannot read .*tokenizer\.json"):
        tokenizers.load_any(tmp_path)
