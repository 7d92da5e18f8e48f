"""Verdicts on an inverter: what is right passes, what is wrong does not, whatever it says of itself."""

from dataclasses import replace

import pytest

from trainer.evaluate.verdict import NONCE, Bench, Verdict, judge

TEXT = f"""
`timescale 1ns/1ps
`define SMALL 4
module tb;
    integer errors = 0, i;
    reg [3:0] a;
    wire [3:0] y;
    invert dut (.a(a), .y(y));
    function [3:0] expected(input [3:0] a); expected = ~a; endfunction
    initial begin
        for (i = 0; i < `SMALL; i = i + 1) begin
            a = i; #1;
            if (y !== expected(a)) errors = errors + 1;
        end
        if (errors == 0) $display("{NONCE} all is well");
        else $display("%0d errors", errors);
    end
endmodule
"""
BENCH = Bench(TEXT, rf"{NONCE} all is well\s*\Z", seconds=1)
RIGHT = "module invert(input [3:0] a, output [3:0] y);\n  assign y = ~a;\nendmodule\n"
WRONG = RIGHT.replace("~a", "a")


def with_body(body):
    return RIGHT.replace("assign y = ~a;", body)


def test_a_right_module_passes():
    assert judge(RIGHT, BENCH) == Verdict(True, True, "passed")


def test_a_wrong_one_does_not_and_the_bench_says_why():
    assert judge(WRONG, BENCH) == Verdict(True, False, "mismatch", "4 errors")


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (RIGHT.replace("endmodule", ""), "unfinished"),
        (RIGHT.replace(";", ""), "syntax"),
        (RIGHT.replace("invert", "inverter"), "elaboration"),
        (RIGHT.replace("~a", "~b"), "elaboration"),
        (RIGHT + RIGHT.replace("invert", "tb"), "syntax"),
        ('`include "/etc/passwd"\n' + RIGHT, "syntax"),
    ],
)
def test_what_does_not_compile(candidate, reason):
    verdict = judge(candidate, BENCH)
    assert (verdict.syntax, verdict.function, verdict.reason) == (False, False, reason)
    assert verdict.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("initial #100 $finish;", "$finish"),
        ("initial begin #2 tb.errors = 0; end", "hierarchical name into the bench: tb"),
        ("assign y = expected(a);", "subroutine of the bench: expected"),
        ("`define QUIT $finish\n initial `QUIT;", "$finish"),
        ("`define UP tb\n initial `UP.errors = 0;", "hierarchical name into the bench: tb"),
        (
            "`define AT(x, y) x.y\n initial `AT(tb, errors) = 0;",
            "hierarchical name into the bench: tb",
        ),
        ("`define SMALL 0", "macro of the bench: SMALL"),
    ],
)
def test_what_could_speak_for_itself_is_not_run(body, detail):
    assert judge(with_body(body), BENCH) == Verdict(True, False, "refused", detail)


def test_its_own_word_counts_for_nothing():
    claims = with_body('assign y = a; initial #50 $display("all is well");')
    assert judge(claims, BENCH) == Verdict(True, False, "mismatch", "all is well")


def test_macros_of_its_own_are_welcome():
    own = "`define NOT(x) ~x\n" + RIGHT.replace("~a", "`NOT(a)")
    assert judge(own, BENCH).function


def test_an_endless_loop_is_a_timeout():
    loops = with_body("assign y = ~a; reg r; initial forever r = 0;")
    assert judge(loops, BENCH) == Verdict(True, False, "timeout", "simulation")


def test_a_flood_is_told():
    floods = with_body('assign y = ~a; initial forever $display("%100000d", a);')
    verdict = judge(floods, replace(BENCH, seconds=20))
    assert verdict == Verdict(True, False, "crash", "too much output")


def test_where_silence_is_asked_for_a_warning_fails():
    warned = RIGHT.replace("endmodule", "  wire [3:0] z; invert2 i (z);\nendmodule") + (
        "module invert2(input [7:0] a);\nendmodule\n"
    )
    assert judge(warned, BENCH).function
    verdict = judge(warned, replace(BENCH, flags=("-g2012", "-Wall"), silent=True))
    assert (verdict.syntax, verdict.reason) == (False, "warning")


def test_a_bench_that_prints_the_nonce_by_itself():
    """The textbook's kind: the secret comes on the command line."""
    text = TEXT.replace(
        f'$display("{NONCE} all is well");',
        'begin if ($value$plusargs("nonce=%s", nonce)) $display("VERDICT %0s 0 4", nonce); end',
    ).replace("reg [3:0] a;", "reg [3:0] a; reg [8*32-1:0] nonce;")
    bench = Bench(text, rf"^VERDICT {NONCE} 0 [1-9]\d*\s*\Z")
    assert judge(RIGHT, bench).function
    assert not judge(
        with_body('assign y = a; initial #99 $display("VERDICT 0 4");'), bench
    ).function
