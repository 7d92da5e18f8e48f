"""Finite state machines from random state tables: Moore and Mealy, with one input."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import listing
from trainer.textbook.families._common import comment, edge
from trainer.textbook.families._machines import state_machine
from trainer.textbook.families._tables import (
    arcs_of,
    moore_outputs,
    random_table,
    some_states,
    state_names,
    transition_facts,
)
from trainer.textbook.problem import Behaviour, Port, Problem

_INPUTS = ("x", "in", "din", "w", "a", "data", "inp", "x_in", "sig")
_OUTPUTS = ("z", "out", "y", "f", "q", "dout", "z_out", "flag", "result")


def moore_table(d: Draw) -> Problem:
    """A Moore machine with one input and one or two outputs."""
    clocking = d.clocking(reset=1.0)
    count = d.integer(2, 6)
    x, states, table = d.name(*_INPUTS), state_names(d, count), random_table(d, count)
    outputs = {d.name(*_OUTPUTS): some_states(d, states) for _ in range(d.choose(1, 1, 2))}
    body = comment(d, "State machine") + state_machine(
        d, clocking, states, arcs_of(d, states, table, x)
    )
    regs, shown = moore_outputs(d, outputs, states)
    body += ["", *comment(d, "Outputs depend on the state alone"), *shown]
    names = list(outputs)
    shape = f"{count}-state Moore state machine"
    facts = [
        (
            f"A Moore machine has the states {listing(states)}.",
            f"The states of this Moore FSM are {listing(states)}.",
        ),
        (
            f"It changes state at each {edge(clocking)}.",
            f"Transitions take place on every {edge(clocking)}.",
        ),
        *transition_facts(d, states, table, x),
    ]
    for name, active in outputs.items():
        place = f"state {active[0]}" if len(active) == 1 else f"the states {listing(active)}"
        facts.append(
            (
                f"The output {name} is 1 in {place} and 0 otherwise.",
                f"{name} is high only in {place}.",
                f"Moore output: {name} = 1 in {place}, else 0.",
            )
        )
    facts.append(d.reset_fact(clocking, f"the machine goes to state {states[0]}"))
    return Problem(
        name=d.name("fsm", "moore_fsm", "moore", "state_machine", "moore_machine", "fsm_moore"),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", meaning=("input of the machine", "serial input", "input bit")),
            *(
                Port(n, "output", meaning=("Moore output", f"high in {listing(s)}"), reg=n in regs)
                for n, s in outputs.items()
            ),
        ],
        body=body,
        phrases=[
            f"{shape} with input {x} and output{'s' if len(names) > 1 else ''} {listing(names)}",
            f"{shape} with {d.reset_phrase(clocking)}",
            f"Moore FSM with the states {listing(states)}",
        ],
        facts=facts,
        clocking=clocking,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: table[s][v[x]],
            outputs=lambda s, v: {n: int(states[s] in active) for n, active in outputs.items()},
        ),
    )


def mealy_table(d: Draw) -> Problem:
    """A Mealy machine with one input and one output."""
    clocking = d.clocking(reset=1.0)
    count = d.integer(2, 5)
    x, z = d.name(*_INPUTS), d.name(*_OUTPUTS)
    states, table = state_names(d, count), random_table(d, count)
    high = set(d.random.sample([(s, i) for s in range(count) for i in (0, 1)], d.integer(1, count)))
    body = comment(d, "State machine") + state_machine(
        d, clocking, states, arcs_of(d, states, table, x)
    )
    shown, reg = _mealy_output(d, x, z, states, high)
    body += ["", *shown]
    pairs = listing([f"{states[s]} with {x}={i}" for s, i in sorted(high)])
    shape = f"{count}-state Mealy state machine"
    return Problem(
        name=d.name("fsm", "mealy_fsm", "mealy", "state_machine", "mealy_machine", "fsm_mealy"),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", meaning=("input of the machine", "serial input", "input bit")),
            Port(z, "output", meaning=("Mealy output", "combinational output"), reg=reg),
        ],
        body=body,
        phrases=[
            f"{shape} with input {x} and output {z}",
            f"{shape} with {d.reset_phrase(clocking)}",
            f"Mealy FSM with the states {listing(states)}",
        ],
        facts=[
            (
                f"A Mealy machine has the states {listing(states)}.",
                f"The states of this Mealy FSM are {listing(states)}.",
            ),
            (
                f"It changes state at each {edge(clocking)}.",
                f"Transitions take place on every {edge(clocking)}.",
            ),
            *transition_facts(d, states, table, x),
            (
                f"The output {z} depends on state and input at once: it is 1 for {pairs}, and 0 "
                f"otherwise.",
                f"{z} is combinational; it is high only in state {pairs}.",
            ),
            d.reset_fact(clocking, f"the state becomes {states[0]}"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: table[s][v[x]],
            outputs=lambda s, v: {z: int((s, v[x]) in high)},
        ),
    )


def _mealy_output(
    d: Draw, x: str, z: str, states: Sequence[str], high: set[tuple[int, int]]
) -> tuple[Lines, bool]:
    values = {s: [i for i in (0, 1) if (n, i) in high] for n, s in enumerate(states)}
    used = [s for s in states if values[s]]
    if d.chance(0.5):
        terms = [
            f"(state == {s})"
            if len(values[s]) == 2
            else f"(state == {s} && {'' if values[s][0] else '!'}{x})"
            for s in used
        ]
        return [f"assign {z} = {' || '.join(terms)};"], False
    invert = d.choose("~", "!")
    value = {
        s: "1'b1" if len(values[s]) == 2 else f"{'' if values[s][0] else invert}{x}" for s in used
    }
    arms = [(s, [f"{z} = {value[s]};"]) for s in used] + [("default", [f"{z} = 1'b0;"])]
    return d.always_comb(d.case("state", arms)), True


FAMILIES = (
    moore_table,
    mealy_table,
)
