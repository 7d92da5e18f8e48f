"""Controllers of a measured value: hysteresis, slew limit, overload alarm."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import nth
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for, state_machine
from trainer.textbook.problem import Behaviour, Port, Problem, Values, signed, unsigned

_SAMPLE = ("x", "sample", "value", "din", "level", "temp")


def hysteresis(d: Draw) -> Problem:
    """On below one limit and off above another, or the other way round."""
    clocking = d.clocking(reset=1.0)
    width, is_signed, heats = d.choose(4, 6, 8, 8, 10), d.chance(0.3), d.chance(0.5)
    top = 1 << width
    bottom = -(top >> 1) if is_signed else 0
    low, high = sorted(d.random.sample(range(bottom + top // 8, bottom + top - top // 8), 2))
    x = d.name(*_SAMPLE)
    heaters, coolers = ("heater", "active", "relay", "pump"), ("fan", "alarm", "cooler", "valve")
    on = d.name("on", *(heaters if heats else coolers))

    def literal(value: int) -> str:
        if not is_signed:
            return d.number(value, width)
        return f"-{width}'sd{-value}" if value < 0 else f"{width}'sd{value}"

    below, above = f"{x} < {literal(low)}", f"{x} > {literal(high)}"
    on_when, off_when = (below, above) if heats else (above, below)
    machine = d.chance(0.35)
    if machine:
        off, run = d.choose(("OFF", "ON"), ("IDLE", "ACTIVE"), ("COLD", "HOT"))
        body = state_machine(
            d, clocking, [off, run], {off: [(on_when, run)], run: [(off_when, off)]}
        )
        body += ["", f"assign {on} = (state == {run});"]
    else:
        arms = [(on_when, [f"{on} <= 1'b1;"]), (off_when, [f"{on} <= 1'b0;"])]
        body = d.always_clocked(clocking, d.branches(*d.random.sample(arms, 2)), [f"{on} <= 1'b0;"])
    kind = "signed" if is_signed else "unsigned"

    def step(state: int, v: Values) -> int:
        value = signed(v[x], width) if is_signed else v[x]
        if low <= value <= high:
            return state
        return int((value < low) == heats)

    near = [unsigned(limit + k, width) for limit in (low, high) for k in (-1, 0, 1)]
    start, end = (f"below {low}", f"above {high}") if heats else (f"above {high}", f"below {low}")
    return Problem(
        name=d.name("hysteresis", "thermostat", "two_point_control", "schmitt", "level_control"),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", width, (f"{kind} measured value", f"{kind} sample"), signed=is_signed),
            Port(
                on, "output", meaning=(f"on {start}, off {end}", "switch output"), reg=not machine
            ),
        ],
        body=body,
        phrases=[
            f"two-point controller with hysteresis that turns on {start} and off {end}",
            f"hysteresis comparator for {kind} {width}-bit samples",
            "thermostat-like switch with two limits",
        ],
        facts=[
            (
                f"At the {edge(clocking)} {on} becomes 1 if {x} is {start} and 0 if it is {end}.",
                f"{x} is compared on each {edge(clocking)}: {start} switches {on} on, {end} "
                f"switches it off.",
            ),
            (
                f"From {low} to {high}, both included, {on} keeps its state.",
                f"Between the limits (and on them) {on} does not change.",
            ),
            (
                f"{x} is a{'n' if not is_signed else ''} {kind} number.",
                f"Values of {x} are {kind}.",
            ),
            d.reset_fact(clocking, f"{on} is 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            x: random.choice((random.choice(near), random.getrandbits(width)))
        },
        behaviour=Behaviour(start=0, step=step, outputs=lambda s, v: {on: s}),
        checks=70,
    )


def slew_limiter(d: Draw) -> Problem:
    """The output follows the input by at most a step a cycle."""
    clocking = d.clocking(reset=1.0)
    width = d.choose(4, 6, 8, 8, 10)
    rate = d.integer(1, max(1, (1 << width) // 8))
    x, y = d.name("target", "x", "setpoint", "din"), d.name("y", "position", "ramp", "dout")
    en = d.name("en", "tick", "step") if d.chance(0.4) else ""
    step_text = d.number(rate, width)
    up, down = [f"{y} <= {y} + {step_text};"], [f"{y} <= {y} - {step_text};"]
    above, below, there = f"{x} > {y}", f"{x} < {y}", [f"{y} <= {x};"]
    body: Lines = []
    if rate == 1:
        run = d.branches((above, up), (below, down))
    elif d.chance(0.5):
        gap_up, gap_down = f"{x} - {y} > {step_text}", f"{y} - {x} > {step_text}"
        run = d.branches(
            (f"{above} && {gap_up}", up), (f"{below} && {gap_down}", down), ("", there)
        )
    else:
        gap = d.name("gap", "diff", "distance")
        body = [f"wire {span(width)}{gap} = ({above}) ? {x} - {y} : {y} - {x};", ""]
        run = d.branches((f"{gap} <= {step_text}", there), (above, up), ("", down))
    moved = d.branches((en, run)) if en else run
    body += d.always_clocked(clocking, moved, [f"{y} <= {d.number(0, width)};"])

    def step(now: int, v: Values) -> int:
        if not v.get(en, 1):
            return now
        return min(max(v[x], now - rate), now + rate)

    aims = [d.random.getrandbits(width) for _ in range(8)]
    when = f" with {en} high" if en else ""
    ports = [*d.clock_ports(clocking)]
    ports += [Port(en, "input", meaning=("step enable", "moves the output"))] if en else []
    return Problem(
        name=d.name("slew_limiter", "ramp", "rate_limit", "soft_start", "ramp_generator"),
        ports=[
            *ports,
            Port(x, "input", width, ("wanted value", "target value")),
            Port(y, "output", width, ("present value", "limited value"), reg=True),
        ],
        body=body,
        phrases=[
            f"{width}-bit slew rate limiter with steps of at most {rate}",
            f"ramp that follows a target by up to {rate} a clock cycle",
            f"soft-start unit for a {width}-bit value",
        ],
        facts=[
            (
                f"At each {edge(clocking)}{when}, {y} moves towards {x} by {rate}, or by "
                f"less if {x} is nearer.",
                f"{y} approaches {x} in steps of {rate} on every {edge(clocking)}{when}; "
                f"the last step is shorter if necessary.",
            ),
            (
                f"{y} stays when it equals {x}, and never goes past it.",
                f"{x} is reached exactly, and then {y} does not move.",
            ),
            (f"Both {x} and {y} are unsigned.", "Values are unsigned."),
            *([(f"With {en} low {y} holds.", f"{en} = 0 holds {y}.")] if en else []),
            d.reset_fact(clocking, f"{y} is 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            x: aims[n // 9 % 8],
            **({en: int(random.random() < 0.8)} if en else {}),
        },
        behaviour=Behaviour(start=0, step=step, outputs=lambda s, v: {y: s}),
        checks=80,
    )


def overload_alarm(d: Draw) -> Problem:
    """An alarm after a limit was exceeded several times in a row, until it is acknowledged."""
    clocking = d.clocking(reset=1.0)
    width, times = d.choose(4, 6, 8, 8), d.integer(2, 6)
    limit = d.integer((1 << width) // 4, (1 << width) * 3 // 4)
    x = d.name(*_SAMPLE)
    ack = d.name("ack", "clear_alarm", "quit", "acknowledge")
    alarm = d.name("alarm", "trip", "overload", "shutdown")
    count, n = d.name("count", "over_count", "bad"), bits_for(times)
    over = d.name("over", "too_high", "exceeded")
    clear = [f"{count} <= {d.number(0, n)};"]
    last_one = f"{count} == {d.number(times - 1, n)}"
    follow = d.branches(
        (f"!{over}", clear),
        (last_one, [f"{alarm} <= 1'b1;", *clear]),
        ("", [f"{count} <= {count} + 1'b1;"]),
    )
    run = d.branches((alarm, d.branches((ack, [f"{alarm} <= 1'b0;"]))), ("", follow))
    body = [f"reg {span(n)}{count};", f"wire {over} = ({x} > {d.number(limit, width)});", ""]
    body += d.always_clocked(clocking, run, [f"{alarm} <= 1'b0;", *clear])

    def step(state: tuple[int, int], v: Values) -> tuple[int, int]:
        bad, on = state
        if on:
            return 0, int(not v[ack])
        bad = bad + 1 if v[x] > limit else 0
        return (0, 1) if bad == times else (bad, 0)

    def stimulus(random: Random, number: int) -> Values:
        high = random.randint(limit + 1, (1 << width) - 1)
        value = high if random.random() < 0.75 else random.randint(0, limit)
        return {
            x: random.choice((value, value, limit)) if random.random() < 0.2 else value,
            ack: int(random.random() < 0.3),
        }

    return Problem(
        name=d.name("overload_alarm", "limit_monitor", "trip_unit", "over_limit", "protection"),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", width, ("unsigned measured value", "sample")),
            Port(ack, "input", meaning=("acknowledges the alarm", "clears the alarm")),
            Port(alarm, "output", meaning=("latched alarm", "alarm until acknowledged"), reg=True),
        ],
        body=body,
        phrases=[
            f"limit monitor that raises an alarm after {times} samples in a row above {limit}",
            f"latched overload alarm for {width}-bit samples",
            f"over-limit detector with acknowledge, limit {limit}",
        ],
        facts=[
            (
                f"{x} is an unsigned sample taken at each {edge(clocking)}; it is too high "
                f"if it is greater than {limit}.",
                f"On every {edge(clocking)} the unsigned {x} is compared with {limit}: only "
                f"greater values count.",
            ),
            (
                f"{times} samples in a row that are too high set {alarm}, at the edge of the last "
                f"of them.",
                f"{alarm} becomes 1 at the edge that takes the {nth(times)} consecutive "
                f"sample above the limit.",
            ),
            (
                f"{alarm} stays until an edge with {ack} high; no samples are counted while it is "
                f"1.",
                f"While {alarm} is high samples are ignored, also the one of the edge at which "
                f"{ack} clears it; "
                "the count then starts at zero.",
            ),
            (f"{ack} has no effect without an alarm.", f"When {alarm} is 0, {ack} is ignored."),
            d.reset_fact(clocking, f"{alarm} is 0 and no sample has been counted"),
        ],
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(start=(0, 0), step=step, outputs=lambda s, v: {alarm: s[1]}),
        checks=90,
    )


FAMILIES = (
    hysteresis,
    slew_limiter,
    overload_alarm,
)
