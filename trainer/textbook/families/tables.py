"""Functions of a few inputs: networks of gates, truth tables, equations, thresholds."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._common import drive
from trainer.textbook.families._words import GATES, bits, circuit, loop, output, remark, row
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
)


def gate_network(d: Draw) -> Problem:
    """A small random network of gates, as primitives, wires or one expression."""
    count = d.integer(3, 5)
    inputs = row(d, count)
    y = output(d)
    stem = d.choose("w", "n", "net", "t", "s")
    free, wires = list(inputs), []
    for number in range(1, d.integer(2, 4) + 1):
        gate = d.choose(*GATES)
        sources = [free.pop(0), free.pop(0) if free else d.choose(*inputs)]
        wires.append((d.name(f"{stem}{number}"), gate, sources))
        free.append(wires[-1][0])
    while len(free) > 2:
        gate, sources = d.choose(*GATES), [free.pop(0), free.pop(0)]
        wires.append((d.name(f"{stem}{len(wires) + 1}"), gate, sources))
        free.append(wires[-1][0])
    last = d.choose(*GATES)
    if len(free) < 2:
        free.append(d.choose(*inputs))
    nodes = [*wires, (y, last, free)]
    inner = [name for name, _, _ in wires]
    style = d.choose("primitive", "primitive", "assign", "expression")
    declared = [f"wire {', '.join(inner)};"] if d.chance(0.6) else [f"wire {n};" for n in inner]
    if style == "primitive":
        labels = [f" {d.name(f'g{n + 1}', f'u{n + 1}')}" for n in range(len(nodes))]
        named = d.chance(0.6)
        body = [*declared, ""] + [
            f"{g.name.lower()}{label if named else ''} ({node}, {', '.join(sources)});"
            for (node, g, sources), label in zip(nodes, labels, strict=True)
        ]
    elif style == "assign":
        body = declared + [
            f"assign {node} = {g.expression(sources)};" for node, g, sources in nodes
        ]
    else:
        terms: dict[str, str] = {}
        for node, g, sources in nodes:
            parts = [f"({terms[source]})" if source in terms else source for source in sources]
            terms[node] = g.expression(parts)
        body = [f"assign {y} = {terms[y]};"]

    def function(v: Values) -> dict[str, int]:
        values = dict(v)
        for node, g, sources in nodes:
            values[node] = g.of([values[source] for source in sources])
        return {y: values[y]}

    chain = [f"{node} = {listing(sources, g.name)}" for node, g, sources in nodes]
    return circuit(
        d,
        ("gate_network", "circuit", "logic_circuit", "comb_circuit", "netlist", "structural_logic"),
        [Port(name, "input", meaning=("circuit input", f"input {name}")) for name in inputs],
        [Port(y, "output", meaning=("circuit output", "output of the last gate"))],
        body,
        [
            f"gate-level circuit with {'; '.join(chain)}",
            f"network of {len(nodes)} two-input gates: {'; '.join(chain)}",
            f"combinational circuit of {listing([g.name for _, g, _ in nodes])} gates"
            f" where {', '.join(chain)}",
        ],
        [
            (
                f"Net {node} is the {g.name} of {listing(sources)}.",
                f"A two-input {g.name} gate takes {listing(sources)} and drives {node}.",
                f"{node} = {g.expression(sources)}.",
            )
            for node, g, sources in nodes
        ],
        function,
    )


def truth_table(d: Draw) -> Problem:
    """A random function of two to four inputs, given by the rows where it is 1."""
    count = d.choose(2, 3, 3, 3, 4, 4)
    names = row(d, count)
    y = output(d)
    rows = 1 << count
    ones = sorted(d.random.sample(range(rows), d.integer(1, rows - 1)))
    body, reg = _table_body(d, names, y, ones)
    order = "{" + ", ".join(names) + "}"
    patterns = [bits(one, count) for one in ones]
    minterms = ", ".join(str(one) for one in ones)
    several = "minterms" if len(ones) > 1 else "minterm"
    zeros = listing([bits(z, count) for z in range(rows) if z not in ones], "or")
    return circuit(
        d,
        ("truth_table", "logic_fn", "table_logic", "comb_fn", "bool_func", "minterms", "func"),
        [
            Port(name, "input", meaning=("table input", f"bit {count - 1 - n} of the row"))
            for n, name in enumerate(names)
        ],
        [Port(y, "output", meaning=("function value", "output of the table"), reg=reg)],
        body,
        [
            f"truth table of {count_word(count)} inputs that is 1 for {order} = {listing(patterns, 'or')}",
            f"combinational function with the {several} {minterms} of {listing(names)}",
            f"{count}-input logic function, sum of minterms ({minterms}), {names[0]} most significant",
        ],
        [
            (
                f"{y} is 1 when {order} is {listing(patterns, 'or')}, and 0 otherwise.",
                f"The output {y} is high exactly for these values of {order}: {', '.join(patterns)}.",
                f"{y} is 1 only for the {several} {minterms}, where {names[0]} is the most"
                f" significant bit of the minterm number and {names[-1]} the least.",
                f"{y} is 0 when {order} is {zeros}; for all other rows it is 1.",
            )
        ],
        lambda v: {y: int(int("".join(str(v[name]) for name in names), 2) in ones)},
    )


def _table_body(d: Draw, names: Sequence[str], y: str, ones: Sequence[int]) -> tuple[Lines, bool]:
    count = len(names)
    order = "{" + ", ".join(names) + "}"
    style = d.choose("sum", "sum", "case", "full case", "index", "product", "compare")
    if style == "case":
        labels = ", ".join(f"{count}'b{bits(one, count)}" for one in ones)
        arms = [(labels, [f"{y} = 1'b1;"]), ("default", [f"{y} = 1'b0;"])]
        return d.always_comb(d.case(order, arms)), True
    if style == "full case":
        arms = [
            (f"{count}'b{bits(n, count)}", [f"{y} = 1'b{int(n in ones)};"])
            for n in range(1 << count)
        ]
        if d.chance(0.5):
            arms.append(("default", [f"{y} = 1'b0;"]))
        return d.always_comb(d.case(order, arms)), True
    if style == "index":
        table = d.name("TABLE", "ROM", "LUT", "TRUTH")
        value = sum(1 << one for one in ones)
        rows = 1 << count
        head = f"localparam [{rows - 1}:0] {table} = {rows}'b{value:0{rows}b};"
        index = d.name("index", "sel", "row", "addr")
        return [
            *remark(d, "bit n of the table is the output of row n"),
            head,
            f"wire [{count - 1}:0] {index} = {order};",
            f"assign {y} = {table}[{index}];",
        ], False
    if style == "product":
        zeros = [n for n in range(1 << count) if n not in ones]
        return drive(d, y, " & ".join(f"({_literals(names, z, '|', 1)})" for z in zeros))
    if style == "compare":
        return drive(d, y, " || ".join(f"({order} == {count}'b{bits(o, count)})" for o in ones))
    return drive(d, y, " | ".join(f"({_literals(names, one, '&', 0)})" for one in ones))


def _literals(names: Sequence[str], row: int, symbol: str, inverted_for: int) -> str:
    """The term of one row: names, inverted where the row's bit is `inverted_for`."""
    digits = bits(row, len(names))
    parts = [f"~{n}" if int(b) == inverted_for else n for n, b in zip(names, digits, strict=True)]
    return f" {symbol} ".join(parts)


def sum_of_products(d: Draw) -> Problem:
    """A two-level equation of three to five inputs."""
    count = d.integer(3, 5)
    names = row(d, count)
    y = output(d)
    terms = []
    for _ in range(d.integer(2, 4)):
        chosen = sorted(d.random.sample(range(count), d.integer(1, min(3, count))))
        terms.append([(names[n], d.chance(0.35)) for n in chosen])
    products = [" & ".join(f"~{n}" if low else n for n, low in term) for term in terms]
    wrapped = [f"({p})" if "&" in p else p for p in products]
    style = d.choose("assign", "assign", "wires", "primitives", "branches")
    reg = False
    inner = [
        d.name(f"{stem}{n}")
        for stem in (d.choose("t", "p", "term", "w"),)
        for n in range(len(terms))
    ]
    if style == "wires":
        body = [f"wire {name} = {p};" for name, p in zip(inner, products, strict=True)]
        body.append(f"assign {y} = {' | '.join(inner)};")
    elif style == "primitives" and all(len(term) > 1 for term in terms):
        body = [f"wire {', '.join(inner)};"]
        for name, term in zip(inner, terms, strict=True):
            body.append(f"and ({name}, {', '.join(f'~{n}' if low else n for n, low in term)});")
        body.append(f"or ({y}, {', '.join(inner)});")
    elif style == "branches":
        arms = [(p.replace("&", "&&").replace("~", "!"), [f"{y} = 1'b1;"]) for p in products]
        body, reg = d.always_comb(d.branches(*arms, ("", [f"{y} = 1'b0;"]))), True
    else:
        body, reg = drive(d, y, " | ".join(wrapped))
    words = [" and ".join(f"not {n}" if low else n for n, low in term) for term in terms]
    holds = [" and ".join(f"{n} is {int(not low)}" for n, low in term) for term in terms]
    return circuit(
        d,
        ("sop", "sum_of_products", "logic_eq", "and_or", "boolean_eq", "two_level", "expr_logic"),
        [Port(name, "input", meaning=(f"input {name}", "logic input")) for name in names],
        [Port(y, "output", meaning=("value of the equation", "logic output"), reg=reg)],
        body,
        [
            f"logic circuit for {y} = {' | '.join(wrapped)}",
            f"AND-OR circuit that computes {listing([f'({word})' for word in words], 'or')}",
            f"sum of {count_word(len(terms))} products of the inputs {listing(names)}:"
            f" {' + '.join(wrapped)}",
        ],
        [
            (
                f"{y} = {' | '.join(wrapped)}.",
                f"{y} is 1 when {', or '.join(holds)}; otherwise it is 0.",
                f"The output {y} is high if at least one of these holds: {'; '.join(holds)}.",
            )
        ],
        lambda v: {y: int(any(all(v[n] != low for n, low in term) for term in terms))},
    )


def threshold_gate(d: Draw) -> Problem:
    """1 if at least k of n bits are set; with k just above half it is a majority."""
    count = d.integer(3, 8)
    majority = count % 2 == 1 and d.chance(0.5)
    least = (count + 1) // 2 if majority else d.integer(2, count - 1)
    a = d.name("in", "a", "votes", "x", "d", "inputs", "v")
    y = (
        d.name("y", "out", "maj", "pass", "f", "result")
        if majority
        else d.name("y", "out", "hit", "f")
    )
    width = count.bit_length()
    total = " + ".join(f"{a}[{n}]" for n in range(count))
    style = (
        d.choose("sum", "wire", "loop", "terms") if count < 5 else d.choose("sum", "wire", "loop")
    )
    reg = False
    if style == "terms":
        rows = [r for r in range(1 << count) if r.bit_count() == least]
        terms = [" & ".join(f"{a}[{n}]" for n in range(count) if r >> n & 1) for r in rows]
        body, reg = drive(d, y, " | ".join(f"({term})" for term in terms))
    elif style == "loop":
        i, n = d.name("i", "k"), d.name("ones", "count", "sum", "total")
        lines = [f"{n} = 0;", *loop(i, str(count), [f"{n} = {n} + {a}[{i}];"])]
        lines.append(f"{y} = ({n} >= {least});")
        body, reg = [f"reg [{width - 1}:0] {n};", f"integer {i};", *d.always_comb(lines)], True
    elif style == "wire":
        n = d.name("ones", "count", "sum", "total")
        test = f"({n} >= {least})" if d.chance(0.5) else f"({n} > {least - 1}) ? 1'b1 : 1'b0"
        body = [f"wire [{width - 1}:0] {n} = {total};", f"assign {y} = {test};"]
    else:
        # a sum compared with a plain number is 32 bits wide, so no carry is lost
        body, reg = drive(d, y, f"(({total}) >= {least})")
    kind = (
        f"{count}-input majority gate"
        if majority
        else f"threshold gate, at least {least} of {count}"
    )
    return circuit(
        d,
        ("majority", "voter", f"maj{count}", "majority_gate")
        if majority
        else ("threshold", "at_least", f"atleast_{least}_of_{count}", "threshold_gate"),
        [Port(a, "input", count, ("input bits", f"{count} votes", "bits to be counted"))],
        [Port(y, "output", meaning=(f"1 if at least {least} bits are 1", "result"), reg=reg)],
        body,
        [
            kind,
            f"circuit that tells whether {count_word(least)} or more of {count} bits are set",
            f"{count}-bit voter with threshold {least}",
        ],
        [
            (
                f"{y} is 1 if {least} or more bits of {a} are 1, else 0.",
                f"The output {y} is high when at least {count_word(least)} of the {count_word(count)}"
                f" bits of {a} are high.",
                f"{y} is low as long as fewer than {least} bits of {a} are set, and high otherwise.",
            )
        ],
        lambda v: {y: int(v[a].bit_count() >= least)},
    )


FAMILIES = (
    gate_network,
    truth_table,
    sum_of_products,
    threshold_gate,
)
