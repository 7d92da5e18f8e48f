// Counts enabled clock cycles from 0 to LIMIT - 1 and starts again.
// `wrap` is high in the cycle before the count returns to 0.
module counter #(
    parameter WIDTH = 8,
    parameter LIMIT = 1 << WIDTH
) (
    input                  clk,
    input                  rst,
    input                  enable,
    output reg [WIDTH-1:0] count,
    output                 wrap
);

    assign wrap = enable && (count == LIMIT - 1);

    always @(posedge clk) begin
        if (rst)
            count <= 0;
        else if (wrap)
            count <= 0;
        else if (enable)
            count <= count + 1;
    end

endmodule
