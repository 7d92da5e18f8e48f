"""Names in ghost text that nobody has declared; | is the cursor."""

from __future__ import annotations

import pytest

from lsp_server.inline import Place, new_names

MODULE = "module m(input clk, output reg [7:0] count);\n  |\nendmodule\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("count <= count + 1;", set()),
        ("count <= total;", {"total"}),
        ("wire [7:0] total = count;\n  assign y = total;", {"y"}),
        ("inv u_inv (.a(clk), .y(count));", set()),
        ("unknown u (.a(clk));", {"unknown"}),
        ("always @(posedge clk) begin : step\n count <= 8'hff; end", set()),
        ("// the total\n  count <= 0;", set()),
        ('$display("total");', set()),
        ("count <= `TOTAL;", set()),
    ],
)
def test_new_names(text, names):
    prefix, suffix = MODULE.split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert new_names(at, text, {"inv"}.__contains__) == names


def test_half_a_name_counts_with_what_completes_it():
    prefix, suffix = MODULE.replace("|", "cou|").split("|")
    at = Place(prefix, suffix, len(prefix), len(prefix))
    assert new_names(at, "nt <= 0;", lambda name: False) == set()
    assert new_names(at, "sin <= 0;", lambda name: False) == {"cousin"}
