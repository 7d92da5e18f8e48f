"""Build the data set of modules (paper 1, III-A): `python -m trainer.corpus OUT SOURCE [SOURCE ...]`.

A source is a folder with one repository (its licence file at the top) or a JSON-lines file of
problem/code pairs. Every step counts what it drops, and the counts end up in the manifest:

    split into modules -> keep what parses -> drop test benches, tables and comment walls
    -> drop near-duplicates (MinHash, Jaccard) -> drop what overlaps a benchmark -> describe

writes OUT/modules.jsonl (one `Item` a line) and OUT/manifest.json (counts, licences, commits).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

from datasketch import MinHash, MinHashLSH
from tqdm import tqdm

from engine.verilog import syntax
from engine.verilog.lexemes import lexemes
from trainer import licences

_MODULE = re.compile(r"(?s)\bmodule\b.*?\bendmodule\b[^\n]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_LEADING_COMMENT = re.compile(r"((?:[ \t]*//[^\n]*\n)+|/\*(?:[^*]|\*(?!/))*\*/)\s*$")
_LEGAL = re.compile(r"(?i)copyright|licen[sc]e|permission|warrant|redistribut|spdx|all rights")
_BENCH = re.compile(r"\$(?:finish|stop|dumpvars|monitor)\b|^\s*module\s+(?:tb_|test_)|_tb\b")

MIN_CHARACTERS = 80
MAX_CHARACTERS = 60_000
NEAR_DUPLICATE = 0.85  # Jaccard of lexeme 5-grams
BENCHMARK_GRAM = 13  # lexemes in a row shared with a benchmark that drop an item


@dataclass(frozen=True)
class Item:
    """One module with where it comes from and what it is said to do."""

    text: str
    description: str
    source: str
    path: str
    commit: str
    licence: str


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.corpus", description=__doc__.split("\n")[0]
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument(
        "--benchmarks", type=Path, nargs="*", default=[], help="folders nothing may overlap"
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="OWNER/NAME/PATH to leave out",
    )
    args = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    items = list(collect(args.sources, args.exclude, counts))
    items = distinct(items, counts)
    items = decontaminate(items, benchmark_grams(args.benchmarks), counts)
    write(args.out, items, counts)
    print(json.dumps(counts, indent=1))
    return 0


def collect(
    sources: Iterable[Path], exclude: Sequence[str], counts: Counter[str]
) -> Iterator[Item]:
    """Every acceptable module of every source."""
    for source in sources:
        if source.is_file():
            yield from _pairs(source, counts)
            continue
        licence = licences.of_repository(source)
        if licence is None:
            counts["repositories without a permissive licence"] += 1
            continue
        counts["repositories"] += 1
        commit_file = source / "COMMIT"
        commit = commit_file.read_text().strip() if commit_file.exists() else ""
        name = source.name.replace("+", "/", 1)
        files = sorted(p for p in source.rglob("*.v") if p.is_file())
        for path in tqdm(files, desc=name, unit="file", leave=False):
            where = str(path.relative_to(source))
            if any(fnmatch(f"{name}/{where}", pattern) for pattern in exclude):
                counts["files excluded by name"] += 1
                continue
            counts["files"] += 1
            text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
            for module, description in modules(text, counts):
                yield Item(module, description, name, where, commit, licence)


def modules(text: str, counts: Counter[str]) -> Iterator[tuple[str, str]]:
    """(module text, description) for each module of a file worth learning from."""
    visible = _COMMENT.sub(lambda match: " " * len(match.group()), text)
    for match in _MODULE.finditer(visible):
        module = text[match.start() : match.end()]
        counts["modules"] += 1
        reason = unfit(module)
        if reason:
            counts[f"dropped: {reason}"] += 1
            continue
        comment = _LEADING_COMMENT.search(text[: match.start()])
        yield module + "\n", describe(module, comment.group(1) if comment else "")


def unfit(module: str) -> str:
    """Why a module is not worth learning from; empty if it is."""
    if not MIN_CHARACTERS <= len(module) <= MAX_CHARACTERS:
        return "too short or too long"
    if _BENCH.search(module):
        return "test bench"
    if sum(map(len, _COMMENT.findall(module))) > 0.5 * len(module):
        return "mostly comments"
    code = lexemes(module)
    if sum(x[0].isdigit() or x == "'" for x in code) > 0.35 * len(code):
        return "mostly numbers"
    if syntax.problems(module):
        return "syntax error"
    return ""


def describe(module: str, comment: str) -> str:
    """The module's own header comment if it says something, else its name and ports in words."""
    words = " ".join(re.sub(r"[/*=\-#+_|]{2,}|^[ \t]*[/*]+", " ", comment, flags=re.M).split())
    if 12 <= len(words) <= 400 and not _LEGAL.search(words):
        return words
    parsed = syntax.modules(module)
    if not parsed:
        return ""
    name = parsed[0].name.replace("_", " ").strip()
    sides = {"input": [], "output": [], "inout": []}
    for port in parsed[0].ports:
        sides.get(port.direction, []).append(port.name)
    parts = [f"{side}s {', '.join(names)}" for side, names in sides.items() if names]
    return f"{name} with {'; '.join(parts)}" if parts else name


def distinct(items: list[Item], counts: Counter[str]) -> list[Item]:
    """The first of every group of near-duplicates."""
    index = MinHashLSH(threshold=NEAR_DUPLICATE, num_perm=64)
    kept = []
    for number, item in enumerate(tqdm(items, desc="de-duplicate", unit="module", leave=False)):
        sketch = MinHash(num_perm=64)
        grams = {" ".join(gram).encode() for gram in _grams(lexemes(item.text), 5)}
        sketch.update_batch(list(grams) or [item.text.encode()])
        if index.query(sketch):
            counts["dropped: near-duplicate"] += 1
            continue
        index.insert(str(number), sketch)
        kept.append(item)
    return kept


def benchmark_grams(folders: Iterable[Path]) -> set[tuple[str, ...]]:
    """All lexeme 13-grams of every text file under the benchmark folders."""
    grams: set[tuple[str, ...]] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in {".gz", ".md"} and path.stat().st_size < 4e6:
                text = path.read_text(encoding="utf-8", errors="ignore")
                if path.suffix in {".json", ".jsonl"}:
                    text = text.replace("\\n", "\n")
                grams.update(_grams(lexemes(text), BENCHMARK_GRAM))
    return grams


def decontaminate(
    items: list[Item], grams: set[tuple[str, ...]], counts: Counter[str]
) -> list[Item]:
    """Drop items of which more than a tenth of the 13-grams, or 8 of them, stand in a benchmark."""
    kept = []
    for item in items:
        own = list(_grams(lexemes(item.text), BENCHMARK_GRAM))
        shared = sum(gram in grams for gram in own)
        if shared > max(1, min(8, len(own) // 10)):
            counts["dropped: overlaps a benchmark"] += 1
            continue
        kept.append(item)
    return kept


def write(out: Path, items: list[Item], counts: Counter[str]) -> None:
    """modules.jsonl and manifest.json."""
    out.mkdir(parents=True, exist_ok=True)
    counts["kept"] = len(items)
    counts["characters kept"] = sum(len(item.text) for item in items)
    with (out / "modules.jsonl").open("w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps(asdict(item), ensure_ascii=False) + "\n")
    sources = {(i.source, i.commit, i.licence) for i in items}
    table = [dict(zip(("source", "commit", "licence"), s, strict=True)) for s in sorted(sources)]
    manifest = json.dumps({"counts": counts, "sources": table}, indent=1)
    (out / "manifest.json").write_text(manifest + "\n", encoding="utf-8")


def read(out: Path) -> list[Item]:
    """The items that `write` wrote."""
    with (out / "modules.jsonl").open(encoding="utf-8") as file:
        return [Item(**json.loads(line)) for line in file]


def _pairs(path: Path, counts: Counter[str]) -> Iterator[Item]:
    """Items of a JSON-lines set in AutoVCoder's shape (`problem`, `verilog_code`)."""
    licence = licences.of_repository(path.parent)
    if licence is None:
        counts["repositories without a permissive licence"] += 1
        return
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            counts["pairs"] += 1
            if not syntax.problems(row["verilog_code"]):
                name = f"{path.parent.name}/{path.name}"
                code = row["verilog_code"].strip() + "\n"
                yield Item(
                    code, " ".join(row["problem"].split()), name, str(row["id"]), "", licence
                )


def _grams(lexemes: list[str], n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(lexemes[i:] for i in range(n)), strict=False)


if __name__ == "__main__":
    raise SystemExit(main())
