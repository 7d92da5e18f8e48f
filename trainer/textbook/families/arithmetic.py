"""Sums and means of several numbers, sign, rounding, checksums."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import drive
from trainer.textbook.families._words import circuit, loop, pair, remark, row, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
    signed,
    unsigned,
)

_INPUTS = ("x", "in", "a", "data", "d", "din", "value_in", "num")


def average(d: Draw) -> Problem:
    """Mean of two or four numbers, rounded down or to the nearest."""
    s = size(d, 4, 16)
    count = d.choose(2, 2, 4)
    names = pair(d) if count == 2 else row(d, 4)
    y = d.name("avg", "mean", "y", "average", "out")
    nearest = d.chance(0.4)
    extra = count.bit_length() - 1
    total = d.name("sum", "total", "acc", "s")
    half = f" + {d.number(count // 2, s.bits + extra)}" if nearest else ""
    top = f"{s.text}+{extra - 1}" if s.parameter else str(s.bits + extra - 1)
    if extra == 1:
        top = s.text
    ext = [f"{{{extra}'b0, {name}}}" for name in names] if d.chance(0.4) else names
    body = [f"wire [{top}:0] {total} = {' + '.join(ext)}{half};"]
    if d.chance(0.5):
        body.append(f"assign {y} = {total} >> {extra};")
    else:
        body.append(f"assign {y} = {total}[{top}:{extra}];")
    if count == 2 and not nearest and d.chance(0.25):
        a, b = names
        body = [
            *remark(d, "no extra bit needed"),
            f"assign {y} = ({a} & {b}) + (({a} ^ {b}) >> 1);",
        ]
    how = "rounded to the nearest number, halves up" if nearest else "rounded down"
    return circuit(
        d,
        ("average", f"avg{count}", "mean", f"average{count}", "avg_unit", f"mean_{s.bits}"),
        [s.port(name, (f"number {n + 1}", "one of the numbers")) for n, name in enumerate(names)],
        [s.output(y, ("average", "mean value"))],
        body,
        [
            f"average of {count_word(count)} unsigned {s.bits}-bit numbers, {how}",
            f"{s.bits}-bit mean of {count_word(count)} inputs, {how}",
            f"averaging circuit with {count_word(count)} {s.bits}-bit inputs",
        ],
        [
            (
                f"{y} is the sum of {listing(names)} divided by {count}, {how}.",
                f"The unsigned numbers {listing(names)} are averaged; the result is {how}.",
            ),
            ("The sum is formed without overflow.", "No carry is lost in the sum."),
        ],
        lambda v: {y: (sum(v[name] for name in names) + (count // 2 if nearest else 0)) // count},
        size=s,
    )


def absolute(d: Draw) -> Problem:
    """Absolute value or negation of a two's complement number."""
    s = size(d, 3, 32)
    x, negate = d.name(*_INPUTS), d.chance(0.3)
    y = (
        d.name("neg", "y", "out", "minus_x")
        if negate
        else d.name("abs", "y", "mag", "out", "abs_out")
    )
    flag = d.name("negative", "sign", "neg_in", "is_neg") if d.chance(0.3) else ""
    declared = d.chance(0.4)
    minus = d.choose(f"-{x}", f"~{x} + 1'b1", f"(~{x} + 1)")
    if negate:
        body, reg = drive(d, y, minus)
    elif declared and d.chance(0.5):
        body, reg = drive(d, y, f"({x} < 0) ? {minus} : {x}")
    elif d.chance(0.3):
        m = d.name("m", "mask", "sgn")
        body = [f"wire {s.range} {m} = {{{s.text}{{{x}[{s.last}]}}}};"]
        body.append(f"assign {y} = ({x} ^ {m}) - {m};")
        reg = False
    elif d.chance(0.4):
        arms = ((f"{x}[{s.last}]", [f"{y} = {minus};"]), ("", [f"{y} = {x};"]))
        body, reg = d.always_comb(d.branches(*arms)), True
    else:
        body, reg = drive(d, y, f"{x}[{s.last}] ? {minus} : {x}")
    what = "negation" if negate else "absolute value"
    outputs = [s.output(y, (what, "result"), reg)]
    low = 1 << (s.bits - 1)
    facts = [
        (
            f"{x} is a two's complement number and {y} its {what}.",
            f"{y} is the {what} of the signed number {x}.",
        ),
        (
            f"For the most negative input, -{low}, the {s.bits} bits of {y} are the same as those of {x}.",
            f"-{low} has no positive counterpart in {s.bits} bits: {y} then has the bits of {x}.",
        ),
    ]
    if flag:
        body = [*body, f"assign {flag} = {x}[{s.last}];"]
        outputs.append(Port(flag, "output", meaning=("1 if the input is negative", "sign")))
        facts.append((f"{flag} is 1 if {x} is negative.", f"{flag} is the sign bit of {x}."))

    def function(v: Values) -> dict[str, int]:
        number = signed(v[x], s.bits)
        result = {y: unsigned(-number if negate else abs(number), s.bits)}
        return {**result, flag: int(number < 0)} if flag else result

    suffix = " with sign output" if flag else ""
    return circuit(
        d,
        ("negate", "neg_unit", "twos_complement", f"neg{s.bits}", "complement2")
        if negate
        else ("abs_value", "absolute", "abs_unit", f"abs{s.bits}", "magnitude"),
        [s.port(x, ("signed number", "two's complement input"), declared)],
        outputs,
        body,
        [
            f"{s.bits}-bit two's complement {what}{suffix}",
            f"{what} of one signed {s.bits}-bit number{suffix}",
            f"combinational {what} unit for {s.bits} bits{suffix}",
        ],
        facts,
        function,
        size=s,
        checks=60,
    )


def sum_many(d: Draw) -> Problem:
    """Sum of three to six numbers in full width."""
    bits = d.choose(2, 4, 4, 8, 8, 12, 16)
    count = d.integer(3, 6)
    names = row(d, count)
    y = d.name("sum", "total", "y", "out", "s")
    wide = (count * ((1 << bits) - 1)).bit_length()
    body: Lines
    if d.chance(0.4):
        t, u = d.name("s01", "t0", "left"), d.name("s23", "t1", "right")
        rest = names[4:]
        parts = names[2:4]
        body = [
            f"wire [{bits}:0] {t} = {names[0]} + {names[1]};",
            f"wire [{bits}:0] {u} = {' + '.join(parts)};",
            f"assign {y} = {' + '.join([t, u, *rest])};",
        ]
        reg = False
    elif d.chance(0.3):
        lines = [f"{y} = {names[0]};", *(f"{y} = {y} + {name};" for name in names[1:])]
        body, reg = d.always_comb(lines), True
    else:
        body, reg = drive(d, y, " + ".join(names))
    return circuit(
        d,
        (f"sum{count}", f"add{count}", "multi_adder", f"adder_{count}in", "sum_tree", "adder_tree"),
        [Port(name, "input", bits, (f"number {n + 1}", "summand")) for n, name in enumerate(names)],
        [Port(y, "output", wide, ("sum", "sum of all inputs"), reg)],
        body,
        [
            f"sum of {count_word(count)} unsigned {bits}-bit numbers",
            f"{count}-input {bits}-bit adder with {wide}-bit sum",
            f"combinational adder tree of {count_word(count)} {bits}-bit inputs",
        ],
        [
            (
                f"{y} is the sum of {listing(names)}.",
                f"The unsigned numbers {listing(names)} are added up in {y}.",
            ),
            (
                f"With {wide} bits {y} never overflows.",
                f"{y} is {wide} bits wide and holds every sum.",
            ),
        ],
        lambda v: {y: sum(v[name] for name in names)},
        checks=60,
    )


def rounding(d: Draw) -> Problem:
    """Fraction bits dropped: cut, rounded half up, or towards zero."""
    width = d.choose(6, 8, 8, 10, 12, 16)
    drop = d.integer(1, min(4, width - 3))
    keep = width - drop
    with_sign = d.chance(0.5)
    x, y = (
        d.name("x", "in", "a", "data", "fixed", "acc"),
        d.name("y", "out", "rounded", "q", "int_part"),
    )
    how = d.choose("cut", "nearest", "nearest", "zero" if with_sign else "nearest")
    wide = keep + 1 if how == "nearest" else keep
    half = 1 << (drop - 1)
    t = d.name("t", "sum", "biased", "tmp")
    top = f"{x}[{width - 1}]"
    ext = f"{{{top}, {x}}}" if with_sign else f"{{1'b0, {x}}}"
    if how == "cut":
        body, reg = drive(d, y, f"{x}[{width - 1}:{drop}]")
    elif how == "nearest":
        body = [
            *remark(d, "add one half, then drop the fraction"),
            f"wire [{width}:0] {t} = {ext} + {half};",
            f"assign {y} = {t}[{width}:{drop}];",
        ]
        reg = False
    else:
        body = [
            *remark(d, "negative numbers need a bias before the cut"),
            f"wire [{width - 1}:0] {t} = {top} ? {x} + {(1 << drop) - 1} : {x};",
            f"assign {y} = {t}[{width - 1}:{drop}];",
        ]
        reg = False
    told: dict[str, Words] = {
        "cut": (
            f"{y} is {x} without its {count_word(drop)} lowest bits, that is, rounded down.",
            f"The {count_word(drop)} fraction bits of {x} are dropped (rounding towards minus infinity).",
        ),
        "nearest": (
            f"{y} is {x} divided by {1 << drop} and rounded to the nearest integer, halves up.",
            f"{half} is added to {x} and then the {count_word(drop)} fraction bits are dropped.",
        ),
        "zero": (
            f"{y} is {x} divided by {1 << drop} and rounded towards zero.",
            f"The {count_word(drop)} fraction bits of {x} are dropped so that the result is rounded"
            f" towards zero.",
        ),
    }
    kind = "signed" if with_sign else "unsigned"
    article = "a two's complement" if with_sign else "an unsigned"
    names = {"cut": "truncation", "nearest": "rounding to nearest", "zero": "rounding towards zero"}
    plural = "bit" if drop == 1 else "bits"

    def function(v: Values) -> dict[str, int]:
        n = signed(v[x], width) if with_sign else v[x]
        if how == "nearest":
            n += half
        value = -(-n >> drop) if how == "zero" and n < 0 else n >> drop
        return {y: unsigned(value, wide)}

    return circuit(
        d,
        ("round", "rounder", "round_unit", "fix_to_int", "drop_fraction", "quantize"),
        [
            Port(
                x,
                "input",
                width,
                (f"{kind} fixed-point number", f"number with {drop} fraction {plural}"),
                signed=with_sign and how == "cut" and d.chance(0.3),
            )
        ],
        [Port(y, "output", wide, ("integer result", "rounded number"), reg)],
        body,
        [
            f"{names[how]} of one {kind} {width}-bit number by {drop} {plural}",
            f"fixed-point to integer converter with {names[how]}, {width} to {wide} bits",
            f"{kind} {names[how]} unit that removes {drop} fraction {plural}",
        ],
        [
            told[how],
            (
                f"{x} is {article} number of {width} bits and {y} one of {wide} bits.",
                f"Both numbers are {kind}; {y} has {wide} bits.",
            ),
        ],
        function,
    )


def checksum(d: Draw) -> Problem:
    """Sum or XOR of the bytes of one word, plain, complemented or with end-around carry."""
    count = d.choose(2, 3, 4, 4, 8)
    lane = d.choose(4, 8, 8) if count < 8 else 8
    width = count * lane
    x, y = (
        d.name("data", "in", "word", "bytes", "packet"),
        d.name("sum", "checksum", "csum", "y", "chk"),
    )
    kind = d.choose("xor", "sum", "negative sum", "end-around sum")
    parts = [f"{x}[{n * lane + lane - 1}:{n * lane}]" for n in range(count)]
    thing = "byte" if lane == 8 else "nibble"
    total = " + ".join(parts)
    reg = False
    t = d.name("t", "total", "acc", "raw")
    if kind == "xor":
        body, reg = drive(d, y, " ^ ".join(parts))
    elif kind == "end-around sum":
        extra = count.bit_length()
        u = d.name("folded", "u", "fold")
        body = [
            f"wire [{lane + extra - 1}:0] {t} = {total};",
            *remark(d, "the carries are added at the low end"),
            f"wire [{lane}:0] {u} = {t}[{lane - 1}:0] + {t}[{lane + extra - 1}:{lane}];",
            f"assign {y} = {u}[{lane - 1}:0] + {u}[{lane}];",
        ]
    elif d.chance(0.35):
        i = d.name("i", "k")
        step = [f"{t} = {t} + {x}[{i}*{lane} +: {lane}];"]
        inner = [f"{t} = {d.number(0, lane)};", *loop(i, str(count), step)]
        body = [f"reg [{lane - 1}:0] {t};", f"integer {i};", *d.always_comb(inner)]
        body.append(f"assign {y} = {'-' if kind != 'sum' else ''}{t};")
    elif kind == "sum":
        body, reg = drive(d, y, total)
    else:
        body, reg = drive(d, y, d.choose(f"-({total})", f"~({total}) + 1'b1"))
    told: dict[str, Words] = {
        "xor": (
            f"{y} is the XOR of all {thing}s of {x}.",
            f"Bit i of {y} is the XOR of bit i of every {thing} of {x}.",
        ),
        "sum": (
            f"{y} is the sum of all {thing}s of {x}, modulo {1 << lane}.",
            f"The {thing}s of {x} are added and the carries dropped.",
        ),
        "negative sum": (
            f"{y} is the two's complement of the sum of all {thing}s of {x}, so that sum and {y} add up"
            f" to zero modulo {1 << lane}.",
            f"The {thing}s of {x} are added modulo {1 << lane} and the sum is negated.",
        ),
        "end-around sum": (
            f"The {thing}s of {x} are added, and whatever is carried out above bit {lane - 1} is added"
            f" back at bit 0 until nothing is left.",
            f"{y} is the one's complement sum (end-around carry) of the {thing}s of {x}.",
        ),
    }

    def function(v: Values) -> dict[str, int]:
        mask = (1 << lane) - 1
        pieces = [v[x] >> n * lane & mask for n in range(count)]
        if kind == "xor":
            result = 0
            for piece in pieces:
                result ^= piece
            return {y: result}
        value = sum(pieces)
        if kind == "end-around sum":
            while value > mask:
                value = (value & mask) + (value >> lane)
            return {y: value}
        return {y: unsigned(-value if kind == "negative sum" else value, lane)}

    return circuit(
        d,
        (
            "checksum",
            f"checksum{lane}",
            f"{thing}_sum" if kind != "xor" else f"{thing}_xor",
            "csum",
            "chk_gen",
        ),
        [Port(x, "input", width, (f"{count} {thing}s", "data word"))],
        [Port(y, "output", lane, ("checksum", f"{kind} of the {thing}s"), reg)],
        body,
        [
            f"{kind} checksum of the {count_word(count)} {thing}s of one {width}-bit word",
            f"{lane}-bit {kind} checksum of {width} bits",
            f"combinational {kind} of {count} {thing}s",
        ],
        [told[kind]],
        function,
    )


FAMILIES = (
    average,
    absolute,
    sum_many,
    rounding,
    checksum,
)
