"""From verdicts to figures: pass@k for each model, suite and temperature; reasons; next lines.

Only what has a verdict counts, so there are figures for an evaluation that was stopped, too.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trainer.evaluate.pass_at_k import KS, pass_at_k
from trainer.evaluate.records import Record

CHECKS = ("syntax", "function")


@dataclass(frozen=True)
class Score:
    """Means over the problems of a suite, for one model and temperature.

    `temperature` None: each problem at the temperature that suits it best, which is what paper 1
    reports. Check `syntax` or `function` -> k -> pass@k; only k up to the fewest samples of a problem.
    """

    model: str
    suite: str
    temperature: float | None
    problems: int
    samples: int
    """Of the problem that has the fewest."""
    pass_at: dict[str, dict[int, float]]
    solved: dict[str, float]
    """The share of problems with a sample that passes (paper 1's Pass Rate)."""


@dataclass(frozen=True)
class Part:
    """A part of a suite, all temperatures together: the shares of its samples that pass."""

    model: str
    suite: str
    kind: str
    """One of problem, family and wording."""
    name: str
    samples: int
    syntax: float
    function: float


@dataclass(frozen=True)
class Lines:
    """Next lines of one model: `form` is what it saw."""

    model: str
    form: str
    places: int
    exact: float
    similarity: float
    tokens_per_step: float
    """Total of tokens over total of steps, drafted by heads alone."""
    tokens_per_step_with_lookup: float


def scores(verdicts: Iterable[Record]) -> list[Score]:
    """A score for each model, suite and temperature, and one with the best temperature of each problem,
    in the order of the records."""
    groups: dict[tuple[str, str], dict[float, dict[str, list[Record]]]] = {}
    for record in verdicts:
        group = groups.setdefault((record["model"], record["suite"]), {})
        problem = group.setdefault(record["temperature"], defaultdict(list))
        problem[record["problem"]].append(record)
    found = []
    for (model, suite), temperatures in groups.items():
        tables = {t: _estimates(problems) for t, problems in sorted(temperatures.items())}
        for temperature, table in tables.items():
            found.append(_score(model, suite, temperature, table))
        if len(tables) > 1:
            found.append(_score(model, suite, None, _best(list(tables.values()))))
    return found


@dataclass(frozen=True)
class _Estimate:
    """pass@k of one problem: check -> k -> estimate, for k up to the number of samples."""

    samples: int
    pass_at: dict[str, dict[int, float]]
    solved: dict[str, float]


def _estimates(problems: Mapping[str, list[Record]]) -> dict[str, _Estimate]:
    found = {}
    for problem, records in problems.items():
        n = len(records)
        passed = {check: sum(record[check] for record in records) for check in CHECKS}
        found[problem] = _Estimate(
            n,
            {c: {k: pass_at_k(n, passed[c], k) for k in KS if k <= n} for c in CHECKS},
            {c: float(passed[c] > 0) for c in CHECKS},
        )
    return found


def _best(tables: Sequence[dict[str, _Estimate]]) -> dict[str, _Estimate]:
    """The best of each figure of each problem over the temperatures."""
    found = {}
    for problem in dict.fromkeys(name for table in tables for name in table):
        of = [table[problem] for table in tables if problem in table]
        ks = set.intersection(*(set(one.pass_at["syntax"]) for one in of))
        found[problem] = _Estimate(
            min(one.samples for one in of),
            {c: {k: max(one.pass_at[c][k] for one in of) for k in sorted(ks)} for c in CHECKS},
            {c: max(one.solved[c] for one in of) for c in CHECKS},
        )
    return found


def _score(model: str, suite: str, temperature: float | None, table: dict[str, _Estimate]) -> Score:
    of = list(table.values())
    samples = min(one.samples for one in of)
    return Score(
        model=model,
        suite=suite,
        temperature=temperature,
        problems=len(of),
        samples=samples,
        pass_at={
            c: {k: statistics.mean(one.pass_at[c][k] for one in of) for k in KS if k <= samples}
            for c in CHECKS
        },
        solved={c: statistics.mean(one.solved[c] for one in of) for c in CHECKS},
    )


def best(found: Iterable[Score]) -> dict[tuple[str, str], Score]:
    """For each model and suite the score of the one temperature that is best, by function pass@1, then
    syntax pass@1."""
    winners: dict[tuple[str, str], Score] = {}
    for score in found:
        if score.temperature is None:
            continue
        place = (score.model, score.suite)
        if place not in winners or _rank(score) > _rank(winners[place]):
            winners[place] = score
    return winners


def _rank(score: Score) -> tuple[float, float]:
    return score.pass_at["function"][1], score.pass_at["syntax"][1]


def reasons(verdicts: Iterable[Record]) -> dict[tuple[str, str], Counter[str]]:
    """How many samples of each model and suite came to which end."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for record in verdicts:
        found[record["model"], record["suite"]][record["reason"]] += 1
    return found


def complaints(verdicts: Iterable[Record]) -> dict[tuple[str, str], Counter[str]]:
    """What the compiler said first of each sample of each model and suite, places and names left out."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for record in verdicts:
        if not record["syntax"]:
            message = _NAME.sub("_", _PLACE.sub("", record["detail"]))
            found[record["model"], record["suite"]][message] += 1
    return found


_PLACE = re.compile(r"\w+\.v:\d+(?:: )?")
_NAME = re.compile(r"""[`'"]+[^`'"]+[`'"]+|\w+(?= definition conflicts)|(?<=module type: )\w+""")


def refusals(verdicts: Iterable[Record]) -> Counter[str]:
    """What samples were refused for."""
    return Counter(record["detail"] for record in verdicts if record["reason"] == "refused")


def parts(verdicts: Iterable[Record]) -> list[Part]:
    """How each problem fared, or, of the textbook's exam, each family and each wording."""
    groups: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    for record in verdicts:
        names = {"problem": record["problem"]}
        if record["suite"].startswith("textbook-"):
            family, _, wording = record["problem"].split("/")
            names = {"family": family, "wording": wording}
        for kind, name in names.items():
            groups[record["model"], record["suite"], kind, name].append(record)
    return [
        Part(
            *place, len(of), *(statistics.mean(record[check] for record in of) for check in CHECKS)
        )
        for place, of in sorted(groups.items())
    ]


def lines(fills: Iterable[Record]) -> list[Lines]:
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in fills:
        groups[record["model"], record["form"]].append(record)
    return [
        Lines(
            model=model,
            form=form,
            places=len(of),
            exact=statistics.mean(record["exact"] for record in of),
            similarity=statistics.mean(record["similarity"] for record in of),
            tokens_per_step=_rate(of, "steps"),
            tokens_per_step_with_lookup=_rate(of, "steps_with_lookup"),
        )
        for (model, form), of in groups.items()
    ]


def _rate(fills: Iterable[Record], steps: str) -> float:
    """Tokens a step; nan for records of a time when these steps were not counted."""
    fills = list(fills)
    if not all(steps in record for record in fills):
        return math.nan
    return sum(record["tokens"] for record in fills) / sum(record[steps] for record in fills)
