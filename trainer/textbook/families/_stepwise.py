"""What calculations of one step a cycle share: start, busy and done, and how they are described."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import counted
from trainer.textbook.families._common import edge
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Clocking, Port, Values, Words


def operands(start: str, widths: dict[str, int]) -> Callable[[Random, int], Values]:
    """Random operands, sometimes small or extreme, and a start every few cycles."""

    def stimulus(random: Random, number: int) -> Values:
        values = {start: int(random.random() < 0.3)}
        for name, width in widths.items():
            top = (1 << width) - 1
            values[name] = random.choice(
                (random.randint(0, top), random.randint(0, top), 1, top, top // 5)
            )
        return values

    return stimulus


def run_facts(
    d: Draw, clocking: Clocking, start: str, busy: str, done: str, cycles: int, results: str
) -> list[Words]:
    """How a calculation is started, how it ends after a fixed number of cycles, and what a reset does."""
    edges = counted(cycles, "clock edge")
    return [
        (
            f"When {busy} is low, a high {start} at the {edge(clocking)} takes the operands "
            f"and begins the calculation.",
            f"The operands are taken at the {edge(clocking)} that sees {start} = 1 and {busy} = 0.",
        ),
        (
            f"{busy} is high from that edge on, for {counted(cycles, 'cycle')}; {start} is "
            f"ignored meanwhile.",
            f"{busy} stays 1 for {counted(cycles, 'cycle')} and new requests are not accepted in "
            f"this time.",
        ),
        (
            f"{edges} after the start {busy} falls, the result is on {results}, and {done} is "
            f"high for one cycle.",
            f"With the edge that ends {busy}, {results} is valid and {done} pulses for a cycle.",
        ),
        (
            f"{results} is valid from {done} until the next calculation begins, and has no "
            f"meaning before or during one.",
            f"From the pulse on {done} to the next accepted {start}, {results} holds the result; "
            f"at other times it is not specified.",
        ),
        d.reset_fact(clocking, f"{busy} and {done} are low and no calculation is under way"),
    ]


def behaviour(
    start: str,
    busy: str,
    done: str,
    cycles: int,
    result: Callable[[Values], dict[str, int]],
    names: list[str],
) -> Behaviour:
    """Busy for `cycles` after a start, then the result; the state is (cycles left, result, done)."""

    def step(state: tuple, values: Values) -> tuple:
        left, known, _ = state
        if left:
            return left - 1, known, int(left == 1)
        return (cycles, result(values), 0) if values[start] else (0, known, 0)

    def outputs(state: tuple, values: Values) -> dict[str, int | None]:
        left, known, finished = state
        shown = known if known and not left else dict.fromkeys(names)
        return {**shown, busy: int(left > 0), done: finished}

    return Behaviour(start=(0, None, 0), step=step, outputs=outputs)


def control_ports(d: Draw, clocking: Clocking, start: str) -> list[Port]:
    """Clock, reset and start."""
    return [
        *d.clock_ports(clocking),
        Port(start, "input", meaning=("starts a calculation", "start request")),
    ]


def status_ports(busy: str, done: str) -> list[Port]:
    """Busy and done, both registered."""
    return [
        Port(
            busy, "output", meaning=("calculation in progress", "high while calculating"), reg=True
        ),
        Port(
            done,
            "output",
            meaning=("high for one cycle at the end", "result ready pulse"),
            reg=True,
        ),
    ]


def machine(
    d: Draw,
    clocking: Clocking,
    signals: tuple[str, str, str, str],
    parts: tuple[Lines, Lines, Lines],
    steps: int,
) -> Lines:
    """The clocked block: `load` at the start, `move` in each of `steps` cycles; `reset` more registers.

    The signals are start, busy, done and the counter of the steps that are left.
    """
    start, busy, done, left = signals
    load, move, reset = parts
    n = bits_for(steps + 1)
    finish = d.branches((f"{left} == {d.number(1, n)}", [f"{busy} <= 1'b0;", f"{done} <= 1'b1;"]))
    run = [
        f"{done} <= 1'b0;",
        *d.branches(
            (busy, [*move, f"{left} <= {left} - 1'b1;", *finish]),
            (start, [*load, f"{left} <= {d.number(steps, n)};", f"{busy} <= 1'b1;"]),
        ),
    ]
    cleared = [f"{busy} <= 1'b0;", f"{done} <= 1'b0;", f"{left} <= {d.number(0, n)};", *reset]
    return d.always_clocked(clocking, run, cleared)
