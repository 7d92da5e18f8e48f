"""What an editor shows of the name at the cursor, drawn as |."""

from __future__ import annotations

from drawn import opened

from lsp_server.hover import hover

COUNTER = """\
// ----------------
// Counts.
//   Wraps around.
module counter #(
  parameter WIDTH = 8 // bits
) (
  input clk, // rising edge
  output reg [WIDTH-1:0] q
);
  wire [3:0] low = 4'd3, high; /* halves */
  /* What
   * it does. */
  function [3:0] f; input a; f = a; endfunction

  // not this one

  reg plain;
endmodule
"""


def shown(text: str, **others: str) -> str | None:
    found = hover(*opened({"top.v": text, "counter.v": COUNTER, **others}))
    return found and found[0]


def code(*lines: str) -> str:
    return "```systemverilog\n" + "\n".join(lines) + "\n```"


def within(drawn: str) -> str:
    """The hover on a place of the counter itself."""
    return shown("", **{"counter.v": drawn})


def test_a_port_with_the_comment_beside_it():
    text = shown("module top; counter u0 (.c|lk(x)); endmodule")
    assert text == f"{code('input clk')}\n\nrising edge\n\nmodule `counter`, `counter.v`"
    assert "bits" in shown("module top; counter #(.WI|DTH(1)) u0 (); endmodule")
    assert "parameter WIDTH = 8" in shown("module top; counter #(.WI|DTH(1)) u0 (); endmodule")


def test_a_module_with_its_header_and_the_comment_above_it():
    text = shown("module top; co|unter u0 (); endmodule")
    header = COUNTER[COUNTER.index("module") : COUNTER.index(");") + 2]
    assert text == f"{code(*header.splitlines())}\n\nCounts.\n  Wraps around.\n\n`counter.v`"


def test_an_instance_with_its_module():
    text = shown("module top;\n  // the first\n  counter u|0 (.clk(c));\nendmodule")
    assert text.startswith(
        f"{code('counter u0 (.clk(c))')}\n\nthe first\n\n{code('module counter #(')[:-4]}"
    )


def test_each_of_several_names_with_its_own_declaration():
    drawn = COUNTER.replace("high", "hi|gh")
    assert within(drawn) == f"{code('wire [3:0] high')}\n\nhalves\n\nmodule `counter`"
    assert "wire [3:0] low = 4'd3" in within(COUNTER.replace("low", "lo|w"))


def test_a_function_with_a_block_comment():
    text = within(COUNTER.replace("f = a", "f| = a"))
    assert text == f"{code('function [3:0] f')}\n\nWhat\nit does.\n\nmodule `counter`"


def test_a_comment_that_stands_apart_is_not_shown():
    assert within(COUNTER.replace("plain", "pl|ain")) == f"{code('reg plain')}\n\nmodule `counter`"


def test_an_old_port_with_both_declarations():
    text = shown("module m(q);\n  output q;\n  reg q;\n  assign x = |q;\nendmodule")
    assert text == f"{code('output q', 'reg q')}\n\nmodule `m`"


def test_macros_types_and_includes():
    assert shown("`define W 8 // wide\nwire [`|W:0] x;").startswith(code("`define W 8 // wide"))
    struct = "typedef struct {\n  logic a;\n} pair;"
    assert shown(f"module m; {struct}\n  pa|ir p; endmodule").startswith(code(*struct.splitlines()))
    assert shown('`include "coun|ter.v"') == "`/project/counter.v`"


def test_nothing_to_show():
    assert shown("module m; // co|unter\nendmodule") is None
    assert shown("|") is None
