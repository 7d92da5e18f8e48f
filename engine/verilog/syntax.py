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
from dataclasses import dataclass, replace
from typing import Literal

from pyslang import parsing, syntax

from engine.verilog.reading import MAX_NESTING, OPAQUE, Reading, SyntaxProblem, read

_Kind = syntax.SyntaxKind


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
    reading = read(text)
    if reading is None:
        return []
    found = [_module(reading, node) for node in _declarations(reading.root)]
    starts = [match.start() for match in _MODULE_LINE.finditer(text)]
    if reading.problems and len(found) < len(starts) > 1:
        # A header that is still open swallows the next module: read them one by one.
        ends = [*starts[1:], len(text)]
        pieces = zip(starts, ends, strict=True)
        return [_moved(one, start) for start, end in pieces for one in modules(text[start:end])]
    return sorted((module for module in found if module.name), key=lambda module: module.start)


def _moved(module: Module, offset: int) -> Module:
    return replace(module, start=module.start + offset, end=module.end + offset)


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


_MODULE_LINE = re.compile(r"^(?:macro)?module\b", re.MULTILINE)
_HEADER_TOKENS = re.compile(rf"{OPAQUE}|[();]", re.DOTALL)

_DECLARATIONS = {
    _Kind.ModuleDeclaration,
    _Kind.InterfaceDeclaration,
    _Kind.ProgramDeclaration,
    _Kind.UdpDeclaration,
}
# What holds further members of a module.
_NESTS = {
    _Kind.CompilationUnit,
    _Kind.GenerateRegion,
    _Kind.GenerateBlock,
    _Kind.IfGenerate,
    _Kind.ElseClause,
    _Kind.LoopGenerate,
    _Kind.CaseGenerate,
    _Kind.StandardCaseItem,
    _Kind.DefaultCaseItem,
}


_NAMES_SIGNALS = {_Kind.NetDeclaration, _Kind.DataDeclaration, _Kind.ParameterDeclaration}


def _nodes(node: syntax.SyntaxNode) -> list[syntax.SyntaxNode]:
    return [child for child in node if isinstance(child, syntax.SyntaxNode)]


def _members(top: syntax.SyntaxNode) -> Iterator[syntax.SyntaxNode]:
    """What stands in `top` and in its generate blocks, in order. A declaration is not entered."""
    waiting = _nodes(top)[::-1]
    while waiting:
        node = waiting.pop()
        if node.kind in _NESTS:
            waiting.extend(reversed(_nodes(node)))
        else:
            yield node


def _declarations(root: syntax.SyntaxNode) -> Iterator[syntax.SyntaxNode]:
    """Every declaration, those within another included: where an `endmodule` is missing, slang takes
    the next module for a nested one."""
    waiting = [root]
    while waiting:
        for node in _members(waiting.pop()):
            if node.kind in _DECLARATIONS:
                yield node
                waiting.append(node)


def _module(reading: Reading, node: syntax.SyntaxNode) -> Module:
    start, end = reading.span(node.sourceRange)
    if node.kind == _Kind.UdpDeclaration:
        return Module(node.name.valueText, start, end)
    members = list(_members(node))
    if node.endmodule.isMissing:
        nested = (reading.span(one.sourceRange)[0] for one in members if one.kind in _DECLARATIONS)
        end = min(nested, default=len(reading.text))
    ports = {port.name: port for port in _header_ports(reading, node.header.ports) if port.name}
    for member in members:
        if member.kind == _Kind.PortDeclaration:
            named = (port for port in _body_ports(reading, member) if port.name in ports)
            ports.update((port.name, port) for port in named)
    instances = (one.type for one in members if one.kind == _Kind.HierarchyInstantiation)
    return Module(
        name=node.header.name.valueText,
        start=start,
        end=end,
        ports=tuple(ports.values()),
        parameters=tuple(_parameters(reading, node.header.parameters, members)),
        instances=tuple(dict.fromkeys(type_.valueText for type_ in instances)),
        signals=tuple(signal for member in members for signal in _signals(reading, member)),
    )


def _header_ports(reading: Reading, ports: syntax.SyntaxNode | None) -> Iterator[Port]:
    """The ports in a header. One with only a name goes on with what the one before it said."""
    direction = type_text = ""
    for port in _items(ports):
        match port.kind:
            case _Kind.ImplicitAnsiPort:
                own = reading.source(port.header)
                if own:
                    direction, type_text = _direction(own, direction or "inout")
                yield Port(port.declarator.name.valueText, direction, type_text)
            case _Kind.ExplicitAnsiPort:
                direction = port.direction.valueText or direction
                yield Port(port.name.valueText, direction, "")
            case _Kind.ImplicitNonAnsiPort if port.expr.kind == _Kind.PortReference:
                yield Port(port.expr.name.valueText, "", "")
            case _Kind.ExplicitNonAnsiPort:
                yield Port(port.name.valueText, "", "")


def _body_ports(reading: Reading, declaration: syntax.SyntaxNode) -> Iterator[Port]:
    """The ports that `declaration` declares in the body of a module with a plain header."""
    direction, type_text = _direction(reading.source(declaration.header), "")
    for declarator in _items(declaration.declarators):
        yield Port(declarator.name.valueText, direction, type_text)


def _direction(source: str, otherwise: str) -> tuple[str, str]:
    """Cut `input reg [7:0]` into its direction and the rest."""
    match = re.match(r"(?:input|output|inout|ref)\b", source)
    if not match:
        return otherwise, source
    return match.group(), source[match.end() :].strip()


def _parameters(
    reading: Reading, ports: syntax.SyntaxNode | None, members: list[syntax.SyntaxNode]
) -> Iterator[Parameter]:
    """The parameters in the header; those in the body count only where the header has no list."""
    if ports is not None:
        declarations = _items(ports.declarations)
    else:
        statements = (one for one in members if one.kind == _Kind.ParameterDeclarationStatement)
        declarations = [statement.parameter for statement in statements]
    for declaration in declarations:
        local = declaration.keyword.kind == parsing.TokenKind.LocalParamKeyword
        if declaration.kind == _Kind.ParameterDeclaration and not local:
            for declarator in _items(declaration.declarators):
                value = declarator.initializer
                yield Parameter(declarator.name.valueText, reading.source(value and value.expr))


def _signals(reading: Reading, member: syntax.SyntaxNode) -> Iterator[Signal]:
    """The names that `member` declares, each with a declaration of its own."""
    declaration = member
    if member.kind == _Kind.ParameterDeclarationStatement:
        declaration = member.parameter
    if declaration.kind not in _NAMES_SIGNALS:
        return
    declarators = _items(declaration.declarators)
    start, _ = reading.span(declaration.sourceRange)
    for number, declarator in enumerate(declarators):
        if number == 0:
            until, _ = reading.span(declarator.sourceRange)
            kind = " ".join(reading.text[start:until].split())
        yield Signal(declarator.name.valueText, f"{kind} {reading.source(declarator)}")


def _items(nodes: syntax.SyntaxNode | None) -> list[syntax.SyntaxNode]:
    """The nodes of a separated list, without its separators."""
    return [] if nodes is None else _nodes(nodes)


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
