"""Files that are seen whole or not at all, their hashes, and JSON lines that grow.

Standard library only, because the language server imports it with `trainer.references`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; at the end of the block it takes `path`'s place.

    Its content is on the disk before it does, so that not even a crash leaves half a file. If the block
    raises, for one because the disk is full, `path` is as it was and nothing is left beside it.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and not error.filename:
            error.filename = str(path)  # a full disk does not say where
        raise


def write(path: Path, content: str | bytes) -> None:
    """Give `path` this content, text as UTF-8, whole or not at all. Raises OSError."""
    with whole(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def storable(text: str) -> str:
    """`text` without the lone surrogates that JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


# --- JSON lines ----------------------------------------------------------------------------------


def line(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def write_lines(path: Path, rows: Iterable[Row]) -> None:
    """Give `path` these rows, whole or not at all. Raises OSError."""
    with whole(path) as partial, partial.open("wb") as file:
        file.writelines(map(line, rows))


def read_lines(path: Path) -> list[Row]:
    """The rows of a file, blank lines passed over; none if it does not exist.

    A last line without its end is left out: whoever wrote it was killed. Raises ValueError, with its
    number, for another line that is not JSON.
    """
    if not path.exists():
        return []
    rows = []
    for number, one in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if one.strip() and one.endswith(b"\n"):
            try:
                rows.append(json.loads(one))
            except ValueError as error:
                raise ValueError(
                    f"{path}:{number} is damaged: delete that line ({error})"
                ) from error
    return rows


@contextlib.contextmanager
def appending(path: Path) -> Iterator[Callable[[Row], None]]:
    """A function that adds a row to `path`, at once. A last line without its end is cut off first."""
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)

        def write_row(row: Row) -> None:
            file.write(line(row))
            file.flush()

        yield write_row
