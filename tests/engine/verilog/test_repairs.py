"""Repairs that need no message of a compiler; the others are tested as quick fixes."""

import pytest

from engine.verilog.repairs import outputs_as_variables


def test_outputs_that_a_process_assigns_become_variables():
    text = """module a (
    input clk,
    output [3:0] q,
    output z, y,
    output wire w
);
    assign z = q == 0;
    always @(posedge clk) begin
        q <= q + 1;
        y <= 0;
        w <= 1;
    end
endmodule
module b (output o); always @* o = 1; endmodule
"""
    assert outputs_as_variables(text) == (
        text.replace("output [3:0] q", "output reg [3:0] q")
        .replace("output z, y", "output z, output reg y")
        .replace("output wire w", "output reg w")
        .replace("output o", "output reg o")
    )


def test_outputs_assigned_together_become_variables():
    text = "module a (output [3:0] sum, output c); always @* {c, sum[3:0]} = x + y; endmodule"
    made = text.replace("output", "output reg")
    assert outputs_as_variables(text) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage ;;; (",
        "module a (output q); assign q = 1; endmodule",
        "module a (output reg q); always @* q = 1; endmodule",
        "module a (output logic q); always_comb q = 1; endmodule",
        "module a (q); output q; reg q; always @* q = 1; endmodule",
        "module a (output q); reg r; always @* r = q == 1; assign q = r; endmodule",
        "module a (input q); always @* q = 1; endmodule",
        "module a (output [3:0] q); reg r; assign q = 1; always @* if (q <= 9) r = m[q]; endmodule",
    ],
)
def test_what_needs_no_mending_is_left_alone(text):
    assert outputs_as_variables(text) == text
