"""What a run leaves to read: log.jsonl, loss.png, and failure.json when a loss is not finite.

A line of log.jsonl is one step, `{"step", "base_loss", "head_loss", "norm", "lr", "tokens_per_second",
"elapsed"}`, now and then with `"head_losses"` of each head, or a measurement on held-out rows, `{"step",
"held_out": {file: loss}}`. Losses are in nats a token, elapsed in seconds of training over all sittings.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from torch import Tensor

from engine.tokenizer import FragmentTokenizer
from trainer import files
from trainer.files import Row as Record
from trainer.finetune.config import Config

HEAD_LOSSES_EVERY = 50  # steps
SHOWN = 160  # characters of a row in failure.json


def read(run: Path) -> list[Record]:
    """The records of a run's log. Raises ValueError for a damaged one."""
    return files.read_lines(run / "log.jsonl")


def is_step(record: Record) -> bool:
    return "base_loss" in record


class Journal:
    """The log of a run that goes on after `first` steps, of `tokens` each."""

    def __init__(self, run: Path, first: int, tokens: int) -> None:
        self.run = run
        self.tokens = tokens
        # Steps after the checkpoint were lost, and will be logged again.
        kept = [record for record in read(run) if record["step"] <= first]
        files.write_lines(run / "log.jsonl", kept)
        self.elapsed = max((record["elapsed"] for record in kept if is_step(record)), default=0.0)
        self.clock = time.monotonic()

    def steps(self, begin: int, values: Sequence[Sequence[float]], config: Config) -> Record:
        """Log the steps from `begin` on, given the losses and the norm of each; returns what to show."""
        seconds = (time.monotonic() - self.clock) / len(values)
        self.clock = time.monotonic()
        shown: Record = {}
        for step, (base, *heads, norm) in enumerate(values, begin):
            self.elapsed += seconds
            shown = {"base_loss": round(base, 4)}
            if heads:
                shown["head_loss"] = round(sum(heads) / len(heads), 4)
            record = {
                "step": step + 1,
                **shown,
                "norm": round(norm, 3),
                "lr": config.lr * config.rate(step),
                "tokens_per_second": round(self.tokens / seconds),
                "elapsed": round(self.elapsed, 1),
            }
            if heads and (step + 1) % HEAD_LOSSES_EVERY == 0:
                record["head_losses"] = [round(loss, 4) for loss in heads]
            self._append(record)
        return shown

    def held_out(self, step: int, losses: dict[str, float]) -> None:
        """Log a measurement, whose time is not the training's."""
        if losses:
            self._append({"step": step, "held_out": losses})
        self.clock = time.monotonic()

    def draw(self) -> None:
        draw(read(self.run), self.run / "loss.png")
        self.clock = time.monotonic()

    def _append(self, record: Record) -> None:
        with (self.run / "log.jsonl").open("ab") as file:
            file.write(files.line(record))


def draw(records: Sequence[Record], path: Path) -> None:
    """Curves of the losses, training's smoothed, over the steps of a run or of several in a row."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    step = 0
    for record in records:
        step += is_step(record)
        for key, label in (("base_loss", "backbone"), ("head_loss", "heads, mean")):
            if key in record:
                curves[label].append((step, record[key]))
        for name, value in record.get("held_out", {}).items():
            curves[f"backbone, {name}"].append((step, value))
    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    for label, points in curves.items():
        places, losses = zip(*points, strict=True)
        measured = label.startswith("backbone, ")
        losses = losses if measured else _smooth(losses)
        axes.plot(places, losses, marker="." if measured else None, label=label, linewidth=1)
    axes.set(xlabel="step", ylabel="loss, nats a token")
    axes.grid(alpha=0.3)
    if curves:
        axes.legend()
    with files.whole(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    pyplot.close(figure)


def report_failure(
    run: Path,
    step: int,
    figures: Sequence[float],
    tokenizer: FragmentTokenizer,
    rows: Tensor,
    indices: Sequence[int],
) -> Path:
    """Write failure.json: the step's losses and norm, its rows by index, and how their texts begin."""
    report = {
        "step": step,
        "losses and norm": [repr(value) for value in figures],  # JSON has no NaN
        "rows": {index: tokenizer.decode(rows[index].tolist())[:SHOWN] for index in indices},
    }
    path = run / "failure.json"
    files.write(path, json.dumps(report, indent=1) + "\n")
    return path


def _smooth(values: Sequence[float]) -> list[float]:
    """Running mean that remembers about a hundredth of the curve."""
    share = min(1.0, 100 / len(values))
    mean, smooth = values[0], []
    for value in values:
        mean += share * (value - mean)
        smooth.append(mean)
    return smooth
