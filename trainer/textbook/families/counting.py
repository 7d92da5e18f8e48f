"""Counters with bounds: modulo N, within a range, a single run up to a limit."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, comment, edge
from trainer.textbook.families._register import Arm, flag, gated, register
from trainer.textbook.families._timing import (
    clocked,
    constant,
    control,
    enabling,
    features,
    mostly,
    plus,
)
from trainer.textbook.problem import Behaviour, Port, Problem

_OUTPUTS = ("q", "count", "cnt", "counter", "out", "Q", "count_o", "num")
_COUNT = ("current count", "counter value", "value of the counter")


def modulo_counter(d: Draw) -> Problem:
    """Counts 0 to N-1, with or without a terminal count output."""
    clocking, enable = d.clocking(reset=1.0), enabling(d)
    modulus = d.choose(3, 5, 6, 7, 10, 10, 12, 13, 20, 24, 25, 50, 60, d.integer(3, 60))
    width = Size((modulus - 1).bit_length())
    q, last = d.name(*_OUTPUTS), modulus - 1
    carry = d.name("tc", "carry", "co", "wrap", "rollover", "max_tick") if d.chance(0.5) else ""
    symbol = d.name("MOD", "MODULUS", "N", "M", "COUNT_MAX") if d.chance(0.3) else ""
    final = f"{symbol} - 1" if symbol else d.number(last, width.bits)
    need_enable = bool(carry and enable.name and d.chance(0.5))

    def arms(own: str) -> list[Arm]:
        full = [(f"{own} == {final}", constant(d, 0, width)), ("", plus(d, own, width))]
        if d.chance(0.25):
            full = [(f"{own} < {final}", plus(d, own, width)), ("", constant(d, 0, width))]
        return gated(d, enable.condition(d), full)

    body, reg = register(d, clocking, q, width, arms, constant(d, 0, width))
    local = [f"localparam {symbol} = {modulus};", ""] if symbol and d.chance(0.5) else []
    ports = [*enable.ports, width.output(q, _COUNT, reg)]
    facts = [
        (
            f"The counter runs through 0, 1, ..., {last} and then starts again at 0.",
            f"It counts from 0 to {last}; the value after {last} is 0.",
            f"The count is taken modulo {modulus}, so {q} never exceeds {last}.",
        ),
        (
            f"It advances on the {edge(clocking)}{enable.clause()}.",
            f"Each {edge(clocking)}{enable.clause('at which')} makes one step.",
        ),
        *enable.holds("the count"),
    ]
    if symbol and not local:
        facts.append(f"The modulus is the parameter {symbol}, {modulus} by default.")
    if carry:
        gate = f"{enable.condition(d)} && " if need_enable else ""
        text = f"{gate}({q} == {final})" if gate else f"{q} == {final}"
        body = [*body, flag(d, carry, text)]
        ports.append(
            Port(
                carry,
                "output",
                meaning=(f"high at the count {last}", "terminal count", "carry out"),
            )
        )
        also = f" and {enable.name} is {enable.level}" if need_enable else ""
        facts.append(
            (
                f"{carry} is high, without a delay of its own, while the count is {last}{also}.",
                f"The combinational output {carry} is 1 exactly when {q} equals {last}{also}.",
            )
        )
    suffix = features(d, clocking, enable.called("enable"), "terminal count" if carry else "")
    return clocked(
        d,
        clocking,
        names=(
            f"mod{modulus}_counter",
            f"counter_mod{modulus}",
            "mod_counter",
            "counter",
            f"count{modulus}",
        ),
        ports=ports,
        body=[*local, *body],
        phrases=[
            f"modulo-{modulus} counter{suffix}",
            f"counter from 0 to {last}",
            f"divide-by-{modulus} counter of {width.bits} bits",
            f"mod-{modulus} counter",
        ],
        facts=facts,
        parameters=((symbol, modulus),) if symbol and not local else (),
        at_reset=f"{q} becomes 0",
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) % modulus,
            outputs=lambda s, v: (
                {q: s}
                | ({carry: int(s == last and (not need_enable or enable.on(v)))} if carry else {})
            ),
        ),
        stimulus=mostly(enable),
        checks=120,
    )


def range_counter(d: Draw) -> Problem:
    """Counts from A to B, up or down, over and over."""
    clocking, enable = d.clocking(reset=1.0), enabling(d)
    low = d.integer(1, 12)
    high = low + d.integer(2, 30)
    up = d.chance(0.6)
    first, last = (low, high) if up else (high, low)
    width = Size(high.bit_length())
    q, way = d.name(*_OUTPUTS), "up" if up else "down"

    def arms(own: str) -> list[Arm]:
        return gated(
            d,
            enable.condition(d),
            [
                (f"{own} == {constant(d, last, width)}", constant(d, first, width)),
                ("", plus(d, own, width, sign="+" if up else "-")),
            ],
        )

    body, reg = register(d, clocking, q, width, arms, constant(d, first, width))
    suffix = features(d, clocking, enable.called("enable"))
    return clocked(
        d,
        clocking,
        names=("range_counter", f"count_{first}_to_{last}", "counter", f"counter_{way}_range"),
        ports=[*enable.ports, width.output(q, _COUNT, reg)],
        body=[*comment(d, f"{first} to {last}"), *body],
        phrases=[
            f"counter that counts {way} from {first} to {last}{suffix}",
            f"{way} counter from {first} to {last}",
            f"{width.bits}-bit {way} counter that starts at {first} and restarts after {last}",
        ],
        facts=[
            (
                f"At each {edge(clocking)}{enable.clause()} the count goes {way} by one.",
                f"The value changes by one, {way}wards, per "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            (
                f"After {last} it starts over at {first}.",
                f"When it has reached {last}, the next value is {first}.",
            ),
            *enable.holds("the count"),
        ],
        behaviour=Behaviour(
            start=first,
            step=lambda s, v: (
                s if not enable.on(v) else first if s == last else s + (1 if up else -1)
            ),
            outputs=lambda s, v: {q: s},
        ),
        checks=100,
        at_reset=f"the count starts at {first}",
    )


def single_run_counter(d: Draw) -> Problem:
    """Counts to a limit after a start signal and stops there."""
    clocking = d.clocking(reset=1.0)
    limit = d.integer(3, 20)
    width = Size(limit.bit_length())
    start = control(d, "start", "go", "restart", "run", meaning="start of a new run")
    q, done = d.name(*_OUTPUTS), d.name("done", "finished", "stop", "full", "ready")
    finish = f"{q} == {constant(d, limit, width)}"
    body, reg = register(
        d,
        clocking,
        q,
        width,
        lambda own: [
            (start.condition(d), constant(d, 0, width)),
            (f"{own} {d.choose('!=', '<')} {constant(d, limit, width)}", plus(d, own, width)),
        ],
        constant(d, limit, width),
    )
    return clocked(
        d,
        clocking,
        names=("run_counter", "count_once", "stop_counter", "limit_counter", f"count_to_{limit}"),
        ports=[
            *start.ports,
            width.output(q, _COUNT, reg),
            Port(
                done,
                "output",
                meaning=(f"high while the count is {limit}", "end of the run reached"),
            ),
        ],
        body=[*body, flag(d, done, finish)],
        phrases=[
            f"counter that runs once from 0 to {limit} and "
            f"stops{features(d, clocking, f'{start.name} input')}",
            f"one-time counter up to {limit} with start input",
            f"counter that stops at {limit} until it is restarted",
        ],
        facts=[
            (
                f"When {start.name} is {start.level} at the {edge(clocking)}, the count is set to "
                "0.",
                f"A {edge(clocking)} with {start.name} {start.level} begins a run: {q} becomes 0.",
            ),
            (
                f"Otherwise it goes up by one per clock cycle until it is {limit}, where it stays.",
                f"In all other cycles the count is incremented, unless it is already {limit}.",
            ),
            (
                f"{start.name} also restarts a run that is not over.",
                f"A run in progress begins again when {start.name} is {start.level}.",
            ),
            (
                f"{done} is combinational and high while {q} is {limit}.",
                f"The output {done} is 1 if and only if the count equals {limit}.",
            ),
        ],
        behaviour=Behaviour(
            start=limit,
            step=lambda s, v: 0 if start.on(v) else min(s + 1, limit),
            outputs=lambda s, v: {q: s, done: int(s == limit)},
        ),
        stimulus=lambda random, n: {
            start.name: int((random.random() < 0.7 / limit) != start.active_low)
        },
        checks=100,
        at_reset=f"the count becomes {limit}, as after a finished run",
    )


FAMILIES = (modulo_counter, range_counter, single_run_counter)
