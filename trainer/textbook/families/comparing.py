"""Comparison of numbers with each other and with a pattern."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, pair, reader, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    unsigned,
)

_RELATIONS = {
    "equal": ("==", "equals", ("eq", "equal", "a_eq_b", "same", "EQ")),
    "not equal": ("!=", "differs from", ("ne", "neq", "not_equal", "diff", "NE")),
    "less": ("<", "is less than", ("lt", "less", "a_lt_b", "lower", "LT")),
    "greater": (">", "is greater than", ("gt", "greater", "a_gt_b", "larger", "GT")),
    "less or equal": ("<=", "is less than or equal to", ("le", "lte", "less_equal", "not_gt")),
    "greater or equal": (">=", "is greater than or equal to", ("ge", "gte", "at_least", "not_lt")),
}


def _holds(relation: str, x: int, y: int) -> bool:
    return {
        "equal": x == y,
        "not equal": x != y,
        "less": x < y,
        "greater": x > y,
        "less or equal": x <= y,
        "greater or equal": x >= y,
    }[relation]


def _near(names: list[str], width: int) -> Callable[..., Values]:
    """Stimulus of operands that are often equal or neighbours."""

    def draw(random: Random, _: int) -> Values:
        base = random.getrandbits(width)
        return {
            name: unsigned(base + random.choice((0, 0, 1, -1)), width)
            if random.random() < 0.6
            else random.getrandbits(width)
            for name in names
        }

    return draw


def comparator(d: Draw) -> Problem:
    """Comparison of two numbers with one or more of the six relations."""
    s = size(d, 2, 32)
    a, b = pair(d)
    with_sign = d.chance(0.35)
    declared = with_sign and d.chance(0.5)
    if d.chance(0.5):
        relations = ["less", "equal", "greater"]
        d.random.shuffle(relations)
    else:
        relations = d.random.sample(list(_RELATIONS), d.choose(1, 1, 2, 3))
    outs = {relation: d.name(*_RELATIONS[relation][2]) for relation in relations}
    left, right = (f"$signed({a})", f"$signed({b})") if with_sign and not declared else (a, b)
    tests = {relation: f"({left} {_RELATIONS[relation][0]} {right})" for relation in relations}
    three = set(relations) == {"less", "equal", "greater"}
    if three and d.chance(0.4):
        order = d.random.sample(relations, 3)
        arms = []
        for number, relation in enumerate(order):
            lines = [f"{outs[r]} = 1'b{int(r == relation)};" for r in relations]
            arms.append(("" if number == 2 else tests[relation][1:-1], lines))
        body, reg = d.always_comb(d.branches(*arms)), True
    elif d.chance(0.25):
        body, reg = drive_all(d, [(outs[r], f"{tests[r]} ? 1'b1 : 1'b0") for r in relations])
    else:
        body, reg = drive_all(d, [(outs[r], tests[r]) for r in relations])
    kind = "signed" if with_sign else "unsigned"
    number = reader(with_sign, s.bits)
    told = listing(relations)
    return circuit(
        d,
        (
            "comparator",
            f"comparator{s.bits}",
            f"cmp{s.bits}",
            "compare",
            f"comp_{s.bits}bit",
            "cmp_unit",
            "magnitude_comparator",
        ),
        [
            s.port(a, ("first number", "operand A"), declared),
            s.port(b, ("second number", "operand B"), declared),
        ],
        [
            Port(
                outs[r],
                "output",
                meaning=(f"1 if {a} {_RELATIONS[r][1]} {b}", f"{r} flag"),
                reg=reg,
            )
            for r in relations
        ],
        body,
        [
            f"{s.bits}-bit {kind} comparator with {told} {'outputs' if len(outs) > 1 else 'output'}",
            f"{kind} comparator of two {s.bits}-bit numbers ({told})",
            f"{s.bits}-bit {kind} magnitude comparator",
        ],
        [
            (
                f"The operands {a} and {b} are {kind} numbers of {s.bits} bits.",
                f"{a} and {b} are compared as two's complement numbers."
                if with_sign
                else f"{a} and {b} are compared as unsigned numbers.",
            ),
            *(
                (
                    f"{outs[r]} is 1 if {a} {_RELATIONS[r][1]} {b}, else 0.",
                    f"{outs[r]} is high when {a} {_RELATIONS[r][1]} {b} and low otherwise.",
                )
                for r in relations
            ),
        ],
        lambda v: {outs[r]: int(_holds(r, number(v[a]), number(v[b]))) for r in relations},
        size=s,
        stimulus=_near([a, b], s.bits),
    )


def comparator_slice(d: Draw) -> Problem:
    """Comparator with cascade inputs, or bit by bit from the top."""
    bits = d.choose(2, 4, 4, 4, 8)
    a, b = pair(d)
    gi, ei, li = d.choose(
        ("gt_in", "eq_in", "lt_in"), ("i_gt", "i_eq", "i_lt"), ("g_i", "e_i", "l_i")
    )
    go, eo, lo = d.choose(
        ("gt", "eq", "lt"), ("gt_out", "eq_out", "lt_out"), ("o_gt", "o_eq", "o_lt")
    )
    for name in (gi, ei, li, go, eo, lo):
        d.name(name)
    same = f"({a} == {b})"
    if d.chance(0.5):
        values = [(go, f"({a} > {b}) | ({same} & {gi})"), (lo, f"({a} < {b}) | ({same} & {li})")]
        body, reg = drive_all(d, [*values, (eo, f"{same} & {ei}")])
    else:
        joined = f"{{{go}, {eo}, {lo}}}"
        arms = d.branches(
            (f"{a} > {b}", [f"{joined} = 3'b100;"]),
            (f"{a} < {b}", [f"{joined} = 3'b001;"]),
            ("", [f"{joined} = {{{gi}, {ei}, {li}}};"]),
        )
        body, reg = d.always_comb(arms), True

    def function(v: Values) -> dict[str, int]:
        if v[a] == v[b]:
            return {go: v[gi], eo: v[ei], lo: v[li]}
        return {go: int(v[a] > v[b]), eo: 0, lo: int(v[a] < v[b])}

    near = _near([a, b], bits)

    def stimulus(random: Random, number: int) -> Values:
        return {
            **near(random, number),
            gi: random.getrandbits(1),
            ei: random.getrandbits(1),
            li: random.getrandbits(1),
        }

    return circuit(
        d,
        ("cmp_slice", f"cmp{bits}_cascade", "cascade_comparator", "comparator_stage", "cmp_chain"),
        [
            Port(a, "input", bits, ("first number", "operand A")),
            Port(b, "input", bits, ("second number", "operand B")),
            Port(gi, "input", meaning=("greater, from the lower stage", "cascade greater")),
            Port(ei, "input", meaning=("equal, from the lower stage", "cascade equal")),
            Port(li, "input", meaning=("less, from the lower stage", "cascade less")),
        ],
        [
            Port(go, "output", meaning=("greater", "greater, to the next stage"), reg=reg),
            Port(eo, "output", meaning=("equal", "equal, to the next stage"), reg=reg),
            Port(lo, "output", meaning=("less", "less, to the next stage"), reg=reg),
        ],
        body,
        [
            f"{bits}-bit cascadable magnitude comparator",
            f"{bits}-bit comparator stage with cascade inputs",
            f"expandable unsigned comparator of {bits} bits",
        ],
        [
            (
                f"If {a} is greater than {b}, {go} is 1 and the other outputs 0; if it is less, {lo} is"
                f" 1 and the others 0.",
                f"When {a} and {b} (unsigned) differ, only {go} or only {lo} is set, by which is larger"
                f": {go} for {a} > {b}, {lo} for {a} < {b}.",
            ),
            (
                f"If they are equal, {gi}, {ei} and {li} are passed to {go}, {eo} and {lo}.",
                f"For {a} = {b} the outputs {go}, {eo} and {lo} copy the cascade inputs {gi}, {ei} and"
                f" {li}.",
            ),
        ],
        function,
        stimulus=stimulus,
    )


def equality(d: Draw) -> Problem:
    """A word compared with a constant or under a mask."""
    bits = d.choose(4, 6, 8, 8, 12, 16)
    x = d.name("x", "in", "addr", "data", "code", "word")
    y = d.name("match", "hit", "eq", "y", "found", "detect")
    target = d.integer(0, (1 << bits) - 1)
    mask = (1 << bits) - 1
    if d.chance(0.5):
        mask = d.random.getrandbits(bits) | 1 << d.integer(0, bits - 1)
        target &= mask
    whole = mask == (1 << bits) - 1
    pattern = "".join(str(target >> n & 1) if mask >> n & 1 else "?" for n in reversed(range(bits)))
    shown = pattern.replace("?", "-")
    reg = False
    if whole:
        value = f"{bits}'b{pattern}" if d.chance(0.3) else d.number(target, bits)
        test = f"({x} == {value})"
        if d.chance(0.3):
            c = d.name("PATTERN", "CODE", "TARGET", "KEY")
            body = [
                f"localparam [{bits - 1}:0] {c} = {bits}'h{target:x};",
                f"assign {y} = ({x} == {c});",
            ]
        else:
            body, reg = drive(d, y, d.choose(test, f"{test} ? 1'b1 : 1'b0"))
    elif d.chance(0.5):
        arms = [(f"{bits}'b{pattern}", [f"{y} = 1'b1;"]), ("default", [f"{y} = 1'b0;"])]
        body, reg = d.always_comb(d.case(x, arms, "casez")), True
    else:
        body, reg = drive(d, y, f"(({x} & {bits}'h{mask:x}) == {bits}'h{target:x})")
    rule = (
        f"{y} is 1 if {x} equals {target} (binary {target:0{bits}b}), else 0."
        if whole
        else f"{y} is 1 if {x} has the pattern {shown}, where - stands for a bit that does not matter."
    )
    other = (
        f"The only input for which {y} is 1 is {target:0{bits}b}."
        if whole
        else f"{y} compares {x} with {shown}, most significant bit first; bits marked - are ignored."
    )

    def stimulus(random: Random, _: int) -> Values:
        noise = random.getrandbits(bits)
        near = target | (noise & ~mask)
        flip = 1 << random.randrange(bits) if random.random() < 0.5 else 0
        return {x: near ^ flip if random.random() < 0.8 else noise}

    return circuit(
        d,
        (
            "match",
            "detector",
            "pattern_match",
            "equals_const",
            "addr_match",
            "code_detect",
            "key_check",
        ),
        [Port(x, "input", bits, ("word to test", "input code"))],
        [Port(y, "output", meaning=("1 if the word matches", "match"), reg=reg)],
        body,
        [
            f"{bits}-bit match detector for {target:0{bits}b}"
            if whole
            else f"{bits}-bit pattern detector for {shown}",
            f"comparator of one {bits}-bit word with the pattern {shown}",
            f"code detector for {shown}",
        ],
        [(rule, other)],
        lambda v: {y: int(v[x] & mask == target)},
        stimulus=stimulus,
    )


FAMILIES = (
    comparator,
    comparator_slice,
    equality,
)
