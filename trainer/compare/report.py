"""The report of a comparison: paper 1's Tables I and II, its Fig. 6, and which of its claims hold here."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib

from trainer import files
from trainer.evaluate import scores
from trainer.evaluate.pass_at_k import KS
from trainer.evaluate.report import table
from trainer.evaluate.scores import CHECKS, Lines, Score
from trainer.files import Row
from trainer.speed import Speed

METHODS = ("fragment", "medusa", "ntp")  # in the order of the paper's columns
PLOTTED = 5  # of pass@k, as in Fig. 6


@dataclass(frozen=True)
class Twin:
    """One model of the comparison: how it was trained, and on which part of the data."""

    method: str
    share: float

    @property
    def name(self) -> str:
        return f"{self.method}-{self.share:g}"


@dataclass(frozen=True)
class Cell:
    """A row of Table I: method -> figure ("pass@1", "pass@5", "pass@10", "Pass Rate") -> share in [0, 1]."""

    check: str
    share: float
    suite: str
    problems: int
    samples: int
    figures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Findings:
    """All that is reported. `speeds` by method, of the twins of the largest part; `decoded` says how."""

    cells: list[Cell]
    lines: list[tuple[Twin, Lines]]
    speeds: Mapping[str, Speed]
    decoded: str = ""


def find(
    names: Mapping[str, Twin],
    verdicts: Iterable[Row],
    fills: Iterable[Row],
    speeds: Mapping[str, Speed],
    decoded: str = "",
) -> Findings:
    """The findings about the twins `names`, by their fingerprints; records of other models are left out."""
    judged = (row for row in verdicts if row["model"] in names)
    filled = (row for row in fills if row["model"] in names)
    lines = sorted(
        ((names[one.model], one) for one in scores.lines(filled)),
        key=lambda pair: (pair[1].form, pair[0].share, METHODS.index(pair[0].method)),
    )
    return Findings(_cells(names, scores.scores(judged)), lines, speeds, decoded)


def _cells(names: Mapping[str, Twin], found: Iterable[Score]) -> list[Cell]:
    # The last score of a model and suite takes each problem at its best temperature, as the paper does.
    last = {(names[one.model], one.suite): one for one in found}
    places = {(twin.share, suite) for twin, suite in last}
    cells = []
    for check in reversed(CHECKS):
        for share, suite in sorted(places):
            of = {
                m: last[Twin(m, share), suite] for m in METHODS if (Twin(m, share), suite) in last
            }
            figures = {
                method: {f"pass@{k}": value for k, value in score.pass_at[check].items()}
                | {"Pass Rate": score.solved[check]}
                for method, score in of.items()
            }
            problems = min(score.problems for score in of.values())
            samples = min(score.samples for score in of.values())
            cells.append(Cell(check, share, suite, problems, samples, figures))
    return cells


# --- the text ------------------------------------------------------------------------------------


def write(out: Path, found: Findings) -> None:
    """report.json, report.md and, if there are verdicts, quality.png in `out`."""
    data = {
        "quality": [asdict(cell) for cell in found.cells],
        "next_lines": [asdict(one) | asdict(twin) for twin, one in found.lines],
        "speed": {method: asdict(speed) for method, speed in found.speeds.items()},
    }
    files.write(out / "report.json", json.dumps(data, indent=1) + "\n")
    files.write(out / "report.md", markdown(found))
    if found.cells:
        plot(found.cells, out / "quality.png")


def markdown(found: Findings) -> str:
    """The report as text, quality in percent."""
    sections = [["# fragment, medusa and ntp on the same data and budget"]]
    claims = [*_quality_claims(found.cells), *_speed_claims(found.speeds)]
    if claims:
        sections.append(["## What reproduces", "", *(f"- {claim}" for claim in claims)])
    if found.cells:
        sections.append(["## Quality (Table I)", "", _TABLE_1, "", *_quality_table(found.cells)])
        sections.append(["![pass@k over the share of the data](quality.png)"])
    if found.speeds:
        sections.append(
            ["## Speed (Table II)", "", _TABLE_2, found.decoded, "", *_speed_table(found.speeds)]
        )
    if found.lines:
        sections.append(["## Next lines of repositories held out", "", *_line_table(found.lines)])
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


_TABLE_1 = """Percent; each problem at the temperature that suits it best; bold: the best method. Where
problems and samples are few, differences of some points are chance."""

_TABLE_2 = """Greedy, the heads alone as drafts, the same held-out prompts in turn, models of the largest
part. [FRAG] counts as a token and is no text, so characters are what a reader gains."""


def _quality_claims(cells: Iterable[Cell]) -> list[str]:
    """How often and by how much fragment is ahead, for each check and rival."""
    cells = list(cells)
    said = []
    for check in CHECKS:
        for rival, papers in _CLAIMED[check].items():
            gains = [
                value - cell.figures[rival][figure]
                for cell in cells
                if cell.check == check and {"fragment", rival} <= cell.figures.keys()
                for figure, value in cell.figures["fragment"].items()
            ]
            if gains:
                ahead, behind = sum(g > 0 for g in gains), sum(g < 0 for g in gains)
                mean = 100 * statistics.mean(gains)
                said.append(
                    f"{check}: fragment above {rival} {_holds(mean, ahead, behind)}: ahead in {ahead} of "
                    f"{len(gains)} figures of Table I, behind in {behind}, {mean:+.1f} points on average "
                    f"(paper 1: {papers:+.1f})"
                )
    return said


# Averages over both models, benchmarks and all figures (paper 1, section IV-C).
_CLAIMED = {
    "syntax": {"medusa": 22.9, "ntp": 11.8},
    "function": {"medusa": 13.03, "ntp": 5.91},
}


def _holds(mean: float, ahead: int, behind: int) -> str:
    if mean > 0 and ahead > behind:
        return "reproduces"
    return "does not reproduce" if mean <= 0 and ahead <= behind else "is undecided"


def _speed_claims(speeds: Mapping[str, Speed]) -> list[str]:
    """Speedups over ntp, beside those of paper 1's CodeT5p-220m (Table II)."""
    said = []
    for method, papers in (("fragment", 2.66), ("medusa", 1.16)):
        ratio = _speedup(speeds, method, "characters_per_second")
        if ratio is not None:
            said.append(
                f"speed: {method} faster than ntp {'reproduces' if ratio > 1 else 'does not reproduce'}: "
                f"{ratio:.2f} times the characters a second (paper 1: {papers} times the tokens)"
            )
    return said


def _speedup(speeds: Mapping[str, Speed], method: str, rate: str) -> float | None:
    """Eq. 4 of paper 1: over next-token prediction. None where one of the two is not known."""
    base = getattr(speeds.get("ntp"), rate, 0)
    return getattr(speeds[method], rate) / base if base and method in speeds else None


def _quality_table(cells: Iterable[Cell]) -> list[str]:
    cells = list(cells)
    methods = [method for method in METHODS if any(method in cell.figures for cell in cells)]
    figures = [f"pass@{k}" for k in KS] + ["Pass Rate"]
    heads = [f"{figure} {method}" for figure in figures for method in methods]
    rows = [["check", "data", "suite", "problems", "n", *heads]]
    for cell in cells:
        row = [cell.check, f"{100 * cell.share:g} %", cell.suite]
        row += [str(cell.problems), str(cell.samples)]
        for figure in figures:
            of = {method: of.get(figure) for method, of in cell.figures.items()}
            best = max((value for value in of.values() if value), default=None)
            row += [_percent(of.get(method), best) for method in methods]
        rows.append(row)
    return table(rows)


def _percent(value: float | None, best: float | None) -> str:
    if value is None:
        return "-"
    return f"**{100 * value:.1f}**" if value == best else f"{100 * value:.1f}"


def _speed_table(speeds: Mapping[str, Speed]) -> list[str]:
    rates = ("tokens_per_second", "characters_per_second")
    rows = [["method", "tokens/s", "speedup", "characters/s", "speedup", "tokens a step"]]
    for method, speed in speeds.items():
        row = [method]
        for rate in rates:
            ratio = _speedup(speeds, method, rate)
            row += [f"{getattr(speed, rate):.1f}", "-" if ratio is None else f"{ratio:.2f}"]
        rows.append([*row, f"{speed.tokens_per_step:.2f}"])
    return table(rows)


def _line_table(lines: Iterable[tuple[Twin, Lines]]) -> list[str]:
    rows = [["method", "data", "sees", "places", "exact", "edit similarity", "tokens a step"]]
    for twin, one in lines:
        figures = f"{100 * one.exact:.1f} %", f"{100 * one.similarity:.1f} %"
        where = twin.method, f"{100 * twin.share:g} %", one.form, str(one.places)
        rows.append([*where, *figures, f"{one.tokens_per_step:.2f}"])
    return table(rows)


def plot(cells: Iterable[Cell], path: Path) -> None:
    """Fig. 6: pass@5, or the largest k below that there are samples for, over the share of the data: a
    column a suite, a row a check, a line a method."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    cells = list(cells)
    suites = list(dict.fromkeys(cell.suite for cell in cells))
    k = max(k for k in KS if k <= max(1, min(PLOTTED, *(cell.samples for cell in cells))))
    figure, grid = pyplot.subplots(
        len(CHECKS),
        len(suites),
        figsize=(1.5 + 2.6 * len(suites), 5),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for row, check in zip(grid, CHECKS, strict=True):
        for axes, suite in zip(row, suites, strict=True):
            of = [cell for cell in cells if (cell.check, cell.suite) == (check, suite)]
            for method in METHODS:
                points = [
                    (100 * cell.share, 100 * cell.figures[method][f"pass@{k}"])
                    for cell in of
                    if method in cell.figures
                ]
                if points:
                    axes.plot(*zip(*points, strict=True), marker="o", label=method)
            axes.set(title=f"{suite}: {check}", xlabel="data, %", ylabel=f"pass@{k}, %")
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
    grid[0][0].legend()
    with files.whole(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    pyplot.close(figure)
