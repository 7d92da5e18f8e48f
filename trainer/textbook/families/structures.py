"""Circuits built from instances of a smaller module, which follows in the same text."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._words import circuit, output, pair, row
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
)


def _helper(
    d: Draw, name: str, inputs: Sequence[str], outputs: Sequence[str], inner: Lines
) -> Lines:
    """The text of a helper module; ports are "a" or "[3:0] a"."""
    ports = [f"input {port}" for port in inputs] + [f"output {port}" for port in outputs]
    if d.chance(0.6):
        head = [f"module {name} ({', '.join(ports)});"]
    else:
        head = [
            f"module {name} (",
            *(f"    {port}," for port in ports[:-1]),
            f"    {ports[-1]}",
            ");",
        ]
    return [*head, *(f"    {line}" for line in inner), "endmodule"]


def _instance(named: bool, module: str, label: str, pins: Sequence[tuple[str, str]]) -> str:
    """An instance with its pins (name, net) by name or by position."""
    joined = ", ".join(f".{pin}({net})" if named else net for pin, net in pins)
    return f"{module} {label} ({joined});"


def mux_tree(d: Draw) -> Problem:
    """Four- or eight-way multiplexer from two-way ones."""
    count = d.choose(4, 4, 8)
    width = d.choose(1, 1, 2, 4, 8, 8, 16)
    names = row(d, count)
    sel, y = d.name("sel", "s", "select", "addr"), output(d)
    cell = d.name("mux2", "mux2to1", "mux_2", "m2")
    span = f"[{width - 1}:0] " if width > 1 else ""
    spread = "s" if width == 1 else f"{{{width}{{s}}}}"
    value = d.choose("s ? b : a", "s ? b : a", f"(a & ~{spread}) | (b & {spread})")
    helpers = _helper(
        d, cell, [f"{span}a", f"{span}b", "s"], [f"{span}o"], [f"assign o = {value};"]
    )
    named = d.chance(0.6)
    body: Lines = []
    level, stem = list(names), d.choose("m", "t", "w", "n")
    lines: Lines = []
    wires: list[str] = []
    step = number = 0
    while len(level) > 1:
        following = []
        for k in range(0, len(level), 2):
            target = y if len(level) == 2 else d.name(f"{stem}{number}")
            if target != y:
                wires.append(target)
            pins = [("a", level[k]), ("b", level[k + 1]), ("s", f"{sel}[{step}]"), ("o", target)]
            lines.append(_instance(named, cell, d.name(f"u{number}"), pins))
            following.append(target)
            number += 1
        level, step = following, step + 1
    body = [f"wire {span}{', '.join(wires)};", "", *lines]
    wide = "one-bit" if width == 1 else f"{width}-bit"
    return circuit(
        d,
        (f"mux{count}", f"mux{count}_tree", f"mux{count}to1", f"mux_{count}_hier", "mux_tree"),
        [
            *(
                Port(n, "input", width, (f"data input {k}", f"input {k}"))
                for k, n in enumerate(names)
            ),
            Port(sel, "input", step, ("select", "number of the selected input")),
        ],
        [Port(y, "output", width, ("selected data", "multiplexer output"))],
        body,
        [
            f"{wide} {count}-to-1 multiplexer built from 2-to-1 multiplexers",
            f"hierarchical {count}:1 mux with {count - 1} instances of one 2:1 mux module",
            f"tree of two-way multiplexers for {count_word(count)} {wide} inputs",
        ],
        [
            (
                f"{y} is the input whose number is {sel}: {names[0]} for 0 up to {names[-1]} for"
                f" {count - 1}.",
                f"{sel} selects among {listing(names)}, counted from 0.",
            ),
            (
                f"The circuit consists of instances of a 2-to-1 multiplexer module {cell}, also given.",
                f"It is a tree of {count - 1} instances of the module {cell}.",
            ),
        ],
        lambda v: {y: v[names[v[sel]]]},
        helpers=helpers,
    )


def decoder_tree(d: Draw) -> Problem:
    """Decoder from two smaller ones with enable."""
    width = d.choose(2, 3, 3, 4)
    half = 1 << (width - 1)
    a, en = d.name("a", "in", "addr", "sel", "code"), d.name("en", "enable", "e", "g")
    y = d.name("y", "out", "dec", "q", "z")
    cell = d.name(f"dec{width - 1}to{half}", f"decoder{half}", "small_decoder", "dec_half")
    span = f"[{width - 2}:0] " if width > 2 else ""
    inner = [f"assign o = en ? ({half}'d1 << a) : {half}'d0;"]
    if d.chance(0.4):
        tests = [f"en & (a == {width - 1}'d{n})" for n in range(half)]
        inner = [f"assign o[{n}] = {test};" for n, test in enumerate(tests)]
    helpers = _helper(d, cell, [f"{span}a", "en"], [f"[{half - 1}:0] o"], inner)
    named = d.chance(0.6)
    low = f"{a}[{width - 2}:0]" if width > 2 else f"{a}[0]"
    top = f"{a}[{width - 1}]"
    labels = d.choose(("u_lo", "u_hi"), ("d0", "d1"), ("low_half", "high_half"))
    body = [
        _instance(
            named, cell, d.name(label), [("a", low), ("en", f"{en} & {test}"), ("o", f"{y}{part}")]
        )
        for label, test, part in zip(
            labels, (f"~{top}", top), (f"[{half - 1}:0]", f"[{2 * half - 1}:{half}]"), strict=True
        )
    ]
    return circuit(
        d,
        (f"decoder{width}to{2 * half}", f"dec{2 * half}_hier", "decoder_tree", f"decode{2 * half}"),
        [
            Port(a, "input", width, ("binary code", "number of the output")),
            Port(en, "input", meaning=("enable, active high", "active-high enable")),
        ],
        [Port(y, "output", 2 * half, ("decoded outputs", "one-hot output"))],
        body,
        [
            f"{width}-to-{2 * half} decoder with enable from two {width - 1}-to-{half} decoders",
            f"hierarchical {width}:{2 * half} decoder with active-high enable",
            f"decoder with {2 * half} outputs built from two smaller ones",
        ],
        [
            (
                f"If {en} is 1 only bit {a} of {y} is 1.",
                f"{y} is one-hot while {en} is high: the bit whose number is {a} is set.",
            ),
            (f"If {en} is 0 all bits of {y} are 0.", f"{en} = 0 clears all outputs."),
            (
                f"Two instances of {cell} make the lower and the upper half of {y}.",
                f"The top bit of {a} enables one of two instances of the module {cell}.",
            ),
        ],
        lambda v: {y: 1 << v[a] if v[en] else 0},
        helpers=helpers,
    )


def nand_logic(d: Draw) -> Problem:
    """A small function from NAND or NOR gates alone."""
    a, b = pair(d)
    y = output(d)
    use_nand = d.chance(0.65)
    gate = "nand" if use_nand else "nor"
    w = [d.name(f"{stem}{n}") for stem in (d.choose("w", "n", "t"),) for n in range(1, 4)]
    goal = d.choose("NOT", "AND", "OR", "XOR", "XNOR", "MUX")
    sel = d.name("sel", "s", "c") if goal == "MUX" else ""
    if not use_nand and goal == "MUX":
        goal, sel = "XOR", ""
    own = {"AND": use_nand, "OR": not use_nand}
    other = {"XOR": use_nand, "XNOR": not use_nand}
    if goal == "NOT":
        nets = [(y, (a, a))]
    elif own.get(goal):
        nets = [(w[0], (a, b)), (y, (w[0], w[0]))]
    elif goal in own:
        nets = [(w[0], (a, a)), (w[1], (b, b)), (y, (w[0], w[1]))]
    elif other.get(goal):
        nets = [(w[0], (a, b)), (w[1], (a, w[0])), (w[2], (b, w[0])), (y, (w[1], w[2]))]
    elif goal == "MUX":
        nets = [(w[0], (sel, sel)), (w[1], (a, w[0])), (w[2], (b, sel)), (y, (w[1], w[2]))]
    else:
        last = d.name("w4", "n4", "x")
        nets = [(w[0], (a, b)), (w[1], (a, w[0])), (w[2], (b, w[0])), (last, (w[1], w[2]))]
        nets.append((y, (last, last)))
    wires = [net for net, _ in nets if net != y]
    body: Lines = [f"wire {', '.join(wires)};"] if wires else []
    helpers: Lines = []
    if d.chance(0.5):
        cell = d.name(f"{gate}2", f"my_{gate}", f"{gate}_cell", f"{gate}_gate")
        symbol = "&" if use_nand else "|"
        helpers = _helper(d, cell, ["a", "b"], ["o"], [f"assign o = ~(a {symbol} b);"])
        named = d.chance(0.5)
        for n, (net, (p, q)) in enumerate(nets):
            body.append(
                _instance(named, cell, d.name(f"u{n}", f"g{n}"), [("a", p), ("b", q), ("o", net)])
            )
    else:
        for net, (p, q) in nets:
            label = f" {d.name('g')}" if d.chance(0.5) else ""
            body.append(f"{gate}{label} ({net}, {p}, {q});")
    inputs = [Port(a, "input", meaning=("first input", f"input {a}"))]
    if goal != "NOT":
        inputs.append(Port(b, "input", meaning=("second input", f"input {b}")))
    if sel:
        inputs.append(Port(sel, "input", meaning=("select", f"1 selects {b}")))
    rules: dict[str, tuple[str, ...]] = {
        "NOT": (f"{y} is the inverse of {a}.", f"{y} = ~{a}."),
        "AND": (f"{y} is 1 if {a} and {b} are both 1.", f"{y} = {a} & {b}."),
        "OR": (f"{y} is 1 if {a} or {b} or both are 1.", f"{y} = {a} | {b}."),
        "XOR": (f"{y} is 1 if {a} and {b} differ.", f"{y} = {a} ^ {b}."),
        "XNOR": (f"{y} is 1 if {a} and {b} are equal.", f"{y} = ~({a} ^ {b})."),
        "MUX": (f"{y} is {b} if {sel} is 1 and {a} if it is 0.", f"{y} = {sel} ? {b} : {a}."),
    }
    title = {"NOT": "inverter", "MUX": "2-to-1 multiplexer"}.get(goal, f"{goal} gate")

    def function(v: Values) -> dict[str, int]:
        x, z = v[a], v.get(b, 0)
        table = {"NOT": 1 - x, "AND": x & z, "OR": x | z, "XOR": x ^ z, "XNOR": 1 - (x ^ z)}
        return {y: (z if v[sel] else x) if sel else table[goal]}

    low = {"NOT": "inv", "MUX": "mux2"}.get(goal, goal.lower())
    number = f"{count_word(len(nets))} {gate.upper()} {'gate' if len(nets) == 1 else 'gates'}"
    return circuit(
        d,
        (f"{low}_from_{gate}", f"{gate}_{low}", f"{low}_using_{gate}", f"{low}_{gate}_only"),
        inputs,
        [
            Port(
                y,
                "output",
                meaning=(f"{goal} result" if goal != "MUX" else "selected input", "output"),
            )
        ],
        body,
        [
            f"{title} built only from two-input {gate.upper()} gates",
            f"{title} made of {number}",
            f"{gate.upper()}-only {title}",
        ],
        [
            rules[goal],
            (
                f"Only two-input {gate.upper()} gates are used, {count_word(len(nets))} in all.",
                f"The structure has {number} and nothing else.",
            ),
        ],
        function,
        helpers=helpers,
    )


def full_adder_halves(d: Draw) -> Problem:
    """Full adder from two half adders and an OR gate."""
    a, b = pair(d)
    ci, s = d.name("cin", "c_in", "ci", "carry_in"), d.name("sum", "s", "S", "total")
    co = d.name("cout", "c_out", "co", "carry_out", "carry")
    cell = d.name("half_adder", "ha", "HA", "half_add")
    inner = d.choose(
        ["assign s = x ^ y;", "assign c = x & y;"],
        ["assign {c, s} = x + y;"],
        ["xor (s, x, y);", "and (c, x, y);"],
    )
    helpers = _helper(d, cell, ["x", "y"], ["s", "c"], inner)
    t = [d.name(name) for name in d.choose(("s1", "c1", "c2"), ("p", "g", "t"), ("w1", "w2", "w3"))]
    named = d.chance(0.6)
    labels = d.choose(("ha1", "ha2"), ("u1", "u2"), ("first", "second"))
    body = [
        f"wire {', '.join(t)};",
        "",
        _instance(named, cell, labels[0], [("x", a), ("y", b), ("s", t[0]), ("c", t[1])]),
        _instance(named, cell, labels[1], [("x", t[0]), ("y", ci), ("s", s), ("c", t[2])]),
        d.choose(f"or ({co}, {t[1]}, {t[2]});", f"assign {co} = {t[1]} | {t[2]};"),
    ]
    return circuit(
        d,
        ("full_adder", "fa", "full_adder_ha", "fa_from_ha", "full_add"),
        [
            Port(a, "input", meaning=("first bit", "operand bit A")),
            Port(b, "input", meaning=("second bit", "operand bit B")),
            Port(ci, "input", meaning=("carry in", "carry from the lower bit")),
        ],
        [
            Port(s, "output", meaning=("sum", "sum bit")),
            Port(co, "output", meaning=("carry out", "carry to the next bit")),
        ],
        body,
        [
            "full adder built from two half adders and one OR gate",
            "structural full adder with half adder instances",
            "one-bit full adder, hierarchical",
        ],
        [
            (
                f"{{{co}, {s}}} is the sum of {a}, {b} and {ci}.",
                f"{s} is the sum bit and {co} the carry of {a} + {b} + {ci}.",
            ),
            (
                f"Two instances of {cell} and an OR gate for the carry make up the circuit.",
                f"The first {cell} adds {a} and {b}, the second adds {ci}; their carries are ORed.",
            ),
        ],
        lambda v: {s: v[a] ^ v[b] ^ v[ci], co: (v[a] + v[b] + v[ci]) >> 1},
        helpers=helpers,
    )


def split_compare(d: Draw) -> Problem:
    """Word comparator from two instances of a comparator of half the width."""
    half = d.choose(2, 2, 4, 8)
    a, b = pair(d)
    gt, eq = d.name("gt", "greater", "a_gt_b"), d.name("eq", "equal", "a_eq_b")
    lt = d.name("lt", "less", "a_lt_b")
    cell = d.name(f"cmp{half}", "comparator", "half_cmp", "compare_cell")
    span = f"[{half - 1}:0] "
    inner = ["assign g = (p > q);", "assign e = (p == q);"]
    helpers = _helper(d, cell, [f"{span}p", f"{span}q"], ["g", "e"], inner)
    nets = [d.name(name) for name in ("g_hi", "e_hi", "g_lo", "e_lo")]
    named = d.chance(0.6)
    top, low = f"[{2 * half - 1}:{half}]", f"[{half - 1}:0]"
    body = [
        f"wire {', '.join(nets)};",
        "",
        *(
            _instance(named, cell, label, [("p", a + part), ("q", b + part), ("g", g), ("e", e)])
            for label, part, g, e in (("u_hi", top, *nets[:2]), ("u_lo", low, *nets[2:]))
        ),
        "",
        f"assign {gt} = {nets[0]} | ({nets[1]} & {nets[2]});",
        f"assign {eq} = {nets[1]} & {nets[3]};",
        d.choose(f"assign {lt} = ~({gt} | {eq});", f"assign {lt} = ~{gt} & ~{eq};"),
    ]
    width = 2 * half

    def stimulus(random: Random, _: int) -> Values:
        x = random.getrandbits(width)
        near = x ^ (1 << random.randrange(width) if random.random() < 0.7 else 0)
        return {a: x, b: near if random.random() < 0.7 else random.getrandbits(width)}

    return circuit(
        d,
        (
            f"compare{width}",
            f"comparator{width}",
            "comparator_hier",
            "split_compare",
            f"cmp{width}_top",
        ),
        [
            Port(a, "input", width, ("first number", "operand A")),
            Port(b, "input", width, ("second number", "operand B")),
        ],
        [
            Port(gt, "output", meaning=(f"1 if {a} > {b}", "greater")),
            Port(eq, "output", meaning=(f"1 if {a} = {b}", "equal")),
            Port(lt, "output", meaning=(f"1 if {a} < {b}", "less")),
        ],
        body,
        [
            f"{width}-bit unsigned comparator built from two {half}-bit comparators",
            f"hierarchical {width}-bit magnitude comparator",
            f"comparator of {width} bits with one {half}-bit comparator per half",
        ],
        [
            (
                f"{gt}, {eq} and {lt} tell whether {a} is greater than, equal to or less than {b}; both"
                f" are unsigned.",
                f"For unsigned {a} and {b}, exactly one output is 1: {gt} for {a} > {b}, {eq} if they are"
                f" equal, {lt} for {a} < {b}.",
            ),
            (
                f"One instance of {cell} compares the upper halves and one the lower halves.",
                f"Two instances of {cell}, {half} bits each, are combined.",
            ),
        ],
        lambda v: {gt: int(v[a] > v[b]), eq: int(v[a] == v[b]), lt: int(v[a] < v[b])},
        stimulus=stimulus,
        helpers=helpers,
    )


FAMILIES = (
    mux_tree,
    decoder_tree,
    nand_logic,
    full_adder_halves,
    split_compare,
)
