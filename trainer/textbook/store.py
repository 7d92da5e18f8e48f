"""The textbook on disk: sharded items to train on, one file of exam items, and a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer import files

SHARD = 4000  # items
EXAM = "exam.jsonl"


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
    """Replace the textbook in `folder`: shards, exam.jsonl, then manifest.json, so that a folder with a
    manifest is complete. Raises OSError."""
    (folder / "manifest.json").unlink(missing_ok=True)
    for old in folder.glob("items-*.jsonl"):
        old.unlink()
    for number, group in enumerate(_groups(items)):
        files.write_lines(folder / f"items-{number:05d}.jsonl", map(asdict, group))
    files.write_lines(folder / EXAM, map(asdict, exam))
    written = [*sorted(folder.glob("items-*.jsonl")), folder / EXAM]
    hashes = {path.name: files.sha256(path) for path in written}
    files.write(folder / "manifest.json", json.dumps({**facts, "sha256": hashes}, indent=1) + "\n")


def read(folder: Path) -> Iterator[Item]:
    """All training items. Raises FileNotFoundError if the folder holds no finished textbook, and ValueError
    if a file is not the one that was written."""
    for name in _manifest(folder)["sha256"]:
        if name != EXAM:
            yield from (Item(**row) for row in _rows(folder, name))


def read_exam(folder: Path) -> list[ExamItem]:
    """The exam. Raises as `read` does."""
    return [ExamItem(**row) for row in _rows(folder, EXAM)]


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{folder} holds no finished textbook: run python -m trainer.textbook {folder}"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def _rows(folder: Path, name: str) -> list[files.Row]:
    if files.sha256(folder / name) != _manifest(folder)["sha256"][name]:
        raise ValueError(f"{folder / name} is not as the manifest has it; write the textbook again")
    return files.read_lines(folder / name)


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    group: list[Item] = []
    for item in items:
        group.append(item)
        if len(group) == SHARD:
            yield group
            group = []
    if group:
        yield group
