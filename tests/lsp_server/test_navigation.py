"""What a name means and where it is used. | is the cursor, [] is what is found."""

from __future__ import annotations

import pytest
from drawn import FOLDER, bracketed, opened

from lsp_server import navigation

COUNTER = """\
module counter #(parameter WIDTH = 8) (input clk, output reg [WIDTH-1:0] q);
  reg busy;
  always @(posedge clk) q <= q + 1;
endmodule
"""
PACKAGE = """\
package types;
  typedef enum logic [1:0] {IDLE, RUN} state_t;
  typedef struct packed { logic [7:0] data; logic last; } beat_t;
  localparam LIMIT = 7;
  function automatic int twice(input int x); return 2 * x; endfunction
endpackage
"""
BUS = """\
interface bus(input clk);
  logic [7:0] data;
  modport slave(input data);
endinterface
"""
LIBRARY = {"counter.v": COUNTER, "types.sv": PACKAGE, "bus.sv": BUS}


def definition(text: str, **others: str) -> str | None:
    """Where the name at the cursor is declared."""
    index, path, offset = opened({"top.sv": text, **LIBRARY, **others})
    found = navigation.target_at(index, path, offset)
    if found is None:
        return None
    return bracketed(index, found.path, found.start, found.start + len(found.name))


def uses(files: dict[str, str]) -> list[str]:
    """Where the name at the cursor is used, in every file."""
    index, path, offset = opened(files)
    target = navigation.target_at(index, path, offset)
    found = [use for one in index.paths() for use in navigation.references(index, one, target)]
    return [bracketed(index, use.path, use.start, use.end) for use in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("module top; |counter u0 (); endmodule", "counter.v: module [counter] #("),
        ("module top; counter u0 (.c|lk(x)); endmodule", "WIDTH = 8) (input [clk], output"),
        ("module top; counter #(.W|IDTH(4)) u0 (); endmodule", "(parameter [WIDTH] = 8)"),
        ("module top; counter #(.WIDTH(4)) u0 (), u1 (.q|(x)); endmodule", "WIDTH-1:0] [q]);"),
        ("module top; counter u [3:0] (.|q(x)); endmodule", "WIDTH-1:0] [q]);"),
        ("module top; counter u0 (); initial $display(u0.bu|sy); endmodule", "reg [busy];"),
        ("module top; wire x = types::LI|MIT; endmodule", "localparam [LIMIT] = 7;"),
        ("module top; import types::*; wire x = LIMIT|; endmodule", "localparam [LIMIT] = 7;"),
        ("module top import types::RUN; (); wire x = R|UN; endmodule", "{IDLE, [RUN]} state_t;"),
        ("module top; types::beat_t b; wire x = b.la|st; endmodule", "logic [last]; } beat_t;"),
        ("module top; int x = types::twice(.x|(1)); endmodule", "twice(input int [x]); return"),
        ("module top(bus.sl|ave b); endmodule", "modport [slave](input data);"),
        ("module top(bus.slave b); wire x = b.d|ata; endmodule", "logic [7:0] [data];"),
        ("module top; bus b(clk); wire x = b.da|ta; endmodule", "logic [7:0] [data];"),
    ],
)
def test_definitions_in_other_files(text, found):
    assert found in definition(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("module a; wire x; endmodule\nmodule b; wire x;\nassign |x = 1; endmodule", "b; wire [x];"),
        ("module m; wire x; always @* begin : l\nreg x;\nx| = 1; end endmodule", "reg [x];"),
        ("module m; reg x;\nalways @* begin : l\nreg x; end\nassign y = x|; endmodule", "m; reg [x];"),
        ("module m; genvar i;\nfor (i=0;i<2;i=i+1) begin : g\nwire w;\nassign |w = 1; end\nendmodule",
         "wire [w];"),
        ("module m; for (genvar i=0;i<2;i++) begin : g\nwire w; end\nassign y = g[0].w|; endmodule",
         "wire [w]; end"),
        ("module m; function f;\ninput a;\nf = a|; endfunction endmodule", "input [a];"),
        ("module m; function f;\ninput a;\n|f = a; endfunction endmodule", "function [f];"),
        ("module m(a, b);\noutput a; input b;\nreg a;\nalways @* a| = b;\nendmodule", "output [a];"),
        ("module m;\nlocalparam IDLE = 0;\ncase (s) ID|LE: ; endcase endmodule", "[IDLE] = 0;"),
        ("module m; initial for (int j = 0; |j < 2; j++) ; endmodule", "int [j] = 0"),
        ("module m; wire \\a+b ;\nassign y = |\\a+b ; endmodule", "wire [\\a+b]" ),
    ],
)  # fmt: skip
def test_the_innermost_declaration_counts(text, found):
    if "\\" in found:
        found = found.replace("[\\a+b]", "[\\a+]b")  # the place begins at the backslash
    assert found in definition(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`define W 8\nmodule m; wire [`W|:0] x; endmodule", "`define [W] 8"),
        ("`define W 8\n`define W 9\nmodule m; wire [`|W:0] x; endmodule", "`define [W] 9"),
        ("`ifdef FA|ST\n`endif", "defs.vh: `define [FAST]"),
        ('`include "defs.vh"\nmodule m; wire [`DE|PTH-1:0] x; endmodule', "`define [DEPTH] 16"),
        ('module m;\n`include "defs.vh"\nwire x = BA|SE; endmodule', "localparam [BASE] = 4;"),
        ('`include "de|fs.vh"', "defs.vh: []`define FAST"),
    ],
)
def test_macros_and_included_files(text, found):
    defs = "`define FAST\n`define DEPTH 16\nlocalparam BASE = 4;\n"
    assert found in definition(text, **{"defs.vh": defs})


@pytest.mark.parametrize(
    "text",
    [
        "module top;\n  counter u0 (.clk(clk), .q|\nendmodule\n",
        "module top;\n  assign x = (;\n  counter u0 (.q|(y));\nendmodule\n",
        "module broken(input a\nmodule top;\n  counter u0 (.q|(y));\nendmodule\n",
    ],
)
def test_broken_text(text):
    assert "WIDTH-1:0] [q]);" in definition(text)


@pytest.mark.parametrize(
    "text",
    [
        "module m; // co|unter\nendmodule",
        'initial $display("coun|ter");',
        "|",
        "8'h|ff",
        "a.b.c|.d",
    ],
)
def test_what_means_nothing(text):
    assert definition(text) is None


def test_hostile_text_is_answered():
    for text in ("a." * 50_000 + "|b", "(" * 50_000 + "|x", "module m; " * 3000 + "|m", "\\|" * 99):
        definition(text)


def test_references_of_a_port_in_all_files():
    files = {
        "counter.v": COUNTER,
        "top.v": "module top(input clk);\n  counter u0 (.c|lk(clk));\n  counter u1 (.clk);\nendmodule",
        "other.v": "module other(input clk);\n  decoder u0 (.clk(clk));\nendmodule",
    }
    assert uses(files) == [
        "counter.v: module counter #(parameter WIDTH = 8) (input [clk], output reg [WIDTH-1:0] q);",
        "counter.v: always @(posedge [clk]) q <= q + 1;",
        "top.v: counter u0 (.[clk](clk));",
        "top.v: counter u1 (.[clk]);",
    ]


def test_references_of_a_signal_stay_in_its_scope():
    text = (
        "module a;\n  wire x;\n  assign |x = 1;\n  sub u0 (.x(x));\n  sub u1 (.x);\nendmodule\n"
        "module b;\n  wire x;\nendmodule\n// x\n"
    )
    assert uses({"m.v": text}) == [
        "m.v: wire [x];",
        "m.v: assign [x] = 1;",
        "m.v: sub u0 (.x([x]));",
        "m.v: sub u1 (.[x]);",
    ]


def test_references_of_modules_and_packages_and_macros():
    files = {**LIBRARY, "top.v": "module top;\n  |counter u0 ();\n  counter #(1) u1 ();\nendmodule"}
    assert len(uses(files)) == 3
    files = {**LIBRARY, "top.v": "import |types::*;\nmodule m; types::beat_t b; endmodule"}
    assert len(uses(files)) == 3
    files = {"a.v": "`define |W 8\n`ifdef W\nwire [`W:0] W;\n`endif", "b.v": "wire [`W:0] x;"}
    assert len(uses(files)) == 4


def test_an_unsaved_buffer_wins_over_the_disk(tmp_path):
    (tmp_path / "sub.v").write_text("module sub(input old); endmodule\n")
    index, path, _ = opened({"top.v": "module top; sub u0 (.fresh()); endmodule|"})
    index.scan([tmp_path])
    index.update(tmp_path / "sub.v", "module sub(input fresh); endmodule\n")
    offset = index.text(FOLDER / "top.v").index("fresh")
    assert navigation.target_at(index, path, offset).path == tmp_path / "sub.v"
    index.close(tmp_path / "sub.v")
    assert navigation.target_at(index, path, offset) is None


def test_included_files_are_found_in_the_folders_to_search(tmp_path):
    (tmp_path / "defs.vh").write_text("`define DEPTH 16\n")
    files = {"top.v": '`include "defs.vh"\nwire x = `DE|PTH;'}
    assert navigation.target_at(*opened(files)) is None
    index, path, offset = opened(files, include_dirs=[tmp_path])
    assert navigation.target_at(index, path, offset).path == tmp_path / "defs.vh"
