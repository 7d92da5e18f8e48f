"""Golden cases of what is shown: | is the cursor, the second column what the model wrote."""

from __future__ import annotations

import re

import pytest

from engine.verilog.syntax import problems
from lsp_server.screen import screen

CASES = [
    # the model's text is fine
    ("module m; assign y = |\nendmodule", "a & b;", "a & b;"),
    (
        "module m;\n  |\nendmodule\n",
        "assign y = a;\n  assign z = b;",
        "assign y = a;\n  assign z = b;",
    ),
    # blanks: one between words, none at the end, never alone
    ("module m; assign y = |\nendmodule", "  a;  \n", "a;"),
    ("module m;\n  |\nendmodule\n", "  \n\n", ""),
    # what the suffix says already
    ("module m; assign y = |;\nendmodule", "a & b;", "a & b"),
    ("module m; inv i(.a(|));\nendmodule", "x));", "x"),
    ("module m; assign y = | & b;\nendmodule", "a & b;", "a"),
    ("module m;\n  wire a;\n  |\nendmodule\n", "wire b;\nendmodule", "wire b;"),
    (
        "module m;\n  |\n  assign z = b;\nendmodule\n",
        "assign y = a;\n  assign z = b;",
        "assign y = a;",
    ),
    (
        "module m;\n  |\n  assign z = b;\nendmodule\n",
        "assign y = a;\n  assign z = b;\n  assign w = c;",
        "assign y = a;",
    ),
    # an `end` that repeats the suffix, and one that an inner block needs
    ("module m; always @* begin\n  |\nend\nendmodule", "y = a;\nend", "y = a;"),
    (
        "module m; always @* begin\n  if (a) begin\n  |\nend\nendmodule",
        "y = a;\n  end",
        "y = a;\n  end",
    ),
    # at the end of a word: no other word is glued to it, and half a name is not passed over
    ("module m; reg count;\n assign y = count|\nendmodule", "endmodule", ""),
    ("module m; reg count;\n assign y = cou|;\nendmodule", "nt + 1", "nt + 1"),
    ("module m; reg count;\n assign y = cou|;\nendmodule", " + 1", ""),
    ("module m; reg count;\n assign y = count|;\nendmodule", " + 1", " + 1"),
    ("module m; reg brand_new|\nendmodule", ";", ";"),
    ("module m;\n ass|\nendmodule", "ign y = a;", "ign y = a;"),
    # a model that goes round in circles
    (
        "module m;\n  |\nendmodule\n",
        "wire a;\n  wire b;\n  wire b;\n  wire b;",
        "wire a;\n  wire b;",
    ),
    (
        "module m;\n  |\nendmodule\n",
        "always @* begin\n if (a) begin\n y = b;\n end\n end",
        "always @* begin\n if (a) begin\n y = b;\n end\n end",
    ),
    (  # the same statement in two branches is no circle
        "module m;\n  |\nendmodule\n",
        "always @*\n if (a)\n x = 1;\n else begin\n x = 1;\n y = 2;\n end",
        "always @*\n if (a)\n x = 1;\n else begin\n x = 1;\n y = 2;\n end",
    ),
    # nothing that adds a syntax error: cut back to whole statements, or to nothing
    ("module m;\n  |\nendmodule\n", "assign y = a;\n  assign z = ) ;", "assign y = a;"),
    ("module m;\n  |\nendmodule\n", "assign = ;", ""),
    ("module m; assign y = |\nendmodule", "a &", "a &"),  # the statement was open before
    # outside any module
    ("|\n", "module m;\nendmodule", "module m;\nendmodule"),
    ("|\n", "endmodule", ""),
]


@pytest.mark.parametrize(("drawn", "written", "shown"), CASES)
def test_shown(drawn, written, shown):
    prefix, suffix = drawn.split("|", 1)
    fragments = re.findall(r"\s*\w+|\s*[^\w\s]|\s+", written)
    assert screen(prefix, suffix, fragments) == shown


def test_what_is_shown_never_adds_a_syntax_error():
    written = "always @(posedge clk) begin\n    if (rst) q <= 0;\n    else q <= d;\n  end\n"
    fragments = re.findall(r"\s*\w+|\s*[^\w\s]|\s+", written)
    prefix, suffix = "module m(input clk, rst, d, output reg q);\n  ", "\nendmodule\n"
    for count in range(len(fragments) + 1):
        shown = screen(prefix, suffix, fragments[:count])
        assert len(problems(prefix + shown + suffix)) == 0


def test_nothing_is_shown_in_a_module_too_long_to_parse():
    prefix = "module m;\n" + "wire a;\n" * 30_000
    assert screen(prefix, "\nendmodule\n", ["wire b;"]) == ""


def test_binary_noise():
    noise = "".join(chr(code) for code in range(256)) * 20
    assert isinstance(screen(noise, noise, ["a", ";"]), str)
