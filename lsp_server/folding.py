"""What can be folded: blocks, lists and `ifdef branches by their words, comments, runs of directives.

Only tokens are looked at, so text that does not parse folds as well as it can.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol.types import FoldingRange, FoldingRangeKind

from engine.verilog.source import Source
from engine.verilog.tokens import comments
from lsp_server.positions import LineIndex

_CLOSES: dict[str, frozenset[str]] = {
    "endmodule": frozenset({"module", "macromodule"}),
    "endinterface": frozenset({"interface"}),
    "endprogram": frozenset({"program"}),
    "endpackage": frozenset({"package"}),
    "endclass": frozenset({"class"}),
    "endfunction": frozenset({"function"}),
    "endtask": frozenset({"task"}),
    "endgenerate": frozenset({"generate"}),
    "endcase": frozenset({"case", "casex", "casez"}),
    "endprimitive": frozenset({"primitive"}),
    "endspecify": frozenset({"specify"}),
    "end": frozenset({"begin"}),
    "join": frozenset({"fork"}),
    "join_any": frozenset({"fork"}),
    "join_none": frozenset({"fork"}),
    ")": frozenset({"("}),
    "}": frozenset({"{"}),
}
_OPENS = frozenset().union(*_CLOSES.values())
_BRANCHES = frozenset({"ifdef", "ifndef", "elsif", "else", "endif"})


def folding_ranges(source: Source, lines: LineIndex) -> list[FoldingRange]:
    """The ranges of whole lines, in order. The last line stays visible where it closes the block."""
    found: dict[tuple[int, int], FoldingRangeKind | None] = {}
    for start, end in _pairs(source, lines):
        found[start, end - 1] = None
    for start, end in _comments(source, lines):
        found[start, end] = FoldingRangeKind.Comment
    whole = sorted((start, -end) for start, end in found if end > start)
    return [FoldingRange(start, -end, kind=found[start, -end]) for start, end in whole]


def _pairs(source: Source, lines: LineIndex) -> Iterator[tuple[int, int]]:
    """First and last lines of what opens and closes."""
    opened: list[tuple[str, int]] = []
    branches: list[int] = []
    for token in source.tokens:
        if token.kind == "macro" and token.text in _BRANCHES:
            line = lines.position(token.start).line
            if not token.text.startswith("if") and branches:
                yield branches.pop(), line
            if token.text != "endif":
                branches.append(line)
        elif token.kind not in ("keyword", "mark"):
            continue
        elif token.text in _OPENS:
            opened.append((token.text, lines.position(token.start).line))
        elif token.text in _CLOSES:
            wanted = _CLOSES[token.text]
            depth = next((n for n in range(len(opened), 0, -1) if opened[n - 1][0] in wanted), 0)
            if depth:
                yield opened[depth - 1][1], lines.position(token.start).line
                del opened[depth - 1 :]


def _comments(source: Source, lines: LineIndex) -> Iterator[tuple[int, int]]:
    """First and last lines of comments and of runs of comments on lines of their own."""
    first = last = None
    for start, end in comments(source.text):
        line = lines.position(start).line
        if source.text[lines.starts[line] : start].strip():
            continue
        if last is not None and line == last + 1:
            last = lines.position(end).line
            continue
        if last is not None:
            yield first, last
        first, last = line, lines.position(end).line
    if last is not None:
        yield first, last
