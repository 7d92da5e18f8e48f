"""Descriptions told from the syntax tree."""

import pytest
from corpus_texts import ADDER, COUNTER, SHIFTER

from trainer.corpus.template import describe

MACHINE = """module lock (input clk, input rst_n, input signed [3:0] key, output reg open, inout [15:0] bus);
  localparam IDLE = 0, HALF = 1;
  reg state;
  reg [7:0] log [0:255];
  always @(posedge clk or negedge rst_n)
    if (!rst_n) state <= IDLE;
    else case (state)
      IDLE: if (key == 3) state <= HALF;
      HALF: open <= 1;
    endcase
  filter #(3) f (.x(key));
endmodule
"""


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (ADDER, "full_adder: combinational logic. Inputs: a, b, cin. Outputs: sum, cout."),
        (
            COUNTER,
            "counter: clocked on the rising edge of clk, synchronous active-high reset rst. "
            "Parameters: WIDTH = 8. Inputs: clk, rst. Outputs: q (WIDTH bits). "
            "Contains a counter q (up).",
        ),
        (
            SHIFTER,
            "shifter: clocked on the rising edge of clk. Inputs: clk, d. Outputs: q (8 bits). "
            "Contains a shift register q.",
        ),
        (
            MACHINE,
            "lock: clocked on the rising edge of clk, asynchronous active-low reset rst_n. "
            "Inputs: clk, rst_n, key (4 bits, signed). Outputs: open. Inouts: bus (16 bits). "
            "Contains a memory log of 256 entries of 8 bits, a state machine in state (IDLE, HALF), "
            "instances of filter.",
        ),
    ],
)
def test_a_module_in_words(text, description):
    assert describe(text) == description


def test_long_lists_are_cut_and_what_is_left_out_is_counted():
    ports = ", ".join(f"input p{number}" for number in range(30))
    assert "p23, and 6 more." in describe(f"module wide({ports}); endmodule")


def test_what_is_no_module_has_no_description():
    assert describe("not Verilog") == ""
