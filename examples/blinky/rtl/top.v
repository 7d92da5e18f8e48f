// A push button steps the LED through eight levels of brightness.
`include "../include/config.vh"

module top (
    input  clk,
    input  rst,
    input  button,
    output led
);

    wire       sample;
    wire       pressed;
    wire [2:0] level;

    // Sampling the button a hundred times a second is slower than it bounces.
    counter #(
        .WIDTH(24),
        .LIMIT(`CLOCK_HZ / `DEBOUNCE_HZ)
    ) sample_timer (
        .clk(clk),
        .rst(rst),
        .enable(1'b1),
        .count(),
        .wrap(sample)
    );

    debouncer button_debouncer (
        .clk(clk),
        .rst(rst),
        .sample(sample),
        .button(button),
        .pressed(pressed)
    );

    counter #(.WIDTH(3)) level_counter (
        .clk(clk),
        .rst(rst),
        .enable(pressed),
        .count(level),
        .wrap()
    );

    pwm #(.WIDTH(`PWM_BITS)) dimmer (
        .clk(clk),
        .rst(rst),
        .duty({level, {(`PWM_BITS - 3){1'b0}}}),
        .out(led)
    );

endmodule
