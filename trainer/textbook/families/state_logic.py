"""Controllers with named states, and the combinational half of a state machine."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import listing
from trainer.textbook.families._common import comment, edge
from trainer.textbook.families._machines import in_states, state_machine
from trainer.textbook.families._tables import (
    Table,
    moore_outputs,
    random_table,
    some_states,
    state_names,
    transition_facts,
)
from trainer.textbook.problem import Behaviour, Port, Problem, Values

_INPUTS = ("x", "in", "din", "w", "a", "data", "inp", "x_in", "sig")
_THEMES = (
    (("IDLE", "ARMED", "ACTIVE", "FAULT"), ("start", "stop", "fault"), ("busy", "alarm")),
    (("IDLE", "LOAD", "EXEC", "DONE"), ("start", "ready", "finish"), ("busy", "done")),
    (("OFF", "WARMUP", "ON", "COOLDOWN"), ("power", "ready_in", "shut"), ("heater", "fan")),
    (("WAIT", "READ", "WRITE", "ERROR"), ("rd_req", "wr_req", "err"), ("mem_en", "led")),
    (("CLOSED", "OPENING", "OPEN", "CLOSING"), ("btn", "limit", "timeout"), ("motor", "light")),
    (("INIT", "FETCH", "DECODE", "EXECUTE"), ("go", "ack", "halt"), ("req", "active")),
    (("EMPTY", "FILLING", "FULL", "DRAIN"), ("fill", "level", "empty"), ("valve_in", "valve_out")),
    (("SLEEP", "LISTEN", "SEND", "BACKOFF"), ("wake", "tx_req", "collision"), ("tx_on", "rx_on")),
)


def controller_table(d: Draw) -> Problem:
    """A Moore controller with named states, whose inputs have a priority in every state."""
    clocking = d.clocking(reset=1.0)
    states, inputs, outputs = d.choose(*_THEMES)
    inputs = d.random.sample([d.name(n) for n in inputs], len(inputs))
    arcs = _controller_arcs(d, states, inputs)
    active = {d.name(n): some_states(d, states) for n in outputs}
    lines = state_machine(d, clocking, states, arcs)
    regs, shown = moore_outputs(d, active, states)

    def follow(state: str, values: Values) -> str:
        return next((to for when, to in arcs[state] if values[when]), state)

    facts = [
        (
            f"The controller has the states {listing(states)} and starts in {states[0]}.",
            f"A Moore controller moves between the states {listing(states)}.",
        ),
        (
            f"The state changes only at the {edge(clocking)}.",
            f"Inputs are sampled on each {edge(clocking)}.",
        ),
    ]
    for state in states:
        (first, to), *rest = arcs[state]
        more = "".join(f", otherwise to {other} when {when} is high" for when, other in rest)
        facts.append(
            (
                f"From {state} it goes to {to} when {first} is high{more}; else it stays.",
                f"{state}: to {to} if {first} is "
                f"1{more.replace(' when', ' if').replace('high', '1')}; "
                "no change otherwise.",
            )
        )
    for name, where in active.items():
        facts.append(
            (
                f"{name} is 1 in {listing(where)} only.",
                f"The output {name} is high exactly in {listing(where)}.",
            )
        )
    facts.append(d.reset_fact(clocking, f"the controller returns to {states[0]}"))
    return Problem(
        name=d.name(
            "controller", "ctrl", "fsm", "control_fsm", f"{states[2].lower()}_ctrl", "sequencer"
        ),
        ports=[
            *d.clock_ports(clocking),
            *(Port(n, "input", meaning=(f"{n} input", f"{n}, active high")) for n in inputs),
            *(
                Port(n, "output", meaning=(f"high in {listing(s)}", f"{n} output"), reg=n in regs)
                for n, s in active.items()
            ),
        ],
        body=[*lines, "", *shown],
        phrases=[
            f"state machine with the states {listing(states)}",
            f"4-state Moore controller with the inputs {listing(inputs)}",
            f"control FSM that drives {listing(list(active))}",
        ],
        facts=facts,
        clocking=clocking,
        behaviour=Behaviour(
            start=states[0],
            step=follow,
            outputs=lambda s, v: {n: int(s in where) for n, where in active.items()},
        ),
    )


def _controller_arcs(
    d: Draw, states: Sequence[str], inputs: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """One to two arcs a state; the first leads on around the ring, so that all states are reached."""
    arcs = {}
    for number, state in enumerate(states):
        whens = d.random.sample(inputs, d.choose(1, 2, 2))
        onward = states[(number + 1) % len(states)]
        tos = [onward, d.choose(*(s for s in states if s not in (state, onward)))]
        pairs = list(zip(whens, tos, strict=False))
        arcs[state] = pairs[::-1] if d.chance(0.5) else pairs
    return arcs


def next_state_logic(d: Draw) -> Problem:
    """The combinational half of a machine: next state and Moore output from present state and input."""
    count = d.integer(3, 6)
    onehot = d.chance(0.35)
    x, z = d.name(*_INPUTS), d.name("z", "out", "y", "f", "done")
    now = d.name("state", "present", "cur_state", "y_state", "s")
    then = d.name("next_state", "next", "nxt", "n_state", "ns")
    states, table = state_names(d, count), random_table(d, count)
    active = some_states(d, states)
    width = count if onehot else (count - 1).bit_length()
    codes = [1 << n for n in range(count)] if onehot else list(range(count))
    if not onehot and d.chance(0.4):
        codes = d.random.sample(range(1 << width), count)
    if onehot and d.chance(0.7):
        lines = _onehot_equations(d, x, z, now, then, table, [states.index(s) for s in active])
        reg = False
    else:
        lines = _next_state_case(d, (x, z, now, then), states, codes, width, table, active)
        reg = True

    def outputs(_: object, values: Values) -> dict[str, int | None]:
        if values[now] not in codes:
            return {then: None, z: None}
        state = codes.index(values[now])
        return {then: codes[table[state][values[x]]], z: int(states[state] in active)}

    encoding = listing([f"{s} = {code:0{width}b}" for s, code in zip(states, codes, strict=True)])
    kind = "one-hot" if onehot else "binary-encoded"
    return Problem(
        name=d.name("next_state_logic", "fsm_logic", "state_logic", "fsm_comb", "transition_logic"),
        ports=[
            Port(x, "input", meaning=("input of the machine", "input bit")),
            Port(now, "input", width, (f"present state, {kind}", "current state")),
            Port(then, "output", width, ("next state", "state after the next clock edge"), reg=reg),
            Port(z, "output", meaning=("output of the present state", "Moore output"), reg=reg),
        ],
        body=lines,
        phrases=[
            f"next-state and output logic of a {count}-state Moore machine",
            f"combinational logic of a {kind} state machine with {count} states",
            f"state transition logic with input {x}, without the state register",
        ],
        facts=[
            (
                f"The circuit is purely combinational: it computes the next state {then} and the "
                f"output {z}.",
                "Only the combinational part of the state machine is wanted; there is no clock.",
            ),
            (
                f"The states are encoded as {encoding}.",
                f"State encoding ({kind}): {encoding}.",
            ),
            *transition_facts(d, states, table, x),
            (
                f"{z} is 1 when the present state is {listing(active, 'or')}, else 0.",
                f"The output {z} is high in {listing(active)} only.",
            ),
            (
                f"Other values of {now} do not occur.",
                f"What happens for any other value of {now} does not matter.",
            )
            if len(codes) < 1 << width
            else f"All {count} values of {now} are in use.",
        ],
        behaviour=Behaviour(outputs=outputs),
    )


def _onehot_equations(
    d: Draw, x: str, z: str, now: str, then: str, table: Table, active: Sequence[int]
) -> Lines:
    """One equation a state bit, from the arcs that lead to it."""
    invert = d.choose("~", "!")
    lines = comment(d, "One-hot: one equation for each state bit")
    for target in range(len(table)):
        terms = []
        for state, (zero, one) in enumerate(table):
            if zero == one == target:
                terms.append(f"{now}[{state}]")
            elif target == one:
                terms.append(f"({now}[{state}] & {x})")
            elif target == zero:
                terms.append(f"({now}[{state}] & {invert}{x})")
        equation = " | ".join(terms) or "1'b0"
        lines.append(f"assign {then}[{target}] = {equation};")
    lines.append(f"assign {z} = {' | '.join(f'{now}[{s}]' for s in active)};")
    return lines


def _next_state_case(
    d: Draw,
    names: tuple[str, str, str, str],
    states: Sequence[str],
    codes: Sequence[int],
    width: int,
    table: Table,
    active: Sequence[str],
) -> Lines:
    x, z, now, then = names
    lines = [
        f"localparam {s} = {width}'b{code:0{width}b};"
        for s, code in zip(states, codes, strict=True)
    ]
    arms = []
    for state, (zero, one) in zip(states, table, strict=True):
        target = states[one] if zero == one else f"{x} ? {states[one]} : {states[zero]}"
        arms.append((state, [f"{then} = {target};"]))
    choice = d.case(now, [*arms, ("default", [f"{then} = {states[0]};"])])
    output = f"{z} = {in_states(d, active, now)};"
    if d.chance(0.5):
        return [*lines, "", *d.always_comb([*choice, output])]
    return [*lines, "", *d.always_comb(choice), "", *d.always_comb([output])]


FAMILIES = (
    controller_table,
    next_state_logic,
)
