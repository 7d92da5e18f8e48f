"""Tables of words, levels between thresholds, and classes of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import bits, circuit, remark
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
    unsigned,
)


def lookup_table(d: Draw) -> Problem:
    """A drawn table from a few bits to a word."""
    n = d.choose(2, 3, 3, 4)
    width = d.choose(2, 3, 4, 6, 8, 8)
    count = 1 << n if d.chance(0.7) else d.integer((1 << n - 1) + 1, (1 << n) - 1)
    values = [d.random.getrandbits(width) for _ in range(count)]
    x, y = (
        d.name("addr", "in", "x", "index", "sel", "code"),
        d.name("data", "out", "y", "value_out", "q"),
    )
    rest = d.random.getrandbits(width)
    show = d.choose(
        lambda v: f"{width}'h{v:x}",
        lambda v: f"{width}'d{v}",
        lambda v: f"{width}'b{bits(v, width)}",
    )
    full = count == 1 << n
    style = (
        d.choose("case", "case", "ternary", "vector")
        if full
        else d.choose("case", "case", "ternary")
    )
    reg = False
    if style == "vector":
        t = d.name("TABLE", "LUT", "ROM", "VALUES")
        joined = ", ".join(show(v) for v in reversed(values))
        body = [
            *remark(d, "the last entry comes first"),
            f"localparam [{count * width - 1}:0] {t} = {{{joined}}};",
            f"assign {y} = {t}[{x} * {width} +: {width}];",
        ]
    elif style == "ternary" and count <= 8:
        parts = [f"({x} == {d.number(k, n)}) ? {show(v)} :" for k, v in enumerate(values)]
        last = show(rest)
        if full:
            parts, last = parts[:-1], show(values[-1])
        body = [f"assign {y} = {parts[0]}", *(f"    {part}" for part in parts[1:]), f"    {last};"]
    else:
        arms: list[tuple[str, Sequence[str]]] = [
            (f"{n}'d{k}", [f"{y} = {show(v)};"]) for k, v in enumerate(values)
        ]
        if not full:
            arms.append(("default", [f"{y} = {show(rest)};"]))
        elif d.chance(0.4):
            arms.append(("default", [f"{y} = {show(0)};"]))
        body, reg = d.always_comb(d.case(x, arms)), True
    plain = ", ".join(f"{k} -> {v}" for k, v in enumerate(values))
    hexes = ", ".join(f"{v:0{(width + 3) // 4}x}" for v in values)
    facts: list[Words] = [
        (
            f"{y} is given by {x} through this table (decimal): {plain}.",
            f"For {x} = 0 to {count - 1} the output {y} is, in hexadecimal, {hexes}.",
            f"The table entries from {x} = 0 up are {listing([str(v) for v in values])}.",
        )
    ]
    if not full:
        facts.append(
            (f"For all other values of {x}, {y} is {rest}.", f"The default output is {rest}.")
        )
    return circuit(
        d,
        ("lookup", "lut", "table_lookup", "const_table", "code_table", f"lut{n}x{width}"),
        [Port(x, "input", n, ("table index", "entry number"))],
        [Port(y, "output", width, ("table entry", "entry"), reg)],
        body,
        [
            f"{count}-entry lookup table of {width}-bit values: {plain}",
            f"combinational table with the entries {hexes} (hexadecimal)",
            f"{n}-bit to {width}-bit lookup table",
        ],
        facts,
        lambda v: {y: values[v[x]] if v[x] < count else rest},
    )


def quantizer(d: Draw) -> Problem:
    """A number to its level between drawn thresholds, coded as a number or as drawn codes."""
    width = d.choose(4, 6, 8, 8, 10)
    top = (1 << width) - 1
    cuts = sorted(d.random.sample(range(1, top), d.integer(2, 4)))
    levels = len(cuts) + 1
    x, y = (
        d.name("x", "temp", "level_in", "adc", "speed", "sample", "value_in"),
        d.name("level", "y", "zone", "q", "range_no"),
    )
    w = (levels - 1).bit_length()
    one_hot = d.chance(0.3)
    codes = [1 << n for n in range(levels)] if one_hot else list(range(levels))
    w = levels if one_hot else w
    show = (lambda n: f"{w}'b{bits(n, w)}") if one_hot else (lambda n: d.number(n, w))
    style = d.choose("up", "up", "down", "sum", "ternary")
    reg = True
    if style == "sum" and not one_hot:
        terms = [f"({x} >= {cut})" for cut in cuts]
        body, reg = drive(d, y, " + ".join(terms))
    elif style == "down":
        arms = [(f"{x} >= {cut}", [f"{y} = {show(codes[n + 1])};"]) for n, cut in enumerate(cuts)]
        body = d.always_comb(d.branches(*reversed(arms), ("", [f"{y} = {show(codes[0])};"])))
    elif style == "ternary":
        parts = [f"({x} < {cut}) ? {show(codes[n])} :" for n, cut in enumerate(cuts)]
        body, reg = [f"assign {y} = {' '.join(parts)} {show(codes[-1])};"], False
    else:
        arms = [(f"{x} < {cut}", [f"{y} = {show(codes[n])};"]) for n, cut in enumerate(cuts)]
        body = d.always_comb(d.branches(*arms, ("", [f"{y} = {show(codes[-1])};"])))
    ranges = []
    for n in range(levels):
        low = cuts[n - 1] if n else 0
        high = cuts[n] - 1 if n < len(cuts) else top
        ranges.append((low, high))
    told = ", ".join(
        f"{bits(code, w) if one_hot else code} for {low} to {high}"
        for code, (low, high) in zip(codes, ranges, strict=True)
    )
    coded = "one-hot " if one_hot else ""
    steps = listing([str(cut) for cut in cuts])

    def stimulus(random: Random, _: int) -> Values:
        near = random.choice(cuts) + random.randint(-1, 1)
        return {x: near if random.random() < 0.6 else random.getrandbits(width)}

    return circuit(
        d,
        ("quantizer", "level_detect", "zone_detect", "threshold_levels", "level_encoder", "ranges"),
        [Port(x, "input", width, ("measured value", "unsigned input"))],
        [Port(y, "output", w, (f"{coded}level", f"{coded}zone"), reg)],
        body,
        [
            f"{width}-bit quantizer with the thresholds {steps} and {coded}level output",
            f"level detector with {count_word(levels)} levels: {told}",
            f"circuit that tells in which of {count_word(levels)} ranges one {width}-bit number lies",
        ],
        [
            (
                f"{y} depends on the unsigned number {x}: {told}.",
                f"{y} gives the {coded}level of {x}, which is {told}.",
            ),
            (
                f"A value equal to a threshold ({steps}) belongs to the higher level.",
                f"The level rises when {x} reaches a threshold, that is, at {steps}.",
            ),
        ],
        lambda v: {y: codes[sum(v[x] >= cut for cut in cuts)]},
        stimulus=stimulus,
    )


def window(d: Draw) -> Problem:
    """Whether a number lies in a range, or above or below a threshold."""
    bits = d.choose(4, 6, 8, 8, 10, 12, 16)
    x = d.name("x", "in", "a", "data", "level", "value", "temp", "sample")
    top = (1 << bits) - 1
    low = d.integer(1, top - 2)
    high = d.integer(low + 1, top - 1)
    above = d.name("above", "too_high", "over", "high") if d.chance(0.5) else ""
    under = d.name("below", "too_low", "under", "low") if d.chance(0.5) else ""
    outer = d.chance(0.2)
    y = (
        d.name("outside", "alarm", "y")
        if outer
        else d.name("in_window", "in_range", "ok", "hit", "y")
    )
    outs = [(y, "outside the range" if outer else "inside the range")]
    lo, hi = str(low), str(high)
    body: list[str] = []
    if d.chance(0.4):
        lo, hi = d.choose(("LOW", "HIGH"), ("LO", "HI"), ("MIN", "MAX"), ("T_LOW", "T_HIGH"))
        key = "localparam"
        body = [
            f"{key} [{bits - 1}:0] {lo} = {bits}'d{low};",
            f"{key} [{bits - 1}:0] {hi} = {bits}'d{high};",
        ]
    elif d.base != "plain":
        lo, hi = f"{bits}'d{low}", f"{bits}'d{high}"
    inside = f"({x} >= {lo}) && ({x} <= {hi})"
    values = [(y, f"({x} < {lo}) || ({x} > {hi})" if outer else inside)]
    facts = [
        (
            f"{y} is 1 if {x} is {'less than' if outer else 'at least'} {low}"
            f" {'or greater than' if outer else 'and at most'} {high}, else 0.",
            f"{y} is {int(not outer)} for {low} <= {x} <= {high} and {int(outer)} elsewhere.",
        )
    ]
    if above:
        values.append((above, f"({x} > {hi})"))
        outs.append((above, f"above {high}"))
        facts.append(
            (f"{above} is 1 if {x} is greater than {high}.", f"{above} = 1 means {x} > {high}.")
        )
    if under:
        values.append((under, f"({x} < {lo})"))
        outs.append((under, f"below {low}"))
        facts.append(
            (f"{under} is 1 if {x} is less than {low}.", f"{under} = 1 means {x} < {low}.")
        )
    more, reg = drive_all(d, values)

    def function(v: Values) -> dict[str, int]:
        n = v[x]
        result = {y: int((low <= n <= high) != outer)}
        result |= {above: int(n > high)} if above else {}
        return result | ({under: int(n < low)} if under else {})

    def stimulus(random: Random, _: int) -> Values:
        edge = random.choice((low, high))
        near = random.random() < 0.6
        return {
            x: unsigned(edge + random.randint(-2, 2) if near else random.getrandbits(bits), bits)
        }

    extra = listing([word for _, word in outs[1:]]) if len(outs) > 1 else ""
    plural = "outputs" if len(outs) > 2 else "output"
    suffix = f", with further {plural} for {extra}" if extra else ""
    return circuit(
        d,
        ("window", "window_cmp", "in_range", "range_check", "threshold", "range_detect", "limits"),
        [Port(x, "input", bits, ("number to test", "measured value"))],
        [
            Port(name, "output", meaning=(f"1 if the number is {word}", word), reg=reg)
            for name, word in outs
        ],
        [*body, *more],
        [
            f"{bits}-bit window comparator, {y} = {int(not outer)} from {low} to {high}{suffix}",
            f"range check of one unsigned {bits}-bit number against {low} and {high}{suffix}",
            f"detector for values {'outside' if outer else 'from'} {low} to {high}{suffix}",
        ],
        facts,
        function,
        stimulus=stimulus,
    )


def float_class(d: Draw) -> Problem:
    """What kind of number a small IEEE-like floating-point word is."""
    e, m = d.choose((3, 4), (4, 3), (5, 2), (5, 10), (8, 7), (8, 23), (4, 11))
    width = 1 + e + m
    x = d.name("x", "in", "f", "a", "fp", "num")
    kinds = d.random.sample(
        ["zero", "inf", "nan", "subnormal", "normal", "negative"], d.integer(2, 5)
    )
    outs = {kind: d.name(f"is_{kind}", kind, f"{kind}_o") for kind in kinds}
    exp, frac = d.name("exp", "exponent", "ex"), d.name("frac", "mant", "fraction", "man")
    tests = {
        "zero": f"({exp} == 0) && ({frac} == 0)",
        "inf": f"(&{exp}) && ({frac} == 0)",
        "nan": f"(&{exp}) && ({frac} != 0)",
        "subnormal": f"({exp} == 0) && ({frac} != 0)",
        "normal": f"({exp} != 0) && !(&{exp})",
        "negative": f"{x}[{width - 1}]",
    }
    words = {
        "zero": "exponent and fraction are all zeros",
        "inf": "the exponent is all ones and the fraction zero",
        "nan": "the exponent is all ones and the fraction is not zero",
        "subnormal": "the exponent is zero and the fraction is not",
        "normal": "the exponent is neither all zeros nor all ones",
        "negative": "the sign bit is 1",
    }
    body = [
        f"wire [{e - 1}:0] {exp} = {x}[{width - 2}:{m}];",
        f"wire [{m - 1}:0] {frac} = {x}[{m - 1}:0];",
    ]
    more, reg = drive_all(d, [(outs[kind], tests[kind]) for kind in kinds])

    def function(v: Values) -> dict[str, int]:
        exponent, fraction = v[x] >> m & ((1 << e) - 1), v[x] & ((1 << m) - 1)
        full = exponent == (1 << e) - 1
        truth = {
            "zero": exponent == 0 and fraction == 0,
            "inf": full and fraction == 0,
            "nan": full and fraction > 0,
            "subnormal": exponent == 0 and fraction > 0,
            "normal": 0 < exponent < (1 << e) - 1,
            "negative": v[x] >> (width - 1),
        }
        return {outs[kind]: int(truth[kind]) for kind in kinds}

    def stimulus(random: Random, _: int) -> Values:
        exponent = random.choice((0, (1 << e) - 1, random.getrandbits(e)))
        fraction = random.choice((0, random.getrandbits(m)))
        return {x: random.getrandbits(1) << (width - 1) | exponent << m | fraction}

    return circuit(
        d,
        ("fp_class", "float_class", "fp_classify", f"fp{width}_class", "float_check"),
        [Port(x, "input", width, ("floating-point word", f"{width}-bit number"))],
        [
            Port(outs[kind], "output", meaning=(f"1 if {words[kind]}", kind), reg=reg)
            for kind in kinds
        ],
        [*body, *more],
        [
            f"classifier of {width}-bit floating-point numbers ({listing(kinds)})",
            f"floating-point classification unit, {e} exponent and {m} fraction bits",
            f"detector of {listing(kinds, 'or')} for {width}-bit floating point",
        ],
        [
            (
                f"{x} has its sign in bit {width - 1}, the exponent in bits {width - 2}:{m} and the"
                f" fraction in bits {m - 1}:0.",
                f"From the top, {x} consists of a sign bit, {e} exponent bits and {m} fraction bits.",
            ),
            *(
                (
                    f"{outs[kind]} is 1 if {words[kind]}.",
                    f"{outs[kind]} is high when {words[kind]}.",
                )
                for kind in kinds
            ),
        ],
        function,
        stimulus=stimulus,
    )


FAMILIES = (
    lookup_table,
    quantizer,
    window,
    float_class,
)
