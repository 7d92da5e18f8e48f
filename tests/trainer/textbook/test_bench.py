"""A bench passes its reference and fails everything that behaves otherwise."""

from __future__ import annotations

import pytest

from trainer.textbook import verify
from trainer.textbook.bench import bench
from trainer.textbook.problem import Behaviour, Clocking, Port, Problem, Reset

PORTS = [
    Port("clk", "input"),
    Port("rst_n", "input"),
    Port("en", "input"),
    Port("q", "output", 2, reg=True),
]
COUNTER = Problem(
    name="counter",
    ports=PORTS,
    body=[],
    phrases=["2-bit counter"],
    facts=[],
    clocking=Clocking("clk", "posedge", Reset("rst_n", active_low=True, asynchronous=True)),
    behaviour=Behaviour(
        start=0, step=lambda s, v: (s + v["en"]) % 4, outputs=lambda s, v: {"q": s}
    ),
)
HEADER = "module counter(input clk, input rst_n, input en, output reg [1:0] q);\n"


def passes(problem: Problem, text: str) -> bool:
    trial = verify.Trial(text, bench(problem, "seed", "testbench_0", "testbench_0"), "testbench_0")
    return verify.passing([trial]) == [True]


def counter(sensitivity: str, run: str) -> str:
    return f"{HEADER}always @({sensitivity})\n  if (!rst_n) q <= 0;\n  else {run}\nendmodule\n"


def test_the_reference_passes() -> None:
    assert passes(COUNTER, counter("posedge clk or negedge rst_n", "if (en) q <= q + 1;"))


@pytest.mark.parametrize(
    ("sensitivity", "run"),
    [
        ("posedge clk", "if (en) q <= q + 1;"),  # the reset waits for the clock
        ("negedge clk or negedge rst_n", "if (en) q <= q + 1;"),  # the wrong edge
        ("posedge clk or negedge rst_n", "q <= q + 1;"),  # no enable
        ("posedge clk or negedge rst_n", "if (en) q <= q - 1;"),
        ("posedge clk or negedge rst_n", "if (en) q <= q + 1; else q <= 2'bx;"),
    ],
)
def test_a_wrong_module_fails(sensitivity: str, run: str) -> None:
    assert not passes(COUNTER, counter(sensitivity, run))


def test_an_output_left_open_is_not_compared() -> None:
    """Without a reset nothing is known of a register before its first load."""
    register = Problem(
        name="keep",
        ports=[Port("clk", "input"), Port("d", "input", 4), Port("q", "output", 4, reg=True)],
        body=[],
        phrases=["register"],
        facts=[],
        clocking=Clocking(),
        behaviour=Behaviour(start=None, step=lambda s, v: v["d"], outputs=lambda s, v: {"q": s}),
    )
    text = "module keep(input clk, input [3:0] d, output reg [3:0] q);\n"
    assert passes(register, text + "always @(posedge clk) q <= d;\nendmodule\n")
    assert not passes(register, text + "always @(posedge clk) q <= ~d;\nendmodule\n")


def test_few_inputs_are_tried_in_all_combinations() -> None:
    wide_and = Problem(
        name="all_ones",
        ports=[Port("a", "input", 6), Port("y", "output")],
        body=[],
        phrases=["6-input AND"],
        facts=[],
        behaviour=Behaviour(outputs=lambda s, v: {"y": int(v["a"] == 63)}),
    )
    text = bench(wide_and, "seed")
    assert text.count("tb_expect(") - 1 == 64  # one is the task's own
    assert passes(wide_and, "module all_ones(input [5:0] a, output y); assign y = &a; endmodule\n")
    assert not passes(
        wide_and, "module all_ones(input [5:0] a, output y); assign y = a >= 62; endmodule\n"
    )


def test_the_verdict_carries_the_nonce_of_the_command_line() -> None:
    assert '$value$plusargs("nonce=%s", tb_nonce)' in bench(COUNTER, "seed")
    assert "VERDICT %0s %0d %0d" in bench(COUNTER, "seed")
