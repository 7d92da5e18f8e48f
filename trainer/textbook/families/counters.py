"""Binary counters: up, down, both ways, loadable, cleared, modulo N, within a range, saturating, by steps."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import edge, size
from trainer.textbook.families._register import flag, gated, register
from trainer.textbook.families._timing import (
    clocked,
    constant,
    control,
    enabling,
    features,
    mostly,
    plus,
)
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_OUTPUTS = ("q", "count", "cnt", "counter", "out", "Q", "count_o", "dout")
_COUNT = ("current count", "counter value", "value of the counter")


def up_counter(d: Draw) -> Problem:
    """A binary counter that wraps around, with or without an enable."""
    clocking, width, enable = d.clocking(reset=1.0), size(d), enabling(d)
    q, bits, top = d.name(*_OUTPUTS), width.bits, width.mask
    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [(enable.condition(d), plus(d, own, width))],
        constant(d, 0, width),
    )
    suffix = features(d, clocking, enable.called("enable"))
    return clocked(
        d,
        clocking,
        names=("counter", "up_counter", f"counter_{bits}bit", f"counter{bits}", "bin_counter"),
        ports=[*enable.ports, width.output(q, _COUNT, reg)],
        body=body,
        phrases=[
            f"{bits}-bit up counter{suffix}",
            f"{bits}-bit binary counter",
            f"counter that counts from 0 to {top} and starts over",
            f"free-running {bits}-bit counter"
            if not enable.name
            else f"{bits}-bit counter that can be paused",
        ],
        facts=[
            (
                f"On each {edge(clocking)} the count goes up by one{enable.clause()}.",
                f"The counter increments at every {edge(clocking)}{enable.clause('at which')}.",
                f"{q} is incremented by 1 per clock cycle{enable.clause('while')}, on the "
                f"{edge(clocking)}.",
            ),
            *enable.holds("the count"),
            (f"After {top} it wraps around to 0.", f"The count rolls over from {top} to zero."),
        ],
        width=width,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) & top,
            outputs=lambda s, v: {q: s},
        ),
        at_reset=f"{q} is set to zero",
    )


def down_counter(d: Draw) -> Problem:
    """Counts down to zero and starts again from a fixed value."""
    clocking, width, enable = d.clocking(reset=1.0), size(d, 2, 6), enabling(d)
    q, bits = d.name(*_OUTPUTS), width.bits
    first = width.mask if d.chance(0.5) or width.parameter else d.integer(2, width.mask)
    full = first == width.mask
    zero = d.name("zero", "is_zero", "tc", "done") if d.chance(0.4) else ""

    def arms(own: str) -> list[tuple[str, str]]:
        down = plus(d, own, width, sign="-")
        again = [(f"{own} == {constant(d, 0, width)}", constant(d, first, width))]
        return gated(
            d, enable.condition(d), [*([] if full and d.chance(0.8) else again), ("", down)]
        )

    body, reg = register(d, clocking, q, width, arms, constant(d, first, width))
    ports = [*enable.ports, width.output(q, _COUNT, reg)]
    facts = [
        (
            f"On each {edge(clocking)}{enable.clause()} the count goes down by one.",
            f"The counter decrements at every {edge(clocking)}{enable.clause('at which')}.",
        ),
        *enable.holds("the count"),
        (
            f"From 0 the next value is {first}.",
            f"After zero it starts again from {first}.",
            f"When the count has reached 0, it is reloaded with {first} instead of being "
            "decremented.",
        ),
    ]
    if zero:
        ports.append(Port(zero, "output", meaning=("high while the count is zero", "zero flag")))
        test = d.choose(f"{q} == {constant(d, 0, width)}", f"~|{q}", f"!{q}")
        body = [*body, flag(d, zero, test) if " " in test else f"assign {zero} = {test};"]
        facts.append(
            (
                f"The output {zero} is combinational: it is 1 while {q} is 0, otherwise 0.",
                f"{zero} is asserted without delay whenever {q} equals zero.",
            )
        )
    suffix = features(d, clocking, enable.called("enable"), "zero flag" if zero else "")
    return clocked(
        d,
        clocking,
        names=("down_counter", "counter_down", f"down_counter{bits}", "countdown", "dec_counter"),
        ports=ports,
        body=body,
        phrases=[
            f"{bits}-bit down counter{'' if full else f' from {first} to 0'}{suffix}",
            f"counter that counts down from {first} to 0 again and again",
            f"{bits}-bit decrementing counter",
        ],
        facts=facts,
        width=width,
        behaviour=Behaviour(
            start=first,
            step=lambda s, v: (s - 1 if s else first) if enable.on(v) else s,
            outputs=lambda s, v: {q: s, zero: int(s == 0)} if zero else {q: s},
        ),
        at_reset=f"the count is set to {first}",
        stimulus=mostly(enable),
        checks=100,
    )


def up_down_counter(d: Draw) -> Problem:
    """Counts in the direction an input says; wraps around or stops at the ends."""
    clocking, width, enable = d.clocking(reset=1.0), size(d, 2, 10), enabling(d)
    q, bits, top = d.name(*_OUTPUTS), width.bits, width.mask
    down_is_one = d.chance(0.35)
    names = (
        ("down", "dn", "dir", "count_down")
        if down_is_one
        else ("up", "up_down", "dir", "updown", "up_dn")
    )
    way = d.name(*names)
    stops = d.chance(0.35)

    def arms(own: str) -> list[tuple[str, str]]:
        ends = [f"{own} != {constant(d, top, width)}", f"{own} != {constant(d, 0, width)}"]
        steps = [plus(d, own, width), plus(d, own, width, sign="-")]
        for_up, for_down = (f"{d.choose('!', '~')}{way}", way) if down_is_one else (way, f"!{way}")
        ways = [(for_up, steps[0], ends[0]), (for_down, steps[1], ends[1])]
        if d.chance(0.4):
            ways.reverse()
        if stops:
            listed = [(f"{condition} && {end}", step) for condition, step, end in ways]
        else:
            listed = [(ways[0][0], ways[0][1]), ("", ways[1][1])]
        return gated(d, enable.condition(d), listed)

    body, reg = register(d, clocking, q, width, arms, constant(d, 0, width))
    up, down = ("0", "1") if down_is_one else ("1", "0")
    ports = [
        *enable.ports,
        Port(
            way,
            "input",
            meaning=(f"direction: {up} counts up, {down} counts down", "count direction"),
        ),
        width.output(q, _COUNT, reg),
    ]
    suffix = features(d, clocking, enable.called("enable"))
    kind = "saturating up/down counter" if stops else "up/down counter"

    def step(s: int, v: Values) -> int:
        if not enable.on(v):
            return s
        moved = s + (1 if v[way] != down_is_one else -1)
        return min(max(moved, 0), top) if stops else moved & top

    return clocked(
        d,
        clocking,
        names=("up_down_counter", "updown", "counter_ud", f"updown{bits}", "bidir_counter"),
        ports=ports,
        body=body,
        phrases=[
            f"{bits}-bit {kind}{suffix}",
            f"{bits}-bit counter whose direction is given by {way}",
            f"{kind} of {bits} bits",
        ],
        facts=[
            (
                f"At the {edge(clocking)}{enable.clause()}, the count goes up by one if {way} is "
                f"{up} and down by one if {way} is {down}.",
                f"{way} = {up} means counting up and {way} = {down} counting down, by one at each "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            *enable.holds("the count"),
            (
                f"It does not wrap around: it stays at {top} when counting up and at 0 when "
                "counting down.",
                f"The counter saturates at {top} and at 0.",
            )
            if stops
            else (
                f"It wraps around in both directions: {top} is followed by 0 and 0 by {top}.",
                f"Counting up from {top} gives 0, and counting down from 0 gives {top}.",
            ),
        ],
        width=width,
        behaviour=Behaviour(start=0, step=step, outputs=lambda s, v: {q: s}),
        at_reset="the counter is cleared to 0",
    )


def loadable_counter(d: Draw) -> Problem:
    """Up or down counter with a parallel load that goes before the enable."""
    clocking, width, enable = d.clocking(reset=0.85), size(d), enabling(d, probability=0.7)
    load = control(d, "load", "ld", "load_en", "preset", "wr", meaning="parallel load")
    data = d.name("d", "data", "din", "load_value", "data_in", "D", "load_data")
    q, bits, top = d.name(*_OUTPUTS), width.bits, width.mask
    way, sign, delta = d.choose(("up", "+", 1), ("up", "+", 1), ("down", "-", -1))
    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [
            (load.condition(d), data),
            (enable.condition(d), plus(d, own, width, sign=sign)),
        ],
        constant(d, 0, width) if clocking.reset else "",
    )
    suffix = features(d, clocking, "parallel load", enable.called("enable"))

    def step(s: int | None, v: Values) -> int | None:
        if load.on(v):
            return v[data]
        return s if s is None or not enable.on(v) else (s + delta) & top

    return clocked(
        d,
        clocking,
        names=(
            "load_counter",
            f"counter_{way}_load",
            "preset_counter",
            "counter",
            "loadable_counter",
        ),
        ports=[
            *load.ports,
            *enable.ports,
            width.port(data, ("value to load", "load data")),
            width.output(q, _COUNT, reg),
        ],
        body=body,
        phrases=[
            f"{bits}-bit {way} counter{suffix}",
            f"loadable {bits}-bit {way} counter",
            f"presettable counter of {bits} bits that counts {way}",
        ],
        facts=[
            (
                f"If {load.name} is {load.level} at the {edge(clocking)}, {data} is loaded into "
                "the counter.",
                f"On the {edge(clocking)}, {q} takes the value of {data} when {load.name} is "
                f"{load.level}.",
            ),
            (
                f"Otherwise the count goes {way} by one{enable.clause()}.",
                f"When nothing is loaded, it counts {way} by 1 per clock "
                f"cycle{enable.clause('while')}.",
            ),
            *(
                [f"Loading has priority over counting and does not need {enable.name}."]
                if enable.name
                else []
            ),
            *enable.holds("the count, unless loaded,"),
            (
                f"Counting {way} from {top if way == 'up' else 0} gives "
                f"{0 if way == 'up' else top}.",
                f"It wraps around modulo {top + 1}.",
            ),
        ],
        width=width,
        behaviour=Behaviour(
            start=0 if clocking.reset else None, step=step, outputs=lambda s, v: {q: s}
        ),
        at_reset="the count becomes 0",
    )


FAMILIES = (up_counter, down_counter, up_down_counter, loadable_counter)
