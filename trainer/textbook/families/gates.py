"""Gates: single, on vectors, several at once; reductions; enables."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import Size, drive, drive_all
from trainer.textbook.families._words import GATES, circuit, generate, loop, output, pair, row, size
from trainer.textbook.problem import (
    Port,
    Problem,
)


def simple_gate(d: Draw) -> Problem:
    """One gate of two to six one-bit inputs."""
    gate = d.choose(*GATES)
    count = d.choose(2, 2, 3, 3, 4, 5, 6)
    names = row(d, count)
    y = output(d)
    low = gate.name.lower()
    style = d.choose("assign", "assign", "primitive", "reduction", "inverter", "branch")
    reg = False
    if style == "primitive":
        instance = d.choose("", f" {d.name('g1', 'u1', 'gate')}")
        body = [f"{low}{instance} ({y}, {', '.join(names)});"]
    elif style == "reduction":
        prefix = f"~{gate.symbol}" if gate.inverted else gate.symbol
        body, reg = drive(d, y, f"{prefix}{{{', '.join(names)}}}")
    elif style == "inverter" and gate.inverted:
        inner = d.name("t", "w", "tmp", f"{gate.name[1:].lower()}_out", "n1")
        plain = f" {gate.symbol} ".join(names)
        body = [f"wire {inner};", f"assign {inner} = {plain};", f"assign {y} = ~{inner};"]
    elif style == "branch" and gate.symbol != "^":
        test = f" {gate.symbol * 2} ".join(names)
        one, zero = ("1'b0", "1'b1") if gate.inverted else ("1'b1", "1'b0")
        if d.chance(0.5):
            body, reg = drive(d, y, f"({test}) ? {one} : {zero}")
        else:
            arms = d.branches((test, [f"{y} = {one};"]), ("", [f"{y} = {zero};"]))
            body, reg = d.always_comb(arms), True
    else:
        body, reg = drive(d, y, gate.expression(names))
    number = f"{count}-input"
    return circuit(
        d,
        (
            f"{low}_gate",
            f"{low}{count}",
            f"gate_{low}{count}",
            f"{low}_gate_{count}in",
            f"my_{low}",
        ),
        [Port(name, "input", meaning=("gate input", f"input {n}")) for n, name in enumerate(names)],
        [Port(y, "output", meaning=("gate output", f"{gate.name} of the inputs"), reg=reg)],
        body,
        [
            f"{number} {gate.name} gate",
            f"{gate.name} gate with {count_word(count)} inputs",
            f"combinational circuit whose output is 1 when {gate.rule}",
            f"{gate.name} gate of the inputs {listing(names)}",
        ],
        [
            (
                f"{y} is the {gate.name} of {listing(names)}.",
                f"The output {y} is 1 exactly when {gate.rule}.",
                f"The {number} {gate.name} function of {listing(names)} drives {y}.",
                f"{y} = {gate.expression(names)}.",
            )
        ],
        lambda v: {y: gate.of([v[name] for name in names])},
    )


def bitwise_gate(d: Draw) -> Problem:
    """A gate applied bit by bit to two or three vectors."""
    gate = d.choose(*GATES)
    s = size(d, 2, 32)
    names = pair(d) if d.chance(0.7) else row(d, 3)
    y = output(d)
    style = d.choose("assign", "assign", "assign", "generate", "loop")
    reg = False
    if style == "generate":
        body = generate(
            d,
            s.text,
            lambda i: [f"assign {y}[{i}] = {gate.expression([f'{name}[{i}]' for name in names])};"],
            d.choose("bit_slice", "gen_bit", "gate_loop"),
        )
    elif style == "loop":
        i = d.name("i", "k", "j")
        value = gate.expression([f"{name}[{i}]" for name in names])
        inner = loop(i, s.text, [f"{y}[{i}] = {value};"])
        body, reg = [f"integer {i};", *d.always_comb(inner)], True
    else:
        body, reg = drive(d, y, gate.expression(names))
    low = gate.name.lower()
    operands = f"{count_word(len(names))} {s.bits}-bit inputs"
    return circuit(
        d,
        (f"bitwise_{low}", f"{low}_{s.bits}bit", f"vector_{low}", f"{low}_unit", f"{low}{s.bits}"),
        [s.port(name, ("operand", f"operand {n + 1}")) for n, name in enumerate(names)],
        [s.output(y, (f"bitwise {gate.name}", "result"), reg)],
        body,
        [
            f"{s.bits}-bit bitwise {gate.name} of {count_word(len(names))} inputs",
            f"bitwise {gate.name} of {operands}",
            f"vector {gate.name} gate, {s.bits} bits wide",
            f"bank of {s.bits} {gate.name} gates",
        ],
        [
            (
                f"Each bit of {y} is the {gate.name} of the corresponding bits of {listing(names)}.",
                f"{y} is the bitwise {gate.name} of {listing(names)}.",
                f"For every bit i, {y}[i] is {gate.expression([f'{name}[i]' for name in names])}.",
            )
        ],
        lambda v: {y: gate.of([v[name] for name in names], s.bits)},
        size=s,
    )


def gate_panel(d: Draw) -> Problem:
    """Several gates on the same two inputs, each with its own output."""
    a, b = pair(d)
    gates = d.random.sample(GATES, d.integer(2, 6))
    s = Size(1) if d.chance(0.6) else size(d, 2, 8)
    pattern = d.choose("{}_out", "y_{}", "out_{}", "{}_o", "o_{}", "{}_y", "f_{}", "{}_result")
    outs = [d.name(pattern.format(gate.name.lower())) for gate in gates]
    if s.bits == 1 and d.chance(0.3):
        body = [f"{g.name.lower()} ({y}, {a}, {b});" for g, y in zip(gates, outs, strict=True)]
        reg = False
    else:
        values = [(y, g.expression([a, b])) for g, y in zip(gates, outs, strict=True)]
        body, reg = drive_all(d, values)
    kinds = listing([gate.name for gate in gates])
    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    return circuit(
        d,
        ("gates", "logic_gates", "basic_gates", "gate_set", "logic_ops", "all_gates", "gate_panel"),
        [s.port(a, ("first operand", "operand 1")), s.port(b, ("second operand", "operand 2"))],
        [
            s.output(y, (f"{g.name} of {a} and {b}", f"{g.name} result"), reg)
            for g, y in zip(gates, outs, strict=True)
        ],
        body,
        [
            f"set of {wide} logic gates: {kinds}",
            f"logic gate panel with {count_word(len(gates))} outputs ({kinds}) of two {wide} inputs",
            f"combinational module that gives {kinds} of {a} and {b} on separate outputs",
        ],
        [
            (
                f"{y} is {'the' if s.bits == 1 else 'the bitwise'} {g.name} of {a} and {b}.",
                f"Output {y} gives {a} {g.name} {b}.",
                f"{y} = {g.expression([a, b])}.",
            )
            for g, y in zip(gates, outs, strict=True)
        ],
        lambda v: {y: g.of([v[a], v[b]], s.bits) for g, y in zip(gates, outs, strict=True)},
        size=s,
    )


def reduction(d: Draw) -> Problem:
    """Reduction operators on one vector."""
    s = size(d, 3, 32)
    a = d.name("a", "in", "data", "vec", "din", "d", "x", "bus")
    gates = d.random.sample(GATES, d.choose(1, 1, 2, 3, 4))
    pattern = d.choose("{}_out", "y_{}", "out_{}", "{}_all", "{}_red", "r_{}", "reduce_{}")
    outs = [d.name(pattern.format(gate.name.lower())) for gate in gates]
    if len(gates) == 1 and gates[0].symbol != "^" and d.chance(0.4):
        gate, y = gates[0], outs[0]
        ones = f"{{{s.text}{{1'b1}}}}"
        equal = f"{a} {'!=' if gate.inverted else '=='} {ones}"
        zero = f"{a} {'==' if gate.inverted else '!='} {s.zero(d)}"
        body, reg = drive(d, y, f"({equal if gate.symbol == '&' else zero})")
    elif d.chance(0.2):
        i = d.name("i", "k")
        lines = [f"{y} = {a}[0];" for y in outs]
        steps = [f"{y} = {y} {g.symbol} {a}[{i}];" for g, y in zip(gates, outs, strict=True)]
        ends = [f"{y} = ~{y};" for g, y in zip(gates, outs, strict=True) if g.inverted]
        lines += [*loop(i, s.text, steps, "1"), *ends]
        body, reg = [f"integer {i};", *d.always_comb(lines)], True
    else:
        values = [
            (y, f"{'~' if g.inverted else ''}{g.symbol}{a}")
            for g, y in zip(gates, outs, strict=True)
        ]
        body, reg = drive_all(d, values)
    kinds = listing([gate.name for gate in gates])
    rules = {
        "AND": "all bits are 1",
        "OR": "any bit is 1",
        "NAND": "any bit is 0",
        "NOR": "all bits are 0",
        "XOR": "the number of ones is odd",
        "XNOR": "the number of ones is even",
    }
    return circuit(
        d,
        ("reduction", "reduce", "bit_reduce", f"reduce_{s.bits}", "vector_reduce", "reduction_ops"),
        [s.port(a, ("input vector", f"{s.bits}-bit input"))],
        [
            Port(y, "output", meaning=(f"{g.name} of all bits", f"1 if {rules[g.name]}"), reg=reg)
            for g, y in zip(gates, outs, strict=True)
        ],
        body,
        [
            f"{kinds} reduction of {s.bits} bits",
            f"circuit that forms the {kinds} of all bits of one {s.bits}-bit vector",
            f"{s.bits}-input {kinds} on the bits of one bus",
        ],
        [
            (
                f"{y} is 1 if {rules[g.name]} in {a}, else 0.",
                f"{y} is the {g.name} of all bits of {a}.",
                f"The reduction {g.name} of {a} is given on {y}.",
            )
            for g, y in zip(gates, outs, strict=True)
        ],
        lambda v: {
            y: g.of([v[a] >> i & 1 for i in range(s.bits)])
            for g, y in zip(gates, outs, strict=True)
        },
        size=s,
        checks=60,
    )


def tristate_buffer(d: Draw) -> Problem:
    """A buffer whose output floats when it is not enabled."""
    s = Size(1) if d.chance(0.3) else size(d, 2, 32)
    a = d.name("in", "a", "data", "din", "d", "i")
    en = d.name("en", "oe", "enable", "ctrl", "oe_n", "drive")
    low = en.endswith("_n") or d.chance(0.2)
    inverting = d.chance(0.25)
    y = d.name("y", "out", "bus", "dout", "pad", "data_out")
    value = f"~{a}" if inverting else a
    floating = f"{{{s.text}{{1'bz}}}}" if s.parameter else f"{s.bits}'bz"
    if s.bits == 1 and d.chance(0.4):
        primitive = f"{'notif' if inverting else 'bufif'}{int(not low)}"
        body = [f"{primitive} ({y}, {a}, {en});"]
    elif low and d.chance(0.6):
        body = [f"assign {y} = {en} ? {floating} : {value};"]
    else:
        body = [f"assign {y} = {'!' if low else ''}{en} ? {value} : {floating};"]
    kind = "inverting tri-state buffer" if inverting else "tri-state buffer"
    active, passive = ("low", "high") if low else ("high", "low")
    wide = "one-bit" if s.bits == 1 else f"{s.bits}-bit"
    return circuit(
        d,
        ("tristate", "tri_buf", "tristate_buffer", "bus_driver", "tbuf", "three_state"),
        [
            s.port(a, ("data input", "data to be driven")),
            Port(
                en, "input", meaning=(f"output enable, active {active}", f"active-{active} enable")
            ),
        ],
        [s.output(y, ("three-state output", "output, high impedance when not enabled"))],
        body,
        [
            f"{wide} {kind} with active-{active} enable",
            f"{wide} {'inverting ' if inverting else ''}bus driver with three-state output",
            f"three-state {'inverter' if inverting else 'buffer'} for {wide} data",
        ],
        [
            (
                f"While {en} is {active}, {y} is {'the inverse of ' if inverting else ''}{a}.",
                f"When {en} is {active} the {'inverted ' if inverting else ''}data input {a}"
                f" drives {y}.",
            ),
            (
                f"When {en} is {passive}, {y} is in high impedance (Z).",
                f"With {en} {passive} the output floats (all bits Z).",
            ),
        ],
        lambda v: {y: (v[a] ^ ((1 << s.bits) - 1 if inverting else 0)) if v[en] != low else None},
        size=s,
    )


def gated_word(d: Draw) -> Problem:
    """A word that an enable lets through, or replaces by all zeros or all ones."""
    s = size(d, 2, 32)
    a = d.name("in", "a", "data", "din", "d", "data_in")
    en = d.name("en", "gate", "enable", "valid", "mask", "pass")
    low, ones = d.chance(0.25), d.chance(0.25)
    y = output(d)
    idle = f"{{{s.text}{{1'b1}}}}" if ones else s.zero(d)
    style = d.choose("ternary", "mask", "branches")
    if style == "mask":
        spread = f"{{{s.text}{{{en}}}}}"
        negate = low != ones
        body, reg = drive(d, y, f"{a} {'|' if ones else '&'} {'~' if negate else ''}{spread}")
    elif style == "branches":
        arms = ((f"{'!' if low else ''}{en}", [f"{y} = {a};"]), ("", [f"{y} = {idle};"]))
        body, reg = d.always_comb(d.branches(*arms)), True
    else:
        body, reg = drive(d, y, f"{en} ? {idle} : {a}" if low else f"{en} ? {a} : {idle}")
    active = "low" if low else "high"
    fill = "ones" if ones else "zeros"
    return circuit(
        d,
        ("gated_word", "data_gate", "mask_word", "word_enable", "enable_gate", "gate_bus"),
        [
            s.port(a, ("data input", "input word")),
            Port(en, "input", meaning=(f"enable, active {active}", f"active-{active} gate signal")),
        ],
        [s.output(y, ("gated data", f"the data, or all {fill}"), reg)],
        body,
        [
            f"{s.bits}-bit data gate with active-{active} enable, all {fill} when disabled",
            f"{s.bits}-bit word with enable that outputs {fill} when it is off",
            f"enable gate for {s.bits} bits that forces all {fill} when closed",
        ],
        [
            (
                f"When {en} is {active}, {y} equals {a}; otherwise all bits of {y} are"
                f" {int(ones)}.",
                f"{y} follows {a} as long as {en} is {active} and is all {fill} otherwise.",
                f"{a} is passed to {y} only if {en} is {active}. If not, {y} is all {fill}.",
            )
        ],
        lambda v: {y: v[a] if v[en] != low else (1 << s.bits) - 1 if ones else 0},
        size=s,
    )


FAMILIES = (
    simple_gate,
    bitwise_gate,
    gate_panel,
    reduction,
    tristate_buffer,
    gated_word,
)
