"""The corpus on disk: shards `modules-00000.jsonl`, ... of items, and `manifest.json`.

The manifest is written last and names every shard with its hash: a folder without one is no corpus,
whatever else a killed run has left in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from trainer import files

SHARD_ITEMS = 4000
FORMAT = 1

Origin = Literal["comment", "template", "model", "pair"]


@dataclass(frozen=True)
class Item:
    """One module with where it comes from and what it is said to do.

    `text` begins with its `module` and ends with a newline; the comment above it is in
    `description`. `path` is relative to the source. `origin` tells who described it: the code's own
    comment, the template, a model behind an endpoint, or the set of pairs that it came with.
    """

    text: str
    description: str
    source: str
    path: str
    commit: str
    licence: str
    origin: Origin = "comment"


def read(folder: Path) -> list[Item]:
    """The items of a corpus, in order. Raises FileNotFoundError for a folder without a manifest and
    ValueError for one whose shards are not those that the manifest names."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        raise FileNotFoundError(
            f"{folder} has no manifest.json and so is no finished corpus; "
            f"build it with `python -m trainer.corpus {folder} SOURCE...`"
        )
    items = []
    for shard in json.loads(manifest.read_text(encoding="utf-8"))["shards"]:
        path = folder / shard["name"]
        if files.sha256(path) != shard["sha256"]:
            raise ValueError(f"{path} is not as the manifest has it; build it again")
        items += [Item(**row) for row in files.read_lines(path)]
    return items


def write(folder: Path, items: Sequence[Item], manifest: dict[str, Any]) -> None:
    """Replace the corpus in `folder`. Everything is on the disk before the first old file goes, and
    the manifest comes back last."""
    parts = [items[i : i + SHARD_ITEMS] for i in range(0, len(items), SHARD_ITEMS)]
    shards = []
    for number, part in enumerate(parts):
        name = f"modules-{number:05}.jsonl"
        new = folder / f"{name}.new"
        files.write_lines(new, map(asdict, part))
        facts = {"bytes": new.stat().st_size, "sha256": files.sha256(new)}
        shards.append({"name": name, "items": len(part), **facts})
    whole = {"format": FORMAT, **manifest, "shards": shards}
    files.write(folder / "manifest.json.new", json.dumps(whole, indent=1) + "\n")
    (folder / "manifest.json").unlink(missing_ok=True)
    for old in folder.glob("modules-*.jsonl"):
        old.unlink()
    for shard in shards:
        (folder / f"{shard['name']}.new").replace(folder / shard["name"])
    (folder / "manifest.json.new").replace(folder / "manifest.json")
