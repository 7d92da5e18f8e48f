"""Decimal digits: seven segments and BCD."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import drive_all
from trainer.textbook.families._words import circuit, remark
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
)

_SEGMENTS = (
    0x3F,
    0x06,
    0x5B,
    0x4F,
    0x66,
    0x6D,
    0x7D,
    0x07,
    0x7F,
    0x6F,
    0x77,
    0x7C,
    0x39,
    0x5E,
    0x79,
    0x71,
)
"""Lit segments of the digits 0 to F; bit 0 is segment a and bit 6 segment g."""


def seven_segment(d: Draw) -> Problem:
    """Digit to seven segments, decimal or hexadecimal, either polarity and bit order."""
    hexadecimal = d.chance(0.5)
    low = d.chance(0.4)
    g_first = d.chance(0.35)  # bit 0 is segment g instead of a
    blank = d.name("blank", "bl", "off") if d.chance(0.25) else ""
    x = d.name("digit", "bcd", "hex", "d", "in", "num", "nibble")
    y = d.name("seg", "segments", "seg_out", "leds", "display", "y")
    count = 16 if hexadecimal else 10

    def pattern(n: int) -> int:
        lit = _SEGMENTS[n] if n < count else 0
        if g_first:
            lit = int(f"{lit:07b}"[::-1], 2)
        return lit ^ 0x7F if low else lit

    dark = 0x7F if low else 0
    literal = d.choose(lambda n: f"7'b{n:07b}", lambda n: f"7'b{n:07b}", lambda n: f"7'h{n:02x}")
    label = d.choose(lambda n: f"4'd{n}", lambda n: f"4'h{n:x}", lambda n: f"4'b{n:04b}", str)
    positive = low and d.chance(0.3)  # the table in lit segments, inverted behind it
    shown = [pattern(n) ^ (0x7F if positive else 0) for n in range(16)]
    off = dark ^ (0x7F if positive else 0)
    target = d.name("lit", "on", "pat", "s") if positive else y
    arms: list[tuple[str, Sequence[str]]] = [
        (label(n), [f"{target} = {literal(shown[n])};"]) for n in range(count)
    ]
    if not hexadecimal or d.chance(0.4):
        arms.append(("default", [f"{target} = {literal(off)};"]))
    inner = d.case(x, arms)
    if blank:
        inner = d.branches((blank, [f"{target} = {literal(off)};"]), ("", inner))
    body: Lines = d.always_comb(inner)
    if positive:
        body = [f"reg [6:0] {target};", *body, f"assign {y} = ~{target};"]
    inputs = [Port(x, "input", 4, ("digit", "number to show"))]
    letters = "abcdefg"
    order = letters[::-1] if not g_first else letters
    level = "low" if low else "high"
    digits = "hexadecimal digits 0 to F" if hexadecimal else "decimal digits 0 to 9"
    facts: list[Words] = [
        (
            f"{y} shows the {digits} of {x} on a seven-segment display.",
            f"The display shows {x}, one of the {digits}.",
        ),
        (
            f"Bit 0 of {y} is segment {order[-1]} and bit 6 segment {order[0]}.",
            f"{y}[6:0] stands for the segments {', '.join(order)}, in this order from bit 6 down.",
        ),
        (
            f"The outputs are active {level}: a segment is lit by {int(not low)}.",
            f"Segments are active {level}.",
        ),
        (
            "The usual shapes are meant: 6 with segment a, 7 without f, 9 with d"
            + (", and A, b, C, d, E, F." if hexadecimal else "."),
        ),
    ]
    if not hexadecimal:
        facts.append(("Above 9 all segments are off.", "Inputs from 10 to 15 give a dark display."))
    if blank:
        inputs.append(Port(blank, "input", meaning=("1 turns all segments off", "blanking")))
        facts.append(
            (f"While {blank} is 1 all segments are off.", f"{blank} = 1 darkens the display.")
        )
    kind = "hexadecimal" if hexadecimal else "BCD"
    return circuit(
        d,
        (
            "seven_seg",
            "seg7",
            "sevenseg_decoder",
            "bcd7seg" if not hexadecimal else "hex7seg",
            "hex_display" if hexadecimal else "bcd_display",
            "ssd",
        ),
        inputs,
        [Port(y, "output", 7, (f"segments, active {level}", "segment lines"), reg=not positive)],
        body,
        [
            f"{kind} to seven-segment decoder with active-{level} outputs",
            f"seven-segment display decoder for {digits}, segments active {level}"
            + (", with blanking" if blank else ""),
            f"{kind} display driver",
        ],
        facts,
        lambda v: {y: dark if blank and v[blank] else pattern(v[x])},
    )


def binary_to_bcd(d: Draw) -> Problem:
    """Binary number to decimal digits: by shifting and adding 3, by division or by comparison."""
    width = d.choose(4, 5, 6, 7, 8, 8, 10)
    top = (1 << width) - 1
    count = len(str(top))
    x = d.name("bin", "in", "value_in", "b", "x", "number")
    packed = d.chance(0.5)
    names = ["ones", "tens", "hundreds", "thousands"][:count]
    y = d.name("bcd", "digits", "out", "y")
    outs = [y] if packed else [d.name(name) for name in names]
    style = d.choose("dabble", "dabble", "divide")
    joined = y if packed else f"{{{', '.join(reversed(outs))}}}"
    reg = False
    if style == "dabble":
        i = d.name("i", "k")
        r = y if packed and d.chance(0.5) else d.name("r", "acc", "tmp", "shifter")
        steps = []
        for n in range(count):
            part = f"{r}[{4 * n + 3}:{4 * n}]"
            steps += d.branches((f"{part} >= 5", [f"{part} = {part} + 4'd3;"]))
        inner = [
            *remark(d, "add 3 to digits of 5 and more, then shift in the next bit"),
            f"{r} = 0;",
            f"for ({i} = {width - 1}; {i} >= 0; {i} = {i} - 1) begin",
            *(f"    {line}" for line in steps),
            f"    {r} = {{{r}[{4 * count - 2}:0], {x}[{i}]}};",
            "end",
        ]
        if r == y:
            body, reg = [f"integer {i};", *d.always_comb(inner)], True
        else:
            body = [f"reg [{4 * count - 1}:0] {r};", f"integer {i};", *d.always_comb(inner)]
            body.append(f"assign {joined} = {r};")
    else:
        terms = [f"{x} % 10"] + [f"({x} / {10**n}) % 10" for n in range(1, count)]
        terms[-1] = f"{x} / {10 ** (count - 1)}"
        if packed:
            values = [(f"{y}[{4 * n + 3}:{4 * n}]", term) for n, term in enumerate(terms)]
        else:
            values = list(zip(outs, terms, strict=True))
        body, reg = drive_all(d, values)
    if packed:
        outputs = [Port(y, "output", 4 * count, ("decimal digits", "packed BCD"), reg)]
        facts: list[Words] = [
            (
                f"{y} holds the {count_word(count)} decimal digits of {x}, four bits each, the ones in"
                f" {y}[3:0].",
                f"The unsigned number {x} is converted to packed BCD, with the least significant digit"
                f" in the lowest four bits of {y}.",
            )
        ]
    else:
        outputs = [
            Port(n, "output", 4, (f"{w} digit", f"decimal {w}"), reg)
            for n, w in zip(outs, names, strict=True)
        ]
        facts = [
            (
                f"{listing(outs)} are the decimal digits of the unsigned number {x}, from the ones up.",
                f"The number {x} is split into its decimal digits {listing(list(reversed(outs)))}, the"
                f" most significant first.",
            )
        ]
    facts.append(
        (f"{x} ranges from 0 to {top}.", f"All {width} bits of {x} are used, up to {top}.")
    )

    def function(v: Values) -> dict[str, int]:
        digits = [v[x] // 10**n % 10 for n in range(count)]
        if packed:
            return {y: sum(digit << 4 * n for n, digit in enumerate(digits))}
        return dict(zip(outs, digits, strict=True))

    return circuit(
        d,
        (
            "bin2bcd",
            "bin_to_bcd",
            f"bin2bcd{width}",
            "bcd_converter",
            "double_dabble",
            "decimal_digits",
        ),
        [Port(x, "input", width, ("binary number", "unsigned number"))],
        outputs,
        body,
        [
            f"{width}-bit binary to BCD converter with {count_word(count)} digits",
            f"combinational converter from {width}-bit binary to {count} decimal digits",
            f"binary to decimal digit converter for numbers up to {top}",
        ],
        facts,
        function,
    )


def bcd_adder(d: Draw) -> Problem:
    """Sum of two decimal digits, or of two numbers of two digits."""
    digits = d.choose(1, 1, 1, 2)
    a, b = d.choose(("a", "b"), ("x", "y"), ("digit_a", "digit_b"), ("A", "B"))
    for name in (a, b):
        d.name(name)
    ci = d.name("cin", "c_in", "carry_in") if d.chance(0.6) else ""
    y, co = d.name("sum", "s", "result"), d.name("cout", "carry", "c_out", "tens")
    t = d.name("t", "raw", "tmp", "binary_sum")
    start = f" + {ci}" if ci else ""
    reg = False
    if digits == 1:
        total = f"{a} + {b}{start}"
        style = d.choose("branches", "ternary", "carry")
        if style == "branches":
            yes = [f"{y} = {t} + 5'd6;", f"{co} = 1'b1;"]
            no = [f"{y} = {t}[3:0];", f"{co} = 1'b0;"]
            arms = d.branches((f"{t} > 9", yes), ("", no))
            body, reg = [f"wire [4:0] {t} = {total};", *d.always_comb(arms)], True
        elif style == "carry":
            rule = f"{t}[4] | ({t}[3] & ({t}[2] | {t}[1]))"
            body = [
                f"wire [4:0] {t} = {total};",
                f"assign {co} = {rule};",
                f"assign {y} = {t}[3:0] + {{1'b0, {co}, {co}, 1'b0}};",
            ]
        else:
            body = [
                f"wire [4:0] {t} = {total};",
                *remark(d, "skip the six codes that are no digits"),
                f"assign {co} = ({t} > 9);",
                f"assign {y} = {co} ? {t}[3:0] + 4'd6 : {t}[3:0];",
            ]
    else:
        u, c = d.name("u", "high", "t_hi"), d.name("c", "carry_1", "half")
        body = [
            f"wire [4:0] {t} = {a}[3:0] + {b}[3:0]{start};",
            f"wire {c} = ({t} > 9);",
            f"wire [4:0] {u} = {a}[7:4] + {b}[7:4] + {c};",
            f"assign {co} = ({u} > 9);",
            f"assign {y}[3:0] = {c} ? {t}[3:0] + 4'd6 : {t}[3:0];",
            f"assign {y}[7:4] = {co} ? {u}[3:0] + 4'd6 : {u}[3:0];",
        ]
    width = 4 * digits
    inputs = [
        Port(a, "input", width, ("first BCD number", "BCD operand A")),
        Port(b, "input", width, ("second BCD number", "BCD operand B")),
    ]
    if ci:
        inputs.append(Port(ci, "input", meaning=("carry in", "carry from the digit below")))

    def number(value: int) -> int:
        return value if digits == 1 else (value >> 4) * 10 + (value & 15)

    def function(v: Values) -> dict[str, int]:
        total = number(v[a]) + number(v[b]) + (v[ci] if ci else 0)
        carry, rest = divmod(total, 10**digits)
        return {y: rest // 10 << 4 | rest % 10, co: carry}

    def stimulus(random: Random, _: int) -> Values:
        def drawn() -> int:
            return sum(random.randint(0, 9) << 4 * n for n in range(digits))

        values = {a: drawn(), b: drawn()}
        return {**values, ci: random.getrandbits(1)} if ci else values

    shape = "one-digit" if digits == 1 else "two-digit"
    words = listing([a, b, *([ci] if ci else [])])
    return circuit(
        d,
        (
            "bcd_adder",
            f"bcd_add{digits}",
            "decimal_adder",
            "bcd_sum",
            "bcd_digit_adder" if digits == 1 else "bcd_adder_2digit",
        ),
        inputs,
        [
            Port(y, "output", width, ("BCD sum", "decimal sum"), reg),
            Port(co, "output", meaning=("decimal carry", "carry out"), reg=reg),
        ],
        body,
        [
            f"{shape} BCD adder" + (" with carry in" if ci else "") + " and carry out" * bool(ci),
            f"adder of two {shape} decimal numbers in BCD",
            f"{shape} decimal adder with carry out",
        ],
        [
            (
                f"{y} is the decimal sum of {words} in BCD, and {co} is 1 if the sum is"
                f" {10**digits} or more.",
                f"{words} are added as decimal numbers; {y} holds the lower"
                f" {'digit' if digits == 1 else 'two digits'} and {co} the carry, worth {10**digits}.",
            ),
            (
                "The inputs are always valid BCD, with digits from 0 to 9.",
                "Digits above 9 do not occur at the inputs.",
            ),
        ],
        function,
        stimulus=stimulus,
    )


FAMILIES = (
    seven_segment,
    binary_to_bcd,
    bcd_adder,
)
