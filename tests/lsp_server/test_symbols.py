"""The tree of a document's symbols, and the search in those of the workspace."""

from __future__ import annotations

from drawn import opened

from engine.verilog.source import Source
from lsp_server.positions import LineIndex
from lsp_server.symbols import document_symbols, matching

DESIGN = """\
`define DEPTH 4
module fsm #(parameter W = 8) (input clk, output reg [W-1:0] q);
  localparam IDLE = 0, RUN = 1;
  always @(posedge clk) begin : step
    reg [1:0] state;
    if (q) begin q <= 0; end
  end
  always @* begin reg loose; end
  generate if (W > 4) begin : wide wire w; end endgenerate
  counter u0 (.clk(clk));
  function f; input a; f = a; endfunction
endmodule
package p; typedef enum {A, B} e; endpackage
"""


def drawn(symbols, depth=0):
    """One line a symbol: its kind, its name and its detail, indented."""
    for one in symbols:
        line = f"{one.kind.name} {one.name}" + (f": {one.detail}" if one.detail else "")
        yield "  " * depth + line
        yield from drawn(one.children, depth + 1)


def tree(text):
    return list(drawn(document_symbols(Source(text), LineIndex(text))))


def test_the_tree_of_a_design():
    assert tree(DESIGN) == [
        "Constant DEPTH",
        "Module fsm: module fsm #(parameter W = 8) (input clk, output reg [W-1:0] q);",
        "  Constant W: parameter W = 8",
        "  Property clk: input clk",
        "  Property q: output reg [W-1:0] q",
        "  Constant IDLE: localparam IDLE = 0",
        "  Constant RUN: localparam RUN = 1",
        "  Event step: always @(posedge clk)",
        "    Variable state: reg [1:0] state",
        "  Event always @*",
        "    Variable loose: reg loose",
        "  Namespace wide",
        "    Variable w: wire w",
        "  Object u0: counter u0 (.clk(clk))",
        "  Function f: function f",
        "    Variable a: input a",
        "Package p: package p;",
        "  EnumMember A: A",
        "  EnumMember B: B",
        "  Struct e: typedef enum {A, B} e;",
    ]


def test_the_name_lies_within_the_whole():
    """Editors refuse a tree where it does not."""

    def check(symbols):
        for one in symbols:
            name, whole = one.selection_range, one.range
            assert whole.start <= name.start and name.end <= whole.end, one
            check(one.children)

    broken = DESIGN.replace("endmodule", "").replace("reg loose;", "reg loose; (")
    old = "module m(a, b);\n  output a;\n  reg a;\n  input b;\nendmodule\n"
    for text in (
        DESIGN,
        broken,
        old,
        "`define D wire x;\nmodule m; `D endmodule",
        "// é\n" + DESIGN,
    ):
        check(document_symbols(Source(text), LineIndex(text)))


def test_broken_text_keeps_its_symbols():
    text = DESIGN.replace("if (q) begin", "if (q begin").replace("counter u0 (", "counter u0 ((")
    names = {line.split()[1].rstrip(":") for line in tree(text)}
    assert {"fsm", "W", "clk", "IDLE", "step", "state"} <= names


def test_the_workspace_is_searched_by_letters():
    index, *_ = opened({"d.v": DESIGN + "|", "c.v": "module counter; endmodule\n"})
    found = [(one.name, one.container) for _, one in matching("", index.symbols())]
    assert sorted(found) == [
        ("A", "p"), ("B", "p"), ("DEPTH", ""), ("counter", ""), ("e", "p"), ("f", "fsm"),
        ("fsm", ""), ("p", ""),
    ]  # fmt: skip
    assert [one.name for _, one in matching("FS", index.symbols())] == ["fsm"]
    assert [one.name for _, one in matching("ctr", index.symbols())] == ["counter"]
    assert matching("*[", index.symbols()) == []


def test_equal_names_come_first():
    text = "module a_fifo_b; endmodule module fifo_x; endmodule module fifo; endmodule"
    index, *_ = opened({"d.v": text + "|"})
    names = [one.name for _, one in matching("fifo", index.symbols())]
    assert names == ["fifo", "fifo_x", "a_fifo_b"]
