"""The folder a round keeps its records in: which round is next, and files that appear whole.

<home>/rounds/round-NNNN/manifest.json    inputs; written when the round is opened
<home>/rounds/round-NNNN/*.jsonl          one file a stage
<home>/rounds/round-NNNN/result.json      written last: a round without it is unfinished
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from trainer import files
from trainer.files import Row


@dataclass(frozen=True)
class Round:
    """An open round. `references` are the ids of the references it learns from."""

    number: int
    folder: Path
    references: list[int]

    @property
    def name(self) -> str:
        return _name(self.number)

    def stage(self, file: str, rows: Callable[[], Iterable[Row]]) -> list[Row]:
        """The rows of a stage's file, computed and written first if it is not there."""
        path = self.folder / file
        if not path.exists():
            files.write_lines(path, rows())
        return files.read_lines(path)

    def finish(self, result: Row) -> None:
        files.write(self.folder / "result.json", json.dumps(result, indent=1) + "\n")


def open_round(folder: Path, inputs: Row, references: Collection[int], models: Path) -> Round:
    """The last round in `folder` if it is unfinished and began with these inputs, else a new one.

    A round that used a reference which is no longer among `references` is not gone on with: a
    deleted edit is not learned from. The number of a new round is free in the folder `models`, too.
    """
    number = _last_number(folder)
    manifest = folder / _name(number) / "manifest.json"
    if manifest.exists() and not manifest.with_name("result.json").exists():
        last = json.loads(manifest.read_text(encoding="utf-8"))
        if last["inputs"] == inputs and set(last["references"]) <= set(references):
            return Round(number, manifest.parent, last["references"])
    number = 1 + max(number, _last_number(models))
    opened = Round(number, folder / _name(number), list(references))
    opened.folder.mkdir(parents=True)
    record = {"round": number, "inputs": inputs, "references": opened.references}
    files.write(opened.folder / "manifest.json", json.dumps(record, indent=1) + "\n")
    return opened


def _name(number: int) -> str:
    return f"round-{number:04}"


def _last_number(folder: Path) -> int:
    names = (re.fullmatch(r"round-(\d+)", path.name) for path in folder.glob("round-*"))
    return max((int(match[1]) for match in names if match), default=0)
