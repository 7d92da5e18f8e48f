"""From sources to a corpus, step by step, so that a killed run loses at most one source.

What a source gives is kept in OUT/work until the corpus is whole, under a name made of everything that it
depends on: the files that are read, with their sizes and times, their licence, and the options.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from trainer import files
from trainer.corpus import decontaminate, duplicates, modules, pairs, store
from trainer.corpus.endpoint import Endpoint
from trainer.corpus.licences import Repository, is_permissive
from trainer.corpus.modules import File, Parser, Result
from trainer.corpus.store import Item
from trainer.corpus.workers import Failure, Workers

STAGE_FORMAT = 1  # to be raised when the same source comes to give other items
TASK_SECONDS = 60
MAX_PROBLEMS = 2000  # named in the manifest; all of them are counted

_SUFFIXES = {".v", ".sv"}


@dataclass(frozen=True)
class Options:
    """What the items of a source depend on, besides the source. `licence` is for sources that carry none;
    `exclude` has patterns of SOURCE/PATH."""

    parser: Parser = "pyslang"
    elaborate: bool = False
    exclude: tuple[str, ...] = ()
    licence: str | None = None


@dataclass
class Stage:
    """What sources gave: items, what was dropped, and the files and lines that have something wrong."""

    items: list[Item] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, str]] = field(default_factory=list)

    def merge(self, other: Stage) -> None:
        self.items += other.items
        self.counts += other.counts
        self.problems += other.problems


def build(
    out: Path,
    sources: Sequence[Path],
    benchmarks: Sequence[Path],
    options: Options,
    jobs: int,
    endpoint: Endpoint | None = None,
    most_of_one: int = 0,
) -> Counter[str]:
    """Build the corpus in `out` from folders of repositories and files of pairs; returns the counts.

    A repository keeps at most `most_of_one` modules; 0 is no limit.
    Raises OSError where `out` can't be written or a source can't be read, ValueError for a file of
    pairs in no known shape, and IcarusMissing.
    """
    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    if options.elaborate:
        modules.elaboration("module m; endmodule", ".v")  # raises now rather than in each process
    whole = Stage()
    with Workers(jobs, TASK_SECONDS) as workers:
        for source in tqdm(sources, desc="sources", unit="source"):
            whole.merge(_staged(work, source, options, workers))
    items = _distinct(whole.items, whole.counts)
    items, report = _clean(items, benchmarks, whole.counts)
    if most_of_one:
        items = _limited(items, most_of_one, whole.counts)
    if endpoint:
        items = _described(items, endpoint, whole)
    whole.counts["items"] = len(items)
    whole.counts["characters"] = sum(len(item.text) for item in items)
    whole.counts.update(f"described by: {item.origin}" for item in items)
    report.write(out)
    manifest = _manifest(items, whole, options, benchmarks)
    manifest["options"]["most_of_one"] = most_of_one
    store.write(out, items, manifest)
    return whole.counts


def _staged(work: Path, source: Path, options: Options, workers: Workers) -> Stage:
    """What a source gives, from `work` if a run before this one got that far."""
    found = _files(source) if source.is_dir() else [source]
    kept = [path for path in found if not _excluded(source, path, options.exclude)]
    states = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in [source, *kept]]
    folder = source if source.is_dir() else source.parent
    origin = [_commit(folder), Repository(folder).of_folder(folder)]
    basis = [STAGE_FORMAT, asdict(replace(options, exclude=())), _tools(options), origin, states]
    key = hashlib.sha256(json.dumps(basis).encode()).hexdigest()[:16]
    path = work / f"{source.name}-{key}.json"
    if path.exists():
        row = json.loads(path.read_text(encoding="utf-8"))
        items = [Item(**item) for item in row["items"]]
        return Stage(items, Counter(row["counts"]), row["problems"])
    if source.is_dir():
        stage = _repository(source, kept, options, workers)
        stage.counts["files excluded by name"] = len(found) - len(kept)
    else:
        stage = _pairs(source, options, workers)
    row = {"items": [asdict(item) for item in stage.items]}
    row |= {"counts": stage.counts, "problems": stage.problems}
    files.write(path, json.dumps(row))
    return stage


def _files(source: Path) -> list[Path]:
    """The Verilog files in a folder, sorted. Links are left out: they may lead anywhere, or in circles."""
    found = (path for path in source.rglob("*") if path.suffix in _SUFFIXES)
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _excluded(source: Path, file: Path, patterns: Sequence[str]) -> bool:
    where = f"{_title(source)}/{file.relative_to(source).as_posix()}"
    return any(fnmatch(where, pattern) for pattern in patterns)


def _title(source: Path) -> str:
    """What a source is called in the corpus: OWNER/NAME for a folder OWNER+NAME."""
    if source.is_dir():
        return source.name.replace("+", "/", 1)
    return f"{source.parent.name}/{source.name}"


def _repository(folder: Path, paths: Sequence[Path], options: Options, workers: Workers) -> Stage:
    name = _title(folder)
    licence = Repository(folder).of_folder(folder)
    stage = Stage(counts=Counter(repositories=1))
    if licence and not is_permissive(licence):
        return _refused(stage, "repositories", name, f"licence: {licence}")
    if not paths:
        return _refused(stage, "repositories", name, "no .v or .sv file")
    tasks = [
        File(path, folder, options.parser, options.elaborate, options.licence) for path in paths
    ]
    commit = _commit(folder)
    done = _results(workers, modules.of_file, tasks, name, len(tasks))
    for file, result in sorted(done, key=lambda pair: pair[0].path):
        where = file.path.relative_to(folder).as_posix()
        _add(stage, result, name, where, commit, "files")
    return stage


def _pairs(path: Path, options: Options, workers: Workers) -> Stage:
    name = _title(path)
    stage = Stage(counts=Counter({"sets of pairs": 1}))
    licence = Repository(path.parent).of_folder(path.parent) or options.licence
    if not licence or not is_permissive(licence):
        return _refused(stage, "sets of pairs", name, f"licence: {licence or 'none found'}")
    shape = pairs.shape_of(path)
    if not shape:
        return _refused(stage, "sets of pairs", name, "no line is a JSON object")
    commit = _commit(path.parent)
    rows = pairs.rows(path, shape, options.parser, licence)
    done = _results(workers, pairs.of_row, rows, name, None)
    for row, result in sorted(done, key=lambda pair: pair[0].number):
        _add(stage, result, name, f"line {row.number}", commit, "pairs")
    return stage


def _results(
    workers: Workers,
    function: Callable[[Any], Result],
    tasks: Iterable[Any],
    name: str,
    total: int | None,
) -> Iterator[tuple[Any, Result | Failure]]:
    return tqdm(workers.map(function, tasks), desc=name, total=total, leave=False)


def _refused(stage: Stage, kind: str, name: str, reason: str) -> Stage:
    stage.counts[f"{kind} dropped"] += 1
    stage.problems.append({"path": name, "reason": reason})
    return stage


def _add(
    stage: Stage, result: Result | Failure, source: str, path: str, commit: str, kind: str
) -> None:
    """Put what a file or a line gave into the stage."""
    if isinstance(result, Failure):
        counts = Counter({kind: 1, f"{kind} dropped: failed": 1})
        result = Result(counts=counts, problem=result.reason)
    stage.counts += result.counts
    if result.problem:
        stage.problems.append({"path": f"{source}/{path}", "reason": result.problem})
    for one in result.found:
        stage.items.append(
            Item(one.text, one.description, source, path, commit, one.licence, one.origin)
        )


def _commit(folder: Path) -> str:
    """The commit that a folder has: from a file COMMIT, or from a clone; empty if neither is there."""
    if (folder / "COMMIT").is_file():
        return _text(folder / "COMMIT")
    head = folder / ".git" / "HEAD"
    if not head.is_file():
        return ""
    reference = _text(head).removeprefix("ref: ")
    loose, packed = folder / ".git" / reference, folder / ".git" / "packed-refs"
    if loose.is_file():
        return _text(loose)
    lines = _text(packed).splitlines() if packed.is_file() else []
    named = (line.split()[0] for line in lines if line.endswith(f" {reference}"))
    return next(named, reference)  # without a branch, HEAD has the commit itself


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _distinct(items: Sequence[Item], counts: Counter[str]) -> list[Item]:
    kept = [items[number] for number in duplicates.originals([item.text for item in items])]
    counts["items dropped: near-duplicate"] = len(items) - len(kept)
    return kept


def _clean(
    items: Sequence[Item], benchmarks: Sequence[Path], counts: Counter[str]
) -> tuple[list[Item], decontaminate.Report]:
    """The items that are no copies of benchmark problems. Of pairs the description counts, too."""
    entries = [(number, item.text, "") for number, item in enumerate(items)]
    entries += [
        (number, item.description, " (description)")
        for number, item in enumerate(items)
        if item.origin == "pair"
    ]
    named = ((f"{_name(items[number])}{what}", text) for number, text, what in entries)
    report = decontaminate.examine(named, benchmarks)
    copies = {
        number
        for (number, _, _), verdict in zip(entries, report.verdicts, strict=True)
        if verdict.is_copy
    }
    counts["items dropped: overlaps a benchmark"] = len(copies)
    return [item for number, item in enumerate(items) if number not in copies], report


def _limited(items: Sequence[Item], most: int, counts: Counter[str]) -> list[Item]:
    """At most so many items of each repository, chosen by the hashes of their texts: at random, but a
    corpus that is built again has the same. A set of pairs is no repository."""
    by_source: dict[str, list[Item]] = {}
    for item in items:
        if item.origin != "pair":
            by_source.setdefault(item.source, []).append(item)
    left_out = {item for of_one in by_source.values() for item in sorted(of_one, key=_hash)[most:]}
    counts["items dropped: too many of one repository"] = len(left_out)
    return [item for item in items if item not in left_out]


def _hash(item: Item) -> str:
    return hashlib.sha256(item.text.encode()).hexdigest()


def _name(item: Item) -> str:
    name = re.match(r"\w+\s+(\S+?)\b", item.text)
    return f"{item.source}/{item.path} {name[1] if name else ''}"


def _described(items: Sequence[Item], endpoint: Endpoint, whole: Stage) -> list[Item]:
    """The items with the model's descriptions, except for pairs, which came with theirs."""
    asked = [item for item in items if item.origin != "pair"]
    answers = endpoint.describe([item.text for item in asked])
    progress = tqdm(answers, desc="describe", total=len(asked), unit="module", leave=False)
    described = {
        item: replace(item, description=answer, origin="model")
        for item, answer in zip(asked, progress, strict=True)
        if answer
    }
    whole.counts["descriptions that failed"] = endpoint.failures.total()
    for reason, count in endpoint.failures.items():
        whole.problems.append({"path": f"{count} descriptions", "reason": reason})
    return [described.get(item, item) for item in items]


def _manifest(
    items: Sequence[Item], whole: Stage, options: Options, benchmarks: Sequence[Path]
) -> dict[str, Any]:
    sources = Counter((item.source, item.commit, item.licence) for item in items)
    return {
        "counts": dict(sorted(whole.counts.items())),
        "options": asdict(options),
        "benchmarks": [folder.name for folder in benchmarks],
        "tools": _tools(options),
        "sources": [
            {"source": source, "commit": commit, "licence": licence, "items": count}
            for (source, commit, licence), count in sorted(sources.items())
        ],
        "problems": whole.problems[:MAX_PROBLEMS],
        "problems left out of this list": max(len(whole.problems) - MAX_PROBLEMS, 0),
    }


def _tools(options: Options) -> dict[str, str]:
    names = ["datasketch", "pyslang"] + ["pyverilog"] * (options.parser == "pyverilog")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def remove_work(out: Path) -> None:
    """Forget the stages of a corpus that is finished."""
    shutil.rmtree(out / "work")
