"""How the demo draws Verilog on a terminal: numbered lines, problems, ghost text.

Everything is legible without colours too: `▌` is the cursor, what stands right of it or on lines
without a number is ghost text, and `┊` marks where a fragment ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types
from rich.text import Text

CURSOR = "▌"
FRAGMENT_END = "┊"
GHOST_STYLE = "italic cyan"
QUIET_STYLE = "dim"
PROBLEM_STYLE = "bold red"
CONTEXT = 2  # lines above and below the cursor


def lines(text: str, first: int, last: int) -> Text:
    """Lines `first` to `last` of `text`, counted from 1, with their numbers."""
    shown = text.split("\n")[first - 1 : last]
    return _joined([_row(number, line) for number, line in enumerate(shown, first)])


def problems(text: str, diagnostics: Sequence[types.Diagnostic]) -> Text:
    """Each line with a problem after the one above it, and below what is wrong, narrowest first."""
    rows: list[Text] = []
    for line in sorted({diagnostic.range.start.line for diagnostic in diagnostics}):
        rows.append(lines(text, max(line, 1), line + 1))
        here = [diagnostic for diagnostic in diagnostics if diagnostic.range.start.line == line]
        rows.extend(_problem(diagnostic) for diagnostic in sorted(here, key=_width))
    return _joined(rows)


def ghost(text: str, cursor: int, fragments: Sequence[str]) -> Text:
    """`text` around offset `cursor`, with `fragments` as ghost text at the cursor."""
    before, after = text[:cursor].split("\n"), text[cursor:].split("\n")
    number = len(before)
    first, *further = _ghost_lines(fragments)
    at_cursor = _row(number, before[-1]).append(CURSOR, "bold").append_text(first)
    rows = [at_cursor, *(_row(None, "").append_text(line) for line in further)]
    rows[-1].append(after[0])
    top = max(1, number - CONTEXT)
    above = [_row(n, before[n - 1]) for n in range(top, number)]
    below = [_row(number + n, line) for n, line in enumerate(after[1 : 1 + CONTEXT], 1)]
    return _joined([*above, *rows, *below])


def _problem(diagnostic: types.Diagnostic) -> Text:
    row = _row(None, " " * diagnostic.range.start.character)
    return row.append(f"{'^' * _width(diagnostic)} {diagnostic.message}", PROBLEM_STYLE)


def _width(diagnostic: types.Diagnostic) -> int:
    start, end = diagnostic.range.start, diagnostic.range.end
    return max(end.character - start.character, 1) if end.line == start.line else 1


def _ghost_lines(fragments: Sequence[str]) -> list[Text]:
    written = Text()
    for fragment in fragments:
        body = fragment.rstrip()
        written.append(body, GHOST_STYLE).append(FRAGMENT_END, QUIET_STYLE)
        written.append(fragment[len(body) :])
    return list(written.split("\n", allow_blank=True)) or [Text()]


def _row(number: int | None, line: str) -> Text:
    label = "" if number is None else number
    return Text().append(f"{label:>6} │ ", QUIET_STYLE).append(line)


def _joined(rows: list[Text]) -> Text:
    return Text("\n").join(rows)
