"""Tokens and lists, on text as it stands in an editor."""

from __future__ import annotations

import pytest

from engine.verilog.tokens import comments, lists, tokens


def spelled(text):
    return [f"{token.kind} {token.text}" for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wire a_1$; // no\n/* no */", ["keyword wire", "name a_1$", "mark ;"]),
        ("4'hFF + 'b01x W'd3", ["number 4'hFF", "mark +", "number 'b01x", "name W", "number 'd3"]),
        ("`W `define A(x) b \\\n c\nd", ["macro W", "define A", "name d"]),
        ('"a // \\" b" $display', ['string a // \\" b', "system $display"]),
        ("\\a+b c::d", ["name a+b", "name c", "mark ::", "name d"]),
        ("/* open", []),
        ("'{a: 1}", ["mark '", "mark {", "name a", "mark :", "number 1", "mark }"]),
    ],
)
def test_tokens(text, expected):
    assert spelled(text) == expected


def test_places_are_those_of_the_text():
    text = 'é `W /* 中 */ \\x+ 😀 "s" `define D 1'
    for token in tokens(text):
        assert token.text in text[token.start : token.end]
    assert [text[slice(*one)] for one in comments(text)] == ["/* 中 */"]


def drawn(text):
    return [
        f"{one.kind} {one.owner.text} ({text[one.start : one.end]})"
        for one in lists(tokens(text), len(text))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sub u0 (a, b);", ["ports sub (a, b)"]),
        ("sub #(4) u0 (a), u1 (b);", ["parameters sub (4)", "ports sub (a)", "ports sub (b)"]),
        ("sub u0 [3:0] (.a(f(x)));", ["ports sub (.a(f(x)))", "call f (x)"]),
        ("module m #(W) (a); endmodule", []),
        ("if (a) for (;;) x = (b);", []),
        ("sub u0 (.a(x), .", ["ports sub (.a(x), .)"]),
        ("sub u0 (.a(x)\nassign y = f(2);", ["ports sub (.a(x)\n)", "call f (2)"]),
        ("sub u0 (a; sub u1 (b);", ["ports sub (a)", "ports sub (b)"]),
        (")]} sub u0 (a]);", ["ports sub (a])"]),
    ],
)
def test_lists(text, expected):
    assert drawn(text) == expected


def test_elements_of_a_list():
    text = "sub u0 (.a(x), b, .c({d, e}), .*);"
    (one,) = lists(tokens(text), len(text))
    assert [name.text for name in one.names] == ["a", "c"]
    assert [one.position(text.index(part)) for part in ("x", "b, ", "d", "*")] == [0, 1, 2, 3]
    assert one.name(text.index("d")).text == "c"
    assert one.name(text.index("b, ") + 1) is None
    assert one.everything
