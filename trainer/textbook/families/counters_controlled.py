"""Binary counters that other inputs act on: saturating, by steps, with clear, load and enable."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing
from trainer.textbook.families._common import Size, edge, size
from trainer.textbook.families._register import Arm, register
from trainer.textbook.families._timing import (
    Control,
    clocked,
    constant,
    control,
    enabling,
    features,
    plus,
)
from trainer.textbook.problem import Behaviour, Problem, Values

_OUTPUTS = ("q", "count", "cnt", "counter", "out", "Q", "count_o", "num")
_COUNT = ("current count", "counter value", "value of the counter")


def saturating_counter(d: Draw) -> Problem:
    """Branch-predictor style: up and down requests, no wrap at either end."""
    clocking = d.clocking(reset=1.0)
    width = Size(d.integer(2, 5))
    up = control(d, "up", "inc", "increment", "taken", "hit", meaning="count up request")
    down = control(d, "down", "dec", "decrement", "not_taken", "miss", meaning="count down request")
    top = width.mask if d.chance(0.6) else d.integer(width.mask // 2 + 1, width.mask)
    start = d.choose(0, 0, top // 2, d.integer(0, top))
    q = d.name(*_OUTPUTS, "level")

    def arms(own: str) -> list[Arm]:
        go_up, go_down = up.condition(d), down.condition(d)
        alone = [_alone(go_up, down, d), _alone(go_down, up, d)]
        pair = [
            (
                f"{alone[0]} && {own} {d.choose('<', '!=')} {constant(d, top, width)}",
                plus(d, own, width),
            ),
            (
                f"{alone[1]} && {own} {d.choose('>', '!=')} {constant(d, 0, width)}",
                plus(d, own, width, sign="-"),
            ),
        ]
        return pair if d.chance(0.7) else pair[::-1]

    body, reg = register(d, clocking, q, width, arms, constant(d, start, width))
    return clocked(
        d,
        clocking,
        names=("sat_counter", "saturating_counter", "sat_updown", f"sat{width.bits}", "confidence"),
        ports=[*up.ports, *down.ports, width.output(q, _COUNT, reg)],
        body=body,
        phrases=[
            f"{width.bits}-bit saturating counter between 0 and {top}{features(d, clocking)}",
            f"saturating up/down counter with inputs {up.name} and {down.name}",
            f"counter that stops at 0 and {top} instead of wrapping",
        ],
        facts=[
            (
                f"At the {edge(clocking)} the count goes up by one if only {up.name} is active, "
                f"and down by one if only {down.name} is.",
                f"On the {edge(clocking)}, {up.name} increments and {down.name} decrements the "
                "count.",
            ),
            (
                "If both or neither of them are active, the count stays.",
                "Both at the same time leave the count unchanged, and so does none.",
            ),
            (
                f"The count never goes above {top} or below 0; it saturates there.",
                f"At {top} an increment has no effect, nor has a decrement at 0.",
            ),
            (
                f"{up.name} is active {up.level} and {down.name} is active {down.level}.",
                f"Active levels: {up.name} {up.level}, {down.name} {down.level}.",
            ),
        ],
        behaviour=Behaviour(
            start=start,
            step=lambda s, v: min(max(s + up.on(v) - down.on(v), 0), top),
            outputs=lambda s, v: {q: s},
        ),
        at_reset=f"the count is set to {start}",
    )


def _alone(condition: str, other: Control, d: Draw) -> str:
    """`condition` while the other control is idle."""
    return f"{condition} && {other.name if other.active_low else d.choose('!', '~') + other.name}"


def step_counter(d: Draw) -> Problem:
    """Counts by a fixed or given step, modulo a power of two."""
    clocking, width, enable = d.clocking(reset=1.0), size(d, 3, 12), enabling(d)
    q, up = d.name(*_OUTPUTS), d.chance(0.7)
    variable = d.chance(0.35)
    fixed = d.integer(2, min(15, width.mask - 1))
    narrow = Size(d.integer(2, width.bits - 1)) if width.bits > 3 else Size(2)
    step = d.name("step", "delta", "inc", "increment", "amount") if variable else ""
    sign, way = ("+", "up") if up else ("-", "down")

    def following(own: str) -> str:
        return f"{own} {sign} {step}" if variable else plus(d, own, width, fixed, sign)

    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [(enable.condition(d), following(own))],
        constant(d, 0, width),
    )
    amount = f"the value of {step}" if variable else str(fixed)
    ports = [*enable.ports]
    if variable:
        ports.append(narrow.port(step, ("step width, unsigned", "amount to count by (unsigned)")))
    suffix = features(d, clocking, enable.called("enable"))
    return clocked(
        d,
        clocking,
        names=(
            "step_counter",
            f"count_by_{fixed}" if not variable else "var_step_counter",
            "skip_counter",
        ),
        ports=[*ports, width.output(q, _COUNT, reg)],
        body=body,
        phrases=[
            f"{width.bits}-bit counter that counts {way} by "
            f"{'a given step' if variable else fixed}{suffix}",
            f"{way} counter with step {step if variable else fixed}",
            f"{width.bits}-bit counter "
            f"{'with variable step' if variable else f'in steps of {fixed}'}",
        ],
        facts=[
            (
                f"Each {edge(clocking)}{enable.clause('at which')} makes the count go {way} by "
                f"{amount}.",
                f"On the {edge(clocking)}{enable.clause()}, {amount} is "
                f"{'added to' if up else 'subtracted from'} {q}.",
            ),
            *enable.holds("the count"),
            (
                f"The result is taken modulo {width.mask + 1}.",
                f"The {width.bits}-bit count wraps around, the bits above are dropped.",
            ),
        ],
        width=width,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (
                (s + enable.on(v) * (1 if up else -1) * (v[step] if variable else fixed))
                & width.mask
            ),
            outputs=lambda s, v: {q: s},
        ),
        at_reset=f"{q} becomes 0",
    )


def cleared_counter(d: Draw) -> Problem:
    """Clear, load and enable with a drawn order of priority."""
    clocking, width = d.clocking(reset=0.5), size(d, 2, 10)
    clear = control(d, "clr", "clear_cnt", "sclr", "zero", "flush", meaning="synchronous clear")
    enable = enabling(d, probability=1.0)
    load = control(d, "load", "ld", "wr", meaning="load", probability=0.4)
    data = d.name("d", "din", "data", "init") if load.name else ""
    q = d.name(*_OUTPUTS)
    clear_first = not load.name or d.chance(0.6)
    zero = constant(d, 0, width)

    def arms(own: str) -> list[Arm]:
        front = [(clear.condition(d), zero)]
        if load.name:
            front.insert(1 if clear_first else 0, (load.condition(d), data))
        return [*front, (enable.condition(d), plus(d, own, width))]

    body, reg = register(d, clocking, q, width, arms, zero if clocking.reset else "")
    inputs = [*clear.ports, *load.ports, *enable.ports]
    if load.name:
        inputs.append(width.port(data, ("value to load", "load value")))
    order = [clear.name, load.name] if clear_first else [load.name, clear.name]
    order = [*(name for name in order if name), enable.name]

    def step(s: int | None, v: Values) -> int | None:
        for name in order[:-1]:
            if name == clear.name and clear.on(v):
                return 0
            if name == load.name and load.on(v):
                return v[data]
        return s if s is None else (s + enable.on(v)) & width.mask

    return clocked(
        d,
        clocking,
        names=("counter_clr", "clear_counter", "ctrl_counter", "counter", "counter_ce"),
        ports=[*inputs, width.output(q, _COUNT, reg)],
        body=body,
        phrases=[
            f"{width.bits}-bit up counter"
            + features(d, clocking, "synchronous clear", load.called("load"), "enable"),
            f"{width.bits}-bit counter controlled by {listing(order)}",
            "up counter with synchronous clear and count enable",
        ],
        facts=[
            (
                f"All control inputs act at the {edge(clocking)}.",
                f"The state changes on the {edge(clocking)} only"
                + (
                    ", apart from the reset."
                    if clocking.reset and clocking.reset.asynchronous
                    else "."
                ),
            ),
            (
                f"{clear.name} (active {clear.level}) sets the count to 0.",
                f"If {clear.name} is {clear.level}, the next count is 0.",
            ),
            *(
                [(f"{load.name} (active {load.level}) copies {data} into the counter.",)]
                if load.name
                else []
            ),
            (
                f"The count goes up by one, modulo {width.mask + 1}, if {enable.name} is "
                f"{enable.level}.",
                f"{enable.name} (active {enable.level}) increments the count; after {width.mask} "
                "comes 0.",
            ),
            (
                f"The order of priority is {listing(order, 'then')}.",
                f"If several are active, the first of {listing(order)} wins.",
            ),
            ("Otherwise the count stays.", "If none is active, the count is held."),
        ],
        width=width,
        behaviour=Behaviour(
            start=0 if clocking.reset else None, step=step, outputs=lambda s, v: {q: s}
        ),
        at_reset="the count becomes 0",
    )


FAMILIES = (saturating_counter, step_counter, cleared_counter)
