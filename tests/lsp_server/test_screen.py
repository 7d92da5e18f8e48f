"""What is shown never adds a syntax error. Cases of single texts are in `golden/`."""

from __future__ import annotations

import re

import pytest

from engine.verilog.syntax import problems
from lsp_server.screen import screen


def fragments(written: str) -> list[str]:
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+", written)


def test_wherever_the_model_stops_no_syntax_error_is_added():
    written = "always @(posedge clk) begin\n    if (rst) q <= 0;\n    else q <= d;\n  end\n"
    prefix, suffix = "module m(input clk, rst, d, output reg q);\n  ", "\nendmodule\n"
    for count in range(len(fragments(written)) + 1):
        shown = screen(prefix, suffix, fragments(written)[:count])
        assert problems(prefix + shown.text + suffix) == []


@pytest.mark.parametrize(
    ("written", "fate"),
    [("wire a;", "whole"), ("wire a; assign = ;", "cut"), ("assign = ;", "dropped")],
)
def test_it_says_what_the_syntax_did(written, fate):
    assert screen("module m;\n  ", "\nendmodule\n", fragments(written)).fate == fate


def test_an_error_is_not_traded_for_another_as_many():
    # Both buffers have one error, and it says the same: a missing `;`, above and in the text.
    prefix, suffix = "module m;\n  wire a\n  ", "\nendmodule\n"
    assert len(problems(prefix + suffix)) == 1
    assert len(problems(prefix + ", b; wire c" + suffix)) == 1
    assert screen(prefix, suffix, fragments(", b; wire c")).text == ", b;"


def test_nothing_is_shown_in_a_module_too_long_to_parse():
    prefix = "module m;\n" + "wire a;\n" * 30_000
    assert screen(prefix, "\nendmodule\n", ["wire b;"]).text == ""


def test_binary_noise():
    noise = "".join(chr(code) for code in range(256)) * 20
    assert isinstance(screen(noise, noise, ["a", ";"]).text, str)
