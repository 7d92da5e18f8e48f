"""The symbols of a document, as a tree, and those of the workspace, searched by name."""

from __future__ import annotations

import re

from lsprotocol.types import DocumentSymbol, SymbolKind

from engine.verilog.declarations import Declaration, Kind
from engine.verilog.source import Source
from lsp_server.positions import LineIndex
from lsp_server.summary import Symbol

MOST_FOUND = 300
LONGEST_DETAIL = 120

KINDS: dict[Kind, SymbolKind] = {
    "module": SymbolKind.Module,
    "interface": SymbolKind.Interface,
    "program": SymbolKind.Module,
    "primitive": SymbolKind.Module,
    "package": SymbolKind.Package,
    "class": SymbolKind.Class,
    "port": SymbolKind.Property,
    "parameter": SymbolKind.Constant,
    "localparam": SymbolKind.Constant,
    "signal": SymbolKind.Variable,
    "genvar": SymbolKind.Variable,
    "instance": SymbolKind.Object,
    "modport": SymbolKind.Interface,
    "function": SymbolKind.Function,
    "task": SymbolKind.Function,
    "argument": SymbolKind.Variable,
    "typedef": SymbolKind.Struct,
    "enumerator": SymbolKind.EnumMember,
    "field": SymbolKind.Field,
    "property": SymbolKind.Event,
    "block": SymbolKind.Namespace,
    "process": SymbolKind.Event,
    "macro": SymbolKind.Constant,
}


def document_symbols(source: Source, lines: LineIndex) -> list[DocumentSymbol]:
    """The declarations of a document as a tree. A scope without a name gives its place to what is in
    it, but for an `always` or `initial`, which is shown with its event or its label."""
    return _below(source.outline, source.text, lines)


def _below(scope: Declaration, text: str, lines: LineIndex) -> list[DocumentSymbol]:
    found: list[DocumentSymbol] = []
    for one in scope.children:
        if one.name or one.kind == "process":
            found.append(_symbol(one, text, lines))
        else:
            found += _below(one, text, lines)
    return found


def _symbol(one: Declaration, text: str, lines: LineIndex) -> DocumentSymbol:
    name, detail, shown = one.name, one.described(text).split("\n")[0], one
    if one.kind == "process":
        name, detail = detail, ""
        if len(one.children) == 1 and one.children[0].name:  # its label says more
            shown = one.children[0]
            name, detail = shown.name, name
    elif one.kind in ("block", "macro"):
        detail = ""
    return DocumentSymbol(
        name=name,
        kind=KINDS[one.kind],
        range=lines.range(min(one.start, one.name_start), max(one.end, one.name_end)),
        selection_range=lines.range(shown.name_start, shown.name_end),
        detail=" ".join(detail.split())[:LONGEST_DETAIL],
        children=_below(shown, text, lines),
    )


def matching(query: str, symbols: list[tuple[object, Symbol]]) -> list[tuple[object, Symbol]]:
    """Those whose names hold the letters of `query` in order: equal names first, then those that
    begin so, then those that hold it as it is, then the others; `MOST_FOUND` at most."""
    letters = re.compile(".*?".join(map(re.escape, query)), re.IGNORECASE)
    wanted = query.lower()

    def rank(found: tuple[object, Symbol]) -> tuple[bool, bool, bool, int, str]:
        name = found[1].name.lower()
        return (name != wanted, not name.startswith(wanted), wanted not in name, len(name), name)

    return sorted((one for one in symbols if letters.search(one[1].name)), key=rank)[:MOST_FOUND]
