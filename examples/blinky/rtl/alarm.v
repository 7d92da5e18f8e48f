// Raises `alarm` once the button has been pressed more than `threshold` times, until reset.
// This file has an error on purpose: one name is misspelt.
module alarm (
    input       clk,
    input       rst,
    input       sample,
    input       button,
    input [7:0] threshold,
    output reg  alarm
);

    wire       pressed;
    wire [7:0] presses;

    debouncer button_debouncer (
        .clk(clk),
        .rst(rst),
        .sample(sample),
        .button(button),
        .pressed(pressed)
    );

    counter #(.WIDTH(8)) press_counter (
        .clk(clk),
        .rst(rst),
        .enable(pressed),
        .count(presses),
        .wrap()
    );

    always @(posedge clk) begin
        if (rst)
            alarm <= 1'b0;
        else if (presses > treshold)
            alarm <= 1'b1;
    end

endmodule
