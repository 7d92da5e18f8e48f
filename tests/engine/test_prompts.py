"""The prompt layout, and what gives way when it does not fit."""

import pytest
from other_models import FAMILIES
from tiny_model import VERILOG, tiny_tokenizer
from transformers import PreTrainedTokenizerFast

from engine import prompts
from engine import tokenizer as tokenizers
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
    context = "module much_longer_than_what_is_left(input clk);\n"
    crowded = prompts.encode(tokenizer, Prompt(VERILOG * 20, "", context), 64)
    assert "much_longer" not in parts(tokenizer, crowded)


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


# ---- a module that does not fit


LONG = (
    "module before;\nendmodule\n\nmodule big #(parameter W = 8) (\n    input clk,\n    output y\n);\n"
    + "".join(f"    wire [W-1:0] line{n};\n" for n in range(200))
)


def prefix_of(tokenizer, text, window=200):
    """The prefix as the prompt has it."""
    ids = prompts.encode(tokenizer, Prompt(text), window)
    return tokenizer.decode(ids[ids.index(tokenizer.prefix) :])


def test_a_long_module_keeps_its_header_and_its_nearest_whole_lines(tokenizer):
    kept = prefix_of(tokenizer, LONG + "    assign y")
    header = LONG[LONG.index("module big") : LONG.index("    wire")]
    assert kept.startswith(header)
    assert kept.endswith("    wire [W-1:0] line199;\n    assign y")
    assert "before" not in kept
    lines = kept.removeprefix(header).split("\n")[:-1]
    assert 2 < len(lines) == len(set(lines) & set(LONG.split("\n")))


def test_an_endmodule_in_a_comment_ends_no_module(tokenizer):
    kept = prefix_of(tokenizer, LONG + "    // up to endmodule\n    assign y")
    assert kept.startswith("module big")
    kept = prefix_of(tokenizer, LONG + "    assign y = clk; endmodule\nmodule last;\n    wire w")
    assert kept.endswith("module last;\n    wire w") and "module big" not in kept


def test_a_header_too_long_for_half_of_the_room_keeps_its_first_lines(tokenizer):
    ports = "".join(f"    input [7:0] port{n},\n" for n in range(40))
    kept = prefix_of(tokenizer, f"module wide (\n{ports}    input last\n);\n  assign y = 1;\n")
    assert kept.startswith("module wide (\n    input [7:0] port0,\n")
    assert kept.endswith("  assign y = 1;\n")


def test_text_outside_modules_is_cut_at_a_line_of_its_own(tokenizer):
    text = "".join(f"// remark {n}\n" for n in range(200))
    kept = prefix_of(tokenizer, text)
    assert kept.startswith("// remark")
    assert kept.endswith("// remark 199\n")


def test_one_endless_line_is_cut_anywhere(tokenizer):
    assert prefix_of(tokenizer, "x" * 5000).endswith("x" * 100)


def test_typing_on_in_a_long_module_seldom_moves_the_beginning_of_the_prompt(tokenizer):
    typed = "    assign y = line1 & line2 & line3;\n" * 3
    beginnings = {
        tuple(prompts.encode(tokenizer, Prompt(LONG + typed[:n]), 400)[:150])
        for n in range(len(typed))
    }
    assert len(beginnings) <= 4


def test_a_long_description_keeps_its_beginning_and_leaves_half_to_the_rest(tokenizer):
    description = "".join(f"port {n} does this. " for n in range(200))
    alone = prompts.encode(tokenizer, Prompt("", instruction=description), 200)
    assert len(alone) >= 198  # nothing else wants the room
    both = prompts.encode(tokenizer, Prompt(LONG, instruction=description), 200)
    instruction = both[both.index(tokenizer.instruction) + 1 : both.index(tokenizer.prefix)]
    assert 97 <= len(instruction) <= 130
    assert tokenizer.decode(instruction).startswith("port 0 does this.")


def test_the_context_loses_its_last_declarations_and_never_half_of_one(tokenizer):
    context = "".join(f"module m{n}(input clk{n}, output q{n});\n" for n in range(20))
    kept = prefix_of(tokenizer, "wire a")  # without context, for comparison
    ids = prompts.encode(tokenizer, Prompt("wire a", context=context), 200)
    text = tokenizer.decode(ids[ids.index(tokenizer.prefix) :])
    headers = text.removesuffix(kept)
    assert headers
    assert headers == context[: len(headers)]
    assert headers.endswith(";\n")


# ---- Alpaca


def test_the_alpaca_prompt_has_an_input_only_where_one_is_given():
    assert prompts.alpaca("Do it.").endswith("### Instruction:\nDo it.\n\n### Response:\n")
    given = prompts.alpaca("Do it.", "module m;")
    assert given.endswith("### Instruction:\nDo it.\n\n### Input:\nmodule m;\n\n### Response:\n")


# ---- models that are not ours


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    made = {}
    for name, family in FAMILIES.items():
        folder = tmp_path_factory.mktemp("tokenizer")
        PreTrainedTokenizerFast(tokenizer_object=family.tokenizer()).save_pretrained(folder)
        made[name] = tokenizers.load_any(folder)
    return made


def told(tokenizer, ids):
    """The ids of a prompt as text, with its markers."""
    special = tokenizer.special_ids
    return "".join(
        tokenizer.backend.id_to_token(i) if i in special else tokenizer.decode([i]) for i in ids
    )


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("CodeLlama", "<s>▁<PRE> module c;assign y▁<SUF>;▁<MID>"),
        (
            "DeepSeek-Coder",
            "<｜begin▁of▁sentence｜><｜fim▁begin｜>module c;assign y<｜fim▁hole｜>;<｜fim▁end｜>",
        ),
        ("Qwen2", "<|fim_prefix|>module c;assign y<|fim_suffix|>;<|fim_middle|>"),
        ("Llama", "<s> module c;assign y"),
    ],
)
def test_a_hole_is_marked_as_the_family_marks_it_if_it_does(others, family, expected):
    ids = prompts.encode(others[family], Prompt("assign y", ";", context="module c;"), 64)
    assert told(others[family], ids) == expected


@pytest.mark.parametrize(("suffix", "instruction"), [("", ""), (" \n", ""), ("", "two\nlines")])
def test_without_a_suffix_the_text_goes_on(others, suffix, instruction):
    ids = prompts.encode(others["Qwen2"], Prompt("wire", suffix, "module c;\n", instruction), 64)
    comment = "// two\n// lines\n" if instruction else ""
    assert told(others["Qwen2"], ids) == f"module c;\n{comment}wire"


def test_an_alpaca_prompt_stands_as_it_is(others):
    text = prompts.alpaca("Write a counter.")
    ids = prompts.encode(others["Llama"], Prompt("", instruction=text), 300)
    assert told(others["Llama"], ids) == f"<s> {text}"


@pytest.mark.parametrize("window", [16, 32, 100])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_prompt_of_another_form_never_exceeds_its_window(others, family, window):
    long = VERILOG * 20
    for prompt in (Prompt(long, long, long, long), Prompt(long), Prompt("", "", "", long)):
        assert 0 < len(prompts.encode(others[family], prompt, window)) <= window


def test_a_comment_that_is_cut_still_ends_its_line(others):
    prompt = Prompt("module m;", instruction="describes " * 100)
    ids = prompts.encode(others["Qwen2"], prompt, 60)
    text = others["Qwen2"].decode(ids)
    assert text.startswith("// describes")
    assert text.endswith("\nmodule m;")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_long_module_keeps_its_header_in_every_form(others, family):
    tokenizer = others[family]
    text = tokenizer.decode(prompts.encode(tokenizer, Prompt(LONG + "    assign y", "  ;\n"), 400))
    assert "module big #(parameter W = 8) (\n    input clk,\n    output y\n);\n" in text
    assert "    wire [W-1:0] line199;\n    assign y" in text
    assert "before" not in text


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_an_empty_prompt_is_something_to_go_on_from(others, family):
    assert others[family].decode(prompts.encode(others[family], Prompt(""), 64)).strip(" ") == "\n"
