"""Quick fixes: code actions that take a diagnostic's problem out of the text.

A diagnostic's code says what kind of problem it is, its range and message the rest; `repairs` makes the
edits. What would not help is not offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lsprotocol import types

from engine.verilog.declarations import Declaration
from engine.verilog.repairs import (
    Edit,
    Lookup,
    as_variable,
    connect,
    declare,
    insert_token,
    remove_declaration,
)
from engine.verilog.source import Source
from lsp_server.cursor import without_comments
from lsp_server.positions import LineIndex
from lsp_server.workspace import INCLUDE

Header = Callable[[str], str | None]
"""The name of a file to include for a macro, if there is one."""

KIND = types.CodeActionKind.QuickFix

_EXPECTED = re.compile(r"syntax error: expected '([^\w\s]|end\w*)'$", re.MULTILINE)


@dataclass(frozen=True)
class Fix:
    """What an editor offers: a title, the edits, and the diagnostic that they are for, if any."""

    title: str
    edits: list[Edit]
    diagnostic: types.Diagnostic | None = None

    def text_edits(self, lines: LineIndex) -> list[types.TextEdit]:
        """The edits in the client's units, in the order of the text."""
        ordered = sorted(self.edits, key=lambda one: (one.start, one.end))
        return [types.TextEdit(lines.range(one.start, one.end), one.text) for one in ordered]


def wanted(context: types.CodeActionContext) -> bool:
    """Whether the editor asks for quick fixes."""
    return context.only is None or any(kind == KIND.value for kind in context.only)


def fixes(
    lines: LineIndex,
    source: Source,
    params: types.CodeActionParams,
    lookup: Lookup,
    header: Header,
) -> list[Fix]:
    """The fixes for the diagnostics of a request, and for the instance that its range begins in."""
    found = []
    for diagnostic in params.context.diagnostics:
        start = lines.offset(diagnostic.range.start)
        end = lines.offset(diagnostic.range.end)
        found += [
            Fix(title, edits, diagnostic)
            for title, edits in _repairs(source, diagnostic, start, end, lookup)
            if edits
        ]
        if diagnostic.code == "undefined-macro" and (name := header(source.text[start:end])):
            found.append(Fix(f"Include {name}", [include(source.text, name)], diagnostic))
    offset = lines.offset(params.range.start)
    if not any(one.title.startswith(_CONNECT) for one in found):
        instances = [one for one in _instances(source) if one.start <= offset <= one.end]
        found += [
            Fix(title, edits) for title, edits in _connected(source, instances, lookup) if edits
        ]
    return found


_CONNECT = "Connect the missing ports"


def _repairs(
    source: Source, diagnostic: types.Diagnostic, start: int, end: int, lookup: Lookup
) -> Iterator[tuple[str, list[Edit] | None]]:
    name = source.text[start:end]
    match diagnostic.code:
        case "undeclared" | "implicit-net":
            yield f"Declare {name}", declare(source, name, start, lookup)
        case "not-a-variable":
            yield f"Make {name} a reg", as_variable(source, name, start)
        case "duplicate":
            yield f"Remove this declaration of {name}", remove_declaration(source, name, start)
        case "unconnected-port":
            instances = [one for one in _instances(source) if one.type_at == start]
            yield from _connected(source, instances, lookup)
        case "syntax":
            for token in dict.fromkeys(_EXPECTED.findall(diagnostic.message)):
                yield f"Insert {token}", insert_token(source.text, token, end)


def include(text: str, name: str) -> Edit:
    """Include the file `name` below the last file that is included, or else above the first code and
    the comment that belongs to it."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    line = f'`include "{name}"{line_end}'
    included = list(INCLUDE.finditer(text))
    if included:
        at = text.find("\n", included[-1].end()) + 1 or len(text)
        return Edit(at, at, line)
    code = re.search(r"\S", without_comments(text))
    above = text[: text.rfind("\n", 0, code.start() if code else 0) + 1].splitlines(keepends=True)
    while above and above[-1].strip():
        above.pop()
    at = len("".join(above))
    return Edit(at, at, line)


def _instances(source: Source) -> list[Declaration]:
    return [one for one in source.outline.walk() if one.kind == "instance"]


def _connected(
    source: Source, instances: list[Declaration], lookup: Lookup
) -> Iterator[tuple[str, list[Edit] | None]]:
    for instance in instances:
        yield f"{_CONNECT} of {instance.name}", connect(source, instance, lookup)
