"""Text offsets and LSP positions: the one place where UTF-8, UTF-16 and UTF-32 columns meet.

Inside the server a place is an offset into a str. At the border it is a line and a column in the
units that client and server agreed on.
"""

from __future__ import annotations

import bisect
import re
from functools import cached_property

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

# The line ends of the protocol. str.splitlines knows many more (form feeds, U+2028), and one of
# them in a file would shift every line after it.
LINE_END = re.compile(r"\r\n|\n|\r")


class LineIndex:
    """Where the lines of `text` start, and the way from positions to offsets and back."""

    def __init__(
        self,
        text: str,
        encoding: types.PositionEncodingKind | str = types.PositionEncodingKind.Utf16,
    ) -> None:
        self.text = text
        self.encoding = types.PositionEncodingKind(encoding)
        self.starts = [0, *(end.end() for end in LINE_END.finditer(text))]

    def line(self, number: int) -> str:
        """Line `number` (from 0) without its line end; empty past the last."""
        if not 0 <= number < len(self.starts):
            return ""
        last = number + 1 == len(self.starts)
        stop = len(self.text) if last else self.starts[number + 1]
        return self.text[self.starts[number] : stop].rstrip("\r\n")

    def offset(self, position: types.Position) -> int:
        """The offset of `position`; past the end of a line or of the text it is that end."""
        if position.line >= len(self.starts):
            return len(self.text)
        line = self.line(position.line)
        return self.starts[position.line] + self._characters(line, position.character)

    def position(self, offset: int) -> types.Position:
        """The position of `offset`, which is taken as the nearest one within the text."""
        offset = min(max(offset, 0), len(self.text))
        number = bisect.bisect_right(self.starts, offset) - 1
        column = self.units(self.text[self.starts[number] : offset])
        return types.Position(number, column)

    def range(self, start: int, end: int) -> types.Range:
        return types.Range(self.position(start), self.position(end))

    def units(self, text: str) -> int:
        """The length of `text` in the units of the encoding."""
        if text.isascii() or self.encoding is types.PositionEncodingKind.Utf32:
            return len(text)
        if self.encoding is types.PositionEncodingKind.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2

    def _characters(self, line: str, units: int) -> int:
        """How many characters of `line` fit in `units`; one that is cut in two is left out."""
        if line.isascii() or self.encoding is types.PositionEncodingKind.Utf32:
            return min(units, len(line))
        for count, character in enumerate(line):
            units -= self.units(character)
            if units < 0:
                return count
        return len(line)


class Document(TextDocument):
    """An open document. Differs from pygls' own in that it knows only the protocol's line ends
    and that a document which is not open is empty instead of being read from disk."""

    @property
    def source(self) -> str:
        return self._source or ""

    @cached_property
    def index(self) -> LineIndex:
        return LineIndex(self.source, self.position_codec.encoding)

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        if isinstance(change, types.TextDocumentContentChangePartial):
            start = self.index.offset(change.range.start)
            end = self.index.offset(change.range.end)
            self._source = self.source[:start] + change.text + self.source[end:]
        else:
            self._source = change.text
        self.__dict__.pop("index", None)  # computed again when next asked for


class Documents(Workspace):
    """pygls' workspace, made of `Document`s."""

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> Document:
        return Document(doc_uri, source, version, language_id, position_codec=self.position_codec)
