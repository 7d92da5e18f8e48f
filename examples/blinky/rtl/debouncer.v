// Gives one pulse of one clock cycle for each press of a bouncing push button.
// The button is sampled at every `sample` pulse; a press counts when four samples in a row are high.
module debouncer (
    input  clk,
    input  rst,
    input  sample,
    input  button,
    output pressed
);

    reg [1:0] sync;
    reg [3:0] history;
    reg       state;
    reg       previous_state;

    // Two registers bring the asynchronous button into this clock domain.
    always @(posedge clk) begin
        sync <= {sync[0], button};
    end

    always @(posedge clk) begin
        if (rst)
            history <= 4'b0000;
        else if (sample)
            history <= {history[2:0], sync[1]};
    end

    always @(posedge clk) begin
        if (rst) begin
            state <= 1'b0;
            previous_state <= 1'b0;
        end else begin
            if (history == 4'b1111)
                state <= 1'b1;
            else if (history == 4'b0000)
                state <= 1'b0;
            previous_state <= state;
        end
    end

    assign pressed = state && !previous_state;

endmodule
