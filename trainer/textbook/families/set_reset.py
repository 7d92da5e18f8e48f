"""Single bits that are set and cleared: flip-flops with set and clear, clocked SR flip-flops, the D latch."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import Size, edge, size
from trainer.textbook.families._register import Arm, both, register
from trainer.textbook.families._timing import clocked, control, features, ordered
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_BIT = Size(1)
_Q = ("q", "q", "Q", "out", "q_o", "dout")
_STORED = ("stored bit", "state of the flip-flop", "flip-flop output")


def set_clear_flip_flop(d: Draw) -> Problem:
    """A D flip-flop with synchronous set and clear of a drawn priority."""
    clocking = d.clocking(reset=0.35)
    data, q = d.name("d", "D", "din", "data"), d.name(*_Q)
    one = control(d, "set", "s", "preset", "pre", "sset", meaning="synchronous set", low=0.25)
    zero = control(d, "clr", "r", "clear_ff", "sclr", "c", meaning="synchronous clear", low=0.25)
    set_first = d.chance(0.4)
    winner, loser = (one, zero) if set_first else (zero, one)

    def arms(own: str) -> list[Arm]:
        pair = [(one.condition(d), "1'b1"), (zero.condition(d), "1'b0")]
        return [*(pair if set_first else pair[::-1]), ("", data)]

    body, reg = register(d, clocking, q, _BIT, arms, "1'b0" if clocking.reset else "")

    def step(s: int | None, v: Values) -> int:
        if winner.on(v):
            return int(set_first)
        return int(not set_first) if loser.on(v) else v[data]

    first, second = ("set", "clear") if set_first else ("clear", "set")
    return clocked(
        d,
        clocking,
        ("dff_sr", "dff_set_clr", "d_ff_sc", "ff_sync", "dff_pc"),
        [
            Port(data, "input", meaning=("data input", "value to store")),
            *one.ports,
            *zero.ports,
            Port(q, "output", meaning=_STORED, reg=reg),
        ],
        body,
        [
            f"D flip-flop{features(d, clocking, 'synchronous set', 'synchronous clear')}, {first} "
            "dominant",
            "D flip-flop with synchronous set and clear inputs",
            f"one-bit register that can be set by {one.name} and cleared by {zero.name}",
        ],
        [
            (
                f"At the {edge(clocking)}: if {winner.name} is {winner.level}, {q} becomes "
                f"{int(set_first)}; else if {loser.name} is {loser.level}, it becomes "
                f"{int(not set_first)}; else it takes {data}.",
                f"On the {edge(clocking)}, {one.name} ({one.level}) sets {q}, {zero.name} "
                f"({zero.level}) clears it, and {first} has priority over {second}; with neither, "
                f"{q} takes {data}.",
            ),
            ("Both are synchronous.", f"{one.name} and {zero.name} act only at the clock edge."),
        ],
        Behaviour(start=0 if clocking.reset else None, step=step, outputs=lambda s, v: {q: s}),
        at_reset=f"{q} becomes 0",
        checks=50,
    )


def sr_flip_flop(d: Draw) -> Problem:
    """A clocked flag with set and reset inputs; what both together do is drawn."""
    clocking = d.clocking(reset=0.8)
    one = control(d, "s", "set", "S", "set_i", "start", meaning="set input", low=0.1)
    zero = control(d, "r", "clr", "R", "stop", "ack", meaning="reset input", low=0.1)
    q = d.name(*_Q, "flag", "busy", "active")
    together = d.choose("set", "reset", "hold")

    def arms(own: str) -> list[Arm]:
        s, r = one.condition(d), zero.condition(d)
        if together == "set":
            return [(s, "1'b1"), (r, "1'b0")]
        if together == "reset":
            return [(r, "1'b0"), (s, "1'b1")]
        return [(both(s, r), own), (s, "1'b1"), (r, "1'b0")]

    body, reg = register(d, clocking, q, _BIT, arms, "1'b0" if clocking.reset else "")
    outcome = {"set": 1, "reset": 0}

    def step(state: int | None, v: Values) -> int | None:
        if one.on(v) and zero.on(v):
            return outcome.get(together, state)
        return 1 if one.on(v) else 0 if zero.on(v) else state

    meant = {
        "set": ("If both are active, set wins.", f"{one.name} has priority over {zero.name}."),
        "reset": ("If both are active, reset wins.", f"{zero.name} has priority over {one.name}."),
        "hold": ("Both together leave the state as it is.", f"If both are active, {q} is kept."),
    }
    dominant = "" if together == "hold" else f"{together}-dominant "
    return clocked(
        d,
        clocking,
        ("srff", "sr_ff", "sr_flip_flop", "rs_flipflop", "flag_ff"),
        [
            *one.ports,
            *zero.ports,
            Port(q, "output", meaning=("state of the flag", *_STORED), reg=reg),
        ],
        body,
        [
            f"{dominant}SR flip-flop{features(d, clocking)}",
            f"clocked {dominant}set-reset flip-flop",
            f"flag that {one.name} sets and {zero.name} clears",
        ],
        [
            (
                f"At the {edge(clocking)}, {q} becomes 1 if {one.name} is {one.level} and 0 if "
                f"{zero.name} is {zero.level}.",
                f"{one.name} (active {one.level}) sets and {zero.name} (active {zero.level}) "
                f"resets {q} on the {edge(clocking)}.",
            ),
            meant[together],
            (
                "With neither, the state is kept.",
                f"If none of them is active, {q} does not change.",
            ),
        ],
        Behaviour(start=0 if clocking.reset else None, step=step, outputs=lambda s, v: {q: s}),
        at_reset=f"{q} becomes 0",
        checks=60,
    )


def d_latch(d: Draw) -> Problem:
    """A level-sensitive latch, the one circuit here without a clock."""
    width = size(d, 1, 8)
    gate = control(d, "en", "g", "gate", "le", "enable", meaning="latch enable", low=0.3)
    data, q = d.name("d", "D", "din", "data"), d.name(*_Q)
    clear = control(
        d, "rst", "clr", "reset", meaning="asynchronous clear", probability=0.35, low=0.4
    )
    condition = gate.condition(d)
    assign = d.choose("<=", "=")
    arms = [(condition, [f"{q} {assign} {data};"])]
    if clear.name:
        arms.insert(0, (clear.condition(d), [f"{q} {assign} {width.bits}'b0;"]))
    names = [data, gate.name, *([clear.name] if clear.name else [])]
    events = d.choose("*", "*", f"({' or '.join(names)})", f"({', '.join(names)})")
    inputs = [
        width.port(data, ("data input", "value to follow")),
        *gate.ports,
        *clear.ports,
    ]

    def stimulus(random: Random, number: int) -> Values:
        """Only one input changes at a time, so that nothing depends on which change is seen first."""
        turns = [number // 3, (number + 1) // 3, (number + 2) // 3]
        kinds = [Random(f"{n}-{turn}") for n, turn in enumerate(turns)]
        values = {data: kinds[0].randrange(width.mask + 1), gate.name: kinds[1].randrange(2)}
        if clear.name:
            values[clear.name] = int((kinds[2].random() < 0.3) != clear.active_low)
        return values

    def step(s: int | None, v: Values) -> int | None:
        if clear.name and clear.on(v):
            return 0
        return v[data] if gate.on(v) else s

    with_clear = " with asynchronous clear" if clear.name else ""
    facts: list[Words] = [
        (
            f"While {gate.name} is {gate.level} the latch is transparent: {q} follows {data}.",
            f"{q} equals {data} as long as {gate.name} is {gate.level}.",
        ),
        (
            f"While {gate.name} is {gate.idle}, {q} keeps its last value.",
            f"When {gate.name} goes {gate.idle}, the value of {data} is held.",
        ),
    ]
    if clear.name:
        facts.append(
            (f"{clear.name} ({clear.level}) clears {q} at once and has priority over {gate.name}.",)
        )
    facts += width.facts(data, q)
    return Problem(
        name=d.name("d_latch", "dlatch", "latch", "latch_d", f"latch{width.bits}"),
        ports=ordered(d, [*inputs, width.output(q, ("latched value", "latch output"), True)]),
        body=d.block(f"always @{events}", d.branches(*arms)),
        phrases=[
            f"{width.bits}-bit transparent D latch{with_clear}, enabled by {gate.name} "
            f"{gate.level}",
            f"{'one' if width.bits == 1 else width.bits}-bit level-sensitive latch{with_clear}",
            f"D latch{with_clear}",
        ],
        facts=facts,
        parameters=width.parameters,
        behaviour=Behaviour(step=step, outputs=lambda s, v: {q: step(s, v)}),
        stimulus=stimulus,
        checks=50,
    )


FAMILIES = (set_clear_flip_flop, sr_flip_flop, d_latch)
