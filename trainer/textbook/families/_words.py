"""What the combinational families share: sizes that may be parameters, names, and small style choices."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families import _common
from trainer.textbook.families._common import Size
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


_PARAMETERS = ("WIDTH", "WIDTH", "N", "W", "DATA_WIDTH", "SIZE", "BITS", "DW")


def size(d: Draw, low: int = 2, high: int = 16, parametric: float = 0.25) -> Size:
    """As `_common.size`, with more names for the parameter."""
    return _common.size(d, low, high, parametric, _PARAMETERS)


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
    parameters: Sequence[tuple[str, int]] = ()
    if size and size.parameter:
        parameters = size.parameters
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
    """As `_common.comment`, one of `texts`."""
    return [f"// {d.choose(*texts)}"] if d.chance(0.25) else []


# ---- English


def bits(number: int, width: int) -> str:
    """`number` in binary digits, without a prefix."""
    return f"{number:0{width}b}"
