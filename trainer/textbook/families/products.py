"""Products, squares, constant factors and divisors."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, drive
from trainer.textbook.families._words import circuit, loop, output, pair, remark, row, size
from trainer.textbook.problem import (
    Port,
    Problem,
    Values,
    signed,
    unsigned,
)

_INPUTS = ("x", "in", "a", "data", "d", "din", "value_in", "num")


def multiplier(d: Draw) -> Problem:
    """Product of two numbers in full width."""
    s = size(d, 2, 16)
    other = s if s.parameter or d.chance(0.75) else Size(d.integer(2, 12))
    a, b = pair(d)
    p = d.name("p", "product", "prod", "y", "result", "out", "P")
    with_sign = d.chance(0.3)
    total = s.bits + other.bits
    bounds = f"[2*{s.parameter}-1:0]" if s.parameter else ""
    wide = f"[{2}*{s.parameter}-1:0]" if s.parameter else f"[{total - 1}:0]"
    style = "operator" if with_sign else d.choose("operator", "operator", "rows", "loop")
    reg = False
    if style == "loop":
        i = d.name("i", "k")
        zero = s.zero(d) if s.parameter else d.number(0, total)
        step = d.branches((f"{b}[{i}]", [f"{p} = {p} + ({a} << {i});"]))
        inner = [*remark(d, "shift and add"), f"{p} = {zero};", *loop(i, other.text, step)]
        body, reg = [f"integer {i};", *d.always_comb(inner)], True
    elif style == "rows" and not s.parameter and other.bits <= 6:
        stem = d.choose("pp", "row", "part", "m")
        names = [d.name(f"{stem}{n}") for n in range(other.bits)]
        body = [
            f"wire {wide} {name} = {b}[{n}] ? ({a} << {n}) : {total}'d0;"
            for n, name in enumerate(names)
        ]
        body.append(f"assign {p} = {' + '.join(names)};")
    else:
        body, reg = drive(d, p, f"{a} * {b}")
    kind = "signed" if with_sign else "unsigned"
    shape = f"{s.bits}-bit" if s.bits == other.bits else f"{s.bits} by {other.bits} bit"
    read = (lambda v, w: signed(v, w)) if with_sign else (lambda v, _: v)
    return circuit(
        d,
        (
            "multiplier",
            f"mult{s.bits}",
            f"mul_{s.bits}x{other.bits}",
            "mult",
            "multiply",
            "mul_unit",
            "array_multiplier",
        ),
        [
            s.port(a, ("multiplicand", "first factor"), with_sign),
            other.port(b, ("multiplier", "second factor"), with_sign),
        ],
        [Port(p, "output", total, ("product", "full product"), reg, with_sign, bounds)],
        body,
        [
            f"{shape} {kind} multiplier",
            f"combinational {kind} multiplier with {total}-bit product",
            f"{kind} product of {s.bits}-bit and {other.bits}-bit numbers",
        ],
        [
            (
                f"{p} is the full {total}-bit product of the {kind} numbers {a} and {b}.",
                f"The {kind} numbers {a} and {b} are multiplied; no bit of the product {p} is lost.",
            )
        ],
        lambda v: {p: unsigned(read(v[a], s.bits) * read(v[b], other.bits), total)},
        size=s,
    )


def square(d: Draw) -> Problem:
    """Square or cube of a number."""
    bits = d.integer(2, 8)
    power = d.choose(2, 2, 2, 3) if bits <= 6 else 2
    with_sign = power == 2 and d.chance(0.3)
    x, y = (
        d.name(*_INPUTS),
        d.name("sq", "y", "square", "out", "result") if power == 2 else output(d),
    )
    wide = power * bits
    style = (
        d.choose("operator", "operator", "table", "wire")
        if bits <= 4
        else d.choose("operator", "wire")
    )
    reg = False
    number = (lambda v: signed(v, bits)) if with_sign else (lambda v: v)
    if style == "table":
        arms = [
            (f"{bits}'d{n}", [f"{y} = {wide}'d{number(n) ** power};"]) for n in range(1 << bits)
        ]
        if d.chance(0.4):
            arms.append(("default", [f"{y} = {wide}'d0;"]))
        body, reg = d.always_comb(d.case(x, arms)), True
    elif style == "wire":
        e = d.name("ext", "wide", "w", "xe")
        sign = "signed " if with_sign else ""
        body = [f"wire {sign}[{wide - 1}:0] {e} = {x};", f"assign {y} = {' * '.join([e] * power)};"]
    else:
        body, reg = drive(d, y, " * ".join([x] * power))
    what = "square" if power == 2 else "cube"
    kind = "signed" if with_sign else "unsigned"
    return circuit(
        d,
        (what, f"{what}_unit", f"{what}r", f"{what}{bits}", f"{what}_{bits}bit", f"calc_{what}"),
        [Port(x, "input", bits, ("number", "input number"), signed=with_sign)],
        [Port(y, "output", wide, (what, f"{what} of the input"), reg)],
        body,
        [
            f"{what} of one {kind} {bits}-bit number",
            f"{bits}-bit {kind} {what} circuit with {wide}-bit result",
            f"combinational {what} unit for {bits} {kind} bits",
        ],
        [
            (
                f"{y} is the {what} of the {kind} number {x}.",
                f"{y} = {' * '.join([x] * power)} in {wide} bits, where {x} is {kind}.",
            )
        ],
        lambda v: {y: number(v[x]) ** power},
    )


def constant_multiple(d: Draw) -> Problem:
    """A number times a constant, with an operator or shifts and additions."""
    bits = d.width(3, 12)
    factor = d.choose(3, 5, 6, 7, 9, 10, 12, 13, 15, 17, 20, 24, 25, d.integer(11, 100))
    offset = d.choose(0, 0, 0, d.integer(1, 20))
    x, y = d.name(*_INPUTS), output(d)
    wide = (((1 << bits) - 1) * factor + offset).bit_length()
    powers = [n for n in reversed(range(factor.bit_length())) if factor >> n & 1]
    style = d.choose("operator", "shifts", "shifts", "concat", "minus")
    plus = f" + {d.number(offset, wide)}" if offset else ""
    reg = False
    if style == "shifts":
        terms = [f"({x} << {n})" if n else x for n in powers]
        body, reg = drive(d, y, " + ".join(terms) + plus)
    elif style == "concat":
        terms = [f"{{{x}, {n}'b0}}" if n else x for n in powers]
        body, reg = drive(d, y, " + ".join(terms) + plus)
    elif style == "minus" and factor & (factor + 1) == 0:
        n = factor.bit_length()
        body, reg = drive(d, y, f"({x} << {n}) - {x}{plus}")
    elif d.chance(0.4):
        k = d.name("K", "FACTOR", "COEFF", "GAIN")
        body = [f"localparam {k} = {factor};", f"assign {y} = {x} * {k}{plus};"]
    else:
        body, reg = drive(d, y, f"{x} * {factor}{plus}")
    formula = f"{factor} * {x}" + (f" + {offset}" if offset else "")
    title = f"multiplication of one {bits}-bit number by {factor}"
    if offset:
        title = f"linear function {factor}x + {offset} of one {bits}-bit number"
    return circuit(
        d,
        (
            f"times{factor}",
            f"mul_by_{factor}",
            "const_mult",
            f"x{factor}",
            f"mult_{factor}",
            "scale",
        )
        if not offset
        else ("linear", "affine", "scale_offset", "lin_func", f"mul{factor}_add{offset}"),
        [Port(x, "input", bits, ("number", "unsigned input"))],
        [Port(y, "output", wide, ("product" if not offset else "result", "scaled number"), reg)],
        body,
        [
            f"combinational {title}",
            f"constant multiplier y = {formula.replace(x, 'x')} with {wide}-bit result",
            f"shift-and-add circuit for {factor} times one {bits}-bit input"
            + (f" plus {offset}" if offset else ""),
        ],
        [
            (
                f"{y} = {formula}.",
                f"The unsigned number {x} is multiplied by {factor}"
                + (f" and {offset} is added" if offset else "")
                + f"; {y} holds the result.",
            ),
            (
                f"{y} has {wide} bits, so nothing is lost.",
                f"The result fits the {wide} bits of {y}.",
            ),
        ],
        lambda v: {y: v[x] * factor + offset},
        checks=50,
    )


def multiply_add(d: Draw) -> Problem:
    """a * b + c or a sum of two products, in full width."""
    bits = d.choose(2, 3, 4, 4, 6, 8, 8)
    names = row(d, d.choose(3, 4))
    y = d.name("y", "out", "acc", "result", "mac", "s")
    minus = len(names) == 3 and d.chance(0.25)
    a, b, c = names[:3]
    value = f"{a} * {b} {'-' if minus else '+'} {c}"
    if len(names) == 4:
        value = f"{a} * {b} + {c} * {names[3]}"
    wide = 2 * bits + 1
    if d.chance(0.4):
        p = d.name("p", "prod", "m", "ab")
        body = [f"wire [{2 * bits - 1}:0] {p} = {a} * {b};"]
        last = value.split(f"{a} * {b} ", 1)[1]
        if len(names) == 4:
            q = d.name("q", "prod2", "n", "cd")
            body.append(f"wire [{2 * bits - 1}:0] {q} = {c} * {names[3]};")
            last = f"+ {q}"
        body.append(f"assign {y} = {p} {last};")
        reg = False
    else:
        body, reg = drive(d, y, value)

    def function(v: Values) -> dict[str, int]:
        rest = v[c] * v[names[3]] if len(names) == 4 else -v[c] if minus else v[c]
        return {y: unsigned(v[a] * v[b] + rest, wide)}

    return circuit(
        d,
        ("mul_add", "madd", "multiply_add", "mac_comb", "fma_int", "dot2")
        if not minus
        else ("mul_sub", "msub", "multiply_sub"),
        [Port(name, "input", bits, (f"operand {name}", "unsigned operand")) for name in names],
        [Port(y, "output", wide, ("result", "value of the expression"), reg)],
        body,
        [
            f"combinational circuit for {value} with {bits}-bit operands",
            f"{bits}-bit multiply-{'subtract' if minus else 'add'} unit: {value}",
            f"arithmetic unit that computes {y} = {value}",
        ],
        [
            (f"{y} = {value}.", f"The value of {value} goes to {y}."),
            (
                f"The operands are unsigned numbers of {bits} bits.",
                f"All inputs are unsigned, {bits} bits wide.",
            ),
            (
                f"{y} has {wide} bits"
                + (
                    " and is negative (two's complement) if the product is the smaller number."
                    if minus
                    else ", enough for every result."
                ),
                f"The result is given in {wide} bits"
                + (" as a two's complement number." if minus else ", without overflow."),
            ),
        ],
        function,
    )


def divide_constant(d: Draw) -> Problem:
    """Quotient or remainder by a constant, or whether a number is divisible by it."""
    bits = d.choose(3, 4, 4, 5, 6, 8)
    divisor = d.choose(*(n for n in (2, 3, 4, 5, 6, 7, 8, 10) if n < 1 << bits))
    x, y = d.name(*_INPUTS), output(d)
    kind = d.choose("quotient", "remainder", "divisible")
    top = (1 << bits) - 1
    values = {
        "quotient": [n // divisor for n in range(top + 1)],
        "remainder": [n % divisor for n in range(top + 1)],
        "divisible": [int(n % divisor == 0) for n in range(top + 1)],
    }[kind]
    wide = max(values).bit_length()
    power = divisor & (divisor - 1) == 0
    style = d.choose("operator", "operator", "table" if bits <= 4 else "operator", "power")
    reg = False
    n = divisor.bit_length() - 1
    if style == "table":
        if kind == "divisible":
            labels = ", ".join(str(k) for k in range(0, top + 1, divisor))
            arms = [(labels, [f"{y} = 1'b1;"]), ("default", [f"{y} = 1'b0;"])]
        else:
            arms = [(str(k), [f"{y} = {d.number(v, wide)};"]) for k, v in enumerate(values)]
            arms[-1] = ("default", arms[-1][1])
        body, reg = d.always_comb(d.case(x, arms)), True
    elif power and style == "power":
        part = f"{x}[{bits - 1}:{n}]" if n < bits - 1 else f"{x}[{n}]"
        low = f"{x}[{n - 1}:0]" if n > 1 else f"{x}[0]"
        body, reg = drive(d, y, {"quotient": part, "remainder": low, "divisible": f"~|{low}"}[kind])
    else:
        value = {"quotient": f"{x} / {divisor}", "remainder": f"{x} % {divisor}"}.get(
            kind, f"(({x} % {divisor}) == 0)"
        )
        body, reg = drive(d, y, value)
    told = {
        "quotient": (
            f"{y} is the quotient of {x} divided by {divisor}, rounded down.",
            f"{x} is divided by {divisor} and the remainder is dropped.",
        ),
        "remainder": (
            f"{y} is the remainder of {x} divided by {divisor}.",
            f"{y} = {x} modulo {divisor}.",
        ),
        "divisible": (
            f"{y} is 1 if {x} is a multiple of {divisor} (zero included), else 0.",
            f"{y} tells whether {divisor} divides {x} without a remainder; 0 counts as a multiple.",
        ),
    }[kind]
    titles = {
        "quotient": f"division of one {bits}-bit number by {divisor}",
        "remainder": f"remainder of one {bits}-bit number modulo {divisor}",
        "divisible": f"test whether one {bits}-bit number is divisible by {divisor}",
    }
    return circuit(
        d,
        {
            "quotient": (f"div_by_{divisor}", f"div{divisor}", "const_div", "quotient"),
            "remainder": (f"mod{divisor}", f"mod_{divisor}", "remainder", "modulo"),
            "divisible": (
                f"divisible_by_{divisor}",
                f"multiple_of_{divisor}",
                "is_multiple",
                "div_test",
            ),
        }[kind],
        [Port(x, "input", bits, ("number", "unsigned input"))],
        [
            Port(
                y,
                "output",
                wide,
                ("result", kind if kind != "divisible" else "1 if divisible"),
                reg,
            )
        ],
        body,
        [
            f"combinational {titles[kind]}",
            f"detector of multiples of {divisor} among {bits}-bit numbers"
            if kind == "divisible"
            else f"circuit for the {titles[kind]}",
            titles[kind],
        ],
        [told, (f"{x} is unsigned.", f"{x} is an unsigned {bits}-bit number.")],
        lambda v: {y: values[v[x]]},
    )


FAMILIES = (
    multiplier,
    square,
    constant_multiple,
    multiply_add,
    divide_constant,
)
