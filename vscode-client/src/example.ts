// A small file to try things on, for the walkthrough.

import { Position, Selection, window, workspace } from 'vscode';

const TEXT = `// A counter that wraps at LIMIT and pulses done for one clock.
module counter #(
    parameter LIMIT = 10
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       enable,
    output reg  [7:0] count,
    output wire       done
);
    assign done =

    always @(posedge clk) begin

    end
endmodule
`;
const CURSOR = new Position(10, 17);

/** Open the example with the cursor where ghost text appears. */
export async function openExample(): Promise<void> {
    const document = await workspace.openTextDocument({ language: 'verilog', content: TEXT });
    const editor = await window.showTextDocument(document);
    editor.selection = new Selection(CURSOR, CURSOR);
}
