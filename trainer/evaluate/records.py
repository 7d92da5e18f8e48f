"""The records of an evaluation: JSON lines that grow while it runs, so that a stopped one goes on."""

from __future__ import annotations

from typing import NamedTuple

from trainer.files import Row as Record
from trainer.files import appending
from trainer.files import read_lines as read

__all__ = ["Key", "Record", "appending", "key", "read"]


class Key(NamedTuple):
    """What a sample is of: a model (by its fingerprint), a problem, a temperature, and its number."""

    model: str
    suite: str
    problem: str
    temperature: float
    sample: int


def key(record: Record) -> Key:
    return Key(*(record[name] for name in Key._fields))
