"""Counters of several digits: decimal ones in BCD, and binary fields like those of a clock."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import listing
from trainer.textbook.families._common import Size, comment, edge
from trainer.textbook.families._register import Arm, always, gated, register
from trainer.textbook.families._timing import clocked, constant, enabling, features, mostly, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def bcd_counter(d: Draw) -> Problem:
    """One decimal digit, up or down, with a carry to the next digit."""
    clocking, enable, up = d.clocking(reset=1.0), enabling(d, probability=0.6), d.chance(0.75)
    digit = Size(4)
    q = d.name("q", "digit", "bcd", "count", "units", "Q")
    carry = d.name("carry", "co", "tc", "cout", "next_digit") if d.chance(0.6) else ""
    first, last = (0, 9) if up else (9, 0)
    way, borrow = ("up", "carry") if up else ("down", "borrow")

    def arms(own: str) -> list[Arm]:
        end = f"{own} == {constant(d, last, digit)}"
        if up and d.chance(0.2):
            end = f"{own} >= {constant(d, last, digit)}"
        step = plus(d, own, digit, sign="+" if up else "-")
        return gated(d, enable.condition(d), [(end, constant(d, first, digit)), ("", step)])

    body, reg = register(d, clocking, q, digit, arms, constant(d, 0, digit))
    ports = [*enable.ports]
    ports.append(Port(q, "output", 4, ("BCD digit", "decimal digit, 0 to 9", "current digit"), reg))
    facts = [
        (
            f"The digit goes {way} by one at each {edge(clocking)}{enable.clause('at which')}.",
            f"On the {edge(clocking)}{enable.clause()}, it counts {way} by one.",
        ),
        *enable.holds("the digit"),
        (
            f"{last} is followed by {first}, so that only the codes 0 to 9 appear.",
            f"After {last} it goes to {first}; the values 10 to 15 are never reached.",
        ),
    ]
    if carry:
        test = f"({q} == {constant(d, last, digit)})"
        text = f"{enable.condition(d)} && {test}" if enable.name else test
        body = [*body, f"assign {carry} = {text};"]
        ports.append(
            Port(carry, "output", meaning=(f"{borrow} to the next digit", f"{borrow} output"))
        )
        also = f" and {enable.name} is {enable.level}" if enable.name else ""
        facts.append(
            (
                f"{carry} is combinational: it is 1 while the digit is {last}{also}.",
                f"While {q} is {last}{also}, {carry} is high; otherwise it is low.",
            )
        )
    suffix = features(d, clocking, enable.called("enable"), f"{borrow} output" if carry else "")
    return clocked(
        d,
        clocking,
        names=("bcd_counter", "decade_counter", "bcd_digit", "bcd_count", "digit_counter"),
        ports=ports,
        body=body,
        phrases=[
            f"BCD {way} counter of one digit{suffix}",
            f"decade counter that counts {way}",
            f"4-bit decimal counter that counts {'from 0 to 9' if up else 'from 9 down to 0'}",
        ],
        facts=facts,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v) * (1 if up else -1)) % 10,
            outputs=lambda s, v: (
                {q: s} | ({carry: int(s == last and enable.on(v))} if carry else {})
            ),
        ),
        at_reset="the digit becomes 0",
    )


def bcd_chain(d: Draw) -> Problem:
    """Two or three decimal digits in one or several ports, modulo a drawn limit."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, probability=0.5)
    digits = d.choose(2, 2, 3)
    limit = d.choose(
        10**digits - 1, 10**digits - 1, d.choose(11, 23, 39, 59, 79) if digits == 2 else 359
    )
    names = [
        d.name(*options)
        for options in (
            ("ones", "units", "digit0", "low", "d0"),
            ("tens", "digit1", "high", "d1"),
            ("hundreds", "digit2", "d2"),
        )[:digits]
    ]
    ends = [str(limit)[::-1][i] for i in range(digits)]
    four = Size(4)
    clear = [f"{name} <= {constant(d, 0, four)};" for name in names]

    def roll(i: int) -> Lines:
        """Add one to digit i; the digits above it are its else branches."""
        step = f"{names[i]} <= {plus(d, names[i], four)};"
        if i == digits - 1 and limit == 10**digits - 1:
            nine = f"{names[i]} == {constant(d, 9, four)}"
            return d.branches((nine, [f"{names[i]} <= {constant(d, 0, four)};"]), ("", [step]))
        if i == digits - 1:
            return [step]
        nine = f"{names[i]} == {constant(d, 9, four)}"
        return d.branches(
            (nine, [f"{names[i]} <= {constant(d, 0, four)};", *roll(i + 1)]), ("", [step])
        )

    run = roll(0)
    if limit != 10**digits - 1:
        at_end = " && ".join(
            f"{name} == {constant(d, int(end), four)}"
            for name, end in reversed([*zip(names, ends, strict=True)])
        )
        run = d.branches((at_end, clear), ("", run))
    body = always(d, clocking, [(enable.condition(d), run)], clear)
    suffix = features(d, clocking, enable.called("enable"))
    top_first = [*reversed(names)]
    return clocked(
        d,
        clocking,
        names=(
            f"bcd{digits}",
            f"bcd_counter_{digits}digit",
            "decimal_counter",
            f"count_to_{limit}",
        ),
        ports=[
            *enable.ports,
            *(
                Port(name, "output", 4, f"BCD digit of weight {10**i}", True)
                for i, name in enumerate(names)
            ),
        ],
        body=[*comment(d, f"{listing(top_first)} count from 0 to {limit} in BCD"), *body],
        phrases=[
            f"{digits}-digit BCD counter from 0 to {limit}{suffix}",
            f"decimal counter of {digits} digits up to {limit}",
            f"BCD counter with the digits {listing(top_first)}",
        ],
        facts=[
            (
                f"Each digit is a 4-bit number from 0 to 9; {names[0]} is the least significant "
                "one.",
                f"The number is given in BCD by {listing(top_first)}, the most significant digit "
                "first.",
            ),
            (
                f"The number goes up by one at each {edge(clocking)}{enable.clause('at which')}.",
                f"On the {edge(clocking)}{enable.clause()}, the decimal count is incremented.",
            ),
            *enable.holds("the number"),
            (
                "When a digit goes from 9 to 0, the next higher digit is incremented.",
                f"A digit that is 9 becomes 0 and carries into the next; after {limit} comes 0.",
            ),
            (
                f"After {limit} all digits return to 0.",
                f"The count runs from 0 to {limit} and starts over.",
            ),
        ],
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) % (limit + 1),
            outputs=lambda s, v: {name: s // 10**i % 10 for i, name in enumerate(names)},
        ),
        stimulus=mostly(enable),
        checks=150,
        at_reset="all digits become 0",
    )


def clock_digits(d: Draw) -> Problem:
    """A clock of two or three binary fields, each with its own limit and carry."""
    clocking = d.clocking(reset=1.0)
    tick = enabling(d, "time step", 0.7)
    fields = d.choose(
        [("sec", 60), ("min", 60)],
        [("sec", 60), ("min", 60), ("hour", 24)],
        [("min", 60), ("hour", 24)],
        [("min", 60), ("hour", 12)],
        [("hundredths", 100), ("sec", 60)],
        [("hour", 24), ("day", 7)],
        [("day", 7), ("week", d.choose(4, 13, 52))],
        [("quarter", 4), ("hour", d.choose(8, 12, 24))],
        [("tenths", 10), ("sec", d.choose(10, 12, 15))],
        [("pixel", d.integer(4, 12)), ("line", d.integer(3, 10))],
        [("slot", d.integer(2, 8)), ("frame", d.integer(2, 16))],
        [("bit_cnt", d.choose(8, 10, 12)), ("word", d.integer(3, 9))],
        [("low", d.integer(3, 9)), ("high", d.integer(3, 9))],
        [("x", d.integer(3, 20)), ("y", d.integer(3, 12))],
        [("column", d.integer(4, 12)), ("row", d.integer(3, 8))],
        [("beat", d.choose(3, 4, 6)), ("bar", d.choose(4, 8, 12))],
    )
    names, limits = (
        [d.name(name, f"{name}s", f"{name}_cnt") for name, _ in fields],
        [n for _, n in fields],
    )
    widths = [Size((n - 1).bit_length()) for n in limits]
    zeros = [
        f"{name} <= {constant(d, 0, width)};" for name, width in zip(names, widths, strict=True)
    ]
    ends = [
        f"{name} == {constant(d, n - 1, width)}"
        for name, width, n in zip(names, widths, limits, strict=True)
    ]

    def advance(n: int) -> list[str]:
        rest = advance(n + 1) if n + 1 < len(names) else []
        step = f"{names[n]} <= {plus(d, names[n], widths[n])};"
        return d.branches((ends[n], [zeros[n], *rest]), ("", [step]))

    body = always(d, clocking, [(tick.condition(d), advance(0))], zeros)
    product = 1
    places = []
    for limit in limits:
        places.append(product)
        product *= limit

    def outputs(s: int, v: Values) -> dict[str, int]:
        return {name: s // place % n for name, place, n in zip(names, places, limits, strict=True)}

    highest = [f"{name} = {n - 1}" for name, n in zip(names, limits, strict=True)]
    chain = ", ".join(f"{name} from 0 to {n - 1}" for name, n in zip(names, limits, strict=True))
    carries = " ".join(
        f"When {a} goes from {n - 1} back to 0, {b} is incremented."
        for a, b, n in zip(names, names[1:], limits, strict=False)
    )
    return clocked(
        d,
        clocking,
        (
            "time_counter",
            "clock_counter",
            "cascade_counter",
            "_".join(n for n, _ in fields),
            "chain_counter",
        ),
        [
            *tick.ports,
            *(
                Port(name, "output", width.bits, f"{name}, 0 to {n - 1}", True)
                for name, width, n in zip(names, widths, limits, strict=True)
            ),
        ],
        body,
        [
            f"cascaded counters, {chain},{features(d, clocking, tick.called('enable'))}",
            f"chain of counters modulo {' and '.join(map(str, limits))}",
            f"time counter with the fields {' and '.join(names)}",
        ],
        [
            (
                f"At each {edge(clocking)}{tick.clause('at which')}, {names[0]} goes up by one.",
                f"{names[0]} is incremented on the {edge(clocking)}{tick.clause()}.",
            ),
            *tick.holds("everything"),
            (
                f"The fields are binary numbers: {chain}.",
                f"In binary, {chain}; after its highest value each field returns to 0.",
            ),
            carries,
            (
                f"After {' and '.join(highest)}, all are 0.",
                "After the highest values of all fields, everything starts over at 0.",
            ),
        ],
        Behaviour(start=0, step=lambda s, v: (s + tick.on(v)) % product, outputs=outputs),
        at_reset="all fields become 0",
        stimulus=mostly(tick),
        checks=180,
    )


FAMILIES = (bcd_counter, bcd_chain, clock_digits)
