"""JSON lines that grow while a long evaluation runs, so that a stopped one goes on where it was.

A line is written whole or, if the process died in it, dropped when the file is opened again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Record = dict[str, Any]


class Key(NamedTuple):
    """What a sample is of: a model (by its fingerprint), a problem, a temperature, and its number."""

    model: str
    suite: str
    problem: str
    temperature: float
    sample: int


def key(record: Record) -> Key:
    return Key(*(record[name] for name in Key._fields))


def read(path: Path) -> list[Record]:
    """The records of `path`; none if it does not exist. Raises ValueError, with its number, for a line
    that is no record."""
    found = []
    for number, line in enumerate(_whole_lines(path), 1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number} is damaged: delete that line ({error})") from error
    return found


@contextlib.contextmanager
def appending(path: Path) -> Iterator[Callable[[Record], None]]:
    """A function that adds a record to `path`, at once."""
    whole = _whole_lines(path)
    with path.open("ab") as file:
        file.truncate(sum(map(len, whole)))

        def write(record: Record) -> None:
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            file.flush()

        yield write


def _whole_lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        return [line for line in file if line.endswith(b"\n")]
