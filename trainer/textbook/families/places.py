"""Where something is and how many are there: a lift, an occupancy counter, a histogram."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words


def lift(d: Draw) -> Problem:
    """A cabin that moves one floor a clock cycle to the floor asked for."""
    clocking = d.clocking(reset=1.0)
    floors = d.choose(3, 4, 5, 6, 8, 10, 12, 16)
    width, top = bits_for(floors), floors - 1
    call = d.name("call", "request", "go", "press")
    to = d.name("to", "target", "dest", "floor_req", "wanted")
    floor = d.name("floor", "level", "position", "cabin")
    door = d.name("door_open", "door", "open", "arrived")
    goal = d.name("goal", "stop_at", "target_reg", "dest_reg")
    up = d.name("up", "moving_up", "going_up")
    zero = d.number(0, width)
    free = (
        f"{call} && {door}"
        if floors == 1 << width
        else f"{call} && {door} && {to} <= {d.number(top, width)}"
    )
    run = d.branches(
        (free, [f"{goal} <= {to};"]),
        (up, [f"{floor} <= {floor} + 1'b1;"]),
        (f"!{door}", [f"{floor} <= {floor} - 1'b1;"]),
    )
    body = [
        f"reg {span(width)}{goal};",
        "",
        f"assign {door} = ({floor} == {goal});",
        f"assign {up} = ({goal} > {floor});",
        "",
    ]
    body += d.always_clocked(clocking, run, [f"{floor} <= {zero};", f"{goal} <= {zero};"])

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        here, aim = state
        if here == aim:
            return here, values[to] if values[call] and values[to] < floors else aim
        return here + (1 if aim > here else -1), aim

    beyond = floors < 1 << width
    facts: list[str | tuple[str, ...]] = [
        (
            f"While the cabin stands, a high {call} at the {edge(clocking)} makes {to} its "
            f"next destination.",
            f"With the door open, {to} is accepted as the destination at each "
            f"{edge(clocking)} with {call} high.",
        ),
        (
            "It then moves one floor a clock cycle, beginning at the following edge, until it is "
            "there.",
            f"From the next edge on {floor} goes up or down by one each cycle until the "
            f"destination is reached.",
        ),
        (f"While it moves {call} is ignored.", "Calls during a journey have no effect."),
        (
            f"{door} is 1 when the cabin is at its destination, and {up} is 1 when the "
            f"destination is above it.",
            f"{up} is high while the cabin has to go up, and {door} is high while it stands at "
            f"its destination.",
        ),
        d.reset_fact(clocking, "the cabin is at floor 0 with nothing to do"),
    ]
    if beyond:
        facts.insert(
            3,
            (f"Calls to floors above {top} are ignored.", f"Only floors 0 to {top} are accepted."),
        )
    return Problem(
        name=d.name("lift", "elevator", "lift_control", "elevator_fsm", "cabin_control"),
        ports=[
            *d.clock_ports(clocking),
            Port(call, "input", meaning=("call, valid with the floor number", "request strobe")),
            Port(to, "input", width, ("floor asked for", "number of the wanted floor")),
            Port(floor, "output", width, ("present floor", "floor number of the cabin"), reg=True),
            Port(up, "output", meaning=("destination is above", "moving up")),
            Port(door, "output", meaning=("cabin stands at its destination", "door is open")),
        ],
        body=body,
        phrases=[
            f"lift controller for {floors} floors",
            f"elevator that moves one floor a clock cycle between floor 0 and floor {top}",
            f"elevator state machine with call input and {width}-bit floor number",
        ],
        facts=facts,
        clocking=clocking,
        stimulus=lambda random, n: {
            call: int(random.random() < 0.6),
            to: random.randrange(1 << width),
        },
        behaviour=Behaviour(
            start=(0, 0),
            step=step,
            outputs=lambda s, v: {floor: s[0], up: int(s[1] > s[0]), door: int(s[0] == s[1])},
        ),
        checks=110,
    )


def occupancy(d: Draw) -> Problem:
    """Counts who enters and leaves, up to a capacity."""
    clocking = d.clocking(reset=1.0)
    capacity = d.integer(3, 14)
    width = bits_for(capacity + 1)
    enter = d.name("enter", "car_in", "arrive", "in_pulse")
    leave = d.name("leave", "car_out", "depart", "out_pulse")
    count = d.name("count", "occupied", "inside", "cars")
    full = d.name("full", "no_space", "lot_full")
    empty = d.name("empty", "vacant") if d.chance(0.5) else ""
    top, zero = d.number(capacity, width), d.number(0, width)
    up, down = [f"{count} <= {count} + 1'b1;"], [f"{count} <= {count} - 1'b1;"]
    if d.chance(0.5):
        run = d.branches(
            (f"{enter} && !{leave} && {count} != {top}", up),
            (f"{leave} && !{enter} && {count} != {zero}", down),
        )
    else:
        arms = [
            ("2'b10", d.branches((f"{count} < {top}", up))),
            ("2'b01", d.branches((f"{count} > {zero}", down))),
            ("default", [f"{count} <= {count};"]),
        ]
        run = d.case(f"{{{enter}, {leave}}}", arms)
    body = [
        *d.always_clocked(clocking, run, [f"{count} <= {zero};"]),
        "",
        f"assign {full} = ({count} == {top});",
    ]
    ports = [
        *d.clock_ports(clocking),
        Port(enter, "input", meaning=("someone enters", "one arrival a clock cycle")),
        Port(leave, "input", meaning=("someone leaves", "one departure a clock cycle")),
        Port(count, "output", width, ("number inside", "occupied places"), reg=True),
        Port(full, "output", meaning=("all places taken", "capacity reached")),
    ]
    if empty:
        body.append(f"assign {empty} = ({count} == {zero});")
        ports.append(Port(empty, "output", meaning=("nobody inside", "all places free")))

    def step(n: int, v: Values) -> int:
        return min(capacity, max(0, n + v[enter] - v[leave]))

    def outputs(n: int, v: Values) -> dict[str, int]:
        flags = {full: int(n == capacity)}
        return {count: n, **flags, **({empty: int(n == 0)} if empty else {})}

    return Problem(
        name=d.name(
            "occupancy", "parking_counter", "room_counter", "visitor_counter", "parking_lot"
        ),
        ports=ports,
        body=body,
        phrases=[
            f"occupancy counter for {capacity} places",
            f"car park counter with a capacity of {capacity} and a full flag",
            "counter of arrivals and departures with saturation at both ends",
        ],
        facts=[
            (
                f"At each {edge(clocking)}, {count} goes up by one for {enter} and down by "
                f"one for {leave}.",
                f"{enter} adds one to {count} and {leave} takes one away, once for each "
                f"{edge(clocking)}.",
            ),
            (
                f"If both are high {count} does not change.",
                f"{enter} and {leave} at the same edge cancel out.",
            ),
            (
                f"{count} never exceeds {capacity} and never falls below 0: such requests are "
                f"ignored.",
                f"An arrival at {capacity} and a departure at 0 are ignored.",
            ),
            (
                f"{full} is 1 when {count} is {capacity}"
                + (f", and {empty} when it is 0." if empty else "."),
            ),
            d.reset_fact(clocking, f"{count} is 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            enter: int(random.random() < (0.75 if n % 80 < 45 else 0.15)),
            leave: int(random.random() < (0.15 if n % 80 < 45 else 0.8)),
        },
        behaviour=Behaviour(start=0, step=step, outputs=outputs),
        checks=130,
    )


def histogram(d: Draw) -> Problem:
    """Counts how often each of a few symbols was seen."""
    clocking = d.clocking(reset=1.0)
    bins, width = d.choose(2, 3, 4, 4), d.integer(3, 8)
    n, saturates = bits_for(bins), d.chance(0.5)
    x, valid = d.name("symbol", "x", "kind", "code"), d.name("valid", "en", "strobe")
    counts = [d.name(f"count{k}", f"bin{k}", f"n{k}") for k in range(bins)]
    top = (1 << width) - 1
    arms = []
    for k, name in enumerate(counts):
        more = [f"{name} <= {name} + 1'b1;"]
        if saturates:
            more = d.branches((f"{name} != {d.number(top, width)}", more))
        arms.append((f"{n}'d{k}", more))
    run = d.branches((valid, d.case(x, [*arms, ("default", [";"])])))
    body = d.always_clocked(clocking, run, [f"{c} <= {d.number(0, width)};" for c in counts])

    def step(seen: tuple[int, ...], v: Values) -> tuple[int, ...]:
        if not v[valid] or v[x] >= bins:
            return seen
        raised = min(seen[v[x]] + 1, top) if saturates else (seen[v[x]] + 1) & top
        return (*seen[: v[x]], raised, *seen[v[x] + 1 :])

    end = f"stops at {top}" if saturates else f"wraps from {top} to 0"
    facts: list[Words] = [
        (
            f"At each {edge(clocking)} with {valid} high the counter of the symbol on {x} "
            f"goes up by one: {counts[0]} for 0, and so on.",
            f"{counts[k]} counts how often {x} was {k} (in the same way for the others), once for "
            f"each {edge(clocking)} with {valid} = 1.",
        ),
        (f"Each counter has {width} bits and {end}.", f"A {width}-bit counter {end}."),
        d.reset_fact(clocking, "all counters are 0"),
    ]
    if bins < 1 << n:
        facts.append(
            (
                f"Values of {x} from {bins} on are not counted.",
                f"Symbols above {bins - 1} are ignored.",
            )
        )
    weights = [d.integer(1, 9) for _ in range(1 << n)]
    return Problem(
        name=d.name(
            "histogram", "symbol_counter", f"histogram{bins}", "event_stats", "bin_counter"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(valid, "input", meaning=("the symbol is valid", "symbol strobe")),
            Port(x, "input", n, ("symbol", "number of the bin")),
            *(
                Port(c, "output", width, (f"occurrences of {k}", "counter"), reg=True)
                for k, c in enumerate(counts)
            ),
        ],
        body=body,
        phrases=[
            f"{bins}-bin histogram with {width}-bit {'saturating' if saturates else 'wrapping'} "
            f"counters",
            f"counters of how often each of {bins} symbols occurs",
            "small histogram of an input stream",
        ],
        facts=facts,
        clocking=clocking,
        stimulus=lambda random, n_: {
            valid: int(random.random() < 0.9),
            x: random.choices(range(1 << n), weights)[0],
        },
        behaviour=Behaviour(
            start=(0,) * bins, step=step, outputs=lambda s, v: dict(zip(counts, s, strict=True))
        ),
        checks=90,
    )


FAMILIES = (
    lift,
    occupancy,
    histogram,
)
