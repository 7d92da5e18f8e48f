"""Semantic tokens: what each name of a document is, as far as the document itself tells.

Keywords, numbers, comments and strings are left to the editor's grammar, and told by `lexical` to an
editor that has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lsprotocol.types import SemanticTokensLegend

from engine.verilog.declarations import Declaration, Kind
from engine.verilog.source import Source, name_span
from engine.verilog.tokens import comments
from lsp_server.positions import LineIndex

TYPES: dict[Kind, str] = {
    "module": "class",
    "interface": "interface",
    "program": "class",
    "primitive": "class",
    "package": "namespace",
    "class": "class",
    "port": "parameter",
    "argument": "parameter",
    "parameter": "enumMember",
    "localparam": "enumMember",
    "enumerator": "enumMember",
    "signal": "variable",
    "genvar": "variable",
    "instance": "variable",
    "field": "property",
    "function": "function",
    "task": "function",
    "typedef": "type",
    "macro": "macro",
}
LINE = re.compile(r"[^\r\n]+")
READ_ONLY = frozenset({"parameter", "localparam", "enumerator"})

# What a grammar would colour, by the kind of token.
LEXICAL = {"keyword": "keyword", "system": "function", "number": "number", "string": "string"}

_NAMES = sorted({*TYPES.values(), *LEXICAL.values(), "comment"})
LEGEND = SemanticTokensLegend(token_types=_NAMES, token_modifiers=["declaration", "readonly"])


@dataclass(frozen=True)
class Coloured:
    """A stretch of text with its number in the legend's types and its bits of modifiers."""

    start: int
    end: int
    type: int
    modifiers: int = 0


def coloured(source: Source, start: int = 0, end: int | None = None) -> Iterator[Coloured]:
    """The names between `start` and `end` whose kind is known, in order."""
    owners = {one.owner.start for one in source.lists if one.kind == "ports"}
    for number in range(max(source.number_at(start), 0), len(source.tokens)):
        token = source.tokens[number]
        if end is not None and token.start >= end:
            return
        place = name_span(token, source.text)
        if source.is_macro(number):
            yield Coloured(*place, _number("macro"), int(token.kind == "define"))
        elif token.kind != "name":
            continue
        elif source.connected(number):
            yield Coloured(*place, _number("field"))
        elif one := _meant(source, number):
            yield _of(one, place)
        elif token.start in owners:
            yield Coloured(*place, _number("module"))


def lexical(source: Source, start: int = 0, end: int | None = None) -> Iterator[Coloured]:
    """What a grammar would colour between `start` and `end`, in no order, a stretch for each line."""
    end = len(source.text) if end is None else end
    found = [(*span, "comment") for span in comments(source.text)]
    found += [
        (token.start, token.end, LEXICAL[token.kind])
        for token in source.tokens
        if token.kind in LEXICAL
    ]
    for first, last, name in found:
        if start <= first < end:
            for line in LINE.finditer(source.text, first, last):
                yield Coloured(*line.span(), _NAMES.index(name))


def encoded(found: Iterable[Coloured], lines: LineIndex) -> list[int]:
    """The five numbers a token of the protocol, each place from the one before."""
    data: list[int] = []
    line = column = 0
    for one in sorted(found, key=lambda one: one.start):
        at = lines.position(one.start)
        length = lines.units(lines.text[one.start : one.end])
        data += [at.line - line, at.character - (column if at.line == line else 0)]
        data += [length, one.type, one.modifiers]
        line, column = at.line, at.character
    return data


def _meant(source: Source, number: int) -> Declaration | None:
    token = source.tokens[number]
    if token.start in source.names:
        return source.names[token.start]
    if source.before(number) in (".", "::"):
        return None
    scopes = source.outline.innermost(token.start).scopes()
    return next(
        (scope.members[token.text] for scope in scopes if token.text in scope.members), None
    )


def _of(one: Declaration, place: tuple[int, int]) -> Coloured:
    type_ = _number(one.kind) if one.kind in TYPES else _number("package")
    modifiers = int(place[0] == one.name_start) + 2 * (one.kind in READ_ONLY)
    return Coloured(*place, type_, modifiers)


def _number(kind: Kind) -> int:
    return _NAMES.index(TYPES[kind])
