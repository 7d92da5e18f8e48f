"""A description of a module in words, told from its syntax tree.

Two to five sentences: how it is clocked, its parameters, its ports with their widths, and the kinds of
logic found in it. They say what is there, not what it is for; that takes a comment or a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pyslang import syntax as slang

from engine.verilog import syntax
from engine.verilog.reading import Reading, read

MAX_NAMES = 24  # in one list; the rest is counted

_Kind = slang.SyntaxKind
_ALWAYS = {_Kind.AlwaysBlock, _Kind.AlwaysFFBlock}
_RESET_NAME = re.compile(r"(?i)rst|reset|clr|clear")


def describe(text: str) -> str:
    """The description of the first module in `text`; empty where none can be read."""
    reading = read(text)
    modules = syntax.modules(text)
    if reading is None or not modules:
        return ""
    module = modules[0]
    nodes = list(_walk(reading.root))
    sentences = [f"{module.name}: {_style(reading, nodes)}"]
    if module.parameters:
        values = [f"{p.name} = {p.default}" if p.default else p.name for p in module.parameters]
        sentences.append(f"Parameters: {_list(values)}")
    for direction in ("input", "output", "inout"):
        ports = [_port(port) for port in module.ports if port.direction == direction]
        if ports:
            sentences.append(f"{direction.capitalize()}s: {_list(ports)}")
    parts = list(_parts(reading, nodes))
    if module.instances:
        parts.append(f"instances of {_list(list(module.instances))}")
    if parts:
        sentences.append(f"Contains {_list(parts)}")
    return ". ".join(sentences) + "."


def _walk(top: slang.SyntaxNode) -> Iterator[slang.SyntaxNode]:
    """`top` and all nodes below it in the order of the text."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in reversed(list(node)) if _is_node(child))


def _style(reading: Reading, nodes: list[slang.SyntaxNode]) -> str:
    """How the module is clocked and reset."""
    clocks: dict[str, None] = {}
    resets: dict[str, None] = {}
    for node in nodes:
        if node.kind in _ALWAYS:
            for phrase, is_reset in _events(reading, node):
                (resets if is_reset else clocks)[phrase] = None
    if clocks:
        # That no reset was recognised does not mean that there is none.
        return ", ".join([f"clocked on {_list(list(clocks))}", *resets])
    wired = any(node.kind in _COMBINATIONAL for node in nodes)
    return "combinational logic" if wired else "structural"


_COMBINATIONAL = {_Kind.ContinuousAssign, _Kind.AlwaysBlock, _Kind.AlwaysCombBlock}


def _events(reading: Reading, always: slang.SyntaxNode) -> Iterator[tuple[str, bool]]:
    """(phrase, whether it is a reset) for each signal that an `always` with edges waits for, and for a
    synchronous reset. A signal among several that the first `if` asks for is an asynchronous reset."""
    inner = list(_walk(always))
    edges = [
        (node.edge.valueText, reading.source(node.expr))
        for node in inner
        if node.kind == _Kind.SignalEventExpression and node.edge.valueText
    ]
    predicates = (node.predicate for node in inner if node.kind == _Kind.ConditionalStatement)
    asked = reading.source(next(predicates, None)) if edges else ""
    asked_names = re.findall(r"\w+", asked)
    for edge, signal in edges:
        if len(edges) > 1 and signal in asked_names:
            level = "low" if edge == "negedge" else "high"
            yield f"asynchronous active-{level} reset {signal}", True
        else:
            yield f"the {'falling' if edge == 'negedge' else 'rising'} edge of {signal}", False
    if len(edges) == 1 and len(asked_names) == 1 and _RESET_NAME.search(asked):
        level = "low" if re.search(r"[!~]", asked) else "high"
        yield f"synchronous active-{level} reset {asked_names[0]}", True


def _parts(reading: Reading, nodes: list[slang.SyntaxNode]) -> Iterator[str]:
    """The kinds of logic in a module, each with the name of what it is built around."""
    constants = _constants(nodes)
    said = set()
    for node in nodes:
        match node.kind:
            case _Kind.CaseStatement:
                part = _state_machine(reading, node, constants)
            case _Kind.DataDeclaration:
                part = _memory(reading, node)
            case _Kind.NonblockingAssignmentExpression:
                part = _register(reading, node)
            case _:
                part = ""
        if part and part not in said:
            said.add(part)
            yield part


def _constants(nodes: list[slang.SyntaxNode]) -> set[str]:
    """The names of parameters and of the values of enumerations."""
    lists = {_Kind.ParameterDeclaration, _Kind.EnumType}
    inner = (child for node in nodes if node.kind in lists for child in _walk(node))
    return {node.name.valueText for node in inner if node.kind == _Kind.Declarator}


def _state_machine(reading: Reading, case: slang.SyntaxNode, constants: set[str]) -> str:
    """A `case` over a name with at least two named constants to choose from."""
    if case.expr.kind != _Kind.IdentifierName:
        return ""
    items = (item for item in case.items if item.kind == _Kind.StandardCaseItem)
    choices = [reading.source(one) for item in items for one in item.expressions if _is_node(one)]
    states = list(dict.fromkeys(choice for choice in choices if choice in constants))
    if len(states) < 2:
        return ""
    return f"a state machine in {reading.source(case.expr)} ({_list(states)})"


def _memory(reading: Reading, declaration: slang.SyntaxNode) -> str:
    """A declaration of an array: `reg [7:0] name [0:255]`."""
    for declarator in declaration.declarators:
        if _is_node(declarator) and len(declarator.dimensions):
            words = _range(" ".join(map(reading.source, declarator.dimensions)))
            width = _width(reading.source(declaration.type)) or "1 bit"
            return f"a memory {declarator.name.valueText} of {words} entries of {width}"
    return ""


def _register(reading: Reading, assignment: slang.SyntaxNode) -> str:
    """`name <= name + 1` is a counter, `name <= {name[...], bit}` a shift register."""
    name, value = reading.source(assignment.left), assignment.right
    operands = [reading.source(child) for child in value if _is_node(child)]
    one = len(operands) == 2 and re.fullmatch(r"(?:\d*'[sS]?[bdhBDH]0*)?1", operands[1])
    if (
        value.kind in {_Kind.AddExpression, _Kind.SubtractExpression}
        and one
        and operands[0] == name
    ):
        direction = "up" if value.kind == _Kind.AddExpression else "down"
        return f"a counter {name} ({direction})"
    if value.kind == _Kind.ConcatenationExpression and any(
        operand.startswith(f"{name}[") for operand in operands
    ):
        return f"a shift register {name}"
    return ""


def _is_node(child: object) -> bool:
    """Whether it is a node and not a token, such as a comma."""
    return isinstance(child, slang.SyntaxNode)


def _port(port: syntax.Port) -> str:
    details = [_width(port.type_text)] + ["signed"] * ("signed" in port.type_text.split())
    details = [detail for detail in details if detail]
    return f"{port.name} ({', '.join(details)})" if details else port.name


def _width(type_text: str) -> str:
    """`8 bits` for `reg [7:0]`, `W bits` for `[W-1:0]`; a named type as it is; empty for one bit."""
    ranges = re.findall(r"\[[^\]]*\]", type_text)
    if ranges:
        return " by ".join(map(_range, ranges)) + " bits"
    words = set(type_text.split()) - _ONE_BIT
    return " ".join(type_text.split()) if words else ""


_ONE_BIT = {"wire", "reg", "logic", "bit", "var", "signed", "unsigned", "tri", "uwire"}


def _range(range_: str) -> str:
    """How many there are in `[7:0]`, `[0:255]`, `[W-1:0]` or `[N]`."""
    first, _, last = (part.strip() for part in range_.strip("[] ").partition(":"))
    if first.isdigit() and last.isdigit():
        return str(abs(int(first) - int(last)) + 1)
    high = first if last == "0" else last if first == "0" else ""
    if not last:
        return first
    if re.fullmatch(r"\w+", high):
        return f"{high}+1"
    one_less = re.fullmatch(r"\(?([\w`$/*+() -]+?)\s*-\s*1\)?", high)
    return one_less[1] if one_less and "(" not in one_less[1] else range_


def _list(names: list[str]) -> str:
    shown = names[:MAX_NAMES]
    more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    return ", ".join(shown + more)
