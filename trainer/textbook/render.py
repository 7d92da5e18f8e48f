"""A problem as Verilog text: header and body in the coding style of its `Draw`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainer.textbook.draw import Draw, shift
from trainer.textbook.problem import Port, Problem

_LEVEL = re.compile(r"^(?:    )+")


def module(problem: Problem, draw: Draw) -> tuple[str, str]:
    """(header up to the end of its `);` line, whole module with that header)."""
    head = _ansi(problem, draw) if draw.ansi else _names_only(problem, draw)
    declarations = [] if draw.ansi else [f"{_declaration(p, True)};" for p in problem.ports]
    if declarations and draw.chance(0.7):
        declarations.append("")
    body = list(problem.body)
    if body and not declarations and draw.chance(0.5):
        body.insert(0, "")
    if draw.chance(0.5):
        body.append("")
    lines = [*head, *shift(declarations), *shift(body), "endmodule"]
    if problem.helpers:
        lines += ["", *problem.helpers]
    text = [_LEVEL.sub(lambda m: draw.indent * (len(m.group()) // 4), line) for line in lines]
    header = "\n".join(text[: len(head)]) + "\n"
    return header, "\n".join(text) + "\n"


def bounds(port: Port) -> str:
    """The range with a blank behind it; empty for one bit."""
    given = port.bounds or (f"[{port.width - 1}:0]" if port.width > 1 else "")
    return f"{given} " if given else ""


def _declaration(port: Port, reg: bool) -> str:
    kind = " reg" if port.reg and reg else ""
    sign = " signed" if port.signed else ""
    return f"{port.direction}{kind}{sign} {bounds(port)}{port.name}"


def _parameters(problem: Problem) -> str:
    return ", ".join(f"parameter {name} = {value}" for name, value in problem.parameters)


def _ansi(problem: Problem, draw: Draw) -> list[str]:
    wire = draw.chance(0.2)
    ports = []
    for port in problem.ports:
        text = _declaration(port, True)
        if wire and not port.reg:
            text = text.replace(port.direction, f"{port.direction} wire", 1)
        ports.append(text)
    return _layout(problem, draw, ports)


def _names_only(problem: Problem, draw: Draw) -> list[str]:
    return _layout(problem, draw, [port.name for port in problem.ports])


def _layout(problem: Problem, draw: Draw, ports: Sequence[str]) -> list[str]:
    start = f"module {problem.name}"
    if problem.parameters:
        start += f" #({_parameters(problem)})"
    one_line = f"{start}({', '.join(ports)});"
    if len(one_line) < 72 and draw.chance(0.4):
        return [one_line.replace("(", " (", 1) if draw.chance(0.4) else one_line]
    opening = draw.choose(f"{start} (", f"{start}(")
    listed = [f"    {text}," for text in ports[:-1]] + [f"    {ports[-1]}"]
    return [opening, *listed, ");"]
