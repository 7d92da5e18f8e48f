"""The random choices behind one problem: parameters, names and coding style, all from one seed.

Code is written as lists of lines, four blanks a level. The habits (indentation, begin/end, ANSI headers,
literals) are drawn once a problem, so that a module looks as if one person had written it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from trainer.textbook.problem import Clocking, Port, Reset

T = TypeVar("T")
Lines = list[str]

_CLOCKS = ("clk", "clk", "clk", "clock", "CLK", "clk_i", "i_clk", "clk_in", "sys_clk")
_RESETS_HIGH = (
    "rst",
    "reset",
    "rst",
    "reset",
    "clear",
    "RST",
    "rst_i",
    "i_rst",
    "areset",
    "sys_rst",
)
_RESETS_LOW = ("rst_n", "rst_n", "rst_n", "resetn", "reset_n", "nrst", "rstn", "aresetn", "RST_N")


class Draw:
    """Random choices, names already taken, and the coding habits of one problem."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.taken: set[str] = set()
        self.indent = self.choose("    ", "    ", "    ", "  ", "  ", "\t", "   ")
        self.ansi = self.chance(0.8)
        self.always_begin = self.chance(0.6)
        self.begin_below = self.chance(0.12)  # begin on a line of its own
        self.cuddle = self.chance(0.6)  # end else begin
        self.star = self.choose("@(*)", "@(*)", "@*", "@ (*)")
        self.base = self.choose("plain", "sized", "sized", "hex", "binary", "replicate")
        self.gap = " " if self.chance(0.85) else ""  # if (x) or if(x)

    # ---- choices

    def choose(self, *options: T) -> T:
        return self.random.choice(options)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def integer(self, low: int, high: int) -> int:
        """Uniform, both ends included."""
        return self.random.randint(low, high)

    def width(self, low: int = 2, high: int = 16) -> int:
        """A width in bits, the usual ones more often than others."""
        usual = [w for w in (2, 4, 8, 8, 12, 16, 32, 64) if low <= w <= high]
        return self.random.choice(usual) if usual and self.chance(0.7) else self.integer(low, high)

    def name(self, *options: str) -> str:
        """One of `options` that is not in use in this module yet; numbered if all are."""
        free = [option for option in options if option not in self.taken]
        name = self.random.choice(free) if free else options[0]
        number = 0
        while name in self.taken:
            number += 1
            name = f"{options[0]}{number}"
        self.taken.add(name)
        return name

    # ---- clock and reset

    def clocking(
        self, reset: float = 0.85, edge: float = 0.95, asynchronous: float = 0.5
    ) -> Clocking:
        """A clock; probabilities of having a reset, of the rising edge, of an asynchronous reset."""
        clock = self.name(*_CLOCKS)
        chosen: Reset | None = None
        if self.chance(reset):
            low, without_clock = self.chance(0.45), self.chance(asynchronous)
            names = _RESETS_LOW if low else _RESETS_HIGH
            if not without_clock:  # areset says that it is asynchronous
                names = tuple(name for name in names if not name.startswith("a"))
            chosen = Reset(self.name(*names), low, without_clock)
        return Clocking(clock, "posedge" if self.chance(edge) else "negedge", chosen)

    def clock_ports(self, clocking: Clocking) -> list[Port]:
        """The input ports of clock and reset."""
        meaning = ("clock", "clock signal", f"clock, {clocking.sense} edge")
        ports = [Port(clocking.clock, "input", meaning=meaning)]
        if clocking.reset:
            kind, level = clocking.reset.kind, clocking.reset.level
            meaning = (
                f"{kind} reset, active {level}",
                f"active-{level} {kind} reset",
                f"{kind} active-{level} reset signal",
            )
            ports.append(Port(clocking.reset.name, "input", meaning=meaning))
        return ports

    def reset_phrase(self, clocking: Clocking) -> str:
        """ "synchronous active-high reset"; empty without one."""
        if not clocking.reset:
            return ""
        kind, level = clocking.reset.kind, clocking.reset.level
        return self.choose(f"{kind} active-{level} reset", f"active-{level} {kind} reset")

    def reset_fact(self, clocking: Clocking, effect: str) -> tuple[str, ...]:
        """Sentences like "When rst is high, `effect`." for a clocking that has a reset.

        `effect` is a clause: "the count returns to zero".
        """
        reset = clocking.reset
        if reset is None:
            raise ValueError("this clocking has no reset")
        level, sense = reset.level, clocking.sense
        if reset.asynchronous:
            return (
                f"When {reset.name} is {level}, {effect} at once, without waiting for the clock.",
                f"The reset {reset.name} is asynchronous and active {level}: {effect}.",
                f"On an asynchronous reset ({reset.name} = {int(not reset.active_low)}), {effect}.",
            )
        return (
            f"If {reset.name} is {level} at the {sense} edge of {clocking.clock}, {effect}.",
            f"The reset {reset.name} is synchronous and active {level}: {effect}.",
            f"When {reset.name} is {level}, {effect} on the next {sense} clock edge.",
        )

    # ---- code

    def number(self, value: int, width: int) -> str:
        """A literal in the habit of this problem."""
        if self.base == "plain" and value < 1 << 31:
            return str(value)
        if self.base == "replicate" and value == 0 and width > 1:
            return f"{{{width}{{1'b0}}}}"
        if width == 1 or (self.base == "binary" and width <= 8):
            return f"{width}'b{value:0{width}b}"
        return f"{width}'h{value:x}" if self.base == "hex" else f"{width}'d{value}"

    def block(self, head: str, lines: Sequence[str]) -> Lines:
        """`head` over `lines`, with begin and end where needed or by habit."""
        if not self.always_begin and _single_statement(lines):
            return [head, *shift(lines)]
        if self.begin_below:
            return [head, "begin", *shift(lines), "end"]
        return [f"{head} begin", *shift(lines), "end"]

    def branches(self, *arms: tuple[str, Sequence[str]]) -> Lines:
        """if / else if / else: each arm a condition ("" for the last else) with its lines.

        A whole chain has begin/end or none of it has.
        """
        plain = not self.always_begin and all(_single_statement(lines) for _, lines in arms)
        out: Lines = []
        for number, (condition, lines) in enumerate(arms):
            head = f"if{self.gap}({condition})" if condition else ""
            if number:
                head = f"else {head}".rstrip()
            if plain:
                out += [head, *shift(lines)]
            elif self.begin_below:
                out += [head, "begin", *shift(lines), "end"]
            elif number and self.cuddle:
                out[-1] = f"end {head} begin"
                out += [*shift(lines), "end"]
            else:
                out += [f"{head} begin", *shift(lines), "end"]
        return out

    def case(
        self, subject: str, arms: Sequence[tuple[str, Sequence[str]]], keyword: str = "case"
    ) -> Lines:
        """case ... endcase; each arm a label ("default" too) with its lines."""
        out = [f"{keyword}{self.gap}({subject})"]
        for label, lines in arms:
            if len(lines) == 1 and _single_statement(lines):
                out.append(f"    {label}: {lines[0]}")
            else:
                out += shift([f"{label}: begin", *shift(lines), "end"])
        return [*out, "endcase"]

    def always_comb(self, lines: Sequence[str]) -> Lines:
        """An always block for combinational logic."""
        return self.block(f"always {self.star}", lines)

    def always_clocked(
        self, clocking: Clocking, run: Sequence[str], reset: Sequence[str] = ()
    ) -> Lines:
        """An always block at the clock's edge; `reset` lines are for the asserted reset."""
        events = f"{clocking.edge} {clocking.clock}"
        if not (clocking.reset and reset):
            return self.block(f"always @({events})", run)
        low = clocking.reset.active_low
        if clocking.reset.asynchronous:
            events += f" or {'negedge' if low else 'posedge'} {clocking.reset.name}"
        inner = self.reset_branches(clocking, reset, run)
        return self.block(f"always @({events})", inner)

    def reset_branches(self, clocking: Clocking, reset: Sequence[str], run: Sequence[str]) -> Lines:
        """if (reset) ... else ...; where `run` is one if-chain, it sometimes goes on as else if."""
        assert clocking.reset
        condition = self.asserted(clocking.reset)
        if not (_one_chain(run) and self.chance(0.5)):
            return self.branches((condition, reset), ("", run))
        head = self.branches((condition, reset))
        if self.cuddle and head[-1] == "end":
            return [*head[:-1], f"end else {run[0]}", *run[1:]]
        return [*head, f"else {run[0]}", *run[1:]]

    def asserted(self, reset: Reset) -> str:
        """The condition under which the reset acts."""
        if reset.active_low:
            return self.choose(
                f"!{reset.name}", f"!{reset.name}", f"~{reset.name}", f"{reset.name} == 1'b0"
            )
        return self.choose(reset.name, reset.name, reset.name, f"{reset.name} == 1'b1")


def shift(lines: Sequence[str]) -> Lines:
    """`lines` one level deeper."""
    return [f"    {line}" if line else line for line in lines]


def _one_chain(lines: Sequence[str]) -> bool:
    """One if with its else branches, and nothing else."""
    goes_on = ("    ", "else", "end", "begin")
    return lines[0].startswith("if") and all(line.startswith(goes_on) for line in lines[1:])


def _single_statement(lines: Sequence[str]) -> bool:
    """One statement without begin/end, and nothing an else could attach itself to."""
    return len(lines) == 1 and lines[0].endswith(";") and not lines[0].startswith(("if", "//"))
