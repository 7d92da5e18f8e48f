"""Texts that the tests of the corpus share."""

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"
GPL = "GNU GENERAL PUBLIC LICENSE Version 3"
COUNTER = """// A counter that wraps at its parameter.
module counter #(parameter WIDTH = 8) (input clk, input rst, output reg [WIDTH-1:0] q);
  always @(posedge clk) if (rst) q <= 0; else q <= q + 1;
endmodule
"""
ADDER = """module full_adder (input a, input b, input cin, output sum, output cout);
  assign sum = a ^ b ^ cin;
  assign cout = (a & b) | (a & cin) | (b & cin);
endmodule
"""
SHIFTER = """module shifter (input logic clk, input logic d, output logic [7:0] q);
  always_ff @(posedge clk) q <= {q[6:0], d};
endmodule : shifter
"""
BENCH = """module counter_tb;
  reg clk; wire [7:0] q;
  counter dut(.clk(clk), .rst(1'b0), .q(q));
  initial begin clk = 0; #200 $finish; end
endmodule
"""
