"""What a family of the textbook writes: a module, what it is said to do, and a model of its behaviour.

The behaviour is written twice, once in Verilog (`Problem.body`) and once in Python (`Behaviour`). The
test bench is made from the Python side alone, so a problem whose two sides disagree never gets in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Values = Mapping[str, int]
"""Unsigned values by port name. A signed port has its two's complement (`signed`, `unsigned`)."""

Expected = Mapping[str, int | None]
"""As `Values`; None where the specification leaves a value open, which is then not checked."""

Words = str | tuple[str, ...]
"""A text, or several that say the same; one is drawn each time a description is written."""


@dataclass(frozen=True)
class Port:
    name: str
    direction: Literal["input", "output"]
    width: int = 1
    meaning: Words = ""
    """A noun phrase without a full stop: "count enable, active high"."""
    reg: bool = False
    """An output that a procedural block assigns."""
    signed: bool = False
    bounds: str = ""
    """The range if it is not `[width-1:0]`, for example "[WIDTH-1:0]"."""


@dataclass(frozen=True)
class Reset:
    name: str
    active_low: bool
    asynchronous: bool

    @property
    def level(self) -> str:
        """At which it acts."""
        return "low" if self.active_low else "high"

    @property
    def kind(self) -> str:
        return "asynchronous" if self.asynchronous else "synchronous"


@dataclass(frozen=True)
class Clocking:
    clock: str = "clk"
    edge: Literal["posedge", "negedge"] = "posedge"
    reset: Reset | None = None

    @property
    def sense(self) -> str:
        """Of the active edge: "rising" or "falling"."""
        return "rising" if self.edge == "posedge" else "falling"


@dataclass(frozen=True)
class Behaviour:
    """A Moore or Mealy machine; a combinational circuit has `outputs` only.

    `step` is called at each active clock edge with the inputs before it, unless the reset is asserted,
    which brings the state back to `start`. `outputs` sees the state and the inputs of the moment.
    Without a reset, `start` is what is known at power-up: let `outputs` give None for what is not.
    """

    outputs: Callable[[Any, Values], Expected]
    step: Callable[[Any, Values], Any] | None = None
    start: Any = None


@dataclass(frozen=True)
class Problem:
    """One problem of a family, with all its parameters drawn."""

    name: str
    """Of the module."""
    ports: Sequence[Port]
    """In the order of the header. Clock and reset are among them (`Draw.clock_ports`)."""
    body: Sequence[str]
    """Lines between header and endmodule, four blanks a level, without the port declarations."""
    phrases: Sequence[str]
    """Noun phrases without an article, most telling first: "8-bit up counter with enable"."""
    facts: Sequence[Words]
    """Full sentences, with full stops, that make the behaviour unambiguous."""
    behaviour: Behaviour
    clocking: Clocking | None = None
    parameters: Sequence[tuple[str, int]] = ()
    helpers: Sequence[str] = ()
    """Lines of the modules that the body instantiates, from `module` to `endmodule`; they follow it."""
    stimulus: Callable[[Random, int], Values] | None = None
    """Inputs of check number n, without clock and reset; by default random with corner values."""
    checks: int = 80
    """Clock cycles, or input patterns if there are too many for all of them."""


def unsigned(value: int, width: int) -> int:
    """`value` modulo 2 ** width."""
    return value & ((1 << width) - 1)


def signed(value: int, width: int) -> int:
    """The number whose two's complement of `width` bits is `value`."""
    return value - (1 << width) if value >> (width - 1) & 1 else value
