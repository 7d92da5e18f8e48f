"""Units with an operation code: ALUs, logic, branch conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import count_word, listing
from trainer.textbook.families._words import bits, circuit, pair, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
    signed,
    unsigned,
)


@dataclass(frozen=True)
class _Operation:
    """One operation of an ALU: its name, text over the operands {a} and {b}, words, and value."""

    name: str
    code: str
    words: str
    value: Callable[[int, int, int], int]
    """Of two operands and the width; cut to the width afterwards."""


_LOGIC = (
    _Operation("AND", "{a} & {b}", "{a} AND {b}", lambda x, y, w: x & y),
    _Operation("OR", "{a} | {b}", "{a} OR {b}", lambda x, y, w: x | y),
    _Operation("XOR", "{a} ^ {b}", "{a} XOR {b}", lambda x, y, w: x ^ y),
    _Operation("NAND", "~({a} & {b})", "{a} NAND {b}", lambda x, y, w: ~(x & y)),
    _Operation("NOR", "~({a} | {b})", "{a} NOR {b}", lambda x, y, w: ~(x | y)),
    _Operation("XNOR", "~({a} ^ {b})", "{a} XNOR {b}", lambda x, y, w: ~(x ^ y)),
    _Operation("NOT", "~{a}", "NOT {a}", lambda x, y, w: ~x),
    _Operation("ANDN", "{a} & ~{b}", "{a} AND NOT {b}", lambda x, y, w: x & ~y),
    _Operation("PASS", "{a}", "{a} unchanged", lambda x, y, w: x),
    _Operation("PASSB", "{b}", "{b} unchanged", lambda x, y, w: y),
)

_ARITHMETIC = (
    _Operation("ADD", "{a} + {b}", "{a} + {b}", lambda x, y, w: x + y),
    _Operation("SUB", "{a} - {b}", "{a} - {b}", lambda x, y, w: x - y),
    _Operation("INC", "{a} + 1", "{a} + 1", lambda x, y, w: x + 1),
    _Operation("DEC", "{a} - 1", "{a} - 1", lambda x, y, w: x - 1),
    _Operation("RSUB", "{b} - {a}", "{b} - {a}", lambda x, y, w: y - x),
    _Operation("NEG", "-{a}", "the negative of {a}", lambda x, y, w: -x),
    _Operation("SHL", "{a} << 1", "{a} shifted left by one", lambda x, y, w: x << 1),
    _Operation("SHR", "{a} >> 1", "{a} shifted right by one (logical)", lambda x, y, w: x >> 1),
    _Operation(
        "SRA",
        "$signed({a}) >>> 1",
        "{a} shifted right by one with its sign kept",
        lambda x, y, w: signed(x, w) >> 1,
    ),
    _Operation(
        "MIN",
        "({a} < {b}) ? {a} : {b}",
        "the unsigned minimum of {a} and {b}",
        lambda x, y, w: min(x, y),
    ),
    _Operation(
        "MAX",
        "({a} > {b}) ? {a} : {b}",
        "the unsigned maximum of {a} and {b}",
        lambda x, y, w: max(x, y),
    ),
    _Operation(
        "SLTU", "({a} < {b})", "1 if {a} < {b} unsigned, else 0", lambda x, y, w: int(x < y)
    ),
    _Operation(
        "SLT",
        "($signed({a}) < $signed({b}))",
        "1 if {a} < {b} signed, else 0",
        lambda x, y, w: int(signed(x, w) < signed(y, w)),
    ),
    _Operation("EQ", "({a} == {b})", "1 if {a} equals {b}, else 0", lambda x, y, w: int(x == y)),
)


def alu(d: Draw) -> Problem:
    """Arithmetic logic unit with a drawn table of operations and drawn flags."""
    count = d.choose(4, 4, 5, 6, 8, 8, 8)
    chosen = d.random.sample(_LOGIC, count // 2) + d.random.sample(_ARITHMETIC, count - count // 2)
    if d.chance(0.7):
        usual = [op for op in (*_ARITHMETIC[:2], *_LOGIC[:3]) if op not in chosen]
        chosen = [*usual, *chosen][:count]
    if d.chance(0.4):
        d.random.shuffle(chosen)
    return _operation_unit(
        d, chosen, "ALU", ("alu", f"alu{count}", "simple_alu", "arith_logic", "alu_unit")
    )


def logic_unit(d: Draw) -> Problem:
    """Bitwise operations chosen by an opcode."""
    chosen = d.random.sample(_LOGIC, d.choose(2, 3, 4, 4, 6, 8))
    names = ("logic_unit", "logic_fn_unit", "bitwise_unit", "lu", "logic_op")
    return _operation_unit(d, chosen, "logic unit", names)


def _operation_unit(
    d: Draw, chosen: Sequence[_Operation], title: str, names: Sequence[str]
) -> Problem:
    s = size(d, 4, 32, 0.2)
    a, b = pair(d)
    op = d.name("op", "opcode", "sel", "func", "alu_op", "ctrl", "mode", "f")
    y = d.name("result", "y", "out", "res", "r", "alu_out")
    width = max(1, (len(chosen) - 1).bit_length())
    full = len(chosen) == 1 << width
    texts = [o.code.format(a=a, b=b) for o in chosen]
    zero = d.name("zero", "z", "zero_flag", "is_zero") if d.chance(0.4) else ""
    negative = d.name("negative", "neg", "n", "sign") if d.chance(0.2) else ""
    codes = [d.number(n, width) for n in range(len(chosen))]
    body: Lines = []
    if d.chance(0.35):
        prefix = d.choose("OP_", "ALU_", "F_", "")
        labels = [d.name(f"{prefix}{o.name}") for o in chosen]
        body = [
            f"localparam [{width - 1}:0] {label} = {width}'b{bits(n, width)};"
            if width > 1
            else f"localparam {label} = 1'b{n};"
            for n, label in enumerate(labels)
        ] + [""]
        codes = labels
    idle = s.zero(d)
    if d.chance(0.75):
        arms: list[tuple[str, Sequence[str]]] = [
            (code, [f"{y} = {text};"]) for code, text in zip(codes, texts, strict=True)
        ]
        if full and d.chance(0.5):
            arms[-1] = ("default", arms[-1][1])
        else:
            arms.append(("default", [f"{y} = {idle};"]))
        more, reg = d.always_comb(d.case(op, arms)), True
    else:
        tests = [f"{op} == {code}" for code in codes]
        if any("signed" in text for text in texts):
            # beside unsigned operands of ?: an arithmetic shift would lose its sign
            arms = [(test, [f"{y} = {text};"]) for test, text in zip(tests, texts, strict=True)]
            more, reg = d.always_comb(d.branches(*arms, ("", [f"{y} = {idle};"]))), True
        else:
            parts = [f"({test}) ? ({text}) :" for test, text in zip(tests, texts, strict=True)]
            more = [f"assign {y} = {parts[0]}", *(f"    {part}" for part in parts[1:])]
            more, reg = [*more, f"    {idle};"], False
    body += more
    outputs = [s.output(y, ("result", "output of the operation"), reg)]
    table = ", ".join(
        f"{bits(n, width)} gives {o.words.format(a=a, b=b)}" for n, o in enumerate(chosen)
    )
    other = ", ".join(f"{n}: {o.words.format(a=a, b=b)}" for n, o in enumerate(chosen))
    facts: list[Words] = [
        (
            f"{op} chooses the operation whose result goes to {y}: {table}.",
            f"{y} depends on {op} as follows ({op}: result) - {other}.",
            f"The operations are, by the value of {op}: {other}.",
        ),
        (
            f"All results are cut to {s.bits} bits.",
            f"Only the lower {s.bits} bits of a result are kept.",
        ),
    ]
    if not full:
        facts.append((f"For other values of {op} the result is 0.", f"Unused codes give {y} = 0."))
    if zero:
        body.append(f"assign {zero} = {d.choose(f'({y} == {idle})', f'~|{y}')};")
        outputs.append(Port(zero, "output", meaning=("1 if the result is zero", "zero flag")))
        facts.append((f"{zero} is 1 when {y} is 0.", f"The flag {zero} marks a result of zero."))
    if negative:
        body.append(f"assign {negative} = {y}[{s.last}];")
        outputs.append(Port(negative, "output", meaning=("most significant bit", "sign flag")))
        facts.append((f"{negative} is the top bit of {y}.", f"{negative} copies {y}[{s.last}]."))

    def function(v: Values) -> dict[str, int]:
        code = v[op]
        value = chosen[code].value(v[a], v[b], s.bits) if code < len(chosen) else 0
        value = unsigned(value, s.bits)
        result = {y: value}
        result |= {zero: int(value == 0)} if zero else {}
        return result | ({negative: value >> (s.bits - 1)} if negative else {})

    flags = [word for word, name in (("zero", zero), ("negative", negative)) if name]
    suffix = f" with {listing(flags)} {'flags' if len(flags) > 1 else 'flag'}" if flags else ""
    kinds = listing([o.name for o in chosen])
    return circuit(
        d,
        names,
        [
            s.port(a, ("first operand", "operand A")),
            s.port(b, ("second operand", "operand B")),
            Port(op, "input", width, ("operation", "operation code")),
        ],
        outputs,
        body,
        [
            f"{s.bits}-bit {title} with {count_word(len(chosen))} operations ({kinds}){suffix}",
            f"{s.bits}-bit {title} for {kinds}{suffix}",
            f"combinational {title}{suffix}, {width}-bit operation code",
        ],
        facts,
        function,
        size=s,
        checks=110,
    )


def branch_condition(d: Draw) -> Problem:
    """A comparison chosen by a code, as for the branches of a processor."""
    s = size(d, 4, 32, 0.2)
    a, b = pair(d)
    op = d.name("cond", "funct", "op", "cmp_op", "func", "kind")
    y = d.name("taken", "branch", "y", "result", "cond_ok", "hit")
    table = {
        "equal": ("{a} == {b}", lambda x, z: x == z),
        "not equal": ("{a} != {b}", lambda x, z: x != z),
        "less, signed": (
            "$signed({a}) < $signed({b})",
            lambda x, z: signed(x, s.bits) < signed(z, s.bits),
        ),
        "greater or equal, signed": (
            "$signed({a}) >= $signed({b})",
            lambda x, z: signed(x, s.bits) >= signed(z, s.bits),
        ),
        "less, unsigned": ("{a} < {b}", lambda x, z: x < z),
        "greater or equal, unsigned": ("{a} >= {b}", lambda x, z: x >= z),
        "greater, unsigned": ("{a} > {b}", lambda x, z: x > z),
        "always": ("1'b1", lambda x, z: True),
        "never": ("1'b0", lambda x, z: False),
        "first operand zero": ("{a} == 0", lambda x, z: x == 0),
        "first operand negative": ("{a}[{last}]", lambda x, z: x >> (s.bits - 1)),
    }
    count = d.choose(4, 4, 6, 8)
    chosen = d.random.sample(list(table), count)
    width = (count - 1).bit_length()
    arms: list[tuple[str, Sequence[str]]] = []
    for n, name in enumerate(chosen):
        text = table[name][0].format(a=a, b=b, last=s.last)
        plain = text if text in ("1'b1", "1'b0") or text.endswith("]") else f"({text})"
        arms.append((d.number(n, width), [f"{y} = {plain};"]))
    if count == 6 or d.chance(0.6):
        arms.append(("default", [f"{y} = 1'b0;"]))
    body = d.always_comb(d.case(op, arms))
    told = "; ".join(f"{n} for {name}" for n, name in enumerate(chosen))
    facts: list[Words] = [
        (
            f"{op} chooses the condition that {a} and {b} must meet to make {y} 1: {told}.",
            f"{y} is 1 if the condition chosen by {op} holds between {a} (first) and {b}: {told}.",
        ),
        (f"Otherwise {y} is 0.", f"If the condition does not hold, {y} = 0."),
    ]
    if count == 6:
        facts.append((f"Values of {op} above 5 give 0.", f"For {op} = 6 and 7 {y} is 0."))

    def function(v: Values) -> dict[str, int]:
        code = v[op]
        return {y: int(table[chosen[code]][1](v[a], v[b])) if code < count else 0}

    def stimulus(random: Random, _: int) -> Values:
        x = random.choice((0, random.getrandbits(s.bits), random.getrandbits(s.bits)))
        z = x if random.random() < 0.3 else random.getrandbits(s.bits)
        return {a: x, b: z, op: random.getrandbits(width)}

    return circuit(
        d,
        ("branch_unit", "cond_unit", "branch_cond", "cmp_select", "condition", "branch_compare"),
        [
            s.port(a, ("first operand", "register A")),
            s.port(b, ("second operand", "register B")),
            Port(op, "input", width, ("condition code", "chosen condition")),
        ],
        [Port(y, "output", meaning=("1 if the condition holds", "condition result"), reg=True)],
        body,
        [
            f"{s.bits}-bit branch condition unit with {count_word(count)} conditions ({told})",
            f"comparison unit with {width}-bit condition code for {s.bits}-bit operands",
            f"branch decision logic for {s.bits}-bit registers",
        ],
        facts,
        function,
        size=s,
        stimulus=stimulus,
    )


FAMILIES = (
    alu,
    logic_unit,
    branch_condition,
)
