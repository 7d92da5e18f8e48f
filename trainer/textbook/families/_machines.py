"""Verilog and wording that several families of machines, memories and serial circuits share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from trainer.textbook.draw import Draw, Lines, shift
from trainer.textbook.families._common import span
from trainer.textbook.problem import Clocking, Values

Arcs = Mapping[str, Sequence[tuple[str, str]]]
"""Of each state the (condition, next state) pairs; the first that holds is taken, "" always holds."""


def bits_for(values: int) -> int:
    """The width that holds the numbers 0 to values - 1, at least one bit."""
    return max(1, (values - 1).bit_length())


def state_codes(d: Draw, states: Sequence[str]) -> tuple[Lines, int]:
    """Declarations of the state names in a drawn encoding, and the width of the state."""
    kind = d.choose("binary", "binary", "binary", "one-hot", "gray")
    width = len(states) if kind == "one-hot" else bits_for(len(states))
    codes = {
        "binary": range(len(states)),
        "one-hot": [1 << n for n in range(len(states))],
        "gray": [n ^ n >> 1 for n in range(len(states))],
    }[kind]
    form = f"0{width}b" if kind == "one-hot" or d.chance(0.4) else "d"
    sign = "b" if form != "d" else "d"
    pairs = [f"{s} = {width}'{sign}{code:{form}}" for s, code in zip(states, codes, strict=True)]
    keyword = d.choose("localparam", "localparam", "parameter")
    if d.chance(0.3):
        keyword += f" {span(width)}".rstrip()
    style = d.choose("each", "lines", "row")
    if style == "each":
        return [f"{keyword} {pair};" for pair in pairs], width
    row = f"{keyword} {', '.join(pairs)};"
    if style == "row" and len(row) < 90:
        return [row], width
    return [f"{keyword}", *shift([f"{pair}," for pair in pairs[:-1]]), f"    {pairs[-1]};"], width


def state_machine(d: Draw, clocking: Clocking, states: Sequence[str], arcs: Arcs) -> Lines:
    """State register `state` and its transitions, in one or two blocks; the first state is reset to.

    A state none of whose conditions holds stays. The names `state` and the next state are taken here.
    """
    declarations, width = state_codes(d, states)
    d.taken.add("state")
    start = [f"state <= {states[0]};"]
    if d.chance(0.35):
        run = _transitions(d, "state <=", states, arcs, hold=not d.chance(0.3))
        return [
            *declarations,
            "",
            f"reg {span(width)}state;",
            "",
            *d.always_clocked(clocking, run, reset=start),
        ]
    following = d.name("next_state", "next_state", "next", "state_next", "nstate")
    hold = d.chance(0.5)
    choice = _transitions(d, f"{following} =", states, arcs, hold)
    if hold:
        choice.insert(0, f"{following} = state;")
    register = d.always_clocked(clocking, [f"state <= {following};"], reset=start)
    logic = d.always_comb(choice)
    blocks = [register, logic] if d.chance(0.6) else [logic, register]
    declared = (
        [f"reg {span(width)}state, {following};"]
        if d.chance(0.6)
        else [f"reg {span(width)}state;", f"reg {span(width)}{following};"]
    )
    return [*declarations, "", *declared, "", *blocks[0], "", *blocks[1]]


def _transitions(d: Draw, target: str, states: Sequence[str], arcs: Arcs, hold: bool) -> Lines:
    """A case over `state`; without `hold`, staying is written out too."""
    ternary = d.chance(0.5)
    arms = []
    for state in states:
        taken = [arc for arc in arcs[state] if not (hold and arc[1] == state and not arc[0])]
        if not taken or (not hold and taken[-1][0]):
            taken.append(("", state))
        if len(taken) == 2 and not taken[1][0] and ternary:
            (condition, first), (_, second) = taken
            condition = condition if condition.isidentifier() else f"({condition})"
            arms.append((state, [f"{target} {condition} ? {first} : {second};"]))
        elif taken and taken[0][0]:
            arms.append((state, d.branches(*((when, [f"{target} {to};"]) for when, to in taken))))
        elif taken:
            arms.append((state, [f"{target} {taken[0][1]};"]))
    arms.append(("default", [f"{target} {states[0]};"]))
    return d.case("state", arms)


def in_states(d: Draw, states: Sequence[str], subject: str = "state") -> str:
    """The condition that `subject` is one of `states`."""
    if len(states) == 1:
        return f"({subject} == {states[0]})"
    return d.choose(" || ", " | ").join(f"({subject} == {s})" for s in states)


def sized(d: Draw, chance: float, **sizes: int) -> tuple[dict[str, str], list[tuple[str, int]]]:
    """Text for each size, its parameter name or its number, and the parameters of the module."""
    if not d.chance(chance):
        return {name: str(value) for name, value in sizes.items()}, []
    return {name: name for name in sizes}, list(sizes.items())


def upto(size: str) -> str:
    """The range of `size` bits: "[7:0]", "[WIDTH-1:0]"."""
    return f"[{int(size) - 1}:0]" if size.isdigit() else f"[{size}-1:0]"


def tides(
    push: str, pop: str, data: str, width: int, depth: int
) -> Callable[[Random, int], Values]:
    """Fills up, empties, and goes back and forth, with all sorts of data."""

    def stimulus(random: Random, number: int) -> Values:
        phase = number // (depth + 4) % 4
        fill, drain = ((0.95, 0.1), (0.5, 0.5), (0.1, 0.95), (0.8, 0.8))[phase]
        return {
            push: int(random.random() < fill),
            pop: int(random.random() < drain),
            data: random.getrandbits(width),
        }

    return stimulus


def timed(d: Draw, timer: str, time: int, due: Lines) -> Lines:
    """`due` every `time` cycles, counted by `timer`, which starts at zero; at once if time is 1."""
    if time == 1:
        return due
    size = bits_for(time)
    full = f"{timer} == {d.number(time - 1, size)}"
    return d.branches(
        (full, [f"{timer} <= {d.number(0, size)};", *due]), ("", [f"{timer} <= {timer} + 1'b1;"])
    )
