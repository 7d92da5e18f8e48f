"""Adders described by the way of their carries."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size
from trainer.textbook.families._words import circuit, generate, operands, pair, remark, size
from trainer.textbook.problem import (
    Port,
    Problem,
    unsigned,
)

_SUMS = ("sum", "sum", "s", "S", "y", "total", "result")

_CARRY_IN = ("cin", "cin", "c_in", "carry_in", "ci", "Cin")

_CARRY_OUT = ("cout", "cout", "c_out", "carry_out", "co", "Cout", "carry")


def _cell(d: Draw) -> tuple[str, Lines]:
    """Name and text of a one-bit full adder module with the ports a, b, ci, s, co."""
    name = d.name("full_adder", "fa", "FA", "full_add", "fa_cell")
    header = d.choose(
        f"module {name} (input a, input b, input ci, output s, output co);",
        f"module {name}(input a, b, ci, output s, co);",
    )
    inner = d.choose(
        ["assign s = a ^ b ^ ci;", "assign co = (a & b) | (a & ci) | (b & ci);"],
        ["assign {co, s} = a + b + ci;"],
        ["assign s = a ^ b ^ ci;", "assign co = (a & b) | (ci & (a ^ b));"],
    )
    return name, [header, *(f"    {line}" for line in inner), "endmodule"]


def ripple_adder(d: Draw) -> Problem:
    """Ripple carry adder: cells written as a second module, a generate loop, or equations."""
    s = size(d, 2, 16)
    a, b, ci = *pair(d), d.name(*_CARRY_IN)
    y, co = d.name(*_SUMS), d.name(*_CARRY_OUT)
    c = d.name("c", "carry", "cy", "ripple")
    style = d.choose("cells", "generate", "equations", "loop")
    reg = False
    head = [f"wire [{s.text}:0] {c};", "", f"assign {c}[0] = {ci};"]
    tail = [f"assign {co} = {c}[{s.text}];"]
    helpers: Lines = []
    if style in ("cells", "generate"):
        cell, helpers = _cell(d)
        named = d.chance(0.5)

        def instance(i: str, following: str, label: str) -> str:
            nets = (f"{a}[{i}]", f"{b}[{i}]", f"{c}[{i}]", f"{y}[{i}]", f"{c}[{following}]")
            pins = zip(("a", "b", "ci", "s", "co"), nets, strict=True)
            joined = ", ".join(f".{pin}({net})" for pin, net in pins) if named else ", ".join(nets)
            return f"{cell} {label} ({joined});"

        if style == "cells" and not s.parameter and s.bits <= 4:
            stem = d.choose("fa", "u", "add", "bit")
            cells = [instance(str(n), str(n + 1), d.name(f"{stem}{n}")) for n in range(s.bits)]
        else:
            label = d.name("u_fa", "cell_i", "u", "add")
            cells = generate(d, s.text, lambda i: [instance(i, f"{i}+1", label)], "stage")
        body = [*head, *cells, *tail]
    elif style == "loop":
        i = d.name("i", "k")
        inner = [
            f"{c} = {ci};",
            f"for ({i} = 0; {i} < {s.text}; {i} = {i} + 1) begin",
            f"    {y}[{i}] = {a}[{i}] ^ {b}[{i}] ^ {c};",
            f"    {c} = ({a}[{i}] & {b}[{i}]) | ({c} & ({a}[{i}] | {b}[{i}]));",
            "end",
            f"{co} = {c};",
        ]
        body, reg = [f"reg {c};", f"integer {i};", *d.always_comb(inner)], True
    else:
        body = [
            *head,
            f"assign {c}[{s.text}:1] = ({a} & {b}) | ({c}[{s.last}:0] & ({a} ^ {b}));",
            f"assign {y} = {a} ^ {b} ^ {c}[{s.last}:0];",
            *tail,
        ]
    return circuit(
        d,
        (
            "ripple_adder",
            "rca",
            f"rca{s.bits}",
            f"ripple_carry_adder_{s.bits}",
            "ripple_carry_adder",
        ),
        [*operands(s, a, b), Port(ci, "input", meaning=("carry in", "carry into bit 0"))],
        [
            s.output(y, ("sum", "sum bits"), reg),
            Port(co, "output", meaning=("carry out", "carry out of the last bit"), reg=reg),
        ],
        body,
        [
            f"{s.bits}-bit ripple carry adder",
            f"ripple carry adder of {s.bits} full adder stages",
            f"{s.bits}-bit adder with carry in and carry out, built bit by bit",
        ],
        [
            (
                f"{{{co}, {y}}} = {a} + {b} + {ci}.",
                f"{y} is the {s.bits}-bit sum of {a}, {b} and {ci}, and {co} the carry out.",
            ),
            (
                f"The carry ripples from bit 0, which takes {ci}, through one full adder per bit.",
                "Each bit has a full adder whose carry out goes to the next one.",
            ),
        ],
        lambda v: {
            y: unsigned(v[a] + v[b] + v[ci], s.bits),
            co: (v[a] + v[b] + v[ci]) >> s.bits,
        },
        size=s,
        helpers=helpers,
    )


def lookahead_adder(d: Draw) -> Problem:
    """Carry look-ahead adder of two to eight bits, the carries as equations of generate and propagate."""
    bits = d.choose(2, 3, 4, 4, 4, 5, 8)
    s = Size(bits)
    a, b, ci = *pair(d), d.name(*_CARRY_IN)
    y, co = d.name(*_SUMS), d.name(*_CARRY_OUT)
    g, p, c = d.name("g", "gen", "G"), d.name("p", "prop", "P"), d.name("c", "cy", "C")
    use_or = d.chance(0.2)  # propagate as a | b serves the carries, not the sum
    flat = bits <= 4 and d.chance(0.7)
    body = [
        f"wire [{bits - 1}:0] {g} = {a} & {b};",
        f"wire [{bits - 1}:0] {p} = {a} {'|' if use_or else '^'} {b};",
        f"wire [{bits}:0] {c};",
        "",
        *remark(d, "carries from generate and propagate"),
        f"assign {c}[0] = {ci};",
    ]
    for n in range(bits):
        body.append(f"assign {c}[{n + 1}] = {_carry(g, p, c, n, flat)};")
    half = f"{a} ^ {b}" if use_or else p
    body += [f"assign {y} = {half} ^ {c}[{bits - 1}:0];", f"assign {co} = {c}[{bits}];"]
    return circuit(
        d,
        (
            "cla",
            f"cla{bits}",
            "cla_adder",
            f"lookahead_adder{bits}",
            "carry_lookahead",
            "fast_adder",
        ),
        [*operands(s, a, b), Port(ci, "input", meaning=("carry in", "carry into bit 0"))],
        [s.output(y, ("sum", "sum bits")), Port(co, "output", meaning=("carry out", "last carry"))],
        body,
        [
            f"{bits}-bit carry look-ahead adder",
            f"carry look-ahead adder for {bits} bits with carry in and carry out",
            f"{bits}-bit adder with generate and propagate logic",
        ],
        [
            (
                f"{{{co}, {y}}} = {a} + {b} + {ci}.",
                f"{y} is the {bits}-bit sum of {a}, {b} and {ci}; {co} is the carry out.",
            ),
            (
                f"Each carry is formed from generate ({a} & {b}) and propagate signals instead of waiting"
                " for the sum of the bit below.",
                "Carries come from the generate and propagate terms of all lower bits.",
            ),
        ],
        lambda v: {
            y: unsigned(v[a] + v[b] + v[ci], bits),
            co: (v[a] + v[b] + v[ci]) >> bits,
        },
    )


def _carry(g: str, p: str, c: str, n: int, flat: bool) -> str:
    """The carry out of bit n, from the carry below or from all bits below."""
    if not flat:
        return f"{g}[{n}] | ({p}[{n}] & {c}[{n}])"
    terms = [f"{g}[{n}]"]
    for k in range(n - 1, -2, -1):
        chain = [f"{p}[{m}]" for m in range(n, k, -1)]
        terms.append(f"({' & '.join([*chain, f'{g}[{k}]' if k >= 0 else f'{c}[0]'])})")
    return " | ".join(terms)


FAMILIES = (
    ripple_adder,
    lookahead_adder,
)
