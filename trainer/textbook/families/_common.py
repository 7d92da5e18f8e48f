"""What families of all kinds share: sizes that may be parameters, and small pieces of Verilog and English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import listing
from trainer.textbook.problem import Clocking, Port, Words

_PARAMETERS = ("WIDTH", "WIDTH", "N", "W", "DATA_WIDTH", "BITS")


@dataclass(frozen=True)
class Size:
    """A width in bits, written as a number or as a parameter of the module."""

    bits: int
    parameter: str = ""

    @property
    def mask(self) -> int:
        """The largest unsigned number."""
        return (1 << self.bits) - 1

    @property
    def text(self) -> str:
        return self.parameter or str(self.bits)

    @property
    def last(self) -> str:
        """The index of the highest bit: "7" or "WIDTH-1"."""
        return f"{self.parameter}-1" if self.parameter else str(self.bits - 1)

    @property
    def range(self) -> str:
        """ "[7:0]" or "[WIDTH-1:0]"."""
        return f"[{self.last}:0]"

    @property
    def span(self) -> str:
        """The range of a declaration with a blank behind it; empty for one bit."""
        return f"{self.range} " if self.parameter or self.bits > 1 else ""

    @property
    def parameters(self) -> tuple[tuple[str, int], ...]:
        return ((self.parameter, self.bits),) if self.parameter else ()

    def port(self, name: str, meaning: Words = "", signed: bool = False) -> Port:
        """An input of this size."""
        bounds = self.range if self.parameter else ""
        return Port(name, "input", self.bits, meaning, signed=signed, bounds=bounds)

    def output(
        self, name: str, meaning: Words = "", reg: bool = False, signed: bool = False
    ) -> Port:
        return replace(self.port(name, meaning, signed), direction="output", reg=reg)

    def zero(self, d: Draw) -> str:
        return f"{{{self.parameter}{{1'b0}}}}" if self.parameter else d.number(0, self.bits)

    def facts(self, *names: str) -> list[Words]:
        """What the parameter is for, if there is one: the width of `names`."""
        if not self.parameter:
            return []
        joined = listing(names)
        return [
            (
                f"The parameter {self.parameter} (default {self.bits}) sets the width of {joined}.",
                f"{self.parameter}, {self.bits} by default, is the number of bits of {joined}.",
            )
        ]


def size(
    d: Draw,
    low: int = 2,
    high: int = 16,
    parametric: float = 0.25,
    names: Sequence[str] = _PARAMETERS,
) -> Size:
    """A drawn width, with probability `parametric` a parameter of the module called one of `names`."""
    bits = d.width(low, high)
    return Size(bits, d.name(*names) if d.chance(parametric) else "")


def span(width: int) -> str:
    """A range with a blank behind it; empty for one bit."""
    return Size(width).span


def comment(d: Draw, text: str) -> Lines:
    """A comment line, in a quarter of the draws."""
    return [f"// {text}"] if d.chance(0.25) else []


def drive(d: Draw, target: str, value: str, assign: float = 0.75) -> tuple[Lines, bool]:
    """`target` = `value` as a continuous assignment or in an always block; (lines, target is a reg)."""
    return drive_all(d, [(target, value)], assign)


def drive_all(
    d: Draw, values: Sequence[tuple[str, str]], assign: float = 0.7
) -> tuple[Lines, bool]:
    """As `drive`, for several targets in one style."""
    if d.chance(assign):
        return [f"assign {target} = {value};" for target, value in values], False
    return d.always_comb([f"{target} = {value};" for target, value in values]), True


def edge(clocking: Clocking) -> str:
    """ "rising edge of clk"."""
    return f"{clocking.sense} edge of {clocking.clock}"
