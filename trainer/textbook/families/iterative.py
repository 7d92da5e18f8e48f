"""Arithmetic a step a cycle: multiplication, division, square root, greatest common divisor."""

from __future__ import annotations

import math
from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.families._stepwise import (
    behaviour,
    control_ports,
    machine,
    operands,
    run_facts,
    status_ports,
)
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_START = ("start", "go", "load", "begin_op", "in_valid")
_BUSY = ("busy", "running", "active")
_DONE = ("done", "ready", "finished", "out_valid")


def sequential_multiplier(d: Draw) -> Problem:
    """Shift and add, one multiplier bit a cycle."""
    clocking = d.clocking(reset=1.0)
    width = d.choose(3, 4, 4, 6, 8, 8, 12)
    start, busy, done = d.name(*_START), d.name(*_BUSY), d.name(*_DONE)
    a, b = (d.name(n) for n in d.choose(("a", "b"), ("x", "y"), ("multiplicand", "multiplier")))
    product, left = d.name("product", "p", "result"), d.name("left", "count", "steps")
    fixed = d.name("m", "addend", "a_reg")
    moving = d.name("q", "bits", "b_reg")
    n = bits_for(width + 1)
    if d.chance(0.5):
        wide = f"{{{width}'d0, {a}}}"
        body = [f"reg {span(2 * width)}{fixed};", f"reg {span(width)}{moving};"]
        load = [
            f"{product} <= {d.number(0, 2 * width)};",
            f"{fixed} <= {wide};",
            f"{moving} <= {b};",
        ]
        move = d.branches((f"{moving}[0]", [f"{product} <= {product} + {fixed};"]))
        move += [f"{fixed} <= {fixed} << 1;", f"{moving} <= {moving} >> 1;"]
        reset = [f"{product} <= {d.number(0, 2 * width)};"]
    else:
        total = d.name("total", "sum", "upper")
        body = [f"reg {span(width)}{fixed};"]
        high = f"{product}[{2 * width - 1}:{width}]"
        body.append(
            f"wire {span(width + 1)}{total} = {high} + ({product}[0] ? {fixed} : {width}'d0);"
        )
        load = [f"{product} <= {{{width}'d0, {b}}};", f"{fixed} <= {a};"]
        move = [f"{product} <= {{{total}, {product}[{width - 1}:1]}};"]
        reset = [f"{product} <= {d.number(0, 2 * width)};"]
    body += [f"reg {span(n)}{left};", "", *comment(d, "Shift and add")]
    body += machine(d, clocking, (start, busy, done, left), (load, move, reset), width)
    return Problem(
        name=d.name(
            "multiplier", "seq_mult", "shift_add_multiplier", f"mult_{width}x{width}", "serial_mult"
        ),
        ports=[
            *control_ports(d, clocking, start),
            Port(a, "input", width, ("first factor", "multiplicand")),
            Port(b, "input", width, ("second factor", "multiplier")),
            Port(product, "output", 2 * width, ("product", "product of the factors"), reg=True),
            *status_ports(busy, done),
        ],
        body=body,
        phrases=[
            f"sequential {width}x{width} unsigned multiplier that takes {width} cycles",
            f"shift-and-add multiplier of two {width}-bit numbers with start and done",
            f"multi-cycle multiplier with a {2 * width}-bit product",
        ],
        facts=[
            (
                f"{product} is the product of the unsigned numbers {a} and {b}.",
                f"Unsigned {a} times {b} is computed.",
            ),
            *run_facts(d, clocking, start, busy, done, width, product),
        ],
        clocking=clocking,
        stimulus=operands(start, {a: width, b: width}),
        behaviour=behaviour(start, busy, done, width, lambda v: {product: v[a] * v[b]}, [product]),
        checks=min(150, 60 + 6 * width),
    )


def sequential_divider(d: Draw) -> Problem:
    """Restoring division, one quotient bit a cycle."""
    clocking = d.clocking(reset=1.0)
    width = d.choose(3, 4, 4, 6, 8, 8, 12)
    start, busy, done = d.name(*_START), d.name(*_BUSY), d.name(*_DONE)
    a, b = d.name("dividend", "a", "num", "n"), d.name("divisor", "b", "den", "dvs")
    quotient, rest = d.name("quotient", "q", "quot"), d.name("remainder", "r", "rem_out")
    left = d.name("left", "count", "steps")
    kept = d.name("d_reg", "div", "divisor_reg")
    n = bits_for(width + 1)
    trial, diff = d.name("trial", "shifted", "partial"), d.name("diff", "difference", "sub")
    body = [f"reg {span(width)}{kept};", f"reg {span(n)}{left};"]
    body += [f"wire {span(width + 1)}{trial} = {{{rest}, {quotient}[{width - 1}]}};"]
    fits = f"{trial} >= {kept}"
    if d.chance(0.5):
        body.append(f"wire {span(width + 1)}{diff} = {trial} - {kept};")
        taken = f"{diff}[{width - 1}:0]"
    else:
        taken = f"{trial} - {kept}"
    low = f"{quotient}[{width - 2}:0]"
    yes = [f"{rest} <= {taken};", f"{quotient} <= {{{low}, 1'b1}};"]
    no = [f"{rest} <= {trial}[{width - 1}:0];", f"{quotient} <= {{{low}, 1'b0}};"]
    load = [f"{quotient} <= {a};", f"{rest} <= {d.number(0, width)};", f"{kept} <= {b};"]
    reset = [f"{quotient} <= {d.number(0, width)};", f"{rest} <= {d.number(0, width)};"]
    body += ["", *comment(d, "Restoring division, highest bit first")]
    move = d.branches((fits, yes), ("", no))
    body += machine(d, clocking, (start, busy, done, left), (load, move, reset), width)
    top = (1 << width) - 1

    def result(values: Values) -> dict[str, int]:
        if not values[b]:
            return {quotient: top, rest: values[a]}
        return {quotient: values[a] // values[b], rest: values[a] % values[b]}

    return Problem(
        name=d.name(
            "divider", "seq_divider", "restoring_divider", f"div{width}", "shift_sub_divider"
        ),
        ports=[
            *control_ports(d, clocking, start),
            Port(a, "input", width, ("dividend", "number to be divided")),
            Port(b, "input", width, ("divisor", "number to divide by")),
            Port(quotient, "output", width, ("quotient", "integer quotient"), reg=True),
            Port(rest, "output", width, ("remainder", "rest of the division"), reg=True),
            *status_ports(busy, done),
        ],
        body=body,
        phrases=[
            f"sequential {width}-bit unsigned divider that takes {width} cycles",
            f"restoring divider of {width}-bit numbers with quotient and remainder",
            "multi-cycle shift-and-subtract divider with start and done",
        ],
        facts=[
            (
                f"{quotient} is {a} divided by {b}, rounded down, and {rest} is the remainder, "
                f"all unsigned.",
                f"Unsigned integer division: {a} = {quotient} * {b} + {rest} with {rest} less "
                f"than {b}.",
            ),
            (
                f"Division by zero gives a quotient of {top} and the dividend as the remainder.",
                f"If {b} is 0, {quotient} is all ones and {rest} equals {a}.",
            ),
            *run_facts(d, clocking, start, busy, done, width, f"{quotient} and {rest}"),
        ],
        clocking=clocking,
        stimulus=operands(start, {a: width, b: width}),
        behaviour=behaviour(start, busy, done, width, result, [quotient, rest]),
        checks=min(150, 60 + 6 * width),
    )


def square_root(d: Draw) -> Problem:
    """Integer square root, one bit of the root a cycle."""
    clocking = d.clocking(reset=1.0)
    half = d.choose(2, 3, 4, 4, 5, 6, 8)
    width = 2 * half
    start, busy, done = d.name(*_START), d.name(*_BUSY), d.name(*_DONE)
    x, root = d.name("x", "radicand", "value", "din"), d.name("root", "sqrt", "r", "dout")
    kept = d.name("kept", "x_reg", "target")
    bit = d.name("bit_mask", "trial_bit", "probe")
    left = d.name("left", "count", "steps")
    guess, n = d.name("guess", "trial", "candidate"), bits_for(half + 1)
    body = [f"reg {span(width)}{kept};", f"reg {span(half)}{bit};", f"reg {span(n)}{left};"]
    body += [
        f"wire {span(half)}{guess} = {root} | {bit};",
        f"wire {span(width)}{guess}_sq = {guess} * {guess};",
        "",
    ]
    load = [
        f"{kept} <= {x};",
        f"{root} <= {d.number(0, half)};",
        f"{bit} <= {d.number(1 << half - 1, half)};",
    ]
    better = d.branches((f"{guess}_sq <= {kept}", [f"{root} <= {guess};"]))
    move = [*better, f"{bit} <= {bit} >> 1;"]
    body += [*comment(d, "Try each bit of the root from the highest on")]
    body += machine(
        d,
        clocking,
        (start, busy, done, left),
        (load, move, [f"{root} <= {d.number(0, half)};"]),
        half,
    )
    return Problem(
        name=d.name("sqrt", "square_root", "isqrt", f"sqrt{width}", "int_sqrt"),
        ports=[
            *control_ports(d, clocking, start),
            Port(x, "input", width, ("number", "unsigned radicand")),
            Port(root, "output", half, ("square root, rounded down", "integer root"), reg=True),
            *status_ports(busy, done),
        ],
        body=body,
        phrases=[
            f"sequential integer square root of a {width}-bit number in {half} cycles",
            f"{width}-bit square root unit with start and done",
            f"bit-by-bit square root with a {half}-bit result",
        ],
        facts=[
            (
                f"{root} is the largest integer whose square is not greater than {x}.",
                f"The unsigned square root of {x}, rounded down, is computed.",
            ),
            *run_facts(d, clocking, start, busy, done, half, root),
        ],
        clocking=clocking,
        stimulus=operands(start, {x: width}),
        behaviour=behaviour(start, busy, done, half, lambda v: {root: math.isqrt(v[x])}, [root]),
        checks=min(150, 70 + 6 * half),
    )


def greatest_divisor(d: Draw) -> Problem:
    """Euclid's algorithm by subtraction; the time depends on the numbers."""
    clocking = d.clocking(reset=1.0)
    width = d.choose(3, 4, 4, 5, 6, 8)
    start, done = d.name(*_START), d.name(*_DONE)
    a, b = (d.name(n) for n in d.choose(("a", "b"), ("x", "y"), ("num_a", "num_b")))
    gcd = d.name("gcd", "result", "g")
    busy = d.name(*_BUSY)
    p, q = d.name("p", "u", "ra"), d.name("q", "v", "rb")
    zero = d.number(0, width)
    load = [f"{p} <= {a};", f"{q} <= {b};", f"{busy} <= 1'b1;"]
    value = d.choose(f"{p} | {q}", f"({p} == {zero}) ? {q} : {p}")
    finished = (
        f"{p} == {q} || {p} == {zero} || {q} == {zero}",
        [f"{gcd} <= {value};", f"{done} <= 1'b1;", f"{busy} <= 1'b0;"],
    )
    work = d.branches(
        finished, (f"{p} > {q}", [f"{p} <= {p} - {q};"]), ("", [f"{q} <= {q} - {p};"])
    )
    run = [f"{done} <= 1'b0;", *d.branches((busy, work), (start, load))]
    reset = [f"{busy} <= 1'b0;", f"{done} <= 1'b0;", f"{gcd} <= {zero};"]
    body = [f"reg {span(width)}{p}, {q};", "", *d.always_clocked(clocking, run, reset)]

    def cycles(x: int, y: int) -> int:
        """Subtractions until both are equal or one is zero, and one cycle for the result."""
        count = 1
        while x and y and x != y:
            x, y = max(x, y) - min(x, y), min(x, y)
            count += 1
        return count

    def step(state: tuple[int, int, int, int], values: Values) -> tuple[int, int, int, int]:
        left, coming, shown, _ = state
        if left:
            return left - 1, coming, coming if left == 1 else shown, int(left == 1)
        if values[start]:
            return cycles(values[a], values[b]), math.gcd(values[a], values[b]), shown, 0
        return 0, 0, shown, 0

    def stimulus(random: Random, number: int) -> Values:
        step_of = random.randint(1, max(1, (1 << width) // 5))
        few = [k * step_of for k in range(6) if k * step_of < 1 << width]
        return {start: int(random.random() < 0.5), a: random.choice(few), b: random.choice(few)}

    return Problem(
        name=d.name("gcd", "gcd_unit", f"gcd{width}", "euclid", "common_divisor"),
        ports=[
            *control_ports(d, clocking, start),
            Port(a, "input", width, ("first number", "left operand")),
            Port(b, "input", width, ("second number", "right operand")),
            Port(gcd, "output", width, ("greatest common divisor", "result"), reg=True),
            *status_ports(busy, done),
        ],
        body=body,
        phrases=[
            f"greatest common divisor of two {width}-bit numbers by repeated subtraction",
            f"{width}-bit GCD unit with start, busy and done",
            "sequential circuit for Euclid's algorithm",
        ],
        facts=[
            (
                f"{gcd} is the greatest common divisor of the unsigned numbers {a} and {b}; that "
                f"of 0 and n is n.",
                f"The greatest common divisor of {a} and {b} is computed; if one of them is 0 it "
                f"is the other.",
            ),
            (
                f"When {busy} is low, a high {start} at the {edge(clocking)} takes both "
                f"numbers and sets {busy}.",
                f"Numbers are taken at the {edge(clocking)} with {start} = 1 and {busy} = "
                f"0, and {busy} goes high.",
            ),
            (
                "While busy, each edge subtracts the smaller number from the larger one.",
                "In every busy cycle the smaller number is subtracted from the larger, one "
                "subtraction a clock edge.",
            ),
            (
                f"The first busy edge that finds the numbers equal, or one of them 0, loads {gcd} "
                f"instead, sets {done} "
                f"for one cycle and clears {busy}.",
                f"When both are equal or one is zero at an edge, {gcd} receives the result, "
                f"{busy} falls, and {done} "
                "is high for one cycle.",
            ),
            (f"{gcd} holds until the next result; {start} is ignored while busy.",),
            d.reset_fact(clocking, f"{busy}, {done} and {gcd} are zero"),
        ],
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(
            start=(0, 0, 0, 0),
            step=step,
            outputs=lambda s, v: {gcd: s[2], busy: int(s[0] > 0), done: s[3]},
        ),
        checks=140,
    )


FAMILIES = (
    sequential_multiplier,
    sequential_divider,
    square_root,
    greatest_divisor,
)
