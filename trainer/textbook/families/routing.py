"""Data led to one of several places: demultiplexers, exchanges, merged lanes."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word
from trainer.textbook.families._common import Size, drive_all
from trainer.textbook.families._words import circuit, generate, loop, output, pair, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
)

_SELECTS = ("sel", "sel", "s", "select", "S", "sel_i", "addr", "choice")


def demux(d: Draw) -> Problem:
    """Demultiplexer to separate outputs or to the bits of one."""
    count = d.choose(2, 4, 4, 8)
    width = count.bit_length() - 1
    a = d.name("in", "d", "din", "data", "a", "i")
    sel = d.name(*_SELECTS)
    packed = count == 8 or d.chance(0.5)
    s = Size(1) if packed or d.chance(0.4) else size(d, 2, 16)
    if packed:
        y = d.name("y", "out", "z", "dout", "q")
        style = d.choose("shift", "loop", "index", "case")
        reg = style != "shift"
        if style == "shift":
            body = [f"assign {y} = {{{count - 1}'b0, {a}}} << {sel};"]
        elif style == "loop":
            i = d.name("i", "k")
            inner = loop(i, str(count), [f"{y}[{i}] = ({sel} == {i}) ? {a} : 1'b0;"])
            body = [f"integer {i};", *d.always_comb(inner)]
        elif style == "index":
            body = d.always_comb([f"{y} = {d.number(0, count)};", f"{y}[{sel}] = {a};"])
        else:
            arms = [(f"{width}'d{n}", [f"{y}[{n}] = {a};"]) for n in range(count)]
            body = d.always_comb([f"{y} = {d.number(0, count)};", *d.case(sel, arms)])
        outs = [Port(y, "output", count, ("demultiplexed output", "outputs, one bit each"), reg)]
        names = [f"{y}[{n}]" for n in range(count)]

        def function(v: dict[str, int]) -> dict[str, int]:
            return {y: v[a] << v[sel]}
    else:
        stem = d.choose("y", "out", "z", "o")
        names = [d.name(f"{stem}{n}") for n in range(count)]
        tests = [f"({sel} == {d.number(n, width)})" for n in range(count)]
        zero = "1'b0" if s.bits == 1 else s.zero(d)
        if s.bits == 1 and d.chance(0.5):
            values = [f"{a} & {test}" for test in tests]
        else:
            values = [f"{test} ? {a} : {zero}" for test in tests]
        body, reg = drive_all(d, list(zip(names, values, strict=True)))
        outs = [
            s.output(name, (f"output {n}", f"data when {sel} is {n}"), reg)
            for n, name in enumerate(names)
        ]

        def function(v: dict[str, int]) -> dict[str, int]:
            return {name: v[a] if v[sel] == n else 0 for n, name in enumerate(names)}

    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    return circuit(
        d,
        (
            f"demux{count}",
            f"demux1to{count}",
            f"demux_1to{count}",
            "demux",
            "demultiplexer",
            "route",
        ),
        [
            s.port(a, ("data input", "data to be routed")),
            Port(sel, "input", width, ("select", "number of the output")),
        ],
        outs,
        body,
        [
            f"{wide} 1-to-{count} demultiplexer",
            f"1:{count} demux for {wide} data, other outputs zero",
            f"demultiplexer that routes {wide} data to one of {count_word(count)} outputs",
        ],
        [
            (
                f"The input {a} appears on the output that {sel} selects, {names[0]} for 0 up to"
                f" {names[-1]} for {count - 1}.",
                f"{sel} is the number of the output that carries {a}: 0 means {names[0]} and"
                f" {count - 1} means {names[-1]}.",
            ),
            ("All other outputs are 0.", "The outputs that are not selected stay zero."),
        ],
        function,
        size=s,
    )


def exchange(d: Draw) -> Problem:
    """Two words passed straight or crossed."""
    s = size(d, 1, 16, 0.2)
    a, b = pair(d)
    sel = d.name("swap", "crossed", "x_en", "sel", "exchange", "straight")
    low = sel == "straight"
    p, q = d.choose(("y0", "y1"), ("out_a", "out_b"), ("p", "q"), ("o1", "o2"), ("left", "right"))
    for name in (p, q):
        d.name(name)
    if d.chance(0.4):
        crossed = [f"{p} = {b};", f"{q} = {a};"]
        straight = [f"{p} = {a};", f"{q} = {b};"]
        arms = d.branches((sel, straight if low else crossed), ("", crossed if low else straight))
        body, reg = d.always_comb(arms), True
    elif d.chance(0.3):
        first, second = (
            (f"{{{a}, {b}}}", f"{{{b}, {a}}}") if low else (f"{{{b}, {a}}}", f"{{{a}, {b}}}")
        )
        body, reg = [f"assign {{{p}, {q}}} = {sel} ? {first} : {second};"], False
    else:
        one, other = (a, b) if low else (b, a)
        body, reg = drive_all(d, [(p, f"{sel} ? {one} : {other}"), (q, f"{sel} ? {other} : {one}")])
    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    return circuit(
        d,
        ("exchange", "swap_unit", "crossbar2", "switch2x2", "cond_swap", "butterfly_switch"),
        [
            s.port(a, ("first word", "input 0")),
            s.port(b, ("second word", "input 1")),
            Port(
                sel,
                "input",
                meaning=("1 passes the words straight" if low else "1 crosses the words",),
            ),
        ],
        [
            s.output(p, ("first output", "output 0"), reg),
            s.output(q, ("second output", "output 1"), reg),
        ],
        body,
        [
            f"{wide} conditional exchange of two words, crossed when {sel} is {int(not low)}",
            f"2x2 crossbar switch for {wide} data",
            f"circuit that swaps two {wide} words on demand",
        ],
        [
            (
                f"If {sel} is {int(not low)}, {p} is {b} and {q} is {a}; otherwise {p} is {a} and {q} is"
                f" {b}.",
                f"With {sel} = {int(low)} the words pass straight ({a} to {p}, {b} to {q}); with {sel} ="
                f" {int(not low)} they are exchanged.",
            )
        ],
        lambda v: {p: v[b], q: v[a]} if v[sel] != low else {p: v[a], q: v[b]},
        size=s,
    )


def byte_merge(d: Draw) -> Problem:
    """New bytes put over old ones where an enable bit says so."""
    lanes = d.choose(2, 4, 4, 8)
    lane = d.choose(8, 8, 4) if lanes < 8 else 8
    width = lanes * lane
    old, new = d.choose(("old", "new_data"), ("rdata", "wdata"), ("base", "update"), ("cur", "din"))
    en = d.name("be", "wstrb", "mask", "byte_en", "sel", "lane_en")
    low = d.chance(0.15)
    for name in (old, new):
        d.name(name)
    y = output(d)
    thing = "byte" if lane == 8 else "nibble"
    mark = "!" if low else ""
    spans = [f"[{n * lane + lane - 1}:{n * lane}]" for n in range(lanes)]
    style = d.choose("generate", "assign", "loop", "mask", "branches")
    reg = False
    if style == "generate":
        span = f"*{lane} +: {lane}]"
        body = generate(
            d,
            str(lanes),
            lambda i: [
                f"assign {y}[{i}{span} = {mark}{en}[{i}] ? {new}[{i}{span} : {old}[{i}{span};"
            ],
            d.choose("lane", "byte_lane", "merge"),
        )
    elif style == "loop":
        i = d.name("i", "k")
        span = f"*{lane} +: {lane}]"
        step = d.branches((f"{mark}{en}[{i}]", [f"{y}[{i}{span} = {new}[{i}{span};"]))
        head = f"for ({i} = 0; {i} < {lanes}; {i} = {i} + 1)"
        body = [f"integer {i};", *d.always_comb([f"{y} = {old};", *d.block(head, step)])]
        reg = True
    elif style == "mask" and lanes <= 4:
        m = d.name("m", "bit_mask", "wide_en", "keep")
        parts = ", ".join(
            f"{{{lane}{{{'~' if low else ''}{en}[{n}]}}}}" for n in reversed(range(lanes))
        )
        body = [f"wire [{width - 1}:0] {m} = {{{parts}}};"]
        body.append(f"assign {y} = ({new} & {m}) | ({old} & ~{m});")
    elif style == "branches" and lanes <= 4:
        lines = [f"{y} = {old};"]
        for n, span in enumerate(spans):
            lines += d.branches((f"{mark}{en}[{n}]", [f"{y}{span} = {new}{span};"]))
        body, reg = d.always_comb(lines), True
    else:
        body = [
            f"assign {y}{span} = {mark}{en}[{n}] ? {new}{span} : {old}{span};"
            for n, span in enumerate(spans)
        ]

    def function(v: Values) -> dict[str, int]:
        mask = sum(((1 << lane) - 1) << n * lane for n in range(lanes) if (v[en] >> n & 1) != low)
        return {y: v[new] & mask | v[old] & ~mask}

    level = "low" if low else "high"
    return circuit(
        d,
        (
            f"{thing}_merge",
            f"{thing}_lanes",
            f"write_{thing}s",
            f"{thing}_mux",
            "merge_word",
            "strobe_merge",
        ),
        [
            Port(old, "input", width, ("old word", f"word to be kept where no {thing} is enabled")),
            Port(new, "input", width, ("new word", f"source of the enabled {thing}s")),
            Port(
                en, "input", lanes, (f"{thing} enables, active {level}", f"one enable per {thing}")
            ),
        ],
        [Port(y, "output", width, ("merged word", "result"), reg)],
        body,
        [
            f"{width}-bit {thing} merge of two words with {lanes} active-{level} {thing} enables",
            f"{thing} lane multiplexer for {width}-bit words",
            f"write strobe logic that merges {count_word(lanes)} {thing}s",
        ],
        [
            (
                f"{thing.capitalize()} n of {y} comes from {new} if {en}[n] is {int(not low)} and from"
                f" {old} otherwise.",
                f"Each bit of {en} (active {level}) chooses the source of one {thing} of {y}: {new} if it"
                f" is active, else {old}.",
            ),
            (
                f"{en}[0] belongs to bits {lane - 1}:0 of the word.",
                f"The least significant {thing} has number 0.",
            ),
        ],
        function,
    )


FAMILIES = (
    demux,
    exchange,
    byte_merge,
)
