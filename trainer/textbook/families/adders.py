"""Adders, from one bit to words that saturate."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, operands, pair, remark, size, together
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
    signed,
    unsigned,
)

_SUMS = ("sum", "sum", "s", "S", "y", "total", "result")

_CARRY_IN = ("cin", "cin", "c_in", "carry_in", "ci", "Cin")

_CARRY_OUT = ("cout", "cout", "c_out", "carry_out", "co", "Cout", "carry")


_TERMS = {False: ("adder", "sum", "carry"), True: ("subtractor", "difference", "borrow")}


def _bits(a: str, b: str) -> list[Port]:
    """The two operands of a cell."""
    return [
        Port(a, "input", meaning=("first bit", "operand bit A")),
        Port(b, "input", meaning=("second bit", "operand bit B")),
    ]


def half_cell(d: Draw) -> Problem:
    """Half adder or half subtractor."""
    a, b = pair(d)
    minus = d.chance(0.4)
    if minus:
        s, c = d.name("diff", "d", "difference", "D"), d.name("borrow", "bout", "br", "b_out")
    else:
        s, c = d.name(*_SUMS), d.name("carry", "c", "cout", "c_out", "C")
    style = d.choose("assign", "assign", "primitive", "add", "case")
    inverse = f"~{a} & {b}" if minus else f"{a} & {b}"
    reg = False
    if style == "primitive":
        body = [f"xor ({s}, {a}, {b});"]
        if minus:
            n = d.name("not_a", "na", "an")
            body += [f"not ({n}, {a});", f"and ({c}, {n}, {b});"]
            body.insert(0, f"wire {n};")
        else:
            body.append(f"and ({c}, {a}, {b});")
    elif style == "add":
        body = [f"assign {{{c}, {s}}} = {a} {'-' if minus else '+'} {b};"]
    elif style == "case":
        arms = []
        for n in range(4):
            value = (n >> 1) - (n & 1) if minus else (n >> 1) + (n & 1)
            arms.append((f"2'b{n:02b}", [f"{{{c}, {s}}} = 2'b{unsigned(value, 2):02b};"]))
        if d.chance(0.5):
            arms.append(("default", [f"{{{c}, {s}}} = 2'b00;"]))
        body, reg = d.always_comb(d.case(f"{{{a}, {b}}}", arms)), True
    else:
        body, reg = drive_all(d, [(s, f"{a} ^ {b}"), (c, inverse)])
    what, result, extra = _TERMS[minus]
    facts: list[Words] = [
        (
            f"{s} is the {result} bit of {a} {'minus' if minus else 'plus'} {b}.",
            f"{s} = {a} ^ {b}.",
            f"{s} is 1 if exactly one of {a} and {b} is 1.",
        ),
        (
            f"{c} is 1 only when {a} is 0 and {b} is 1." if minus else f"{c} is 1 if both are 1.",
            f"{c} = {inverse}.",
            f"{c} is the {extra}.",
        ),
    ]

    def function(v: Values) -> dict[str, int]:
        value = v[a] - v[b] if minus else v[a] + v[b]
        return {s: value & 1, c: value >> 1 & 1}

    return circuit(
        d,
        (f"half_{what}", f"half{what[:3]}", f"h{what[0]}", f"half_{what[:3]}", f"half_{what}_1bit"),
        _bits(a, b),
        [
            Port(s, "output", meaning=(result, f"{result} bit"), reg=reg),
            Port(c, "output", meaning=(extra, f"{extra} bit"), reg=reg),
        ],
        body,
        [
            f"half {what}",
            f"half {what} with {result} and {extra} outputs",
            f"one-bit {what} without {extra} input",
        ],
        facts,
        function,
    )


def full_cell(d: Draw) -> Problem:
    """Full adder or full subtractor of one bit."""
    a, b = pair(d)
    minus = d.chance(0.35)
    if minus:
        ci, s = d.name("bin", "b_in", "borrow_in", "bi"), d.name("diff", "d", "difference", "D")
        co = d.name("bout", "b_out", "borrow_out", "bo", "borrow")
    else:
        ci, s, co = d.name(*_CARRY_IN), d.name(*_SUMS), d.name(*_CARRY_OUT)
    na = f"~{a}" if minus else a
    carry = d.choose(
        f"({na} & {b}) | ({na} & {ci}) | ({b} & {ci})",
        f"({na} & {b}) | ({ci} & {'~' if minus else ''}({a} ^ {b}))",
    )
    style = d.choose("assign", "assign", "add", "wires", "primitive", "block")
    reg = False
    if style == "add":
        sign = "-" if minus else "+"
        body, reg = drive(d, f"{{{co}, {s}}}", f"{a} {sign} {b} {sign} {ci}")
    elif style == "wires":
        p, g = d.name("p", "axb", "half", "t"), d.name("g", "gen", "ab", "u")
        body = [
            f"wire {p} = {a} ^ {b};",
            f"wire {g} = {na} & {b};",
            f"assign {s} = {p} ^ {ci};",
            f"assign {co} = {g} | ({'~' if minus else ''}{p} & {ci});",
        ]
    elif style == "primitive" and not minus:
        w1, w2, w3 = together(d, ("w1", "w2", "w3"), ("t0", "t1", "t2"), ("s1", "c1", "c2"))
        body = [
            f"wire {w1}, {w2}, {w3};",
            "",
            f"xor ({w1}, {a}, {b});",
            f"xor ({s}, {w1}, {ci});",
            f"and ({w2}, {a}, {b});",
            f"and ({w3}, {w1}, {ci});",
            f"or ({co}, {w2}, {w3});",
        ]
    else:
        body, reg = drive_all(d, [(s, f"{a} ^ {b} ^ {ci}"), (co, carry)])
    what, result, extra = _TERMS[minus]
    if minus:
        facts = [
            (
                f"{s} and {co} are the difference and the borrow of {a} - {b} - {ci}.",
                f"The circuit computes {a} - {b} - {ci}; {s} is the difference bit and {co} is 1 if"
                f" the result is negative.",
            )
        ]
    else:
        facts = [
            (
                f"{{{co}, {s}}} is the two-bit sum of {a}, {b} and {ci}.",
                f"{s} is 1 if an odd number of the inputs is 1, and {co} is 1 if at least two are.",
                f"{s} is {a} ^ {b} ^ {ci} and {co} is the majority of the three inputs.",
            )
        ]

    def function(v: Values) -> dict[str, int]:
        value = v[a] - v[b] - v[ci] if minus else v[a] + v[b] + v[ci]
        return {s: value & 1, co: value >> 1 & 1}

    return circuit(
        d,
        (f"full_{what}", f"full{what[:3]}", f"f{what[0]}", f"full_{what[:3]}", f"{what}_cell"),
        [
            *_bits(a, b),
            Port(ci, "input", meaning=(f"{extra} in", f"{extra} from the lower bit")),
        ],
        [
            Port(s, "output", meaning=(result, f"{result} bit"), reg=reg),
            Port(co, "output", meaning=(f"{extra} out", f"{extra} to the next bit"), reg=reg),
        ],
        body,
        [
            f"full {what}",
            f"one-bit full {what} with {extra} in and {extra} out",
            f"{what} cell for three bits",
        ],
        facts,
        function,
    )


def adder(d: Draw) -> Problem:
    """Word adder with or without carry in and carry out."""
    s = size(d, 2, 32)
    a, b = pair(d)
    ci = d.name(*_CARRY_IN) if d.chance(0.5) else ""
    y = d.name(*_SUMS)
    how = d.choose("carry", "carry", "wrap", "wide")
    co = d.name(*_CARRY_OUT) if how == "carry" else ""
    value = " + ".join([a, b, *([ci] if ci else [])])
    target = f"{{{co}, {y}}}" if co else y
    reg = False
    if co and d.chance(0.35):
        t = d.name("tmp", "full", "wide", "ext", "t")
        body = [f"wire [{s.text}:0] {t} = {value};", f"assign {y} = {t}[{s.last}:0];"]
        body.append(f"assign {co} = {t}[{s.text}];")
    else:
        body, reg = drive(d, target, value)
    body = [*remark(d, "one bit more than the operands" if how != "wrap" else "modulo sum"), *body]
    words = [a, b, ci] if ci else [a, b]
    plus = " + ".join(words)
    if how == "carry":
        facts = [
            (
                f"{{{co}, {y}}} = {plus}, all unsigned.",
                f"{y} is the sum {plus} and {co} its carry, the bit above the top bit of {y}.",
                f"The operands are added ({plus}); the lower {s.text} bits go to {y} and the carry to {co}.",
            )
        ]
    elif how == "wide":
        facts = [
            (
                f"{y} is one bit wider than the operands and holds the whole sum {plus}.",
                f"{y} = {plus} without overflow, because it has {s.bits + 1} bits.",
            )
        ]
    else:
        facts = [
            (
                f"{y} is {plus}, cut to {s.bits} bits.",
                f"{y} = {plus} modulo 2 to the power of {s.bits}; the carry is dropped.",
            )
        ]
    outputs = [s.output(y, ("sum", "result of the addition"), reg)]
    if how == "wide":
        outputs = [
            Port(
                y,
                "output",
                s.bits + 1,
                ("sum with its carry", "whole sum"),
                reg,
                bounds=f"[{s.text}:0]" if s.parameter else "",
            )
        ]
    elif co:
        outputs.append(Port(co, "output", meaning=("carry out", "carry"), reg=reg))
    inputs = operands(s, a, b)
    if ci:
        inputs.append(Port(ci, "input", meaning=("carry in", "carry input")))
    end = {"carry": "carry out", "wide": f"{s.bits + 1}-bit sum", "wrap": "wrap-around"}[how]
    suffix = f" with carry in and {end}" if ci else f" with {end}"

    def function(v: Values) -> dict[str, int]:
        total = sum(v[word] for word in words)
        if co:
            return {y: unsigned(total, s.bits), co: total >> s.bits}
        return {y: unsigned(total, s.bits + (how == "wide"))}

    return circuit(
        d,
        ("adder", f"adder{s.bits}", f"adder_{s.bits}bit", f"add{s.bits}", "add_unit", "word_adder"),
        inputs,
        outputs,
        body,
        [
            f"{s.bits}-bit adder{suffix}",
            f"adder for two {s.bits}-bit numbers" + (" and a carry" if ci else ""),
            f"unsigned {s.bits}-bit addition{suffix}",
        ],
        facts,
        function,
        size=s,
    )


def saturating_adder(d: Draw) -> Problem:
    """Addition or subtraction that stops at the ends of the range, signed or unsigned."""
    s = size(d, 4, 16)
    a, b = pair(d)
    y = d.name("sum", "y", "result", "out", "s", "sat")
    with_sign, minus = d.chance(0.5), d.chance(0.3)
    flag = d.name("sat", "saturated", "clipped", "ovf") if d.chance(0.35) else ""
    t = d.name("t", "full", "wide", "ext", "raw")
    op = "-" if minus else "+"
    n, top = s.text, s.last
    high, low = (1 << (s.bits - 1)) - 1, -(1 << (s.bits - 1))
    if with_sign:
        most, least = f"{{1'b0, {{{top}{{1'b1}}}}}}", f"{{1'b1, {{{top}{{1'b0}}}}}}"
        if s.parameter:
            most, least = f"{{1'b0, {{({top}){{1'b1}}}}}}", f"{{1'b1, {{({top}){{1'b0}}}}}}"
        left, right = (f"{{{x}[{top}], {x}}}" for x in (a, b))
        over = f"{t}[{n}] != {t}[{top}]"
        limit = f"({t}[{n}] ? {least} : {most})"
    else:
        left, right = f"{{1'b0, {a}}}", f"{{1'b0, {b}}}"
        over = f"{t}[{n}]"
        limit = s.zero(d) if minus else f"{{{n}{{1'b1}}}}"
    body = [
        *remark(d, "one more bit shows the overflow"),
        f"wire [{n}:0] {t} = {left} {op} {right};",
    ]
    if d.chance(0.6):
        more, reg = drive(d, y, f"({over}) ? {limit} : {t}[{top}:0]")
    else:
        arms = ((over, [f"{y} = {limit};"]), ("", [f"{y} = {t}[{top}:0];"]))
        more, reg = d.always_comb(d.branches(*arms)), True
    body += more
    outputs = [s.output(y, ("saturated result", "limited result"), reg)]
    if flag:
        body.append(f"assign {flag} = {over};" if not with_sign else f"assign {flag} = ({over});")
        outputs.append(
            Port(flag, "output", meaning=("1 if the result was limited", "limit reached"))
        )
    kind = "signed" if with_sign else "unsigned"
    what = "subtractor" if minus else "adder"
    bottom, ceiling = (low, high) if with_sign else (0, (1 << s.bits) - 1)
    if with_sign:
        ends = (
            f"Results above {ceiling} become {ceiling} and results below {bottom} become {bottom}.",
            f"On overflow the result is limited to the range from {bottom} to {ceiling}.",
        )
    elif minus:
        ends = (
            "A result below zero becomes 0.",
            f"If {b} is greater than {a} the result is 0 instead of wrapping around.",
        )
    else:
        ends = (
            f"A sum above {ceiling} becomes {ceiling}.",
            f"If the sum does not fit, {y} is {ceiling} (all ones) instead of wrapping around.",
        )
    facts: list[Words] = [
        (
            f"{y} is {a} {op} {b} for {kind} operands, with saturation.",
            f"{a} and {b} are {kind} numbers of {s.bits} bits, and {y} is {a} {op} {b}, limited.",
        ),
        ends,
    ]
    if flag:
        facts.append(
            (f"{flag} is 1 when the result was limited.", f"{flag} marks a limited result.")
        )

    def function(v: Values) -> dict[str, int]:
        x, z = (signed(v[k], s.bits) if with_sign else v[k] for k in (a, b))
        exact = x - z if minus else x + z
        limited = max(bottom, min(ceiling, exact))
        result = {y: unsigned(limited, s.bits)}
        return {**result, flag: int(limited != exact)} if flag else result

    return circuit(
        d,
        (
            f"sat_{what[:3]}",
            f"saturating_{what}",
            f"sat_{what}",
            f"{kind}_sat_{what[:3]}",
            "sat_unit",
        ),
        operands(s, a, b, signed=with_sign and d.chance(0.3)),
        outputs,
        body,
        [
            f"{s.bits}-bit {kind} saturating {what}",
            f"{kind} {s.bits}-bit {what} with saturation"
            + (" and saturation flag" if flag else ""),
            f"{what} that clips its {kind} {s.bits}-bit result",
        ],
        facts,
        function,
        size=s,
    )


FAMILIES = (
    half_cell,
    full_cell,
    adder,
    saturating_adder,
)
