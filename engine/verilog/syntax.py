"""Read Verilog as it is being typed: its syntax problems, and what it declares.

Text may be broken, half of a file, or no Verilog at all. Nothing is elaborated, no file is opened and
no macro that takes work is expanded, so the answer depends on the text alone. Offsets are indices into
the str that was given.
"""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.verilog.declarations import UNITS, Declaration
from engine.verilog.outline import outline
from engine.verilog.reading import MAX_NESTING, OPAQUE, SyntaxProblem, read


@dataclass(frozen=True)
class Port:
    """A port. `direction` is `input`, `output`, `inout`, `ref`, or empty where it is not yet known;
    `type_text` is what stands between it and the name, such as `reg signed [7:0]`."""

    name: str
    direction: str
    type_text: str


@dataclass(frozen=True)
class Parameter:
    """A parameter an instance may override. `default` is its source text, or empty."""

    name: str
    default: str


@dataclass(frozen=True)
class Signal:
    """A name declared in a module's body, with the declaration that an editor shows for it."""

    name: str
    declaration_text: str


@dataclass(frozen=True)
class Module:
    """A module, interface, program or user-defined primitive; `text[start:end]` is its source.

    Without its `endmodule` it reaches to the next module or to the end of the text. `instances` are
    the names of the modules it instantiates, each once, in order. Of a primitive only the name and
    the place are known.
    """

    name: str
    start: int
    end: int
    ports: tuple[Port, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    instances: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()


def problems(text: str) -> list[SyntaxProblem]:
    """The syntax errors of `text` in order; empty text has none.

    The text is read as SystemVerilog and, if that fails, as Verilog-2005, where `bit` or `do` are
    names; the reading with fewer problems counts. Macros and includes that are not known here are no
    errors, and neither is what slang stumbles on right beside one.
    """
    reading = read(text)
    if reading is None:
        return [SyntaxProblem(0, 0, f"blocks are nested more than {MAX_NESTING} deep")]
    return reading.problems


def is_valid(text: str, parser: Literal["pyslang", "pyverilog"] = "pyslang") -> bool:
    """Whether `text` has no syntax error.

    `pyverilog` is the parser the papers use. It rejects much that is Verilog-2005 and is slow, so it
    serves only to repeat their numbers.
    """
    if parser == "pyslang":
        return not problems(text)
    reading = read(text)
    return reading is not None and _pyverilog_parses(reading.preprocessed())


def modules(text: str) -> list[Module]:
    """What `text` declares, in order of appearance."""
    return modules_of(text, outline(text))


def modules_of(text: str, root: Declaration) -> list[Module]:
    """The same, from the outline of `text`."""
    units = [one for one in root.walk() if one.kind in _MODULES and one.name]
    return [_module(text, unit) for unit in sorted(units, key=lambda unit: unit.start)]


def header(text: str, module: Module) -> str:
    """The header of `module` in `text`, from its keyword through the `;` that ends it.

    Where that `;` is not typed yet, what there is of it up to a blank line.
    """
    source = text[module.start : module.end]
    depth = 0
    for token in _HEADER_TOKENS.finditer(source):
        match token.group():
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case ";" if depth <= 0:
                return source[: token.end()]
    return source.split("\n\n", 1)[0].rstrip()


_HEADER_TOKENS = re.compile(rf"{OPAQUE}|[();]", re.DOTALL)

_MODULES = UNITS - {"package", "class"}
_SIGNALS = {"signal", "localparam", "parameter"}
# What has names of its own that are none of the module's.
_APART = UNITS | {"function", "task", "process", "typedef", "signal"}


def _module(text: str, unit: Declaration) -> Module:
    if unit.kind == "primitive":
        return Module(unit.name, unit.start, unit.end)
    _, body = unit.head
    members = list(unit.walk(_APART))
    parameters = [one for one in unit.children if one.kind == "parameter"]
    if "#" in text[slice(*unit.head)]:  # those in the body count only where the header has no list
        parameters = [one for one in parameters if one.start < body]
    instances = (one for one in members if one.kind == "instance" and one.type_at is not None)
    return Module(
        name=unit.name,
        start=unit.start,
        end=unit.end,
        ports=tuple(_ports(text, unit)),
        parameters=tuple(_parameter(text, one) for one in parameters),
        instances=tuple(dict.fromkeys(text[slice(*one.head)].lstrip("\\") for one in instances)),
        signals=tuple(
            Signal(one.name, one.described(text))
            for one in members
            if one.kind in _SIGNALS and one.name and one.start >= body
        ),
    )


def _ports(text: str, unit: Declaration) -> Iterator[Port]:
    """The ports in the order of the header. One whose direction is left out has that of the one
    before it; of one with nothing but a name in an old header nothing is known."""
    direction = ""
    for one in unit.children:
        if one.kind != "port" or not one.name:
            continue
        if one.head is None:
            yield Port(one.name, "", "")
            continue
        source = " ".join(text[slice(*one.head)].split())
        match = re.match(r"(?:input|output|inout|ref)\b", source)
        direction = match.group() if match else direction or "inout"
        yield Port(one.name, direction, source[match.end() :].strip() if match else source)


def _parameter(text: str, one: Declaration) -> Parameter:
    default = text[one.start : one.end].partition("=")[2]
    return Parameter(one.name, " ".join(default.split()))


@functools.lru_cache(maxsize=1)
def _pyverilog_parser() -> Callable[[str], object]:
    from pyverilog.vparser.parser import VerilogParser

    with tempfile.TemporaryDirectory() as folder:  # it leaves its tables where it is told
        return VerilogParser(outputdir=folder, debug=False).parse


def _pyverilog_parses(text: str) -> bool:
    from pyverilog.vparser.parser import ParseError

    try:
        _pyverilog_parser()(text)
    except ParseError:
        return False
    return True
