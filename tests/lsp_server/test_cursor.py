"""What the text says about the cursor, which is drawn as |."""

from __future__ import annotations

import pytest

from lsp_server import cursor


def at(drawn: str) -> tuple[str, int]:
    return drawn.replace("|", "", 1), drawn.index("|")


@pytest.mark.parametrize(
    ("drawn", "stretch"),
    [
        ("module a;\nendmodule\nmodule b; |\nendmodule\n", "\nmodule b; \nendmodule"),
        ("module a;\nendmodule : a\nmodule b; |", "\nmodule b; "),
        ("module a; // endmodule\n |\nendmodule\n", "module a; // endmodule\n \nendmodule"),
        ("module a; |\n /* endmodule */ endmodule x", "module a; \n /* endmodule */ endmodule"),
        ('module a; initial $display("endmodule"); | ', None),
        ("module a; wire my_endmodule; |", None),
        ("|", None),
    ],
)
def test_enclosing(drawn, stretch):
    text, offset = at(drawn)
    start, end = cursor.enclosing(text, offset)
    assert text[start:end] == (text if stretch is None else stretch)


def test_inside_module():
    assert cursor.inside_module(*at("module m;\n|\nendmodule\n"))
    assert not cursor.inside_module(*at("module m;\nendmodule\n|\n"))
    assert not cursor.inside_module(*at("// the module counts\n|\n"))


@pytest.mark.parametrize(
    ("drawn", "there"),
    [
        ("wire a; |", "code"),
        ("// note |", "comment"),
        ("// note\n|", "code"),
        ("/* note | */", "comment"),
        ("/* note */|", "code"),
        ("/* unfinished |", "comment"),
        ('$display("a|")', "string"),
        ('$display("a"|)', "code"),
        ('$display("a|', "string"),
        ('"// no comment" |', "code"),
        ('wire \\a"b ; |', "code"),
    ],
)
def test_surroundings(drawn, there):
    assert cursor.surroundings(*at(drawn)) == there


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
        ("module m;\n  always @(posedge clk) begin|\nendmodule\n", "block"),
        ("module m;\n  always @* begin : name |\nendmodule\n", "block"),
        ("module m;\n  always @(posedge clk) |\nendmodule\n", "block"),
        ("module m;\n  always @* case (s)|\nendmodule\n", "block"),
        ("module m;\n  always @* if (a) x = 1; else|\nendmodule\n", "block"),
        ("module m (|\n", "block"),
        ("module m;\n  inv u (|\nendmodule\n", "block"),
        ("module m;\n  inv u (.a(|\nendmodule\n", "line"),
        ("module m;\n  always @* if (|\nendmodule\n", "line"),
        ("module m;\n  always @* begin | end\nendmodule\n", "line"),
        ("module m;\n  // then begin|\nendmodule\n", "line"),
    ],
)
def test_stop_policy(drawn, stop):
    assert cursor.stop_policy(*at(drawn)) == stop


@pytest.mark.parametrize(
    ("drawn", "place"),
    [
        ("|", "file"),
        ("mod|", "file"),
        ("module m; endmodule\n|", "file"),
        ("module m(|);", "ports"),
        ("module m(input a, |);", "ports"),
        ("module m #(|) (", "parameters"),
        ("module m; |", "item"),
        ("module m; wire |", "expression"),
        ("module m; assign y = |", "expression"),
        ("module m; wire [|", "expression"),
        ("module m; always |", "statement"),
        ("module m; always @(|", "event"),
        ("module m; always @(posedge clk) |", "statement"),
        ("module m; always @* begin |", "statement"),
        ("module m; always @* begin if (a) |", "statement"),
        ("module m; always @* begin if (|", "expression"),
        ("module m; always @* begin x <= |", "expression"),
        ("module m; always @* begin if (a) begin end else |", "statement"),
        ("module m; always @* case (s) |", "statement"),
        ("module m; always @* case (s) A: |", "statement"),
        ("module m; always @* case (s) A: x = b ? c : |", "expression"),
        ("module m; always @* x = 1; |", "item"),
        ("module m; initial begin : name |", "statement"),
        ("module m; function f; |", "statement"),
        ("module m; inv u(|", "list"),
        ("module m; inv #(|", "list"),
        ("module m; inv #(.W(3)) u (|", "list"),
        ("module m; inv u(.a(|", "expression"),
        ("module m; generate if (A) begin : g |", "item"),
        ("module m; // begin\n |", "item"),
        (") ] } end endcase endmodule join |", "file"),
    ],
)
def test_place(drawn, place):
    assert cursor.place(*at(drawn)) == place
