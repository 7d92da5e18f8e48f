// Pulse-width modulator: `out` is high for `duty` of every 2**WIDTH clock cycles.
module pwm #(
    parameter WIDTH = 8
) (
    input              clk,
    input              rst,
    input  [WIDTH-1:0] duty,
    output reg         out
);

    wire [WIDTH-1:0] phase;

    counter #(.WIDTH(WIDTH)) phase_counter (
        .clk(clk),
        .rst(rst),
        .enable(1'b1),
        .count(phase),
        .wrap()
    );

    always @(posedge clk) begin
        if (rst)
            out <= 1'b0;
        else
            out <= (phase < duty);
    end

endmodule
