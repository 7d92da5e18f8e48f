"""Code for registers: clocked blocks, and one register written in several styles.

A register's next value is given as arms, (condition, value) pairs of Verilog text of which the first
that is true counts; the condition "" is always true. If none is true the register keeps its value.
Instead of a value there may be arms again, for an if within an if.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size
from trainer.textbook.problem import Clocking

Arm = tuple[str, Union[str, "tuple[Arm, ...]"]]


def both(*conditions: str) -> str:
    """The conjunction of those conditions that are not empty."""
    parts = [condition for condition in conditions if condition]
    if len(parts) == 1:
        return parts[0]
    return " && ".join(part if "&&" in part else bracketed(part) for part in parts)


def bracketed(text: str) -> str:
    """`text` in parentheses unless it is a single operand."""
    return f"({text})" if " " in text else text


def chosen(arms: Sequence[Arm], otherwise: str) -> str:
    """The arms as conditional operators."""
    text = otherwise
    for condition, value in reversed(arms):
        inner = value if isinstance(value, str) else chosen(value, otherwise)
        if condition and "?" in inner:
            inner = f"({inner})"
        text = f"{bracketed(condition)} ? {inner} : {text}" if condition else inner
    return text


def gated(d: Draw, enable: str, arms: Sequence[Arm]) -> list[Arm]:
    """The arms under one more condition; an enable of "" leaves them as they are."""
    if not enable:
        return list(arms)
    if d.chance(0.5):
        return [(enable, tuple(arms))]
    if not arms[-1][0] and d.chance(0.4):
        return [(enable, chosen(arms, ""))]
    return [(both(enable, condition), value) for condition, value in arms]


def flag(d: Draw, name: str, test: str) -> str:
    """An assign of a condition to a one-bit output."""
    return d.choose(
        f"assign {name} = {test};",
        f"assign {name} = ({test});",
        f"assign {name} = ({test}) ? 1'b1 : 1'b0;",
    )


def always(
    d: Draw,
    clocking: Clocking,
    arms: Sequence[tuple[str, Sequence[str]]],
    reset: Sequence[str] = (),
) -> Lines:
    """A clocked block of (condition, lines) arms, under the reset's else or going on as else if."""
    if clocking.reset and reset and arms[0][0] and d.chance(0.6):
        events = f"{clocking.edge} {clocking.clock}"
        if clocking.reset.asynchronous:
            edge_of_reset = "negedge" if clocking.reset.active_low else "posedge"
            events += f" or {edge_of_reset} {clocking.reset.name}"
        chain = d.branches((d.asserted(clocking.reset), reset), *arms)
        return d.block(f"always @({events})", chain)
    run = d.branches(*arms) if arms[0][0] else list(arms[0][1])
    return d.always_clocked(clocking, run, reset)


def register(
    d: Draw,
    clocking: Clocking,
    output: str,
    width: Size,
    arms: Callable[[str], Sequence[Arm]],
    start: str = "",
    signed: bool = False,
    inside: float = 0.17,
) -> tuple[Lines, bool]:
    """Code for one output register, and whether the output is a reg.

    `arms` gives the next values by the register's name, `start` the value at reset. With probability
    `inside` it is an internal register with an assign for the output.
    """
    if not d.chance(inside):
        return _one_register(d, clocking, output, width, arms(output), start, signed), True
    own = d.name(f"{output}_reg", f"{output}_r", f"r_{output}")
    declaration = f"reg {'signed ' if signed else ''}{width.span}{own};"
    code = _clocked_arms(d, clocking, own, arms(own), start)
    wire = f"assign {output} = {own};"
    code = [*code, wire] if d.chance(0.6) else [wire, *code]
    return [declaration, *code], False


def inner_register(
    d: Draw,
    clocking: Clocking,
    name: str,
    width: Size,
    arms: Callable[[str], Sequence[Arm]],
    start: str = "",
) -> Lines:
    """Code for a register that is not an output, with its declaration."""
    code = _one_register(d, clocking, name, width, arms(name), start, signed=False)
    gap = [] if code[0].startswith(("reg", "wire")) else [""]
    return [f"reg {width.span}{name};", *gap, *code]


def _one_register(
    d: Draw,
    clocking: Clocking,
    name: str,
    width: Size,
    arms: Sequence[Arm],
    start: str,
    signed: bool,
) -> Lines:
    """All in one block, or the next value in an assign or a block of its own."""
    always_same = not arms[0][0]  # a next value that is hardly worth a signal
    style = d.choose("one", "one", "one", "one" if always_same else "block", "assign")
    if style == "one":
        return _clocked_arms(d, clocking, name, arms, start)
    following = d.name(f"{name}_next", f"next_{name}", f"{name}_nxt")
    kind = f"{'signed ' if signed else ''}{width.span}{following}"
    reset = [f"{name} <= {start};"] if start else []
    update = d.always_clocked(clocking, [f"{name} <= {following};"], reset)
    if d.chance(0.6):
        update.insert(0, "")
    if style == "block":
        complete = not arms[-1][0] and isinstance(arms[-1][1], str)
        default = [] if complete else [f"{following} = {name};"]
        lines = [*default, *_branches(d, f"{following} =", arms)]
        return [f"reg {kind};", *d.always_comb(lines), *update]
    text = chosen(arms, name)
    if d.chance(0.5):
        return [f"wire {kind} = {text};", *update]
    return [f"wire {kind};", f"assign {following} = {text};", *update]


def _clocked_arms(d: Draw, clocking: Clocking, name: str, arms: Sequence[Arm], start: str) -> Lines:
    lines = [(condition, _arm(d, f"{name} <=", value)) for condition, value in arms]
    return always(d, clocking, lines, [f"{name} <= {start};"] if start else [])


def _branches(d: Draw, assign: str, arms: Sequence[Arm]) -> Lines:
    if not arms[0][0]:
        return _arm(d, assign, arms[0][1])
    return d.branches(*((condition, _arm(d, assign, value)) for condition, value in arms))


def _arm(d: Draw, assign: str, value: str | tuple[Arm, ...]) -> Lines:
    return [f"{assign} {value};"] if isinstance(value, str) else _branches(d, assign, value)


def moved(own: str, width: Size, left: bool, incoming: str) -> str:
    """The register's contents one place further, with a given bit moved in."""
    if width.bits == 2 and not width.parameter:
        return f"{{{own}[0], {incoming}}}" if left else f"{{{incoming}, {own}[1]}}"
    below = f"{width.last}-1" if width.parameter else str(width.bits - 2)
    return f"{{{own}[{below}:0], {incoming}}}" if left else f"{{{incoming}, {own}[{width.last}:1]}}"


def move(state: int, width: Size, left: bool, incoming: int) -> int:
    """`moved` as a number."""
    if left:
        return state << 1 & width.mask | incoming
    return state >> 1 | incoming << (width.bits - 1)
