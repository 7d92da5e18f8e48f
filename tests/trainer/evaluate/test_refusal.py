"""What a candidate may not use; the texts are what Icarus' preprocessor leaves, or directives before it."""

import pytest

from trainer.evaluate.refusal import after_preprocessing, before_preprocessing

BENCH = """
`define OK 12
module tb;
    integer errors;
    reg [3:0] a;
    wire [3:0] y;
    invert dut (.a(a), .y(y));
    task check; input [3:0] wanted; if (y !== wanted) errors = errors + 1; endtask
    function signed [$clog2(9)-1:0] expected(input [3:0] a); expected = ~a; endfunction
endmodule
"""


def module(body, ports="input [3:0] a, output [3:0] y"):
    return f"module invert({ports});\n{body}\nendmodule\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("initial $finish;", "$finish"),
        ('initial $fopen("simulation");', "$fopen"),
        ('reg [7:0] m [0:9]; initial $readmemh("simulation", m);', "$readmemh"),
        ('reg s; initial s = $value$plusargs("nonce=%s", s);', "$value$plusargs"),
        ("assign y = $random;", "$random"),
        ("initial $root.tb.errors = 0;", "$root"),
        ("initial tb.errors = 0;", "hierarchical name into the bench: tb"),
        ("initial \\tb .errors = 0;", "hierarchical name into the bench: tb"),
        ("initial force tb.dut.y = 0;", "hierarchical name into the bench: dut"),
        ("initial dut[0][1].y = 0;", "hierarchical name into the bench: dut"),
        ("initial disable check;", "hierarchical name into the bench: check"),
        ("initial check(0);", "subroutine of the bench: check"),
        ("assign y = expected(a);", "subroutine of the bench: expected"),
        ("endmodule\nmodule tb;", "module of the bench: tb"),
        ("endmodule\nprimitive tb(y, a);", "module of the bench: tb"),
    ],
)
def test_what_is_refused(body, reason):
    assert after_preprocessing(module(body), BENCH) == reason


@pytest.mark.parametrize(
    "body",
    [
        "assign y = ~a;",
        "wire signed [3:0] s = $signed(a); assign y = $unsigned(s) >> $clog2(16);",
        'initial $display("tb.errors, $finish"); // $finish; tb.errors = 0;',
        "bits b [3:0] (.a(a), .y(y)); inner i (.errors(a), .tb(y));",
        "genvar i; for (i = 0; i < 4; i = i + 1) begin : g wire w = ~a[i]; end assign y[0] = g[0].w;",
        "wire [3:0] errors = ~a; assign y = errors;",
        "function [3:0] expected(input [3:0] a); expected = ~a; endfunction assign y = expected(a);",
        "assign y = 1.5 + 2.0e3;",
        'initial $display("\\xff é"); // é',
    ],
)
def test_what_is_not(body):
    assert after_preprocessing(module(body), BENCH) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('`include "bench.v"\n', "`include"),
        ("`undefineall\n", "`undefineall"),
        ("`define OK 0\n", "macro of the bench: OK"),
        ("`undef OK\n", "macro of the bench: OK"),
        ("`ifdef OK\nassign y = 0;\n`endif\n", "macro of the bench: OK"),
        ("assign y = `OK;", "macro of the bench: OK"),
        ("`timescale 1ns/1ps\n`default_nettype none\n`define WIDTH 4\n", None),
        ("`ifdef SIMULATION\n`else\n`endif\n", None),
        ('// `include "bench.v"\n', None),
    ],
)
def test_directives(text, reason):
    assert before_preprocessing(text, BENCH) == reason
