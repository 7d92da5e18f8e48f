"""Texts with a cursor drawn in them, as an index, and places drawn as the editor shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsp_server.workspace import Index

FOLDER = Path("/project")


def opened(files: dict[str, str], include_dirs: Sequence[Path] = ()) -> tuple[Index, Path, int]:
    """An index of open documents, and the one place among them where a `|` is drawn."""
    index = Index(lambda path: include_dirs)
    place = None
    for name, text in files.items():
        if "|" in text and place is None:
            place = FOLDER / name, text.index("|")
            text = text.replace("|", "", 1)
        index.update(FOLDER / name, text)
    assert place is not None, "no cursor is drawn"
    return index, *place


def bracketed(index: Index, path: Path, start: int, end: int) -> str:
    """The line of a place, `file: line`, with brackets around it."""
    text = index.text(path)
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    line = f"{text[first:start]}[{text[start:end]}]{text[end : last if last >= 0 else None]}"
    return f"{path.name}: {line.strip()}"
