// Small modules around the design; some are still to be written. Put the cursor on a comment that
// describes a missing one and choose "Verifrag: generate module from comment".

// High for one clock cycle after each rising edge of `in`.
module rising_edge (
    input  clk,
    input  in,
    output pulse
);

    reg previous;

    always @(posedge clk) begin
        previous <= in;
    end

    assign pulse = in && !previous;

endmodule

// A 4-bit counter with synchronous reset and enable.
