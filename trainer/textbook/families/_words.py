"""What the combinational families share: sizes that may be parameters, names, and small style choices."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.problem import Behaviour, Expected, Port, Problem, Values, Words, signed

_PAIRS = (
    ("a", "b"),
    ("a", "b"),
    ("x", "y"),
    ("A", "B"),
    ("in1", "in2"),
    ("in0", "in1"),
    ("in_a", "in_b"),
    ("op_a", "op_b"),
    ("data_a", "data_b"),
    ("lhs", "rhs"),
    ("a_i", "b_i"),
    ("opa", "opb"),
)
_ROWS = (
    ("a", "b", "c", "d", "e", "f", "g", "h"),
    ("A", "B", "C", "D", "E", "F", "G", "H"),
    *(
        tuple(f"{stem}{n}" for n in range(8))
        for stem in ("in", "d", "i", "x", "in_", "data", "src")
    ),
    tuple(f"in{n}" for n in range(1, 9)),
    tuple(f"x{n}" for n in range(1, 9)),
)
_OUTPUTS = (
    "y",
    "y",
    "out",
    "out",
    "z",
    "result",
    "res",
    "q",
    "dout",
    "data_out",
    "out_o",
    "Y",
    "o",
)


@dataclass(frozen=True)
class Size:
    """A width in bits, written as a number or as a parameter of the module."""

    bits: int
    parameter: str = ""

    @property
    def text(self) -> str:
        return self.parameter or str(self.bits)

    @property
    def last(self) -> str:
        """The index of the highest bit."""
        return f"{self.parameter}-1" if self.parameter else str(self.bits - 1)

    @property
    def range(self) -> str:
        """ "[7:0]" or "[WIDTH-1:0]"."""
        return f"[{self.last}:0]"

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


def size(d: Draw, low: int = 2, high: int = 16, parametrized: float = 0.25) -> Size:
    """A width between `low` and `high`, as a parameter with probability `parametrized`."""
    bits = d.width(low, high)
    if not d.chance(parametrized):
        return Size(bits)
    return Size(bits, d.name("WIDTH", "WIDTH", "N", "W", "DATA_WIDTH", "SIZE", "BITS", "DW"))


def circuit(
    d: Draw,
    names: Sequence[str],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    body: Sequence[str],
    phrases: Sequence[str],
    facts: Sequence[Words],
    function: Callable[[Values], Expected],
    size: Size | None = None,
    stimulus: Callable[[Random, int], Values] | None = None,
    checks: int = 80,
    helpers: Sequence[str] = (),
) -> Problem:
    """A combinational problem; a parameter of `size` is added to the header, phrases and facts."""
    parameters = []
    if size and size.parameter:
        parameters = [(size.parameter, size.bits)]
        ending = d.choose(
            f", width set by parameter {size.parameter}",
            f" (parameter {size.parameter} = {size.bits})",
            f", parametrized by {size.parameter}",
        )
        phrases = [phrase + ending for phrase in phrases]
        facts = [*facts, _parameter_fact(size)]
    return Problem(
        name=d.name(d.choose(*names)),
        ports=_ordered(d, inputs, outputs),
        body=body,
        phrases=phrases,
        facts=facts,
        behaviour=Behaviour(outputs=lambda _, values: function(values)),
        parameters=parameters,
        stimulus=stimulus,
        checks=checks,
        helpers=helpers,
    )


def _parameter_fact(size: Size) -> Words:
    name, bits = size.parameter, size.bits
    return (
        f"The width is given by the parameter {name}, {bits} by default.",
        f"A parameter {name} (default {bits}) sets the width.",
        f"{name} is a parameter with the default value {bits}; the widths follow it.",
    )


def _ordered(d: Draw, inputs: Sequence[Port], outputs: Sequence[Port]) -> list[Port]:
    """Inputs before outputs as a rule; now and then the other way around, or the inputs shuffled."""
    inputs = list(inputs)
    if d.chance(0.1):
        d.random.shuffle(inputs)
    return [*outputs, *inputs] if d.chance(0.1) else [*inputs, *outputs]


# ---- names


def together(d: Draw, *groups: Sequence[str]) -> list[str]:
    """The names of one group, each numbered if it is taken."""
    return [d.name(name) for name in d.choose(*groups)]


def pair(d: Draw) -> list[str]:
    """Names of two operands."""
    return together(d, *_PAIRS)


def row(d: Draw, count: int) -> list[str]:
    """Names of up to eight inputs of one kind."""
    return together(d, *(names[:count] for names in _ROWS))


def output(d: Draw) -> str:
    """A name for the only output."""
    return d.name(*_OUTPUTS)


def operands(s: Size, a: str, b: str, signed: bool = False) -> list[Port]:
    """Two inputs of one size."""
    return [
        s.port(a, ("first operand", "operand A", f"operand {a}"), signed),
        s.port(b, ("second operand", "operand B", f"operand {b}"), signed),
    ]


def reader(with_sign: bool, width: int) -> Callable[[int], int]:
    """From a port's bits to the number they stand for."""
    return lambda value: signed(value, width) if with_sign else value


# ---- gates


_BITWISE = {"&": operator.and_, "|": operator.or_, "^": operator.xor}


@dataclass(frozen=True)
class Gate:
    """A logic gate of any number of inputs."""

    name: str
    symbol: str
    inverted: bool

    def expression(self, operands: Sequence[str]) -> str:
        joined = f" {self.symbol} ".join(operands)
        return f"~({joined})" if self.inverted else joined

    def of(self, operands: Sequence[int], width: int = 1) -> int:
        value = reduce(_BITWISE[self.symbol], operands)
        return value ^ ((1 << width) - 1) if self.inverted else value

    @property
    def rule(self) -> str:
        """When the output is 1: "at least one input is 0"."""
        return {
            "AND": "all inputs are 1",
            "OR": "at least one input is 1",
            "NAND": "at least one input is 0",
            "NOR": "all inputs are 0",
            "XOR": "an odd number of inputs is 1",
            "XNOR": "an even number of inputs is 1",
        }[self.name]


GATES = (
    Gate("AND", "&", False),
    Gate("OR", "|", False),
    Gate("XOR", "^", False),
    Gate("NAND", "&", True),
    Gate("NOR", "|", True),
    Gate("XNOR", "^", True),
)


# ---- code


def drive(d: Draw, target: str, value: str, assign: float = 0.75) -> tuple[Lines, bool]:
    """`target` = `value` as a continuous assignment or in an always block; (lines, target is a reg)."""
    if d.chance(assign):
        return [f"assign {target} = {value};"], False
    return d.always_comb([f"{target} = {value};"]), True


def drive_all(
    d: Draw, values: Sequence[tuple[str, str]], assign: float = 0.7
) -> tuple[Lines, bool]:
    """As `drive`, for several targets in one style."""
    if d.chance(assign):
        return [f"assign {target} = {value};" for target, value in values], False
    return d.always_comb([f"{target} = {value};" for target, value in values]), True


def generate(d: Draw, size: str, body: Callable[[str], Sequence[str]], label: str) -> Lines:
    """A generate loop from 0 to `size` - 1 over the lines that `body` makes of the index."""
    index = d.name("i", "k", "g", "idx")
    head = f"for ({index} = 0; {index} < {size}; {index} = {index} + 1) begin : {d.name(label)}"
    inner = [head, *(f"    {line}" for line in body(index)), "end"]
    return [f"genvar {index};", "generate", *(f"    {line}" for line in inner), "endgenerate"]


def loop(index: str, count: str, lines: Sequence[str], start: str = "0") -> Lines:
    """A for statement from `start` to `count` - 1; `index` is to be declared as an integer."""
    head = f"for ({index} = {start}; {index} < {count}; {index} = {index} + 1)"
    if len(lines) == 1:
        return [head, *(f"    {line}" for line in lines)]
    return [f"{head} begin", *(f"    {line}" for line in lines), "end"]


def part(name: str, high: int, low: int) -> str:
    """ "a[7:4]", or "a[7]" for one bit."""
    return f"{name}[{high}:{low}]" if high > low else f"{name}[{high}]"


def remark(d: Draw, *texts: str) -> Lines:
    """A comment line in a quarter of the draws."""
    return [f"// {d.choose(*texts)}"] if d.chance(0.25) else []


# ---- English


def bits(number: int, width: int) -> str:
    """`number` in binary digits, without a prefix."""
    return f"{number:0{width}b}"
