"""Random state tables: how they are drawn, written down in words, and written in Verilog."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._machines import in_states

Table = Sequence[tuple[int, int]]
"""The next states of every state, for input 0 and input 1."""


def state_names(d: Draw, count: int) -> list[str]:
    style = d.choose("S", "S", "letters", "ST", "STATE_", "idle")
    if style == "letters":
        return list("ABCDEFGH"[:count])
    if style == "idle":
        return ["IDLE", *(f"S{n}" for n in range(1, count))]
    return [f"{style}{n}" for n in range(count)]


def random_table(d: Draw, count: int) -> Table:
    """Random next states such that every state can be reached from the first."""
    while True:
        table = [(d.integer(0, count - 1), d.integer(0, count - 1)) for _ in range(count)]
        seen, front = {0}, [0]
        while front:
            new = set(table[front.pop()]) - seen
            seen |= new
            front += new
        if len(seen) == count:
            return table


def some_states(d: Draw, states: Sequence[str]) -> list[str]:
    """At least one of `states`, never all of them, in their order."""
    chosen = d.random.sample(range(len(states)), d.integer(1, max(1, len(states) // 2)))
    return [states[n] for n in sorted(chosen)]


def arcs_of(
    d: Draw, states: Sequence[str], table: Table, x: str
) -> dict[str, list[tuple[str, str]]]:
    """The arcs of `table`, with the conditions written in one of several ways."""
    equals = d.chance(0.2)
    high, low = (f"{x} == 1'b1", f"{x} == 1'b0") if equals else (x, d.choose(f"!{x}", f"~{x}"))
    arcs = {}
    for state, (zero, one) in zip(states, table, strict=True):
        if zero == one:
            arcs[state] = [("", states[one])]
        elif d.chance(0.8):
            arcs[state] = [(high, states[one]), ("", states[zero])]
        else:
            arcs[state] = [(low, states[zero]), ("", states[one])]
    return arcs


def transition_facts(
    d: Draw, states: Sequence[str], table: Table, x: str
) -> list[tuple[str, ...] | str]:
    """The table as one sentence a state, or as a list of next states."""
    if d.chance(0.4):
        rows = "; ".join(
            f"{s}: {states[zero]}, {states[one]}"
            for s, (zero, one) in zip(states, table, strict=True)
        )
        return [
            (
                f"State table (state: next state if {x} is 0, next state if {x} is 1): {rows}.",
                f"The next states for {x} = 0 and {x} = 1 are, state by state: {rows}.",
            )
        ]
    facts: list[tuple[str, ...] | str] = []
    for state, (zero, one) in zip(states, table, strict=True):
        if zero == one:
            facts.append(
                (
                    f"From {state} it goes to {states[one]} whatever {x} is."
                    if states[one] != state
                    else f"{state} is never left.",
                    f"In {state} the next state is always {states[one]}.",
                )
            )
        else:
            facts.append(
                (
                    f"From {state} it goes to {states[one]} if {x} is 1 and to {states[zero]} if "
                    f"{x} is 0.",
                    f"In {state}, {x}=1 leads to {states[one]} and {x}=0 to {states[zero]}.",
                    f"{state}: next state {states[zero]} for {x}=0, {states[one]} for {x}=1.",
                )
            )
    return facts


def moore_outputs(
    d: Draw, outputs: dict[str, list[str]], states: Sequence[str]
) -> tuple[set[str], Lines]:
    """The outputs that are regs, and the lines that drive all of them."""
    if d.chance(0.6):
        lines = [f"assign {name} = {in_states(d, active)};" for name, active in outputs.items()]
        return set(), lines
    lines = [f"{name} = 1'b0;" for name in outputs]
    used = [s for s in states if any(s in active for active in outputs.values())]
    arms = [(s, [f"{n} = 1'b1;" for n, active in outputs.items() if s in active]) for s in used]
    if d.chance(0.5) and len(outputs) == 1:
        (name,) = outputs
        arms = [(", ".join(used), [f"{name} = 1'b1;"]), ("default", [f"{name} = 1'b0;"])]
        lines = []
    else:
        arms.append(("default", [";"]))
    return set(outputs), d.always_comb([*lines, *d.case("state", arms)])
