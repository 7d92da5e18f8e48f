"""Prompts from documents; the cursor is drawn as |."""

from __future__ import annotations

import pytest

from lsp_server import prompt

HEADERS = {
    "counter": "module counter(input clk, output [7:0] q);",
    "pwm": "module pwm(input clk, input [7:0] duty, output out);",
    "top": "module top(input clk);",
}


def cursor(drawn: str) -> tuple[str, int]:
    return drawn.replace("|", "", 1), drawn.index("|")


def test_prefix_and_suffix_are_what_stands_around_the_cursor():
    built = prompt.build(*cursor("module m;\n  assign y = |;\nendmodule\n"), HEADERS.get)
    assert built.prefix == "module m;\n  assign y = "
    assert built.suffix == ";\nendmodule\n"
    assert built.instruction == ""


def test_context_is_the_headers_of_modules_named_nearby_the_nearest_first():
    built = prompt.build(
        *cursor("module top(input clk);\n  pwm p(.clk(clk));\n  counter |\nendmodule\n"),
        HEADERS.get,
    )
    assert built.context == HEADERS["counter"] + "\n" + HEADERS["pwm"] + "\n"


def test_context_is_bounded():
    names = " ".join(f"m{number}" for number in range(200))
    built = prompt.build(names, len(names), lambda name: f"module {name}(input clk);")
    assert 0 < len(built.context) <= prompt.CONTEXT_CHARACTERS


def test_a_huge_document_is_cut_around_the_cursor():
    text = "wire a;\n" * 500_000
    built = prompt.build(text, len(text) // 2, HEADERS.get)
    assert len(built.prefix) == prompt.PREFIX_CHARACTERS
    assert len(built.suffix) == prompt.SUFFIX_CHARACTERS


def test_instruction():
    built = prompt.instruct("a counter in front of a PWM")
    assert (built.instruction, built.prefix, built.context) == (
        "a counter in front of a PWM",
        "",
        "",
    )


@pytest.mark.parametrize(
    ("drawn", "stop"),
    [
        ("module m;\n  |\nendmodule\n", "block"),
        ("module m;\n|\nendmodule\n", "block"),
        ("module m;\n  assign |\nendmodule\n", "line"),
        ("module m;\n  |  wire a;\nendmodule\n", "line"),
        ("module m;\nendmodule\n|\n", "line"),
        ("// A module that counts.\n|\n", "line"),
        ("|", "line"),
    ],
)
def test_stop_policy(drawn, stop):
    assert prompt.stop_policy(*cursor(drawn)) == stop
