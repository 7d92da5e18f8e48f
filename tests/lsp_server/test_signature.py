"""The list that the cursor, drawn as |, is in, with the element it is at in brackets."""

from __future__ import annotations

import pytest
from drawn import opened

from lsp_server.signature import signature

LIBRARY = {
    "counter.v": "// Counts.\nmodule counter #(parameter W = 8, localparam T = W) "
    "(input clk, en, output [W-1:0] q);\nendmodule\n",
}
PORTS = "counter (input clk, input en, output [W-1:0] q)"


def helped(text: str) -> str | None:
    found = signature(*opened({"top.v": text, **LIBRARY}))
    if found is None:
        return None
    if found.active is None:
        return found.label
    start, end = found.parts[found.active]
    return f"{found.label[:start]}[{found.label[start:end]}]{found.label[end:]}"


@pytest.mark.parametrize(
    ("connections", "active"),
    [
        ("|", "input clk"),
        ("a|", "input clk"),
        ("a, |", "input en"),
        ("a, f(b, c), |", "output [W-1:0] q"),
        ("{a, b}, x[1:0]|", "input en"),
        ("a, b, c, |", None),
        (".q(|", "output [W-1:0] q"),
        (".q(x|), .clk(y)", "output [W-1:0] q"),
        (".q(x), .clk(y + |", "input clk"),
        (".q(x),\n    .clk(y),\n    |", "input en"),
        (".clk(x), .|", "input en"),
    ],
)
def test_ports_by_position_and_by_name(connections, active):
    expected = PORTS.replace(active, f"[{active}]") if active else PORTS
    for rest in (");\nendmodule\n", "\nendmodule\n", ""):
        assert helped(f"module top;\n  counter #(4) u0 ({connections}{rest}") == expected


def test_of_any_instance_in_a_statement():
    assert helped("module m; counter u0 (a), u1 (|); endmodule") is not None
    assert helped("module m; counter u [3:0] (|); endmodule") is not None


def test_parameters():
    assert helped("module m; counter #(|) u0 (); endmodule") == "counter #([parameter W = 8])"
    assert helped("module m; counter #(.W(|)) u0 (); endmodule") == "counter #([parameter W = 8])"


def test_arguments_of_functions_and_tasks():
    text = "module m; function f; input a, b; f = a; endfunction\nassign x = f(1, |); endmodule"
    assert helped(text) == "f (input a, [input b])"


def test_the_comment_of_the_module_comes_along():
    assert (
        signature(*opened({"t.v": "module m; counter u0 (|", **LIBRARY})).documentation == "Counts."
    )


@pytest.mark.parametrize(
    "text",
    [
        "module m(|); endmodule",
        "module m; assign x = (|); endmodule",
        "module m; unknown u0 (|); endmodule",
        "module m; counter u0 (); |\nendmodule",
        "counter u0 (a); initial begin $display(|); end",
    ],
)
def test_nothing_elsewhere(text):
    assert helped(text) is None
