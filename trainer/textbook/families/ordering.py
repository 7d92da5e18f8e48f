"""Numbers chosen by comparison: minimum, maximum, median, order, limits, distance."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, output, pair, reader, remark, row, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    unsigned,
)

_LEAST = ("min", "min_out", "smaller", "lo", "y_min")

_MOST = ("max", "max_out", "larger", "hi", "y_max")


def minimum_maximum(d: Draw) -> Problem:
    """Minimum or maximum of two to four numbers, or both of two."""
    s = size(d, 2, 32)
    count = d.choose(2, 2, 3, 4)
    names = pair(d) if count == 2 else row(d, count)
    with_sign = d.chance(0.35)
    both = count == 2 and d.chance(0.4)
    most = d.chance(0.5)
    kinds = ["min", "max"] if both else ["max" if most else "min"]
    outs = {kind: d.name(*(_LEAST if kind == "min" else _MOST)) for kind in kinds}
    number = reader(with_sign, s.bits)
    reg, sign_out = False, with_sign and d.chance(0.6)
    if count == 2:
        a, b = names
        if both and d.chance(0.5):
            first = [f"{outs['min']} = {a};", f"{outs['max']} = {b};"]
            second = [f"{outs['min']} = {b};", f"{outs['max']} = {a};"]
            body = d.always_comb(d.branches((f"{a} < {b}", first), ("", second)))
            reg = True
        else:
            choices = {"min": f"({a} < {b}) ? {a} : {b}", "max": f"({a} > {b}) ? {a} : {b}"}
            body, reg = drive_all(d, [(y, choices[kind]) for kind, y in outs.items()])
    else:
        y = outs[kinds[0]]
        symbol = ">" if most else "<"
        if d.chance(0.5):
            lines = [f"{y} = {names[0]};"]
            for name in names[1:]:
                lines += d.branches((f"{name} {symbol} {y}", [f"{y} = {name};"]))
            body, reg, sign_out = d.always_comb(lines), True, with_sign
        else:
            mark = "signed " if with_sign else ""
            m = [d.name("m0", "t0", "first"), d.name("m1", "t1", "second")]
            last = names[2]
            p, q = names[0], names[1]
            body = [f"wire {mark}{s.range} {m[0]} = ({p} {symbol} {q}) ? {p} : {q};"]
            if count == 4:
                p, q = names[2], names[3]
                body.append(f"wire {mark}{s.range} {m[1]} = ({p} {symbol} {q}) ? {p} : {q};")
                last = m[1]
            body.append(f"assign {y} = ({m[0]} {symbol} {last}) ? {m[0]} : {last};")
    words = {"min": "minimum", "max": "maximum"}
    told = " and ".join(words[kind] for kind in kinds)
    kind_word = "signed" if with_sign else "unsigned"
    facts = [
        (
            f"{listing(names)} are {kind_word} numbers of {s.bits} bits.",
            f"All numbers are {kind_word}"
            + (" (two's complement)." if with_sign else " and have the same width."),
        ),
        *(
            (
                f"{y} is the {words[kind]} of {listing(names)}.",
                f"{y} equals the {'smallest' if kind == 'min' else 'largest'} of the inputs"
                f" {listing(names)}.",
            )
            for kind, y in outs.items()
        ),
    ]

    def function(v: Values) -> dict[str, int]:
        values = [number(v[name]) for name in names]
        picked = {"min": min(values), "max": max(values)}
        return {y: unsigned(picked[kind], s.bits) for kind, y in outs.items()}

    return circuit(
        d,
        ("min_max", "minmax", "sort2")
        if both
        else (
            f"{kinds[0]}{count}",
            f"{kinds[0]}_unit",
            f"{words[kinds[0]]}",
            f"find_{kinds[0]}",
            f"{kinds[0]}_of_{count}",
        ),
        [
            s.port(n, ("number to compare", f"operand {k + 1}"), with_sign)
            for k, n in enumerate(names)
        ],
        [
            s.output(y, (words[kind], f"{words[kind]} of the inputs"), reg, sign_out)
            for kind, y in outs.items()
        ],
        body,
        [
            f"{told} of {count_word(count)} {kind_word} {s.bits}-bit numbers",
            f"{s.bits}-bit {kind_word} {told} of {count_word(count)} inputs",
            f"combinational {told} finder for {count_word(count)} {s.bits}-bit words",
        ],
        facts,
        function,
        size=s,
    )


def median(d: Draw) -> Problem:
    """The middle one of three numbers."""
    s = size(d, 2, 16)
    a, b, c = row(d, 3)
    y = d.name("median", "med", "y", "mid", "out")
    style = d.choose("branches", "network", "ternary")
    reg = False
    if style == "branches":
        arms = d.branches(
            (f"({a} >= {b} && {a} <= {c}) || ({a} <= {b} && {a} >= {c})", [f"{y} = {a};"]),
            (f"({b} >= {a} && {b} <= {c}) || ({b} <= {a} && {b} >= {c})", [f"{y} = {b};"]),
            ("", [f"{y} = {c};"]),
        )
        body, reg = d.always_comb(arms), True
    elif style == "network":
        lo, hi, mid = d.name("lo", "low", "mn"), d.name("hi", "high", "mx"), d.name("mid", "t", "u")
        body = [
            *remark(d, "the larger of the smaller and the smaller of the larger ones"),
            f"wire {s.range} {lo} = ({a} < {b}) ? {a} : {b};",
            f"wire {s.range} {hi} = ({a} < {b}) ? {b} : {a};",
            f"wire {s.range} {mid} = ({hi} < {c}) ? {hi} : {c};",
            f"assign {y} = ({lo} > {mid}) ? {lo} : {mid};",
        ]
    else:
        inner = f"({a} > {b}) ? (({b} > {c}) ? {b} : (({a} > {c}) ? {c} : {a}))"
        other = f"(({a} > {c}) ? {a} : (({b} > {c}) ? {c} : {b}))"
        body, reg = drive(d, y, f"{inner} : {other}")
    return circuit(
        d,
        ("median3", "median", "med3", "median_of_3", "middle", "median_filter3"),
        [
            s.port(name, (f"number {n + 1}", "one of three numbers"))
            for n, name in enumerate((a, b, c))
        ],
        [s.output(y, ("median", "middle value"), reg)],
        body,
        [
            f"median of three unsigned {s.bits}-bit numbers",
            f"{s.bits}-bit median-of-three circuit",
            f"combinational circuit for the middle value of three {s.bits}-bit words",
        ],
        [
            (
                f"{y} is the median of the unsigned numbers {a}, {b} and {c}: the second largest.",
                f"The inputs are unsigned, and {y} is the one that would stand in the middle if they"
                f" were sorted.",
                f"Of {a}, {b} and {c} (unsigned), the one that is neither largest nor smallest goes to"
                f" {y}; equal values count as often as they occur.",
            )
        ],
        lambda v: {y: sorted((v[a], v[b], v[c]))[1]},
        size=s,
    )


def sorter(d: Draw) -> Problem:
    """Three or four numbers in order, as a network of compare and swap."""
    s = size(d, 2, 8, 0.2)
    count = d.choose(2, 3, 3, 4)
    names = row(d, count)
    down = d.chance(0.35)
    stem = d.choose("s", "y", "sorted", "out", "q")
    outs = [d.name(f"{stem}{n}") for n in range(count)]
    network = {
        2: [(0, 1)],
        3: [(0, 1), (1, 2), (0, 1)],
        4: [(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)],
    }[count]
    symbol = "<" if down else ">"
    t = d.name("t", "tmp", "swap")
    if d.chance(0.5):
        vs = [d.name(f"{p}{n}") for p in (d.choose("v", "r", "e"),) for n in range(count)]
        body = [f"reg {s.range} {', '.join(vs)}, {t};", ""]
        lines = [f"{x} = {name};" for x, name in zip(vs, names, strict=True)]
    else:
        vs = outs
        body = [f"reg {s.range} {t};", ""]
        lines = [f"{x} = {name};" for x, name in zip(outs, names, strict=True)]
    for i, j in network:
        swap = [f"{t} = {vs[i]};", f"{vs[i]} = {vs[j]};", f"{vs[j]} = {t};"]
        lines += d.branches((f"{vs[i]} {symbol} {vs[j]}", swap))
    if vs is not outs:
        lines += [f"{y} = {x};" for y, x in zip(outs, vs, strict=True)]
    body += d.always_comb([f"{t} = {s.zero(d)};", *lines])
    order = "descending" if down else "ascending"
    ends = ("largest", "smallest") if down else ("smallest", "largest")
    return circuit(
        d,
        (f"sort{count}", "sorter", f"sort_{count}x{s.bits}", "sort_network", "sorting_network"),
        [s.port(name, ("number to sort", f"number {n}")) for n, name in enumerate(names)],
        [
            s.output(y, (f"number {n} in {order} order", f"sorted output {n}"), True)
            for n, y in enumerate(outs)
        ],
        body,
        [
            f"combinational sorter of {count_word(count)} unsigned {s.bits}-bit numbers in {order} order",
            f"{count}-input {order} sorting network, {s.bits} bits wide",
            f"{order} sorter for {count_word(count)} {s.bits}-bit words",
        ],
        [
            (
                f"The unsigned numbers {listing(names)} appear sorted on {listing(outs)}, the"
                f" {ends[0]} on {outs[0]} and the {ends[1]} on {outs[-1]}.",
                f"{outs[0]} is the {ends[0]} of the unsigned inputs {listing(names)}, and so on in"
                f" {order} order up to {outs[-1]}, the {ends[1]}.",
            )
        ],
        lambda v: dict(zip(outs, sorted((v[name] for name in names), reverse=down), strict=True)),
        size=s,
    )


def clamp(d: Draw) -> Problem:
    """A number limited to a range, given by constants or inputs."""
    bits = d.choose(4, 8, 8, 10, 12, 16)
    with_sign = d.chance(0.4)
    x, y = d.name("x", "in", "a", "data", "d", "value_in"), output(d)
    bottom, top = (-(1 << bits - 1), (1 << bits - 1) - 1) if with_sign else (0, (1 << bits) - 1)
    constant = d.chance(0.5)
    inputs = [Port(x, "input", bits, ("number to limit", "input value"), signed=with_sign)]
    mark = "signed " if with_sign else ""
    if constant:
        low = d.integer(bottom, top - 2)
        high = d.integer(low + 1, top)
        names = d.choose(("LOW", "HIGH"), ("MIN", "MAX"), ("LO", "HI"), ("LIMIT_LOW", "LIMIT_HIGH"))
        as_names = d.chance(0.5)
        base = "'sd" if with_sign else "'d"
        texts = [f"{'-' if n < 0 else ''}{bits}{base}{abs(n)}" for n in (low, high)]
        lo, hi = names if as_names else texts
        body = [
            f"localparam {mark}[{bits - 1}:0] {name} = {text};"
            for name, text in zip(names, texts, strict=True)
            if as_names
        ]
        bounds = f"{low} and {high}"
        facts = [
            (
                f"If {x} is less than {low}, {y} is {low}; if it is greater than {high}, {y} is {high}.",
                f"Values below {low} are replaced by {low} and values above {high} by {high}.",
            )
        ]
    else:
        low = high = 0
        lo, hi = d.name("lo", "min", "low", "lower"), d.name("hi", "max", "high", "upper")
        inputs += [
            Port(lo, "input", bits, ("lower limit", "smallest allowed value"), signed=with_sign),
            Port(hi, "input", bits, ("upper limit", "largest allowed value"), signed=with_sign),
        ]
        body = []
        bounds = f"the inputs {lo} and {hi}"
        facts = [
            (
                f"If {x} is less than {lo}, {y} is {lo}; otherwise, if {x} is greater than {hi}, {y}"
                f" is {hi}.",
                f"The lower limit is tested first: {x} < {lo} gives {lo}; else {x} > {hi} gives {hi}.",
            )
        ]
    facts.append((f"Otherwise {y} is {x}.", f"In between, {x} passes unchanged to {y}."))
    if d.chance(0.5):
        more, reg = drive(d, y, f"({x} < {lo}) ? {lo} : ({x} > {hi}) ? {hi} : {x}")
    else:
        arms = (
            (f"{x} < {lo}", [f"{y} = {lo};"]),
            (f"{x} > {hi}", [f"{y} = {hi};"]),
            ("", [f"{y} = {x};"]),
        )
        more, reg = d.always_comb(d.branches(*arms)), True
    kind = "signed" if with_sign else "unsigned"
    facts.append(
        (f"All numbers are {kind}.", f"Numbers are compared as {kind} values of {bits} bits.")
    )
    number = reader(with_sign, bits)

    def function(v: Values) -> dict[str, int]:
        value = number(v[x])
        least, most = (low, high) if constant else (number(v[lo]), number(v[hi]))
        limited = least if value < least else most if value > most else value
        return {y: unsigned(limited, bits)}

    return circuit(
        d,
        ("clamp", "limiter", "clip", f"clamp{bits}", "range_limit", "saturate"),
        inputs,
        [
            Port(
                y,
                "output",
                bits,
                ("limited number", "clamped value"),
                reg,
                signed=with_sign and d.chance(0.6),
            )
        ],
        [*body, *more],
        [
            f"{bits}-bit {kind} limiter between {bounds}",
            f"{kind} clamp of {bits} bits between {bounds}",
            f"circuit that keeps one {kind} {bits}-bit number between {bounds}",
        ],
        facts,
        function,
    )


def distance(d: Draw) -> Problem:
    """Absolute difference of two numbers."""
    s = size(d, 2, 16)
    a, b = pair(d)
    y = d.name("diff", "y", "delta", "abs_diff", "out", "d")
    style = d.choose("ternary", "branches", "wide", "swap")
    reg = False
    if style == "branches":
        arms = ((f"{a} > {b}", [f"{y} = {a} - {b};"]), ("", [f"{y} = {b} - {a};"]))
        body, reg = d.always_comb(d.branches(*arms)), True
    elif style == "wide":
        t = d.name("t", "raw", "wide", "tmp")
        body = [
            f"wire [{s.text}:0] {t} = {{1'b0, {a}}} - {{1'b0, {b}}};",
            f"assign {y} = {t}[{s.text}] ? -{t}[{s.last}:0] : {t}[{s.last}:0];",
        ]
    elif style == "swap":
        hi, lo = d.name("hi", "big", "larger"), d.name("lo", "smaller", "minor")
        body = [
            f"wire {s.range} {hi} = ({a} > {b}) ? {a} : {b};",
            f"wire {s.range} {lo} = ({a} > {b}) ? {b} : {a};",
            f"assign {y} = {hi} - {lo};",
        ]
    else:
        body, reg = drive(d, y, f"({a} > {b}) ? {a} - {b} : {b} - {a}")
    return circuit(
        d,
        ("abs_diff", "absdiff", "distance", f"abs_diff{s.bits}", "sad_cell", "magnitude_diff"),
        [s.port(a, ("first number", "operand A")), s.port(b, ("second number", "operand B"))],
        [s.output(y, ("absolute difference", "distance"), reg)],
        body,
        [
            f"absolute difference of two unsigned {s.bits}-bit numbers",
            f"{s.bits}-bit absolute difference unit",
            f"circuit for the distance between two {s.bits}-bit numbers",
        ],
        [
            (
                f"{y} is the absolute value of {a} - {b}; both are unsigned.",
                f"{y} is {a} - {b} if {a} is the greater one and {b} - {a} otherwise (unsigned).",
                f"The smaller of the unsigned numbers {a} and {b} is subtracted from the larger one.",
            )
        ],
        lambda v: {y: abs(v[a] - v[b])},
        size=s,
    )


FAMILIES = (
    minimum_maximum,
    median,
    sorter,
    clamp,
    distance,
)
