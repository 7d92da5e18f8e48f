"""Write a textbook of RTL problems: `python -m trainer.textbook OUT --items 50000 --benchmarks FOLDER...`.

Each family (`trainer.textbook.families`) draws problems from seeds. A problem is kept if its reference
passes the test bench made from its Python model, if no problem before it has the same text, and if it is
no copy of a benchmark's. Whole families and whole wordings are held out for an exam.

Work is done in lots that are kept in OUT/work, so that a stopped run goes on where it was. OUT receives
items-*.jsonl, exam.jsonl, manifest.json and the decontamination report.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

from tqdm import tqdm

from trainer.corpus.decontaminate import examine
from trainer.textbook import lots, store, wordings
from trainer.textbook.families import FAMILIES, HELD_OUT
from trainer.textbook.lots import Entry, Lot

EXAM_OF_HELD_OUT_FAMILY = 8
EXAM_OF_FAMILY = 1  # asked in held-out wordings
EXHAUSTED = 0.2  # share of new texts in its last lot under which a family has given what it has


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.textbook", description=__doc__.split("\n")[0]
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--items", type=int, default=50_000, help="distinct items to train on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=None, help="processes; default: all cores")
    parser.add_argument(
        "--benchmarks", type=Path, nargs="*", default=[], help="folders nothing may be a copy of"
    )
    args = parser.parse_args(argv)
    if args.items < 1:
        parser.error("--items must be at least 1")
    work = args.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    try:
        with ProcessPoolExecutor(args.jobs) as pool:
            write(args.out, work, args.items, args.seed, args.benchmarks, pool)
    except KeyboardInterrupt:
        print("interrupted: start the same command again to go on")
        return 130
    except (OSError, RuntimeError, ValueError) as error:
        print(f"trainer.textbook: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(work)
    return 0


def write(
    out: Path, work: Path, wanted: int, seed: int, benchmarks: Sequence[Path], pool: Executor
) -> None:
    """Draw, clean and write the whole textbook."""
    exam = draw_exam(work, seed, pool)
    entries = draw_items(work, wanted, seed, {entry.fingerprint for entry, _ in exam}, pool)
    counts = {"distinct items": len(entries), "exam items": len(exam)}

    texts = [(e.fingerprint, e.text) for e in [*entries, *(e for e, _ in exam)]]
    report = examine(texts, benchmarks)
    report.write(out)
    copies = report.copies
    entries = [entry for entry in entries if entry.fingerprint not in copies]
    exam = [(entry, kind) for entry, kind in exam if entry.fingerprint not in copies]
    counts |= {"items kept": len(entries), "exam items kept": len(exam)}

    Random(seed).shuffle(entries)
    described = pool.map(lots.item, entries, chunksize=64)
    facts = {
        "seed": seed,
        "families": len(FAMILIES),
        "held_out_families": sorted(HELD_OUT),
        "held_out_wordings": sorted(wordings.HELD_OUT),
        "counts": counts,
        "items_of_family": Counter(entry.family for entry in entries),
    }
    store.write(
        out,
        tqdm(described, total=len(entries), desc="describe", unit="item"),
        [lots.exam_item(entry, kind) for entry, kind in exam],
        facts,
    )
    print(json.dumps(counts, indent=1))


def draw_exam(work: Path, seed: int, pool: Executor) -> list[tuple[Entry, str]]:
    """Entries with what is held out of each, "family" or "wording": the first lot of each family."""
    exam = []
    first = [Lot(family, 0, seed) for family in sorted(FAMILIES)]
    for lot, entries in zip(first, pool.map(partial(lots.draw, folder=work), first), strict=True):
        held_out = lot.family in HELD_OUT
        count = EXAM_OF_HELD_OUT_FAMILY if held_out else EXAM_OF_FAMILY
        distinct = {entry.fingerprint: entry for entry in entries}
        kind = "family" if held_out else "wording"
        exam += [(entry, kind) for entry in list(distinct.values())[:count]]
    return exam


def draw_items(work: Path, wanted: int, seed: int, taken: set[str], pool: Executor) -> list[Entry]:
    """About `wanted` entries with texts that differ, spread evenly over the families.

    A family that runs out of new texts leaves its share to the others.
    """
    seen = set(taken)
    kept: dict[str, list[Entry]] = {family: [] for family in sorted(set(FAMILIES) - HELD_OUT)}
    active, number = set(kept), 1
    with tqdm(total=wanted, desc="draw", unit="item") as bar:
        while active and bar.n < wanted:
            share = (wanted - bar.n) // len(active) + 1
            ahead = max(1, share // lots.SIZE)
            planned = [
                Lot(family, n, seed)
                for n in range(number, number + ahead)
                for family in sorted(active)
            ]
            number += ahead
            drawn = pool.map(partial(lots.draw, folder=work), planned)
            for lot, entries in zip(planned, drawn, strict=True):
                fresh = {e.fingerprint: e for e in entries if e.fingerprint not in seen}
                seen |= fresh.keys()
                kept[lot.family] += fresh.values()
                bar.update(len(fresh))
                if len(fresh) < EXHAUSTED * lots.SIZE:
                    active.discard(lot.family)
    return [entry for entries in kept.values() for entry in entries]


if __name__ == "__main__":
    raise SystemExit(main())
