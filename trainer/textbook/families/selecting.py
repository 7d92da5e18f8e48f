"""Multiplexers."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import Size, drive
from trainer.textbook.families._words import bits, circuit, output, pair, remark, row, size
from trainer.textbook.problem import (
    Port,
    Problem,
)

_SELECTS = ("sel", "sel", "s", "select", "S", "sel_i", "addr", "choice")


def mux2(d: Draw) -> Problem:
    """Two-way multiplexer, from gates to a ternary."""
    s = Size(1) if d.chance(0.35) else size(d, 2, 32)
    a, b = pair(d)
    sel = d.name(*_SELECTS)
    y = output(d)
    first_on = d.choose(0, 0, 1)  # the select that takes a
    zero, one = (a, b) if first_on == 0 else (b, a)  # taken for sel = 0 and 1
    style = d.choose("ternary", "ternary", "branches", "case", "gates", "structural")
    reg = False
    if style == "branches":
        if d.chance(0.5):
            arms = ((sel, [f"{y} = {one};"]), ("", [f"{y} = {zero};"]))
        else:
            arms = ((f"{sel} == 1'b0", [f"{y} = {zero};"]), ("", [f"{y} = {one};"]))
        body, reg = d.always_comb(d.branches(*arms)), True
    elif style == "case":
        last = "1'b1" if d.chance(0.5) else "default"
        arms = (("1'b0", [f"{y} = {zero};"]), (last, [f"{y} = {one};"]))
        body, reg = d.always_comb(d.case(sel, arms)), True
    elif style == "gates":
        mask = sel if s.bits == 1 else f"{{{s.text}{{{sel}}}}}"
        body, reg = drive(d, y, f"({zero} & ~{mask}) | ({one} & {mask})")
    elif style == "structural" and s.bits == 1:
        ns, t0, t1 = d.name("nsel", "sel_n", "ns"), d.name("t0", "w0"), d.name("t1", "w1")
        body = [
            f"wire {ns}, {t0}, {t1};",
            "",
            f"not ({ns}, {sel});",
            f"and ({t0}, {zero}, {ns});",
            f"and ({t1}, {one}, {sel});",
            f"or ({y}, {t0}, {t1});",
        ]
    else:
        condition = d.choose(sel, sel, f"({sel} == 1'b1)", f"({sel})")
        body, reg = drive(d, y, f"{condition} ? {one} : {zero}")
    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    return circuit(
        d,
        (
            "mux2",
            "mux2to1",
            "mux_2to1",
            "mux",
            "mux21",
            "multiplexer",
            f"mux2_{s.bits}",
            "selector",
        ),
        [
            s.port(a, (f"data, selected by {sel} = {first_on}", f"input for {sel} = {first_on}")),
            s.port(b, (f"data, selected by {sel} = {1 - first_on}", "other data input")),
            Port(sel, "input", meaning=("select", "select input")),
        ],
        [s.output(y, ("selected data", "multiplexer output"), reg)],
        body,
        [
            f"{wide} 2-to-1 multiplexer",
            f"2:1 mux for {wide} data",
            f"multiplexer that chooses between two {wide} inputs",
        ],
        [
            (
                f"When {sel} is 0 the output {y} is {zero}; when {sel} is 1 it is {one}.",
                f"{y} equals {one} if {sel} is high and {zero} if {sel} is low.",
                f"{sel} = 1 selects {one} and {sel} = 0 selects {zero} for the output {y}.",
            )
        ],
        lambda v: {y: v[one] if v[sel] else v[zero]},
        size=s,
    )


def mux_n(d: Draw) -> Problem:
    """Multiplexer of three to eight separate inputs; unused select values give zero."""
    count = d.choose(3, 4, 4, 4, 5, 6, 8, 8)
    width = (count - 1).bit_length()
    s = Size(1) if d.chance(0.25) else size(d, 2, 32)
    names = row(d, count)
    sel = d.name(*_SELECTS)
    y = output(d)
    full = count == 1 << width
    idle = "1'b0" if s.bits == 1 else s.zero(d)
    style = d.choose("case", "case", "ternary", "branches", "index")
    reg = True
    if style == "index" and s.bits == 1 and full:
        joined = d.name("all", "inputs", "bus", "data_all")
        body = [
            *remark(d, "the first input is bit 0"),
            f"wire [{count - 1}:0] {joined} = {{{', '.join(reversed(names))}}};",
            f"assign {y} = {joined}[{sel}];",
        ]
        reg = False
    elif style == "ternary":
        last = names[-1] if full else idle
        tests = names[:-1] if full else names
        parts = [f"({sel} == {d.number(n, width)}) ? {name} :" for n, name in enumerate(tests)]
        if d.chance(0.5):
            body = [f"assign {y} = {' '.join(parts)} {last};"]
        else:
            inner = [f"    {part}" for part in parts[1:]]
            body = [f"assign {y} = {parts[0]}", *inner, f"    {last};"]
        reg = False
    elif style == "branches":
        arms = [(f"{sel} == {d.number(n, width)}", [f"{y} = {x};"]) for n, x in enumerate(names)]
        if full:
            arms[-1] = ("", arms[-1][1])
        else:
            arms.append(("", [f"{y} = {idle};"]))
        body = d.always_comb(d.branches(*arms))
    else:
        arms = [(f"{width}'d{n}", [f"{y} = {x};"]) for n, x in enumerate(names)]
        if d.base == "binary":
            arms = [(f"{width}'b{bits(n, width)}", [f"{y} = {x};"]) for n, x in enumerate(names)]
        if not full or d.chance(0.4):
            arms.append(("default", [f"{y} = {idle};"]))
        body = d.always_comb(d.case(sel, arms))
    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    table = ", ".join(f"{name} for {n}" for n, name in enumerate(names))
    facts = [
        (
            f"The output {y} is the input that {sel} selects: {table}.",
            f"{sel} is the number of the input that drives {y}: {table}.",
            f"{y} takes the value of {names[0]} when {sel} is 0, of {names[1]} when it is 1, and so"
            f" on up to {names[-1]} for {count - 1}.",
        )
    ]
    if not full:
        facts.append(
            (
                f"For values of {sel} from {count} on, {y} is zero.",
                f"If {sel} is {count} or more the output is all zeros.",
            )
        )
    return circuit(
        d,
        (
            f"mux{count}",
            f"mux{count}to1",
            f"mux_{count}to1",
            f"mux{count}x{s.bits}",
            "data_selector",
        ),
        [
            *(s.port(name, (f"data input {n}", f"input {n}")) for n, name in enumerate(names)),
            Port(sel, "input", width, ("select", "number of the selected input")),
        ],
        [s.output(y, ("selected data", "multiplexer output"), reg)],
        body,
        [
            f"{wide} {count}-to-1 multiplexer",
            f"{count}:1 mux for {wide} data",
            f"multiplexer of {count_word(count)} {wide} inputs",
        ],
        facts,
        lambda v: {y: v[names[v[sel]]] if v[sel] < count else 0},
        size=s,
    )


def mux_packed(d: Draw) -> Problem:
    """Multiplexer whose inputs lie side by side in one bus."""
    count = d.choose(2, 4, 4, 8, 8, 16)
    width = count.bit_length() - 1
    chunk = d.choose(1, 1, 2, 4, 8) if count > 4 else d.choose(1, 4, 8, 16)
    data = d.name("data", "in", "d", "bus", "din", "inputs")
    sel = d.name(*_SELECTS)
    y = output(d)
    from_top = d.chance(0.15)
    place = f"({count - 1} - {sel})" if from_top else sel
    reg = False
    if chunk == 1:
        style = d.choose("index", "index", "shift")
        index = f"~{sel}" if from_top else sel
        value = f"{data}[{index}]" if style == "index" else f"({data} >> {place}) & 1'b1"
        body, reg = drive(d, y, value)
    elif d.chance(0.35) and count <= 8:
        slots = [count - 1 - n if from_top else n for n in range(count)]
        arms = [
            (d.number(n, width), [f"{y} = {data}[{slot * chunk + chunk - 1}:{slot * chunk}];"])
            for n, slot in enumerate(slots)
        ]
        arms[-1] = (d.choose("default", arms[-1][0]), arms[-1][1])
        body, reg = d.always_comb(d.case(sel, arms)), True
    else:
        body, reg = drive(d, y, f"{data}[{place} * {chunk} +: {chunk}]")
    first = "highest" if from_top else "lowest"
    pieces = "bit" if chunk == 1 else f"{chunk}-bit slice"
    return circuit(
        d,
        ("bus_mux", "packed_mux", f"mux{count}", "slice_select", "word_select", "vector_mux"),
        [
            Port(
                data, "input", count * chunk, (f"{count} {pieces}s side by side", "packed inputs")
            ),
            Port(sel, "input", width, ("select", f"number of the {pieces}")),
        ],
        [Port(y, "output", chunk, (f"selected {pieces}", "multiplexer output"), reg)],
        body,
        [
            f"{count}-to-1 multiplexer of the {pieces}s of one {count * chunk}-bit bus,"
            f" {first} first",
            f"selector for one of {count} {pieces}s of a bus",
            f"{count}:1 mux with {pieces}s packed into one {count * chunk}-bit input",
        ],
        [
            (
                f"{data} holds {count} {pieces}s; {sel} = 0 selects the {first} one"
                f" and {sel} = {count - 1} the {'lowest' if from_top else 'highest'}.",
                f"{y} is {pieces} number {sel} of {data}, counted from the {first} end.",
            ),
            (
                f"With {sel} = 0, {y} is {_span(data, count, chunk, 0, from_top)}; with {sel} = 1 it"
                f" is {_span(data, count, chunk, 1, from_top)}, and so on.",
                f"So {_span(data, count, chunk, 0, from_top)} appears on {y} for {sel} = 0,"
                f" {_span(data, count, chunk, 1, from_top)} for {sel} = 1.",
            ),
        ],
        lambda v: {
            y: v[data] >> (count - 1 - v[sel] if from_top else v[sel]) * chunk & (1 << chunk) - 1
        },
    )


def _span(data: str, count: int, chunk: int, number: int, from_top: bool) -> str:
    slot = count - 1 - number if from_top else number
    if chunk == 1:
        return f"{data}[{slot}]"
    return f"{data}[{slot * chunk + chunk - 1}:{slot * chunk}]"


def mux_onehot(d: Draw) -> Problem:
    """AND-OR multiplexer with one select line an input; several selected inputs are ORed."""
    count = d.integer(2, 5)
    s = size(d, 2, 32)
    names = row(d, count)
    sel = d.name(*_SELECTS, "grant", "onehot")
    y = output(d)
    masked = [f"({{{s.text}{{{sel}[{n}]}}}} & {name})" for n, name in enumerate(names)]
    reg = False
    if d.chance(0.4):
        terms = [f"({sel}[{n}] ? {name} : {s.zero(d)})" for n, name in enumerate(names)]
        body, reg = drive(d, y, " | ".join(terms))
    elif d.chance(0.4):
        lines = [f"{y} = {s.zero(d)};"]
        for n, name in enumerate(names):
            lines += d.branches((f"{sel}[{n}]", [f"{y} = {y} | {name};"]))
        body, reg = d.always_comb(lines), True
    else:
        body, reg = drive(d, y, " | ".join(masked))

    def function(v: dict[str, int]) -> dict[str, int]:
        value = 0
        for n, name in enumerate(names):
            if v[sel] >> n & 1:
                value |= v[name]
        return {y: value}

    return circuit(
        d,
        ("onehot_mux", "and_or_mux", "mux_onehot", "aomux", "mux_1hot", f"mux{count}_onehot"),
        [
            *(s.port(name, (f"data input {n}", f"input {n}")) for n, name in enumerate(names)),
            Port(sel, "input", count, ("one-hot select", "select lines, one per input")),
        ],
        [s.output(y, ("selected data", "OR of the selected inputs"), reg)],
        body,
        [
            f"{s.bits}-bit {count}-input multiplexer with one-hot select",
            f"AND-OR multiplexer of {count_word(count)} {s.bits}-bit words",
            f"one-hot mux, {count} x {s.bits} bits",
        ],
        [
            (
                f"Each bit of {sel} selects one input: bit 0 {names[0]}, bit 1 {names[1]}"
                + (f", up to bit {count - 1} for {names[-1]}." if count > 2 else "."),
                f"{listing([f'{sel}[{n}] selects {name}' for n, name in enumerate(names)])}.",
            ),
            (
                f"{y} is the bitwise OR of all selected inputs, and zero if none is selected.",
                f"If no bit of {sel} is set {y} is 0; if several are, the selected words are ORed.",
            ),
        ],
        function,
        size=s,
    )


FAMILIES = (
    mux2,
    mux_n,
    mux_packed,
    mux_onehot,
)
