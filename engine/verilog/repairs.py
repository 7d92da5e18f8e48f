"""Edits that mend common mistakes: pure functions from a text and a place in it to edits.

Each returns None where it does not know a way that certainly helps. Offsets are indices into the text;
edits of one answer do not overlap. New lines have the indentation and the line ends of the text around.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.verilog.declarations import UNITS, Declaration
from engine.verilog.reading import OPAQUE
from engine.verilog.source import Source
from engine.verilog.syntax import Module, Port, problems

Lookup = Callable[[str], Module | None]
"""The module of a name, of this text or another."""


@dataclass(frozen=True)
class Edit:
    """Put `text` in the place of `[start:end]`."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """`text` after `edits`."""
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def insert_token(text: str, token: str, offset: int) -> list[Edit] | None:
    """Insert a token that the parser expects at `offset`, if that leaves fewer syntax problems."""
    word = f"{_line_end(text)}{_indentation(text, offset)}{token}" if token.isalpha() else token
    edits = [Edit(offset, offset, word)]
    return edits if len(problems(applied(text, edits))) < len(problems(text)) else None


def declare(source: Source, name: str, offset: int, lookup: Lookup) -> list[Edit] | None:
    """Declare `name`, which is used at `offset`, after the declarations above that place."""
    module = _module(source, offset)
    if module is None or module.head is None or not re.fullmatch(r"[A-Za-z_]\w*", name):
        return None
    kind = "reg" if _is_assigned_in_process(source, module, name) else "wire"
    width = guess_range(source, module, name, lookup)
    return [_declaration(source, module, offset, [f"{kind} {width}{name};"])]


def as_variable(source: Source, name: str, offset: int) -> list[Edit] | None:
    """Make the net `name`, which is assigned in a process at `offset`, a variable."""
    declared = _declared(source, name, offset)
    if declared is None or declared.head is None or declared.kind not in ("port", "signal"):
        return None
    text, head = source.text, declared.head
    if declared.again:  # `output q;` and `wire q;`
        again = text[slice(*declared.again)]
        made = re.sub(r"^\s*(?:wire|tri)\b", "reg", again)
        return [Edit(*declared.again, made)] if made != again else None
    if "=" in text[declared.start : declared.end]:  # it is driven there
        return None
    sharing = [one for one in declared.parent.children if one.head == head]
    kind = text[slice(*head)]
    if len(sharing) == 1:
        return [Edit(*head, _variable_kind(kind))]
    if declared.kind == "port" and _in_header(declared):
        return _split_port(declared, sharing, kind, text)
    line = f"reg {_range(kind)}{name};"
    if declared.kind == "port":
        return [_after_statement(source, declared.end, [line])]
    return [*_cut(source.text, declared, sharing), _after_statement(source, declared.end, [line])]


def outputs_as_variables(text: str) -> str:
    """`text` with those outputs of its modules made variables that are nets and assigned in a process."""
    left = sum(one.kind == "port" for one in Source(text).outline.walk())
    for _ in range(left):  # each edit makes one of them a variable
        source = Source(text)
        edits = next(filter(None, (_as_needed(source, one) for one in source.outline.walk())), None)
        if not edits:
            break
        text = applied(text, edits)
    return text


def _as_needed(source: Source, port: Declaration) -> list[Edit] | None:
    """The edits that make an output a variable, if it is a net that a process assigns."""
    kind = source.text[slice(*port.head)] if port.kind == "port" and port.head else ""
    again = source.text[slice(*port.again)] if port.again else ""
    module = _module(source, port.start)
    if (
        module is None
        or not re.search(r"\boutput\b", kind)
        or re.search(r"\b(?:reg|logic|integer|bit)\b", kind + again)
        or not _is_assigned_in_process(source, module, port.name)
    ):
        return None
    return as_variable(source, port.name, port.start)


def remove_declaration(source: Source, name: str, offset: int) -> list[Edit] | None:
    """Remove the declaration of `name` at `offset`, which is one too many."""
    found = [one for one in source.outline.walk() if one.name_start == offset and one.name == name]
    if not found or found[0].kind != "signal" or found[0].head is None:
        return None
    declared = found[0]
    sharing = [one for one in declared.parent.children if one.head == declared.head]
    if len(sharing) > 1:
        return _cut(source.text, declared, sharing)
    end = source.text.find(";", declared.end) + 1
    if not end:
        return None
    start = declared.head[0]
    line = source.text.rfind("\n", 0, start) + 1
    rest = re.compile(r"[ \t]*(?:\r?\n|\Z)").match(source.text, end)
    if rest and not source.text[line:start].strip():
        start, end = line, rest.end()
    return [Edit(start, end, "")]


def connect(source: Source, instance: Declaration, lookup: Lookup) -> list[Edit] | None:
    """Connect the ports that `instance` leaves out to nets of the same names, which are declared where
    there are none. Ports that are connected by their places are left alone."""
    module = lookup(_type_name(source, instance))
    place = _connections(source, instance)
    if module is None or place is None:
        return None
    start, end = place
    listed = _code(source.text[start:end])
    by_place = listed.strip() and not listed.lstrip().startswith(".")
    if by_place or re.search(r"\.\s*\*", listed):
        return None
    named = {one[1]: one for one in re.finditer(r"\.\s*(\w+)\s*(?:\(\s*(\))?)?", listed)}
    missing = [port for port in module.ports if port.name not in named]
    empty = [
        port
        for port in module.ports
        if port.direction == "input" and port.name in named and named[port.name][2]
    ]
    if not missing and not empty:
        return None
    edits = []
    for port in empty:
        at = start + named[port.name].start(2)
        edits.append(Edit(at, at, port.name))
    if missing:
        edits.append(_more_connections(source.text, start, end, missing))
    lines = [
        f"wire {_known_range(source, instance, module, port)}{port.name};"
        for port in (*missing, *empty)
        if _declared(source, port.name, instance.start) is None
    ]
    scope = _module(source, instance.start)
    if lines and scope is not None:
        edits.append(_declaration(source, scope, instance.head[0], lines))
    return edits


def guess_range(source: Source, module: Declaration, name: str, lookup: Lookup) -> str:
    """The range that the uses of `name` in `module` speak for, with a blank after it; else empty."""
    code = _code(source.text)[module.start : module.end]
    word = re.escape(name)
    for port in re.finditer(rf"\.\s*(\w+)\s*\(\s*{word}\s*\)", code):
        instance = _instance_at(module, module.start + port.start())
        used = lookup(_type_name(source, instance)) if instance else None
        connected = [one for one in used.ports if one.name == port[1]] if used else []
        if connected and (width := _known_range(source, instance, used, connected[0])):
            return width
    copies = rf"\b{word}\s*<?=\s*(\w+)\s*[;,]|\b(\w+)\s*<?=\s*{word}\s*[;,]"
    for copy in re.finditer(copies, code):
        other = module.members.get(copy[1] or copy[2])
        if other is not None and other.head and (width := _range(source.text[slice(*other.head)])):
            return width
    if literal := re.search(rf"\b{word}\s*<?=\s*(\d+)\s*'", code):
        return f"[{int(literal[1]) - 1}:0] " if int(literal[1]) > 1 else ""
    bits = [int(one) for one in re.findall(rf"\b{word}\s*\[\s*(\d+)", code)]
    return f"[{max(bits)}:0] " if bits else ""


# -- what is where ---------------------------------------------------------------------------------


def _module(source: Source, offset: int) -> Declaration | None:
    scopes = source.outline.innermost(offset).scopes()
    return next((one for one in scopes if one.kind in UNITS), None)


def _declared(source: Source, name: str, offset: int) -> Declaration | None:
    scopes = source.outline.innermost(offset).scopes()
    return next((scope.members[name] for scope in scopes if name in scope.members), None)


def _in_header(port: Declaration) -> bool:
    head = port.parent.head
    return head is not None and head[0] <= port.start < head[1]


def _instance_at(module: Declaration, offset: int) -> Declaration | None:
    instances = (one for one in module.walk() if one.kind == "instance")
    return next((one for one in instances if one.start <= offset < one.end), None)


def _type_name(source: Source, instance: Declaration) -> str:
    found = re.compile(r"\w+").match(source.text, instance.type_at or 0)
    return found.group() if found else ""


def _connections(source: Source, instance: Declaration) -> tuple[int, int] | None:
    """What stands between the parentheses of an instance."""
    code = _code(source.text[instance.start : instance.end])
    opening = code.find("(", instance.name_end - instance.start)
    if opening < 0 or not code.endswith(")"):
        return None
    return instance.start + opening + 1, instance.end - 1


def _is_assigned_in_process(source: Source, module: Declaration, name: str) -> bool:
    return any(other == name and module.start <= at < module.end for at, other in source.assigned)


def _code(text: str) -> str:
    """`text` with blanks for comments and strings."""
    return re.sub(OPAQUE, lambda one: re.sub(r"[^\r\n]", " ", one.group()), text, flags=re.DOTALL)


# -- ranges ----------------------------------------------------------------------------------------


def _range(kind: str) -> str:
    """The range in `output wire [3:0]`, with a blank after it, and `signed` before."""
    found = re.search(r"(?:signed\s*)?\[.*\]", kind, re.DOTALL)
    return f"{found.group()} " if found else ""


def _known_range(source: Source, instance: Declaration, module: Module, port: Port) -> str:
    """The range of a port, where an instance does not choose parameters that it depends on."""
    width = _range(port.type_text)
    if "#" not in source.text[instance.type_at or 0 : instance.name_start]:
        values = {one.name: one.default for one in module.parameters}
        width = re.sub(r"[A-Za-z_]\w*", lambda name: values.get(name.group(), name.group()), width)
        width = re.sub(r"(?<=\[)(\d+)\s*-\s*1(?=\s*:)", lambda size: str(int(size[1]) - 1), width)
    return "" if re.search(r"[A-Za-z_`$]", width.removeprefix("signed")) else width


def _variable_kind(kind: str) -> str:
    """`output wire [3:0] ` as `output reg [3:0] `."""
    if re.search(r"\b(?:wire|tri)\b", kind):
        return re.sub(r"\b(?:wire|tri)\b", "reg", kind, count=1)
    return re.sub(r"\b(output|inout)\b", r"\1 reg", kind, count=1)


# -- edits -----------------------------------------------------------------------------------------


def _split_port(port: Declaration, sharing: list[Declaration], kind: str, text: str) -> list[Edit]:
    """Give a port of a header a kind of its own, and the old one to the port after it."""
    number = sharing.index(port)
    own = _variable_kind(kind).rstrip() + " "
    edits = [Edit(*port.head, own)] if number == 0 else [Edit(port.start, port.start, own)]
    if number + 1 < len(sharing):
        after = sharing[number + 1].start
        edits.append(Edit(after, after, kind.rstrip() + " "))
    return edits


def _cut(text: str, declared: Declaration, sharing: list[Declaration]) -> list[Edit]:
    """Take one name out of a list of several."""
    number = sharing.index(declared)
    if number == 0:
        return [Edit(declared.start, sharing[1].start, "")]
    return [Edit(sharing[number - 1].end, declared.end, "")]


def _more_connections(text: str, start: int, end: int, ports: list[Port]) -> Edit:
    """Connections of `ports` behind those in `text[start:end]`, laid out as these are."""
    listed = text[start:end]
    code = _code(listed)
    last = start + len(code.rstrip())
    new = [f".{port.name}({port.name})" for port in ports]
    if not code.strip():
        return Edit(start, end, ", ".join(new))
    between = ", "
    if "\n" in listed.strip() or "\n" in listed[: len(listed) - len(listed.lstrip())]:
        between = f",{_line_end(text)}{_indentation(text, last)}"
    return Edit(last, last, between + between.join(new))


def _declaration(source: Source, module: Declaration, before: int, lines: list[str]) -> Edit:
    """`lines` after the last declaration of `module` that ends before the line of `before`."""
    line = source.text.rfind("\n", 0, before) + 1
    kinds = ("signal", "parameter", "localparam", "port", "genvar")
    above = [
        one.again[1] if one.again else one.end
        for one in module.children
        if one.kind in kinds and module.head[1] <= one.start and one.end < line
    ]
    if above:
        return _after_statement(source, max(above), lines)
    return _inserted(source, module.head[1], lines, _body_indentation(source.text, module))


def _after_statement(source: Source, offset: int, lines: list[str]) -> Edit:
    end = _code(source.text).find(";", offset) + 1 or offset
    return _inserted(source, end, lines, _indentation(source.text, offset))


def _inserted(source: Source, end: int, lines: list[str], indentation: str) -> Edit:
    """`lines` below the line of `end`, where only a comment follows there, else right behind `end`."""
    rest = re.compile(r"[ \t]*(?://[^\r\n]*)?(?=\r?\n|\Z)").match(source.text, end)
    at = rest.end() if rest else end
    new = "".join(f"{_line_end(source.text)}{indentation}{line}" for line in lines)
    return Edit(at, at, new if rest else new + _line_end(source.text) + indentation)


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indentation(text: str, offset: int) -> str:
    start = text.rfind("\n", 0, offset) + 1
    return re.compile(r"[ \t]*").match(text, start).group()


def _body_indentation(text: str, module: Declaration) -> str:
    """The indentation of the first line of a module's body, else one step more than its header's."""
    body = re.compile(r"[^\r\n]*\r?\n(?:[ \t]*\r?\n)*([ \t]+)\S").match(text, module.head[1])
    return body[1] if body else _indentation(text, module.start) + "  "
