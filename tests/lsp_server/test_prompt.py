"""Prompts from documents; the cursor is drawn as |."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from engine import tokenizer as tokenizers
from engine.prompts import encode
from lsp_server import prompt
from lsp_server.prompt import Room

MODEL = Path(__file__).parents[2] / "engine" / "models" / "embedded"
HEADERS = {
    "counter": "module counter(input clk, output [7:0] q);",
    "pwm": "module pwm(input clk, input [7:0] duty, output out);",
    "top": "module top(input clk);",
}
ROOM = Room.of(512, 64)
# A module that no window holds, with a declaration far above the cursor.
LONG = (
    "module top(input clk, input rst, output reg [7:0] total);\n"
    "  localparam LIMIT = 200;\n"
    "  reg [7:0] carried; // endmodule\n"
    + "".join(f"  always @(posedge clk) stage[{n}] <= stage[{n + 1}];\n" for n in range(200))
    + "  pwm p(.clk(clk));\n  always @(posedge clk)\n    total <= carried + |\nendmodule\n"
)


def cursor(drawn: str) -> tuple[str, int]:
    return drawn.replace("|", "", 1), drawn.index("|")


def test_prefix_and_suffix_are_what_stands_around_the_cursor():
    built = prompt.build(*cursor("module m;\n  assign y = |;\nendmodule\n"), HEADERS.get, ROOM)
    assert built.prefix == "module m;\n  assign y = "
    assert built.suffix == ";\nendmodule\n"
    assert built.instruction == ""


def test_windows_line_ends_stay_out_of_prompts():
    built = prompt.build(*cursor("module m;\r\n  wire |\r\nendmodule\r\n"), HEADERS.get, ROOM)
    assert "\r" not in built.prefix + built.suffix


def test_context_is_the_headers_of_modules_named_nearby_the_nearest_first():
    built = prompt.build(
        *cursor("module top(input clk);\n  pwm p(.clk(clk));\n  counter |\nendmodule\n"),
        HEADERS.get,
        ROOM,
    )
    assert built.context == HEADERS["counter"] + "\n" + HEADERS["pwm"] + "\n"


def test_context_is_bounded():
    names = " ".join(f"m{number}" for number in range(200))
    built = prompt.build(names, len(names), lambda name: f"module {name}(input clk);", ROOM)
    assert 0 < len(built.context) <= ROOM.context


def test_a_long_module_keeps_its_header_and_declarations_and_the_headers_of_others():
    built = prompt.build(*cursor(LONG), HEADERS.get, ROOM)
    assert built.prefix.startswith("module top(input clk, input rst, output reg [7:0] total);\n")
    assert "  reg [7:0] carried; // endmodule\n" in built.prefix
    assert "localparam LIMIT = 200;" in built.prefix
    assert built.prefix.endswith(
        "  pwm p(.clk(clk));\n  always @(posedge clk)\n    total <= carried + "
    )
    assert built.context == HEADERS["pwm"] + "\n"


def test_all_of_that_fits_the_window_of_the_model():
    tokenizer = tokenizers.load(MODEL)
    built = prompt.build(*cursor(LONG), HEADERS.get, ROOM)
    said = tokenizer.decode(encode(tokenizer, built, 512 - 64))
    for part in ("module pwm(", "module top(input clk", "reg [7:0] carried", "total <= carried +"):
        assert part in said


def test_while_one_types_a_line_the_prompt_only_grows():
    text, offset = cursor(LONG)
    built = [
        prompt.build(text[:offset] + typed + text[offset:], offset + len(typed), HEADERS.get, ROOM)
        for typed in ("", "c", "ca", "carried")
    ]
    for shorter, longer in pairwise(built):
        assert longer.prefix.startswith(shorter.prefix)
        assert longer.context == shorter.context


def test_of_too_many_declarations_those_in_use_come_first():
    many = "".join(f"  wire [7:0] signal_{n};\n" for n in range(300))
    body = "".join(f"  assign a[{n}] = b[{n}];\n" for n in range(100))
    drawn = f"module m;\n{many}{body}  assign y = signal_150;\n  assign z = |\nendmodule\n"
    assert "wire [7:0] signal_150;" in prompt.build(*cursor(drawn), HEADERS.get, ROOM).prefix


def test_a_huge_document_is_cut_around_the_cursor():
    text = "wire a;\n" * 500_000
    built = prompt.build(text, len(text) // 2, HEADERS.get, ROOM)
    assert len(built.prefix) + len(built.suffix) <= ROOM.whole
    assert len(built.prefix) > ROOM.whole // 2


def test_a_larger_window_holds_more():
    small, large = (
        prompt.build(*cursor(LONG), HEADERS.get, Room.of(window, 64)) for window in (512, 2048)
    )
    assert len(large.prefix) > 2 * len(small.prefix)


def test_instruction():
    built = prompt.instruct("a counter in front of a PWM")
    assert (built.instruction, built.prefix, built.context) == (
        "a counter in front of a PWM",
        "",
        "",
    )
