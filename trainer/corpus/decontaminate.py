"""How near texts come to the benchmarks, and which of them are copies.

Texts are compared as n-grams of lexemes, comments left out, in two ways: as they are, and with every name
replaced by how many lexemes ago it was last seen within the n-gram, so that a consistently renamed copy
has the same n-grams (the encoding of parameterised matching; Baker 1993). For a text and a document
of a benchmark:

- `exact` and `renamed` are the shares of the text's n-grams that stand in the document;
- `covered` is the share of the document's renamed n-grams that stand in the text, which finds a small
  solution in a large text.

A text is a copy where one of the three reaches its limit for one document and enough n-grams are shared
for it to be more than a header. Customary lines (a clocked block with its reset, say) are shared by many
texts and stay below the limits; a solution that was retyped with other names, or within a larger file,
does not.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from engine.verilog.lexemes import KEYWORDS, lexemes
from trainer import files

GRAM = 13
MAX_EXACT = 0.25
MAX_RENAMED = 0.6
MAX_COVERED = 0.6
MIN_GRAMS = 12  # that must be shared, or half of a short text's: less is a header or an idiom

_SUFFIXES = {".v", ".sv", ".vh", ".svh", ".txt", ".json", ".jsonl"}
_KEYWORDS = frozenset(KEYWORDS)


@dataclass(frozen=True)
class Document:
    """One text of a benchmark problem."""

    benchmark: str
    problem: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """How near a text comes to the document it is nearest to; `problem` is empty if it shares nothing."""

    id: str
    benchmark: str = ""
    problem: str = ""
    exact: float = 0.0
    renamed: float = 0.0
    covered: float = 0.0
    is_copy: bool = False

    @property
    def of_text(self) -> tuple[bool, float]:
        """What orders documents by how much of the text stands in them."""
        shares = (self.exact / MAX_EXACT, self.renamed / MAX_RENAMED, self.covered / MAX_COVERED)
        return self.is_copy, max(shares)

    @property
    def of_problem(self) -> tuple[bool, float]:
        """What orders texts by how much they and the problem have of each other: a text of a few lexemes
        stands in everything and is near to nothing."""
        return self.is_copy, max(self.exact, min(self.renamed, self.covered))


@dataclass(frozen=True)
class Report:
    """A verdict for each text, in their order, and for each problem the nearest text."""

    verdicts: list[Verdict]
    nearest: list[Verdict]
    problems: dict[str, int]

    @property
    def copies(self) -> set[str]:
        """The ids of the texts to leave out."""
        return {verdict.id for verdict in self.verdicts if verdict.is_copy}

    def write(self, folder: Path) -> None:
        """decontamination.json and decontamination.md, to be read by programs and by people."""
        table = json.dumps(self._table(), indent=1) + "\n"
        files.write(folder / "decontamination.json", table)
        files.write(folder / "decontamination.md", self._prose())

    def _table(self) -> dict[str, Any]:
        limits = {"exact": MAX_EXACT, "renamed": MAX_RENAMED, "covered": MAX_COVERED}
        return {
            "gram": GRAM,
            "limits": limits,
            "problems": self.problems,
            "texts": len(self.verdicts),
            "left_out": [asdict(verdict) for verdict in self.verdicts if verdict.is_copy],
            "kept": self.distribution(),
            "nearest": [asdict(verdict) for verdict in self.nearest],
        }

    def distribution(self) -> dict[str, dict[str, int]]:
        """For each share: of the texts that stay, how many are in which tenth."""
        kept = [verdict for verdict in self.verdicts if not verdict.is_copy]
        table = {}
        for share in ("exact", "renamed", "covered"):
            tenths = Counter(min(int(asdict(verdict)[share] * 10), 9) for verdict in kept)
            table[share] = {f"{t / 10:.1f}-{t / 10 + 0.1:.1f}": tenths[t] for t in range(10)}
        return table

    def _prose(self) -> str:
        left_out = [verdict for verdict in self.verdicts if verdict.is_copy]
        table = self.distribution()
        lines = [
            "# Decontamination",
            "",
            f"{len(self.verdicts)} texts against {sum(self.problems.values())} problems ("
            + ", ".join(f"{name}: {count}" for name, count in self.problems.items())
            + f"), by {GRAM}-grams of lexemes without comments. A text is left out if one document of a "
            f"problem holds {MAX_EXACT:.0%} of its n-grams as they are or {MAX_RENAMED:.0%} of them "
            f"with names made alike, or if {MAX_COVERED:.0%} of a document's stand in it, as long as at "
            f"least {MIN_GRAMS} n-grams are shared, or half of a short text's. "
            f"{len(left_out)} were left out.",
            "",
            "## What stays: texts by the share of n-grams in the nearest document",
            "",
            "| share | exact | renamed | document covered |",
            "|---|---|---|---|",
            *(
                f"| {tenth} | {table['exact'][tenth]} | {table['renamed'][tenth]} "
                f"| {table['covered'][tenth]} |"
                for tenth in table["exact"]
            ),
            "",
            "## For each problem the nearest text",
            "",
            "| benchmark | problem | text | exact | renamed | covered | |",
            "|---|---|---|---|---|---|---|",
            *(_row(verdict) for verdict in self.nearest),
            "",
            "## Left out",
            "",
            "| benchmark | problem | text | exact | renamed | covered | |",
            "|---|---|---|---|---|---|---|",
            *(_row(verdict) for verdict in left_out),
        ]
        return "\n".join(lines) + "\n"


def _row(v: Verdict) -> str:
    end = "left out" if v.is_copy else ""
    shares = f"{v.exact:.2f} | {v.renamed:.2f} | {v.covered:.2f}"
    return f"| {v.benchmark} | {v.problem} | {v.id} | {shares} | {end} |"


def examine(items: Iterable[tuple[str, str]], benchmarks: Sequence[Path]) -> Report:
    """Compare (id, text) items with every problem in the benchmark folders. An id may come more than
    once, as for a module and its description. Raises FileNotFoundError for a folder that is not there.
    """
    known = [document for folder in benchmarks for document in documents(folder)]
    index = _Index(known)
    nearest: dict[tuple[str, str], Verdict] = {}
    verdicts = []
    for id_, text in tqdm(items, desc="decontaminate", unit="text", leave=False):
        best = Verdict(id_)
        for verdict in index.verdicts(id_, text):
            best = max(best, verdict, key=_of_text)
            problem = (verdict.benchmark, verdict.problem)
            nearest[problem] = max(nearest.get(problem, verdict), verdict, key=_of_problem)
        verdicts.append(best)
    all_problems = dict.fromkeys((one.benchmark, one.problem) for one in known)
    table = [nearest.get(p, Verdict("", *p)) for p in all_problems]
    return Report(verdicts, table, dict(Counter(benchmark for benchmark, _ in all_problems)))


_of_text = attrgetter("of_text")
_of_problem = attrgetter("of_problem")


def documents(folder: Path) -> Iterator[Document]:
    """The texts of a benchmark: each line of a JSON-lines file is a problem, named by its task_id; of other
    files, each folder is one. Where a row has a prompt and its solution, they are one text. JSON that is
    not in lines is read as any other text."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no benchmark folder {folder}")
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SUFFIXES or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix in {".json", ".jsonl"}:
            yield from _rows(folder.name, path, text)
        else:
            yield Document(folder.name, path.parent.name, text)


def _rows(benchmark: str, path: Path, text: str) -> Iterator[Document]:
    try:
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    except ValueError:
        yield Document(benchmark, path.parent.name, text)
        return
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            row = {"text": json.dumps(row)}
        problem = str(row.get("task_id", f"{path.stem}:{number}"))
        if {"prompt", "canonical_solution"} <= row.keys():
            row["prompt"] += "\n" + row.pop("canonical_solution")
        for value in row.values():
            if isinstance(value, str):
                yield Document(benchmark, problem, value)


class _Index:
    """Which documents have an n-gram."""

    def __init__(self, known: Sequence[Document]) -> None:
        self._documents = known
        self._exact: dict[int, list[int]] = defaultdict(list)
        self._renamed: dict[int, list[int]] = defaultdict(list)
        self._sizes: list[int] = []
        for number, document in enumerate(known):
            exact, renamed = grams(document.text)
            for gram in exact:
                self._exact[gram].append(number)
            for gram in renamed:
                self._renamed[gram].append(number)
            self._sizes.append(len(renamed))

    def verdicts(self, id_: str, text: str) -> Iterator[Verdict]:
        """A verdict for each document that shares an n-gram with the text."""
        exact, renamed = grams(text)
        in_exact = Counter(number for gram in exact for number in self._exact.get(gram, ()))
        in_renamed = Counter(number for gram in renamed for number in self._renamed.get(gram, ()))
        for number in in_exact | in_renamed:
            document = self._documents[number]
            shares = (
                in_exact[number] / len(exact),
                in_renamed[number] / max(len(renamed), 1),
                in_renamed[number] / max(self._sizes[number], 1),
            )
            limits = (MAX_EXACT, MAX_RENAMED, MAX_COVERED)
            over = any(share >= limit for share, limit in zip(shares, limits, strict=True))
            shared = max(in_exact[number], in_renamed[number])
            is_copy = over and shared >= min(MIN_GRAMS, len(exact) / 2)
            rounded = (round(share, 3) for share in shares)
            yield Verdict(id_, document.benchmark, document.problem, *rounded, is_copy)


def grams(text: str) -> tuple[set[int], set[int]]:
    """Hashes of the n-grams of a text, as they are and with names made alike; they hold within one
    process. A text that is shorter than an n-gram is one n-gram, and an empty text has none. Only a whole
    module has the second kind: with the words made alike, one English sentence is like another."""
    code = lexemes(text)
    count = max(len(code) - GRAM + 1, 1) if code else 0
    exact = {hash(tuple(code[i : i + GRAM])) for i in range(count)}
    if "endmodule" not in code:
        return exact, set()
    backs = _distances(code)
    renamed = set()
    for start in range(count):
        window = zip(code[start : start + GRAM], backs[start : start + GRAM], strict=True)
        # A name not seen before within the window is a new one, wherever else it stands.
        alike = tuple(
            (back if back <= offset else 0) if back else lexeme
            for offset, (lexeme, back) in enumerate(window)
        )
        renamed.add(hash(alike))
    return exact, renamed


def _distances(code: Sequence[str]) -> list[int]:
    """For each lexeme how many lexemes ago the same name stood: 0 if it is no name, and more than any
    n-gram holds if it is a new one."""
    last: dict[str, int] = {}
    distances = []
    for place, lexeme in enumerate(code):
        is_name = (lexeme[0].isalpha() or lexeme[0] in "_\\") and lexeme not in _KEYWORDS
        distances.append(place - last.get(lexeme, -GRAM) if is_name else 0)
        if is_name:
            last[lexeme] = place
    return distances
