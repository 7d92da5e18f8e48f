"""The textbook on disk: sharded items to train on, one file of exam items, and a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SHARD = 4000  # items


@dataclass(frozen=True)
class Item:
    """A problem to train on. `descriptions` are dicts of kind, wording and text."""

    id: str
    family: str
    name: str
    text: str
    header: str
    descriptions: list[dict[str, str]]


@dataclass(frozen=True)
class ExamItem:
    """A problem to be examined on; `prompts` are dicts of kind, wording, text and form.

    `form` says where the text goes: "instruction" or "prefix" (a comment with the header under it).
    """

    id: str
    family: str
    held_out: str
    """What training has not seen: "family" or "wording"."""
    name: str
    header: str
    text: str
    bench: str
    prompts: list[dict[str, str]]


def write(
    folder: Path, items: Iterable[Item], exam: Iterable[ExamItem], facts: dict[str, Any]
) -> None:
    """Shards, exam.jsonl, then manifest.json: a folder with a manifest is complete."""
    shards = {}
    for number, group in enumerate(_groups(items)):
        name = f"items-{number:05d}.jsonl"
        shards[name] = _write_lines(folder / name, group)
    shards["exam.jsonl"] = _write_lines(folder / "exam.jsonl", exam)
    _replace(folder / "manifest.json", json.dumps({**facts, "sha256": shards}, indent=1) + "\n")


def read(folder: Path) -> Iterator[Item]:
    """All training items. Raises FileNotFoundError if the folder holds no finished textbook."""
    for path in _finished(folder):
        with path.open(encoding="utf-8") as file:
            yield from (Item(**json.loads(line)) for line in file)


def read_exam(folder: Path) -> list[ExamItem]:
    """The exam. Raises FileNotFoundError if the folder holds no finished textbook."""
    _finished(folder)
    with (folder / "exam.jsonl").open(encoding="utf-8") as file:
        return [ExamItem(**json.loads(line)) for line in file]


def _finished(folder: Path) -> list[Path]:
    if not (folder / "manifest.json").exists():
        raise FileNotFoundError(
            f"{folder} holds no finished textbook: run python -m trainer.textbook {folder}"
        )
    return sorted(folder.glob("items-*.jsonl"))


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    group: list[Item] = []
    for item in items:
        group.append(item)
        if len(group) == SHARD:
            yield group
            group = []
    if group:
        yield group


def _write_lines(path: Path, rows: Iterable[Item] | Iterable[ExamItem]) -> str:
    text = "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
    _replace(path, text)
    return hashlib.sha256(text.encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
