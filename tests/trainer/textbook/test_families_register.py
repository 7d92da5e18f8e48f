"""How the next value of a register, given as arms, becomes text; and words around it."""

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing, nth
from trainer.textbook.families._register import both, chosen, gated, move, moved, register
from trainer.textbook.families._timing import Size
from trainer.textbook.problem import Clocking, Reset


def test_the_first_true_arm_counts_and_none_keeps_the_value():
    assert chosen([("load", "d"), ("count != 9", "count + 1")], "count") == (
        "load ? d : (count != 9) ? count + 1 : count"
    )


def test_arms_within_an_arm_keep_the_value_too():
    assert chosen([("en", (("full", "0"),))], "q") == "en ? (full ? 0 : q) : q"


def test_a_gate_changes_no_next_value_while_it_is_closed():
    for seed in range(30):
        arms = gated(Draw(str(seed)), "en", [("a", "1"), ("", "2")])
        assert all(condition.startswith("en") for condition, _ in arms)
    assert gated(Draw("0"), "", [("a", "1")]) == [("a", "1")]


def test_conditions_are_joined_with_parentheses_where_needed():
    assert both("en", "", "q == 9") == "en && (q == 9)"
    assert both("", "q == 9") == "q == 9"


def test_every_style_resets_the_register_and_tells_whether_the_output_is_a_reg():
    clocking = Clocking("clk", "posedge", Reset("rst_n", active_low=True, asynchronous=True))
    seen = set()
    for seed in range(60):
        code, is_reg = register(
            Draw(str(seed)), clocking, "q", Size(8), lambda own: [("en", f"{own} + 1")], "8'd0"
        )
        text = "\n".join(code)
        assert "posedge clk or negedge rst_n" in text
        assert "<= 8'd0;" in text
        assert ("assign q = " in text) == (not is_reg)
        seen.add((is_reg, "next" in text or "nxt" in text))
    assert seen == {(True, False), (True, True), (False, False)}


def test_shifting_as_text_and_as_a_number_agree():
    assert moved("q", Size(4), True, "x") == "{q[2:0], x}"
    assert move(0b1011, Size(4), True, 1) == 0b0111
    assert moved("q", Size(2), False, "x") == "{x, q[1]}"
    assert move(0b10, Size(2), False, 1) == 0b11
    assert moved("q", Size(4, "WIDTH"), False, "x") == "{x, q[WIDTH-1:1]}"


def test_lists_and_ordinals_are_english():
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert [nth(n) for n in (1, 2, 3, 4, 11, 12, 21, 112)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "21st",
        "112th",
    ]
