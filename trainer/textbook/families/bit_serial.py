"""Arithmetic on numbers that arrive bit by bit."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import edge
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words


def serial_arithmetic(d: Draw) -> Problem:
    """Adds or subtracts two numbers that arrive bit by bit, lowest first."""
    clocking = d.clocking(reset=1.0)
    subtract, registered = d.chance(0.4), d.chance(0.5)
    a, b = (d.name(n) for n in d.choose(("a", "b"), ("x", "y"), ("bit_a", "bit_b")))
    out = d.name("sum", "s", "result") if not subtract else d.name("diff", "d", "result")
    first = d.name("first", "start", "lsb", "clr")
    carry = d.name("borrow" if subtract else "carry", "c", "carry_reg")
    cin = d.name("c_in", "carry_now", "cin")
    left = f"~{a}" if subtract else a
    following = f"({left} & {b}) | ({cin} & ({left} | {b}))"
    if d.chance(0.4):
        following = f"({left} & {b}) | ({left} & {cin}) | ({b} & {cin})"
    value = f"{a} ^ {b} ^ {cin}"
    body = [f"reg {carry};", f"wire {cin} = {carry} & ~{first};", ""]
    if registered:
        run = [f"{out} <= {value};", f"{carry} <= {following};"]
        body += d.always_clocked(clocking, run, [f"{out} <= 1'b0;", f"{carry} <= 1'b0;"])
    else:
        body += [f"assign {out} = {value};", ""]
        body += d.always_clocked(clocking, [f"{carry} <= {following};"], [f"{carry} <= 1'b0;"])

    def total(state: tuple[int, int], values: Values) -> int:
        kept = 0 if values[first] else state[0]
        return values[a] - values[b] - kept if subtract else values[a] + values[b] + kept

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        value = total(state, values)
        return int(value < 0 or value > 1), value & 1

    what, remainder = ("subtractor", "borrow") if subtract else ("adder", "carry")
    does = f"{a} - {b}" if subtract else f"{a} + {b}"
    timing: Words = (
        (
            f"{out} is registered: the bit of the result follows after the edge that takes the "
            f"operand bits.",
            f"The result bit appears on {out} one edge later.",
        )
        if registered
        else (
            f"{out} is combinational and shows the result bit in the same cycle as the operand "
            f"bits.",
            f"The result bit is on {out} at once, before the edge.",
        )
    )
    return Problem(
        name=d.name(
            f"serial_{what}", f"bit_serial_{what}", f"ser_{what[:3]}", f"serial_{what[:3]}"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(
                first,
                "input",
                meaning=("marks the lowest bit of a number", "high with the first bit"),
            ),
            Port(a, "input", meaning=("bit of the first operand", "left operand")),
            Port(b, "input", meaning=("bit of the second operand", "right operand")),
            Port(
                out,
                "output",
                meaning=("bit of the result", "result, lowest bit first"),
                reg=registered,
            ),
        ],
        body=body,
        phrases=[
            f"bit-serial {what} with {'registered' if registered else 'combinational'} output, "
            f"lowest bit first",
            f"serial {what} of two bit streams with a start marker",
            f"{what} that keeps the {remainder} in a flip-flop",
        ],
        facts=[
            (
                f"Two numbers arrive one bit a clock cycle, lowest bit first, and {does} leaves "
                f"in the same order.",
                f"In every cycle one bit of {does} is computed, from the lowest on.",
            ),
            (
                f"{first} is high with the lowest bits: the stored {remainder} is then ignored "
                f"and taken as 0.",
                f"With {first} = 1 a new pair of numbers begins, without any {remainder} from "
                f"before.",
            ),
            (
                f"At the {edge(clocking)} the {remainder} of the bit is stored for the next one.",
                f"The {remainder} is kept in a flip-flop that is updated on each {edge(clocking)}.",
            ),
            timing,
            d.reset_fact(
                clocking, f"the {remainder}{f' and {out} are' if registered else ' is'} 0"
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            first: int(random.random() < 0.12),
            a: random.getrandbits(1),
            b: random.getrandbits(1),
        },
        behaviour=Behaviour(
            start=(0, 0),
            step=step,
            outputs=lambda s, v: {out: s[1] if registered else total(s, v) & 1},
        ),
    )


def serial_compare(d: Draw) -> Problem:
    """Compares two numbers that arrive bit by bit, from either end."""
    clocking = d.clocking(reset=1.0)
    high_first = d.chance(0.6)
    a, b = (d.name(n) for n in d.choose(("a", "b"), ("x", "y"), ("bit_a", "bit_b")))
    first = d.name("first", "start", "restart")
    gt, lt = d.name("gt", "a_gt_b", "greater"), d.name("lt", "a_lt_b", "less")
    eq = d.name("eq", "equal", "same") if d.chance(0.6) else ""
    fresh = f"{first} || !({gt} || {lt})" if high_first else f"{first} || ({a} != {b})"
    if d.chance(0.5):
        fresh = f"{first} | (~{gt} & ~{lt})" if high_first else f"{first} | ({a} ^ {b})"
    load = [f"{gt} <= {a} & ~{b};", f"{lt} <= ~{a} & {b};"]
    body = d.always_clocked(
        clocking, d.branches((fresh, load)), [f"{gt} <= 1'b0;", f"{lt} <= 1'b0;"]
    )
    if eq:
        body += [
            "",
            f"assign {eq} = {d.choose(f'~({gt} | {lt})', f'~{gt} & ~{lt}', f'!{gt} && !{lt}')};",
        ]

    def step(numbers: tuple[int, int, int], values: Values) -> tuple[int, int, int]:
        """The two numbers so far and the weight of the next bit; only the order of the numbers counts."""
        x, y, weight = (0, 0, 1) if values[first] else numbers
        if high_first:
            return 2 * x + values[a], 2 * y + values[b], 1
        return x + weight * values[a], y + weight * values[b], 2 * weight

    def outputs(numbers: tuple[int, int, int], values: Values) -> dict[str, int]:
        x, y, _ = numbers
        return {gt: int(x > y), lt: int(x < y), **({eq: int(x == y)} if eq else {})}

    end = "highest" if high_first else "lowest"
    ports = [
        *d.clock_ports(clocking),
        Port(first, "input", meaning=("marks the first bit of a pair of numbers", "start marker")),
        Port(a, "input", meaning=("bit of the first number", "first bit stream")),
        Port(b, "input", meaning=("bit of the second number", "second bit stream")),
        Port(gt, "output", meaning=(f"{a} is the larger number so far", "greater"), reg=True),
        Port(lt, "output", meaning=(f"{a} is the smaller number so far", "less"), reg=True),
    ]
    if eq:
        ports.append(Port(eq, "output", meaning=("both numbers are equal so far", "equal")))
    return Problem(
        name=d.name("serial_comparator", "bit_serial_compare", "serial_cmp", "stream_compare"),
        ports=ports,
        body=body,
        phrases=[
            f"bit-serial comparator of two unsigned numbers, {end} bit first",
            f"serial magnitude comparator ({'MSB' if high_first else 'LSB'} first)",
            "comparator for two bit streams",
        ],
        facts=[
            (
                f"{a} and {b} bring one bit each of two unsigned numbers at every "
                f"{edge(clocking)}, {end} bit first.",
                f"On each {edge(clocking)} one more bit of both numbers is taken, beginning "
                f"with the {end}.",
            ),
            (
                f"{first} is high with the first bits of a new pair and makes the circuit forget "
                f"the old one.",
                f"A high {first} starts a new comparison with the bits present.",
            ),
            (
                f"{gt} is 1 if the bits taken so far make the number of {a} larger, {lt} if they "
                f"make it smaller"
                + (f", and {eq} if they are equal." if eq else ".")
                + " The outputs follow right after the edge.",
                f"After each edge {gt} and {lt} tell whether {a} is greater or less than {b}, as "
                f"far as they are known" + (f"; {eq} means no difference yet." if eq else "."),
            ),
            d.reset_fact(clocking, f"{gt} and {lt} are 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            first: int(random.random() < 0.15),
            a: (bit := random.getrandbits(1)),
            b: bit ^ int(random.random() < 0.3),
        },
        behaviour=Behaviour(start=(0, 0, 1), step=step, outputs=outputs),
    )


FAMILIES = (
    serial_arithmetic,
    serial_compare,
)
