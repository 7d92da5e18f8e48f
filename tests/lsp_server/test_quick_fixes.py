"""Quick fixes as an editor applies them: afterwards a new check does not find the problem any more.

In the texts, what the diagnostic covers is what iverilog's check, really run, says it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lsprotocol import types

from engine.verilog.icarus import Icarus, check_now
from engine.verilog.repairs import applied
from engine.verilog.source import Source
from lsp_server.placing import to_diagnostics
from lsp_server.positions import LineIndex
from lsp_server.quick_fixes import fixes


@pytest.fixture(scope="module", autouse=True)
def _iverilog():
    if shutil.which("iverilog") is None:
        pytest.fail("these tests need iverilog: apt-get install iverilog")


HEADERS = {"WIDTH": "sizes.vh"}


def problems(text):
    path = "/designs/m.v"
    messages = check_now(Icarus(), text, path)
    return to_diagnostics(messages, text, Path(path), lambda line, column: column)


def offered(text, diagnostics, at=None):
    """The fixes for `diagnostics`, or where the cursor is."""
    place = diagnostics[0].range if diagnostics else types.Range(at, at)
    context = types.CodeActionContext(diagnostics)
    params = types.CodeActionParams(types.TextDocumentIdentifier("file:///m.v"), place, context)
    source = Source(text)
    modules = {module.name: module for module in source.modules}
    return fixes(LineIndex(text, "utf-32"), source, params, modules.get, HEADERS.get)


def mended(text, code):
    """`text` after the fix for its first problem of that code, which a new check must not find."""
    before = [one for one in problems(text) if one.code == code]
    fix = next(one for one in offered(text, before[:1]) if one.diagnostic)
    after = applied(text, fix.edits)
    assert len(problems(after)) < len(problems(text))
    assert sum(one.code == code for one in problems(after)) < len(before)
    return after


def module(body, header="module m(input clk, input [3:0] d, output [3:0] y);"):
    return f"{header}\n{body}endmodule\n"


SUB = "module sub #(parameter W = 8)(input [W-1:0] a, input b, output [3:0] z);\nendmodule\n"

DECLARED = {
    "after the declarations above": (
        module("  wire p; // first\n\n  assign p = d[0] & ready;\n  wire later;\n"),
        "wire p; // first\n  wire ready;\n",
    ),
    "below the header where there are none": (
        module("\tassign y = {4{ready}};\n"),
        ";\n\twire ready;\n\tassign",
    ),
    "as wide as what it is copied to": (
        module("  assign y = sum;\n"),
        "  wire [3:0] sum;\n",
    ),
    "as wide as what is copied to it": (
        module("  assign copy = d;\n  assign y = copy;\n"),
        "  wire [3:0] copy;\n",
    ),
    "as wide as the bits that are used": (
        module("  assign y = bits[5] | bits[2];\n"),
        "  wire [5:0] bits;\n",
    ),
    "as wide as the literal": (
        module("  always @(posedge clk) count <= 8'd1;\n"),
        "  reg [7:0] count;\n",
    ),
    "a reg where a process assigns it": (
        module("  assign y = 4'd0;\n  always @(posedge clk)\n    if (clk) seen <= 1;\n"),
        "  reg seen;\n",
    ),
    "as wide as the port, by the default of a parameter": (
        SUB + module("  assign y = wide[7:4];\n  sub u0(.a(wide), .b(clk), .z());\n"),
        "  wire [7:0] wide;\n",
    ),
    "with the line ends of the file": (
        module("  wire p;\n  assign p = ready;\n").replace("\n", "\r\n"),
        "wire p;\r\n  wire ready;\r\n",
    ),
    "in the module that uses it": (
        "module other;\n  wire ready;\nendmodule\n" + module("  assign y = {4{ready}};\n"),
        "output [3:0] y);\n  wire ready;\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), DECLARED.values(), ids=DECLARED)
def test_an_undeclared_name_is_declared(text, expected):
    codes = {one.code for one in problems(text)}
    assert expected in mended(text, (codes & {"undeclared", "implicit-net"}).pop())


def test_an_implicit_wire_is_declared():
    text = module("  assign q = d[0];\n  assign y = d;\n")
    assert "  wire q;\n  assign q" in mended(text, "implicit-net")


VARIABLES = {
    "a port in the header": (
        "module m(input d, output q, output r);\n  assign r = d;\n  always @(d) q = d;\nendmodule\n",
        "output reg q, output r",
    ),
    "a port that is a wire": (
        "module m(input d, output wire [1:0] q);\n  always @(d) q = d;\nendmodule\n",
        "output reg [1:0] q",
    ),
    "one of several ports with one kind": (
        "module m(input d, output [1:0] p, q, r);\n  assign p = d, r = d;\n"
        "  always @(d) q = d;\nendmodule\n",
        "output [1:0] p, output reg [1:0] q, output [1:0] r",
    ),
    "the first of several ports": (
        "module m(input d, output q, r);\n  assign r = d;\n  always @(d) q = d;\nendmodule\n",
        "output reg q, output r",
    ),
    "a port declared in the body": (
        "module m(d, q);\n  input d;\n  output [1:0] q;\n  always @(d) q = d;\nendmodule\n",
        "output reg [1:0] q;",
    ),
    "one of several ports in the body": (
        "module m(d, p, q);\n  input d;\n  output [1:0] p, q;\n  assign p = d;\n"
        "  always @(d) q = d;\nendmodule\n",
        "output [1:0] p, q;\n  reg [1:0] q;\n",
    ),
    "a port that is declared a wire again": (
        "module m(d, q);\n  input d;\n  output q;\n  wire q;\n  always @(d) q = d;\nendmodule\n",
        "output q;\n  reg q;",
    ),
    "a wire": (
        "module m(input d);\n  wire [1:0] q;\n  always @(d) q[0] = d;\nendmodule\n",
        "  reg [1:0] q;",
    ),
    "one of several wires": (
        "module m(input d);\n  wire [1:0] p, q, r;\n  assign p = d, r = d;\n"
        "  always @(d) q = d;\nendmodule\n",
        "  wire [1:0] p, r;\n  reg [1:0] q;\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), VARIABLES.values(), ids=VARIABLES)
def test_what_a_process_assigns_becomes_a_reg(text, expected):
    assert expected in mended(text, "not-a-variable")


def test_a_wire_that_is_driven_where_it_is_declared_is_left_alone():
    text = "module m(input d);\n  wire q = d;\n  always @(d) q = d;\nendmodule\n"
    wrong = [one for one in problems(text) if one.code == "not-a-variable"]
    assert wrong and offered(text, wrong) == []


CONNECTED = {
    "on one line": (
        SUB + module("  wire [7:0] a;\n  wire b;\n  sub u0(.z(y), .a(a));\n"),
        "sub u0(.z(y), .a(a), .b(b));",
    ),
    "on lines of their own": (
        SUB + module("  wire b;\n  sub u0 (\n    .z(y)  // the sum\n  );\n"),
        "    .z(y),\n    .a(a),\n    .b(b)  // the sum\n",
    ),
    "where there are none": (
        SUB + module("  assign y = d;\n  sub u0();\n"),
        "sub u0(.a(a), .b(b), .z(z));",
    ),
    "an input that is connected to nothing": (
        SUB + module("  wire [7:0] a;\n  sub u0(.a(a), .b(), .z(y));\n"),
        "sub u0(.a(a), .b(b), .z(y));",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONNECTED.values(), ids=CONNECTED)
def test_missing_ports_are_connected(text, expected):
    assert expected in mended(text, "unconnected-port")


def test_what_missing_ports_are_connected_to_is_declared():
    text = SUB + module("  assign y = d;\n  sub u0();\n")
    expected = "  wire [7:0] a;\n  wire b;\n  wire [3:0] z;\n  assign y = d;\n"
    assert expected in mended(text, "unconnected-port")


def test_outputs_can_be_connected_where_nothing_is_wrong():
    text = SUB + module("  sub u0(.a(8'd0), .b(clk));\n  assign y = d;\n")
    row = text[: text.index("u0")].count("\n")
    (fix,) = offered(text, [], types.Position(row, 8))
    assert fix.title == "Connect the missing ports of u0"
    assert "sub u0(.a(8'd0), .b(clk), .z(z));" in applied(text, fix.edits)


@pytest.mark.parametrize("connections", ["8'd0, clk, y", ".*", ".a(8'd0), .b(clk), .z(y)"])
def test_no_connections_are_offered_where_none_are_missing(connections):
    text = SUB + module(f"  sub u0({connections});\n")
    row = text[: text.index("u0")].count("\n")
    assert offered(text, [], types.Position(row, 8)) == []


MISSING = {
    "a semicolon": ("module m(input a);\n  wire b\n  wire c;\nendmodule\n", "  wire b;\n"),
    "a parenthesis": (
        "module m(input a);\n  wire b = (a;\nendmodule\n",
        "  wire b = (a);\n",
    ),
    "an end": (
        "module m(input a);\n  always @(a) begin\n    if (a) begin\n    end\nendmodule\n",
        "    end\n    end\nendmodule\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISSING.values(), ids=MISSING)
def test_a_missing_token_is_inserted(text, expected):
    assert expected in mended(text, "syntax")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module m;\n  reg a;\n  reg a;\n  reg b;\nendmodule\n", "  reg a;\n  reg b;\n"),
        ("module m;\n  reg a;\n  reg b, a;\nendmodule\n", "  reg a;\n  reg b;\n"),
    ],
)
def test_a_second_declaration_is_removed(text, expected):
    assert expected in mended(text, "duplicate")


M = "module m(output [3:0] y);\n  assign y = `WIDTH;\nendmodule\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '`include "sizes.vh"\n'),
        ("// Licence.\n\n// A module.\n", '// Licence.\n\n`include "sizes.vh"\n// A module.\n'),
        ('`include "a.vh"\n`default_nettype none\n', None),
    ],
)
def test_a_macro_of_another_file_is_included(before, after):
    text = before + M
    wrong = [one for one in problems(M) if one.code == "undefined-macro"]
    rows = before.count("\n")
    for place in (wrong[0].range.start, wrong[0].range.end):
        place.line += rows
    (fix,) = offered(text, wrong)
    assert fix.title == "Include sizes.vh"
    expected = after or '`include "a.vh"\n`include "sizes.vh"\n`default_nettype none\n'
    assert applied(text, fix.edits) == expected + M


def test_a_macro_that_no_header_has_is_not_included():
    text = M.replace("WIDTH", "DEPTH")
    assert offered(text, [one for one in problems(text) if one.code == "undefined-macro"]) == []
