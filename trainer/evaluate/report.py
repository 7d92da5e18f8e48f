"""The report of an evaluation: report.json, report.md and pass_at_1.png, from its records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import matplotlib

from trainer import files
from trainer.evaluate import scores
from trainer.evaluate.pass_at_k import KS
from trainer.evaluate.records import Record
from trainer.evaluate.scores import CHECKS, Lines, Part, Score
from trainer.evaluate.verdict import Reason

COMMONEST = 6  # messages of the compiler for each model and suite


Counts = Mapping[tuple[str, str], Counter[str]]  # by model and suite


@dataclass(frozen=True)
class Findings:
    """All that is reported. `models`: fingerprint -> name."""

    models: Mapping[str, str]
    scores: list[Score]
    reasons: Counts
    complaints: Counts
    refusals: Counter[str]
    parts: list[Part]
    lines: list[Lines]


def find(
    models: Mapping[str, str], verdicts: Iterable[Record], fills: Iterable[Record]
) -> Findings:
    """The findings about `models`, suite by suite, in the models' order; records of others are left out."""
    order = list(models)
    judged = sorted(
        (record for record in verdicts if record["model"] in models),
        key=lambda record: (record["suite"], order.index(record["model"])),
    )
    return Findings(
        models=models,
        scores=scores.scores(judged),
        reasons=scores.reasons(judged),
        complaints=scores.complaints(judged),
        refusals=scores.refusals(judged),
        parts=scores.parts(judged),
        lines=scores.lines(record for record in fills if record["model"] in models),
    )


def write(out: Path, found: Findings) -> None:
    """Write the report into `out`."""
    data = {
        "models": dict(found.models),
        "scores": [asdict(score) for score in found.scores],
        "reasons": _counts(found.reasons),
        "complaints": _counts(found.complaints),
        "refusals": dict(found.refusals.most_common()),
        "parts": [asdict(part) for part in found.parts],
        "next_lines": [asdict(one) for one in found.lines],
    }
    files.write(out / "report.json", json.dumps(data, indent=1) + "\n")
    files.write(out / "report.md", markdown(found))
    if found.scores:
        plot(found, out / "pass_at_1.png")


def markdown(found: Findings) -> str:
    """The report as text, figures in percent."""
    names = [f"- {name}: `{fingerprint}`" for fingerprint, name in found.models.items()]
    exam = [part for part in found.parts if part.kind != "problem"]
    refused = ", ".join(f"{why} ({count})" for why, count in found.refusals.most_common())
    sections = [["# Evaluation", "", *names]]
    if found.scores:
        sections.append(["## pass@k", "", _PASS_AT_K, "", *_score_table(found)])
    if found.reasons:
        sections.append(["## How samples ended", "", *_reason_table(found)])
    if found.complaints:
        sections.append(["## What the compiler said", "", *_complaint_table(found)])
    if refused:
        sections.append([f"Refused for: {refused}"])
    if exam:
        sections.append(["## The exam by family and wording", "", *_part_table(found.models, exam)])
    if found.lines:
        sections.append(["## Next lines", "", *_line_table(found)])
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


_PASS_AT_K = """Percent, by the unbiased estimator. Bold: the best temperature by function pass@1, then
syntax pass@1. "each's best" takes for each problem the temperature that suits it best, as paper 1 does."""


def _score_table(found: Findings) -> list[str]:
    heads = [f"{check} @{k}" for check in CHECKS for k in KS]
    rows = [
        ["model", "suite", "temperature", "problems", "n", *heads, "syntax any", "function any"]
    ]
    winners = scores.best(found.scores).values()
    for score in found.scores:
        figures = [score.pass_at[check].get(k) for check in CHECKS for k in KS]
        figures += [score.solved[check] for check in CHECKS]
        cells = ["-" if figure is None else f"{100 * figure:.1f}" for figure in figures]
        temperature = "each's best" if score.temperature is None else f"{score.temperature:g}"
        cells = [temperature, str(score.problems), str(score.samples), *cells]
        if score in winners:
            cells = [f"**{cell}**" for cell in cells]
        rows.append([found.models[score.model], score.suite, *cells])
    return table(rows)


def _reason_table(found: Findings) -> list[str]:
    rows = [["model", "suite", *get_args(Reason)]]
    for (model, suite), counts in found.reasons.items():
        numbers = (str(counts[reason]) for reason in get_args(Reason))
        rows.append([found.models[model], suite, *numbers])
    return table(rows)


def _complaint_table(found: Findings) -> list[str]:
    rows = [["model", "suite", "samples", "first message, the commonest"]]
    for (model, suite), counts in found.complaints.items():
        for message, count in counts.most_common(COMMONEST):
            rows.append([found.models[model], suite, str(count), message.replace("|", "\\|")])
    return table(rows)


def _part_table(models: Mapping[str, str], parts: Sequence[Part]) -> list[str]:
    rows = [["model", "suite", "part", "name", "samples", "syntax", "function"]]
    for part in parts:
        shares = f"{100 * part.syntax:.1f} %", f"{100 * part.function:.1f} %"
        name = models[part.model]
        rows.append([name, part.suite, part.kind, part.name, str(part.samples), *shares])
    return table(rows)


def _line_table(found: Findings) -> list[str]:
    rows = [["model", "sees", "places", "exact", "edit similarity", "tokens a step"]]
    rows[0].append("with look-up")
    for one in found.lines:
        figures = f"{100 * one.exact:.1f} %", f"{100 * one.similarity:.1f} %"
        steps = f"{one.tokens_per_step:.2f}", f"{one.tokens_per_step_with_lookup:.2f}"
        rows.append([found.models[one.model], one.form, str(one.places), *figures, *steps])
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown; the first row has the heads."""
    heads, *body = [f"| {' | '.join(row)} |" for row in rows]
    return [heads, "|" + "---|" * len(rows[0]), *body]


def plot(found: Findings, path: Path) -> None:
    """pass@1 over the temperature: a column a suite, a row a check, a line a model."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    suites = list(dict.fromkeys(score.suite for score in found.scores))
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
            for model, name in found.models.items():
                points = [
                    (score.temperature, 100 * score.pass_at[check][1])
                    for score in found.scores
                    if (score.model, score.suite) == (model, suite)
                    and score.temperature is not None
                ]
                if points:
                    axes.plot(*zip(*points, strict=True), marker="o", label=name)
            axes.set(title=f"{suite}: {check}", xlabel="temperature", ylabel="pass@1, %")
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
    grid[0][0].legend()
    with files.whole(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    pyplot.close(figure)


def _counts(counts: Counts) -> list[dict[str, object]]:
    return [
        {"model": model, "suite": suite, "counts": dict(counter.most_common())}
        for (model, suite), counter in counts.items()
    ]
