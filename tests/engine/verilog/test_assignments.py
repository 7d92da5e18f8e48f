"""What processes assign, and what only looks like it."""

import pytest

from engine.verilog.assignments import in_processes


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("q <= 1;", ["q"]),
        ("q = r == s;", ["q"]),
        ("if (q <= 9) r = 1;", ["r"]),
        ("m[i][2:0] <= 3;", ["m"]),
        ("{c, s[j]} = a + b;", ["c", "s"]),
        ("for (k = 0; k < 3; k = k + 1) z[k] += 1;", ["k", "k", "z"]),
        ("case (u) 0: v = 1; default: w = 2; endcase", ["v", "w"]),
        ("s.f <= 1;", []),
        ("begin end", []),
    ],
)
def test_names_on_the_left(statement, names):
    for head in ("always @*", "always_comb", "always @(posedge clk)", "initial"):
        text = f"module m; {head} {statement}\nendmodule"
        found = in_processes(text)
        assert [name for _, name in found] == names
        assert all(text.startswith(name, at) for at, name in found)


def test_continuous_assignments_are_no_process():
    assert in_processes("module m; assign y = a; wire z = b; endmodule") == []


def test_a_text_that_goes_on_has_what_stands_there():
    assert [name for _, name in in_processes("module m; always @(posedge c) begin q <= ")] == ["q"]
    assert in_processes("") == in_processes("garbage ;;; (") == []
    assert in_processes("begin " * 5000) == []
