"""Subtractors, adder-subtractors, and steps up or down."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import drive, drive_all
from trainer.textbook.families._words import circuit, operands, output, pair, remark, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    Words,
    signed,
    unsigned,
)

_INPUTS = ("x", "in", "a", "data", "d", "din", "value_in", "num")


def subtractor(d: Draw) -> Problem:
    """Word subtractor with a borrow output, a wide signed difference, or neither."""
    s = size(d, 2, 32)
    a, b = pair(d)
    bi = d.name("bin", "b_in", "borrow_in") if d.chance(0.3) else ""
    y = d.name("diff", "d", "difference", "y", "result", "sub")
    bo = d.name("bout", "borrow", "b_out", "borrow_out") if d.chance(0.6) else ""
    value = f"{a} - {b} - {bi}" if bi else f"{a} - {b}"
    style = d.choose("minus", "minus", "complement", "compare")
    reg = False
    if style == "complement" and not bi:
        t = d.name("t", "tmp", "full", "ext")
        body = [
            *remark(d, "add the two's complement"),
            f"wire [{s.text}:0] {t} = {{1'b0, {a}}} + {{1'b0, ~{b}}} + 1'b1;",
            f"assign {y} = {t}[{s.last}:0];",
        ]
        body += [f"assign {bo} = ~{t}[{s.text}];"] if bo else []
    elif style == "compare" and bo and not bi:
        body, reg = drive_all(d, [(y, value), (bo, d.choose(f"({a} < {b})", f"({b} > {a})"))])
    else:
        body, reg = drive(d, f"{{{bo}, {y}}}" if bo else y, value)
    inputs = [
        s.port(a, ("minuend", "number to subtract from")),
        s.port(b, ("subtrahend", "number to be subtracted")),
    ]
    outputs = [s.output(y, ("difference", "result"), reg)]
    facts: list[Words] = [
        (
            f"{y} is {value}, modulo 2 to the power of {s.bits}.",
            f"{y} gives the lower {s.bits} bits of {value}.",
        )
    ]
    if bi:
        inputs.append(Port(bi, "input", meaning=("borrow in", "borrow from the lower word")))
    if bo:
        outputs.append(Port(bo, "output", meaning=("borrow out", "borrow"), reg=reg))
        other = f"{b} + {bi}" if bi else b
        facts.append(
            (
                f"{bo} is 1 if {a} is less than {other} (unsigned).",
                f"A borrow ({bo} = 1) is reported when the unsigned result would be negative.",
            )
        )
    ends = [word for word, name in (("borrow in", bi), ("borrow out", bo)) if name]
    suffix = f" with {' and '.join(ends)}" if ends else ""

    def function(v: Values) -> dict[str, int]:
        total = v[a] - v[b] - (v[bi] if bi else 0)
        result = {y: unsigned(total, s.bits)}
        return {**result, bo: int(total < 0)} if bo else result

    return circuit(
        d,
        ("subtractor", f"sub{s.bits}", f"subtractor_{s.bits}bit", "sub_unit", "minus", "word_sub"),
        inputs,
        outputs,
        body,
        [
            f"{s.bits}-bit subtractor{suffix}",
            f"unsigned subtraction of two {s.bits}-bit numbers{suffix}",
            f"circuit for the difference of two {s.bits}-bit words{suffix}",
        ],
        facts,
        function,
        size=s,
    )


def add_sub(d: Draw) -> Problem:
    """Adder-subtractor with any of carry, overflow, zero and sign flags."""
    s = size(d, 4, 32)
    a, b = pair(d)
    sel = d.name("sub", "mode", "op", "add_sub", "subtract", "M")
    sub_on = int(not (sel == "add_sub" and d.chance(0.3)))
    y = d.name("result", "y", "sum", "r", "out", "s")
    flags = d.random.sample(("carry", "overflow", "zero", "negative"), d.integer(0, 3))
    names = {
        flag: d.name(*options)
        for flag, options in {
            "carry": ("cout", "carry", "c_out", "c"),
            "overflow": ("overflow", "ovf", "v", "ov"),
            "zero": ("zero", "z", "is_zero"),
            "negative": ("neg", "n", "sign", "negative"),
        }.items()
        if flag in flags
    }
    x = d.name("b_x", "operand", "bx", "b_mux", "opnd")
    test = sel if sub_on else f"!{sel}"
    inverse = f"{b} ^ {{{s.text}{{{test}}}}}" if d.chance(0.5) else f"{test} ? ~{b} : {b}"
    one_adder = d.chance(0.6) or "carry" in flags
    if one_adder:
        target = f"{{{names['carry']}, {y}}}" if "carry" in flags else y
        body = [
            *remark(d, "subtraction adds the complement and one"),
            f"wire {s.range} {x} = {inverse};",
            f"assign {target} = {a} + {x} + {test};",
        ]
        change = f"({a}[{s.last}] == {x}[{s.last}])"
    else:
        body = [f"assign {y} = {test} ? {a} - {b} : {a} + {b};"]
        change = f"(({a}[{s.last}] ^ {b}[{s.last}]) == ({test}))"
    top = f"{y}[{s.last}]"
    if "overflow" in flags:
        body.append(f"assign {names['overflow']} = {change} && ({top} != {a}[{s.last}]);")
    if "zero" in flags:
        body.append(f"assign {names['zero']} = {d.choose(f'({y} == {s.zero(d)})', f'~|{y}')};")
    if "negative" in flags:
        body.append(f"assign {names['negative']} = {top};")
    facts: list[Words] = [
        (
            f"{y} is {a} + {b} when {sel} is {1 - sub_on} and {a} - {b} when it is {sub_on}.",
            f"With {sel} = {sub_on} the circuit subtracts ({a} - {b}), with {sel} = {1 - sub_on} it"
            f" adds; {y} has the lower {s.bits} bits.",
        )
    ]
    told = {
        "carry": (
            "{} is the carry out of the adder; in a subtraction, which adds the complement of the"
            " second operand and 1, it is 1 if there is no borrow.",
            "{} is the adder's carry; a subtraction is done as {a} + ~{b} + 1, so there it is the"
            " inverted borrow.",
        ),
        "overflow": (
            "{} is 1 if the signed result does not fit.",
            "{} flags a two's complement overflow.",
        ),
        "zero": ("{} is 1 if the result is zero.", "{} is high when all bits of the result are 0."),
        "negative": (
            "{} is the most significant bit of the result.",
            "{} copies the sign bit of the result.",
        ),
    }
    facts += [tuple(text.format(names[flag], a=a, b=b) for text in told[flag]) for flag in flags]

    def function(v: Values) -> dict[str, int]:
        minus = v[sel] == sub_on
        total = v[a] + (unsigned(~v[b], s.bits) + 1 if minus else v[b])
        result = unsigned(total, s.bits)
        x, z = signed(v[a], s.bits), signed(v[b], s.bits)
        exact = x - z if minus else x + z
        values = {
            "carry": total >> s.bits,
            "overflow": int(signed(result, s.bits) != exact),
            "zero": int(result == 0),
            "negative": result >> (s.bits - 1),
        }
        return {y: result, **{name: values[flag] for flag, name in names.items()}}

    suffix = f" with {' and '.join(sorted(flags))} flags" if len(flags) == 2 else ""
    suffix = f" with {flags[0]} flag" if len(flags) == 1 else suffix
    suffix = f" with {flags[0]}, {flags[1]} and {flags[2]} flags" if len(flags) == 3 else suffix
    return circuit(
        d,
        ("add_sub", f"addsub{s.bits}", "adder_subtractor", "addsub", f"add_sub_{s.bits}bit"),
        [*operands(s, a, b), Port(sel, "input", meaning=(f"{sub_on} subtracts", "mode"))],
        [
            s.output(y, ("result", "sum or difference")),
            *(Port(name, "output", meaning=(f"{flag} flag",)) for flag, name in names.items()),
        ],
        body,
        [
            f"{s.bits}-bit adder-subtractor{suffix}",
            f"{s.bits}-bit unit that adds or subtracts{suffix}",
            f"add/subtract unit for {s.bits}-bit words{suffix}",
        ],
        facts,
        function,
        size=s,
    )


def step_number(d: Draw) -> Problem:
    """Increment, decrement, or either by an input, with a carry flag in some draws."""
    s = size(d, 2, 32)
    x, y = d.name(*_INPUTS), output(d)
    kind = d.choose("increment", "decrement", "either")
    by = d.choose(1, 1, 1, 2, 4) if s.bits > 3 else 1
    way = d.name("up", "inc", "dir", "add") if kind == "either" else ""
    flag = d.name("carry", "wrap", "cout", "ov") if kind != "either" and d.chance(0.4) else ""
    sign = {"increment": "+", "decrement": "-"}.get(kind, "")
    amount = (
        "1'b1" if by == 1 and d.chance(0.6) else str(by) if s.parameter else d.number(by, s.bits)
    )
    inputs = [s.port(x, ("number", "input number"))]
    if kind == "either":
        inputs.append(Port(way, "input", meaning=("1 counts up, 0 down", "direction")))
        if d.chance(0.6):
            body, reg = drive(d, y, f"{way} ? {x} + {amount} : {x} - {amount}")
        else:
            arms = ((way, [f"{y} = {x} + {amount};"]), ("", [f"{y} = {x} - {amount};"]))
            body, reg = d.always_comb(d.branches(*arms)), True
        facts = [
            (
                f"{y} is {x} + {by} if {way} is 1 and {x} - {by} if it is 0.",
                f"{way} = 1 adds {by} to {x}; {way} = 0 subtracts {by}.",
            )
        ]
    else:
        value = f"{x} {sign} {amount}"
        body, reg = drive(d, f"{{{flag}, {y}}}" if flag else y, value)
        facts = [
            (
                f"{y} is {x} {sign} {by}.",
                f"{by} is {'added to' if sign == '+' else 'subtracted from'} {x} to give {y}.",
            )
        ]
    facts.append(
        (
            f"Results wrap around modulo 2 to the power of {s.bits}.",
            f"Only the lower {s.bits} bits of the result are kept in {y}.",
        )
    )
    outputs = [
        s.output(y, ("result", f"{kind}ed number" if kind != "either" else "new number"), reg)
    ]
    if flag:
        outputs.append(
            Port(flag, "output", meaning=("1 on wrap-around", "overflow of the step"), reg=reg)
        )
        facts.append((f"{flag} is 1 if the result wraps around.", f"{flag} marks a wrap-around."))

    def function(v: Values) -> dict[str, int]:
        up = kind == "increment" or (kind == "either" and v[way])
        total = v[x] + (by if up else -by)
        result = {y: unsigned(total, s.bits)}
        return {**result, flag: int(not 0 <= total < 1 << s.bits)} if flag else result

    title = {
        "increment": "incrementer",
        "decrement": "decrementer",
        "either": "incrementer/decrementer",
    }[kind]
    step = f" by {by}" if by > 1 else ""
    return circuit(
        d,
        {
            "increment": (
                "incrementer",
                f"inc{s.bits}",
                "plus_one" if by == 1 else f"plus{by}",
                "inc_unit",
            ),
            "decrement": (
                "decrementer",
                f"dec{s.bits}",
                "minus_one" if by == 1 else f"minus{by}",
                "dec_unit",
            ),
            "either": ("inc_dec", "incdec", f"incdec{s.bits}", "step_unit"),
        }[kind],
        inputs,
        outputs,
        body,
        [
            f"{s.bits}-bit combinational {title}{step}"
            + (" with wrap-around flag" if flag else ""),
            f"{title} for {s.bits}-bit numbers{step}",
            f"circuit that {'steps' if kind == 'either' else kind + 's'} one {s.bits}-bit number"
            + (f" by {by}" if by > 1 else ""),
        ],
        facts,
        function,
        size=s,
        checks=50,
    )


FAMILIES = (
    subtractor,
    add_sub,
    step_number,
)
