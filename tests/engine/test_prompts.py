"""The prompt layout, and what gives way when it does not fit."""

import pytest
from tiny_model import VERILOG, tiny_tokenizer

from engine import prompts
from engine.api import Prompt


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def parts(tokenizer, ids):
    """The ids of a prompt, read back as text with its markers."""
    special = tokenizer.special_ids
    return "".join(
        tokenizer.backend.id_to_token(i) if i in special else tokenizer.backend.decode([i])
        for i in ids
    )


def test_fill_in_the_middle_has_the_suffix_first(tokenizer):
    ids = prompts.encode(tokenizer, Prompt("assign y", ";", context="module c;"), 64)
    assert parts(tokenizer, ids) == "[START][SUFFIX];[PREFIX]module c;assign y[MIDDLE]"


def test_comment_to_module_has_the_description_and_no_suffix(tokenizer):
    ids = prompts.encode(tokenizer, Prompt("", instruction="a counter"), 64)
    assert parts(tokenizer, ids) == "[START][INSTRUCTION]a counter[PREFIX][MIDDLE]"


@pytest.mark.parametrize("window", [16, 32, 100])
def test_a_prompt_never_exceeds_its_window(tokenizer, window):
    long = VERILOG * 20
    ids = prompts.encode(tokenizer, Prompt(long, long, long, long), window)
    assert len(ids) <= window


def test_the_prefix_keeps_its_end_and_the_suffix_its_beginning(tokenizer):
    prompt = Prompt(VERILOG * 20 + "wire last", "wire first" + VERILOG * 20)
    text = parts(tokenizer, prompts.encode(tokenizer, prompt, 100))
    assert text.endswith("wire last[MIDDLE]")
    assert "[SUFFIX]wire first" in text


def test_typing_only_appends_before_the_last_marker(tokenizer):
    before = prompts.encode(tokenizer, Prompt("module m;\n  wire", ";\nendmodule"), 200)
    after = prompts.encode(tokenizer, Prompt("module m;\n  wire [3:0]", ";\nendmodule"), 200)
    assert after[: len(before) - 1] == before[:-1]


def test_context_gives_way_to_the_prefix(tokenizer):
    crowded = prompts.encode(tokenizer, Prompt(VERILOG * 20, "", "CONTEXT"), 64)
    assert "CONTEXT" not in parts(tokenizer, crowded)


@pytest.mark.parametrize(
    ("prefix", "blank"),
    [
        ("q <= ", " "),
        ("assign y =  ", " "),
        ("q <=", ""),
        ("begin\n    ", ""),
        ("    ", ""),
        ("", ""),
        ("q <=\t", ""),
    ],
)
def test_a_blank_typed_already_is_left_to_the_answer(tokenizer, prefix, blank):
    assert prompts.typed_blank(prefix) == blank
    text = parts(tokenizer, prompts.encode(tokenizer, Prompt(prefix), 64))
    assert text == f"[START][PREFIX]{prefix.removesuffix(blank)}[MIDDLE]"
