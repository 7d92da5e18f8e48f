"""Lots of problems of one family: drawn, rendered, checked against their benches, and described."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from engine.verilog.lexemes import lexemes
from trainer import files
from trainer.textbook import bench, render, verify, wordings
from trainer.textbook.draw import Draw
from trainer.textbook.families import FAMILIES
from trainer.textbook.problem import Problem
from trainer.textbook.store import ExamItem, Item

SIZE = 50  # problems compiled and simulated together


@dataclass(frozen=True)
class Lot:
    """What can be drawn anew from these three values, always the same."""

    family: str
    number: int
    seed: int

    def seeds(self) -> Iterator[str]:
        first = self.number * SIZE
        return (f"{self.seed}/{self.family}/{n}" for n in range(first, first + SIZE))


@dataclass(frozen=True)
class Entry:
    """A problem that passed its bench: all that an item or an exam item is made of."""

    seed: str
    family: str
    name: str
    header: str
    text: str
    fingerprint: str
    """Equal for texts that differ in comments and blanks only."""


def draw(lot: Lot, folder: Path) -> list[Entry]:
    """The entries of a lot, from its file in `folder` if it has been drawn before.

    Raises RuntimeError, naming the seed, if fewer than nine in ten of its problems pass their benches.
    """
    path = folder / f"{lot.family}-{lot.number:04d}.jsonl"
    if path.exists():
        return [Entry(**row) for row in files.read_lines(path)]
    entries, trials = [], []
    for number, seed in enumerate(lot.seeds()):
        problem, header, text = compose(lot.family, seed)
        top, suffix = f"testbench_{number}", f"_{number}"  # names repeat within a lot
        checked = bench.bench(problem, seed, top, top, problem.name + suffix)
        trials.append(verify.Trial(verify.renamed(text, suffix), checked, top))
        entries.append(Entry(seed, lot.family, problem.name, header, text, fingerprint(text)))
    passed = verify.passing(trials)
    failed = [entry.seed for entry, good in zip(entries, passed, strict=True) if not good]
    if len(failed) > SIZE // 10:
        raise RuntimeError(
            f"family {lot.family} is broken: see {failed[0]}, and {len(failed)} in all"
        )
    entries = [entry for entry, good in zip(entries, passed, strict=True) if good]
    files.write_lines(path, map(asdict, entries))
    return entries


def compose(family: str, seed: str) -> tuple[Problem, str, str]:
    """(problem, header, module) of a seed."""
    draw = Draw(seed)
    problem = FAMILIES[family](draw)
    header, text = render.module(problem, draw)
    return problem, header, text


def item(entry: Entry) -> Item:
    """`entry` to train on, in training wordings."""
    problem, header, text = compose(entry.family, entry.seed)
    said = wordings.describe(problem, header, Random(f"{entry.seed}/words"))
    described = [asdict(description) for description in said]
    return Item(entry.fingerprint, entry.family, entry.name, text, header, described)


def exam_item(entry: Entry, held_out: str) -> ExamItem:
    """`entry` to be examined on: in wordings held out, or in training's if the family is held out."""
    problem, header, text = compose(entry.family, entry.seed)
    describe = wordings.describe if held_out == "family" else wordings.describe_held_out
    asked = []
    for said in describe(problem, header, Random(f"{entry.seed}/words")):
        if said.wording in wordings.SHORT:
            continue
        prefix = said.kind == "comment"
        text_of_prompt = said.text + header if prefix else said.text
        asked.append(
            {
                "kind": said.kind,
                "wording": said.wording,
                "text": text_of_prompt,
                "form": "prefix" if prefix else "instruction",
            }
        )
    return ExamItem(
        entry.fingerprint,
        entry.family,
        held_out,
        entry.name,
        header,
        text,
        bench.bench(problem, entry.seed),
        asked,
    )


def fingerprint(text: str) -> str:
    """Sixteen hexadecimal digits of the module's lexemes."""
    return hashlib.sha256(" ".join(lexemes(text)).encode()).hexdigest()[:16]
