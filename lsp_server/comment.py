"""Comments that describe a module: find the one at a cursor, take its markers off. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsp_server.cursor import inside_module

_LINE = re.compile(r"[^\r\n]*")
_LINE_COMMENTS = re.compile(r"[ \t]*//[^\r\n]*(?:\r?\n[ \t]*//[^\r\n]*)*")


@dataclass(frozen=True)
class Comment:
    """A run of `//` lines or a block comment. `source` is as written, `text` without markers;
    `start` and `end` are offsets, `end` that of the last line's end."""

    start: int
    end: int
    source: str
    text: str


def comment_at(text: str, offset: int) -> Comment | None:
    """The comment outside any module that the line of `offset` belongs to, if it says anything."""
    start, end = line_at(text, offset)
    if text[start:end].lstrip(" \t").startswith("//"):
        span = _line_comment(text, start)
    else:
        span = _block_comment(text, start, end)
    if span is None or inside_module(text, span[0]):
        return None
    source = text[span[0] : span[1]]
    words = "\n".join(_without_markers(line) for line in source.splitlines()).strip()
    return Comment(*span, source, words) if words else None


def comment_above(text: str, offset: int) -> Comment | None:
    """The comment that ends on the line above that of `offset`, outside any module."""
    start, _ = line_at(text, offset)
    return comment_at(text, start - 1) if start > 0 else None


def line_at(text: str, offset: int) -> tuple[int, int]:
    """Start and end of the line of `offset`, without its line end."""
    match = _LINE.match(text, text.rfind("\n", 0, offset) + 1)
    return match.span()


def _line_comment(text: str, start: int) -> tuple[int, int]:
    """The run of `//` lines around the one that starts at `start`."""
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip(" \t").startswith("//"):
            break
        start = above
    return _LINE_COMMENTS.match(text, start).span()


def _block_comment(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The block comment that touches the line from `start` to `end`, if it begins a line."""
    opening = text.rfind("/*", 0, end)
    closing = text.find("*/", opening + 2)
    if opening < 0 or closing + 2 <= start:
        return None
    # A trailing comment describes its line, not a module to be written.
    alone = not text[text.rfind("\n", 0, opening) + 1 : opening].strip()
    return (opening, closing + 2) if alone else None


def _without_markers(line: str) -> str:
    return line.strip().removesuffix("*/").lstrip("/").lstrip("*").strip()
