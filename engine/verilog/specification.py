"""The module header that a description spells out: its name, its ports with their directions and widths.

Whoever lists ports wants exactly those. A header is returned only where the description leaves no doubt:
a name for the module, a direction and a width for each port, in one of the forms people write:

- Verilog, `module counter(input clk, output [3:0] q);`;
- a list, a port a line, under a title (`Inputs:`) or with its direction (`- output [3:0] q: the count`);
- a sentence, `ports: input clk, output [3:0] q` or `The inputs are clk and d (8 bits); the outputs are q`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.verilog import syntax
from engine.verilog.tokens import KEYWORDS

_NAME = r"[A-Za-z_]\w*"
_RANGE = r"\[[^\]\n]+\]"
_MARK = r"\s*(?:[-*+•]|\d+[.)])?\s*"

_MODULE_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"^\W*(?:module|module name|name)\s*:\s*[`'\"*]*({_NAME})[`'\"*]*\s*\.?\s*$",
        rf"\bmodule\s+(?:is\s+)?(?:named|called)\s+[`'\"*]*({_NAME})",
        rf"\bmodule\s+[`'\"*]*({_NAME})[`'\"*]*\s*(?:with|that|whose|which|implements|has|having|[,.:(])",
        rf",\s+called\s+[`'\"*]*({_NAME})",
    )
)
_NO_NAMES = frozenset(re.findall(r"\w+", "a an the it of for to and in that which this with is"))

_TITLE = re.compile(
    r"^\W*(?:the\s+)?(?P<direction>input|output|inout|bidirectional)s?(?:\s+(?:port|signal|pin)s?)?\W*$",
    re.IGNORECASE,
)
_PORT = re.compile(
    rf"^{_MARK}(?:(?P<direction>input|output|inout)\s+)?(?:(?:wire|reg|logic)\s+)?(?P<sign>signed\s+)?"
    rf"(?P<before>{_RANGE}\s*)?(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)\s*(?P<after>{_RANGE})?"
    r"\s*(?:\((?P<note>[^)]*)\))?\s*(?:[,;.]?\s*|(?::|[-\u2013\u2014]+(?=\s))\s*(?P<said>.*))$",
    re.IGNORECASE,
)
_DECLARED = re.compile(
    rf"\b(?P<direction>input|output|inout)\s+(?:(?:wire|reg|logic)\s+)?(?P<sign>signed\s+)?"
    rf"(?P<before>{_RANGE}\s*)?(?P<names>{_NAME})(?=\s*(?:[,.;)]|and\b|$))",
)
_PORTS_SENTENCE = re.compile(r"\bports\b[^.;]*?(?=\b(?:input|output|inout)\s)(?P<ports>[^.;]*)")
_SIDES = re.compile(
    r"\binputs?\s+(?:are|is)\s+(?P<input>.+?)\s*[;.]\s*(?:the\s+)?outputs?\s+(?:are|is)\s+(?P<output>.+?)"
    r"\s*(?:[;.](?:\s|$)|$)",
    re.IGNORECASE | re.DOTALL,
)
_LISTED = re.compile(rf"^(?P<names>{_NAME})\s*(?P<after>{_RANGE})?\s*(?:\((?P<note>[^)]*)\))?$")

# How wide a port is: told first (in `8-bit operand`, but not in `high if 8 bits are set`), in brackets
# of its own, or in so many words.
_NOTED = r"\((?:signed\s+)?"
_BITS = re.compile(
    r"(?:^(?:(?:an?|the|signed|unsigned|input|output)\s+)*|\((?:signed\s+)?)(\d+)[-\s]?bits?\b"
    r"|\b(?:width|size)\s+(?:of|is)\s+(\d+)\s*bits?\b|\b(\d+)\s+bits\s+wide",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b(?:[2-9]|\d\d+)[-\s]?bit\b", re.IGNORECASE)  # not: if 2 bits are set
_ONE_BIT = re.compile(r"\b(?:1|one|single)[-\s]bit\b|\bserial", re.IGNORECASE)
# What such a port carries is rarely one bit: without a width it is in doubt.
_WIDE = re.compile(
    r"(?:\b|_)(?:address|addr|data|word|bytes?|value|count|number|operand|vector|bus|code|sum|product|"
    r"quotient|remainder|dividend|divisor|multiplier|multiplicand|factor|digits?|nibble)(?:\b|_)",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"(?:^|_)(?:en|ena|enable|valid|vld|ready|rdy|req|ack|done|busy|flag|start|stop|load)(?:_|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Port:
    direction: str
    name: str
    range: str
    """With its brackets and "signed", as it is declared; empty for one bit."""


def header(text: str) -> str:
    """The header of the one module that `text` describes, through its line end, or "".

    Outputs are nets in it: whether one is a variable is for the body to say
    (`engine.verilog.repairs.outputs_as_variables`).
    """
    if "endmodule" in text:
        return ""  # a module, not a description of one
    written = _written(text)
    if written is not None:
        return written
    ports, name = _ports(text), _module_name(text)
    names = [port.name for port in ports]
    # Widths are spoken of, yet no port has one: then a bare list does not mean one bit each.
    told_elsewhere = _WORD.search(text) and not any(port.range for port in ports)
    sound = (
        name
        and not told_elsewhere
        and any(port.direction == "output" for port in ports)
        and len(set(names)) == len(names)
        and not set(KEYWORDS).intersection([name, *names])
    )
    parameters = _parameters(text, ports) if sound else None
    made = "" if parameters is None else _header(name, ports, parameters)
    return "" if syntax.problems(f"{made}endmodule\n") else made


def _header(name: str, ports: list[_Port], parameters: dict[str, str]) -> str:
    given = ",\n".join(f"    parameter {key} = {value}" for key, value in parameters.items())
    listed = ",\n".join(
        f"    {port.direction} {port.range}{' ' * bool(port.range)}{port.name}" for port in ports
    )
    return f"module {name}" + (f" #(\n{given}\n)" if given else "") + f" (\n{listed}\n);\n"


def _written(text: str) -> str | None:
    """A header that stands in `text` as Verilog, in ANSI style; "" if there are several."""
    found = []
    for start in re.finditer(rf"\bmodule\s+{_NAME}\s*(?:#\s*)?\(", text):
        end = re.compile(r"\)\s*;").search(text, start.end())
        if end is not None:
            candidate = text[start.start() : end.end()]
            (module, *_) = syntax.modules(f"{candidate}\nendmodule\n") or (None,)
            if module and module.ports and all(port.direction for port in module.ports):
                found.append(candidate)
    if not found:
        return None
    return f"{found[0]}\n" if len(found) == 1 else ""


def _module_name(text: str) -> str:
    for pattern in _MODULE_NAMES:
        for found in pattern.finditer(re.sub(r":[ \t]*\n[ \t]*", ": ", text)):
            if found[1].lower() not in _NO_NAMES:
                return found[1]
    return ""


# -- ports -----------------------------------------------------------------------------------------


def _ports(text: str) -> list[_Port]:
    """The ports in the first form that tells of any; none if one of them is in doubt."""
    text = re.sub(r"[`*](?=\w)|(?<=[\w\]])[`*]", "", text)
    for form in (_titled, _bulleted, _in_a_sentence, _by_sides):
        ports = list(form(text))
        if ports:
            return [] if None in ports else ports
    return []


def _titled(text: str) -> Iterator[_Port | None]:
    """A port a line under a title, up to what is none."""
    direction, blank = "", False
    for line in text.splitlines():
        title = _TITLE.match(line)
        if title is not None:
            direction = title["direction"].lower().replace("bidirectional", "inout")
        elif direction and line.strip():
            found = _PORT.match(line)
            # A capital, and nothing said: the next title. After a blank line anything else may come.
            if found is None or (not found["said"] and re.match(r"\W*[A-Z][a-z]+\s*:\s*$", line)):
                if not blank and not line.rstrip().endswith(":"):
                    yield None
                direction = ""
            else:
                yield from _of(found, direction)
        blank = not line.strip()


def _bulleted(text: str) -> Iterator[_Port | None]:
    """A port a line, each with its direction."""
    lines = [_PORT.match(line) for line in text.splitlines()]
    found = [one for one in lines if one is not None and one["direction"]]
    for one in found if len(found) > 1 else ():
        yield from _of(one, one["direction"])


def _in_a_sentence(text: str) -> Iterator[_Port | None]:
    """`ports: input clk, output [3:0] q`"""
    sentence = _PORTS_SENTENCE.search(text)
    for found in _DECLARED.finditer(sentence["ports"]) if sentence else ():
        yield from _of(found, found["direction"])


def _by_sides(text: str) -> Iterator[_Port | None]:
    """`The inputs are clk and d (8 bits); the outputs are q (8 bits)`"""
    sides = _SIDES.search(text)
    if sides is None:
        return
    for direction in ("input", "output"):
        for part in re.split(r"\s*(?:,\s*and|,|\band)\s+(?![^(]*\))", sides[direction]):
            found = _LISTED.match(part.strip())
            if found is None:
                yield None
            else:
                yield from _of(found, direction)


def _of(found: re.Match[str], direction: str) -> Iterator[_Port | None]:
    """The ports of a match, in the groups that its pattern has; None for one whose width is in doubt."""
    told = found.groupdict(default="")
    written = (told.get("before") or told.get("after") or "").strip()
    note, said = told.get("note", ""), told.get("said", "")
    sign = (
        "signed" if told.get("sign") or re.search(rf"{_NOTED}signed\b", f"({note}) {said}") else ""
    )
    noted = re.search(rf"{_NOTED}({_RANGE})", f"({note}) {said}")
    bounds = written or (noted[1] if noted else "") or _width(note) or _width(said)
    one_bit = _ONE_BIT.search(f"{note} {said}") or not said
    for name in re.split(r"\s*,\s*", told["names"]):
        wide = _WIDE.search(" ".join([name, *said.split()[:4]])) and not _FLAG.search(name)
        doubtful = wide and not bounds and not one_bit
        declared = _Port(direction.lower(), name, " ".join(filter(None, (sign, bounds))))
        yield None if doubtful else declared


def _width(told: str) -> str:
    """The range of a port of which this is told, or ""."""
    found = _BITS.search(told)
    bits = int(next(filter(None, found.groups()))) if found else 1
    return f"[{bits - 1}:0]" if bits > 1 else ""


def _parameters(text: str, ports: list[_Port]) -> dict[str, str] | None:
    """The parameters that ranges depend on, with their values; None if one has no value."""
    used = dict.fromkeys(name for port in ports for name in re.findall(_NAME, port.range))
    used.pop("signed", None)
    found = {name: re.search(rf"\b{name}\s*=\s*(\d[\w']*)", text) for name in used}
    if None in found.values():
        return None
    return {name: value[1] for name, value in found.items()}
