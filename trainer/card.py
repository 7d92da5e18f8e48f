"""Write the model card: `python -m trainer.card MODEL --data DATA --run RUN [RUN ...]`.

Adds MODEL_CARD.md and loss_curve.png to a model folder. Every number in it comes from the folder itself,
the manifests of the data (`--corpus`, `--textbook`), the logs of the runs that made the model, in their
order, the report of an evaluation (`--report`), or is measured here on held-out prompts. The commands
are those that the runs keep in command.txt.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import model as models
from engine.api import EngineError
from engine.drafts import draft_size
from engine.model import MedusaModel
from trainer import dataset, files
from trainer.finetune import journal
from trainer.speed import HEADS, PROMPTS, TOKENS, Speed, decode_in_turn, held_out_prompts, speed

TAIL = 20  # steps whose losses are averaged

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What one run leaves: its configuration, command and log."""

    config: dict[str, Any]
    command: str
    log: list[journal.Record]

    @property
    def steps(self) -> list[journal.Record]:
        return [record for record in self.log if journal.is_step(record)]

    @property
    def tokens(self) -> int:
        return len(self.steps) * self.config["rows"] * self.config["length"]

    @property
    def hours(self) -> float:
        return self.steps[-1]["elapsed"] / 3600


def read_run(folder: Path) -> Run:
    """Raises EngineError if `folder` holds no run of `trainer.finetune`."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        command = (folder / "command.txt").read_text(encoding="utf-8").strip()
        log = journal.read(folder)
    except (OSError, ValueError) as error:
        raise EngineError(f"{folder} holds no run of trainer.finetune: {error}") from error
    return Run(config, command, log)


def measure(model: MedusaModel, prompts: list[list[int]]) -> tuple[Speed, float]:
    """Greedy decoding with drafts, and how many times as fast as without them it is: the median over the
    prompts. Raises EngineError if there is no prompt."""
    if not prompts:
        raise EngineError("the held-out rows have no prompt that fits the model's window")
    plain = replace(HEADS, speculative=False)
    answers = decode_in_turn({"drafted": (model, HEADS), "plain": (model, plain)}, prompts)
    pairs = zip(answers["plain"], answers["drafted"], strict=True)
    return speed(answers["drafted"]), statistics.median(
        slow.milliseconds / fast.milliseconds for slow, fast in pairs
    )


# --- the text ------------------------------------------------------------------------------------


def card(
    model: MedusaModel,
    runs: Sequence[Run],
    corpora: Sequence[Manifest],
    textbooks: Sequence[Manifest],
    speed: Speed,
    times_plain: float,
    report: str,
    size: int,
) -> str:
    """The text of MODEL_CARD.md; `size` is that of the model folder's weights in bytes."""
    parts = [
        f"# Model card: {model.card.name}",
        _summary(model, size),
        _training(runs),
        _held_out(model, speed, times_plain),
        re.sub("^#", "##", report.strip(), flags=re.MULTILINE),  # a part of the card
        _data(corpora, textbooks),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(model: MedusaModel, size: int) -> str:
    return f"""\
A {model.parameter_count() / 1e6:.1f}M-parameter Llama-architecture model for completing Verilog, with
{model.card.heads} Medusa heads that share its unembedding. {size / 1e6:.1f} MB of safetensors in bfloat16,
vocabulary {model.tokenizer.size}, window {model.card.window} tokens.
It is small and briefly trained: expect plausible lines in the style of its training text, not correct
designs. What it writes is checked for syntax before it is shown; check what it means yourself."""


def _training(runs: Sequence[Run]) -> str:
    commands = "\n".join(run.command for run in runs)
    rows = "\n".join(
        f"| {number} | {run.config['method']} | {len(run.steps):,} | {run.tokens / 1e6:.1f}M "
        f"| {run.hours:.1f} | {_tail(run, 'base_loss')} | {_tail(run, 'head_loss')} |"
        for number, run in enumerate(runs, 1)
    )
    config = runs[-1].config
    heads = (
        ""
        if config["method"] == "ntp"
        else f"""
Loss of paper 1 (eq. 2): gamma {config["gamma"]}, lambda to {config["head_weight"]} along a sine, heads at
{config["head_lr_factor"]:g} times the base learning rate on {100 * config["head_positions"]:g} % of the positions{_late(config)}."""
    )
    return f"""\
## Training

{textwrap.indent(commands, "    ")}

| run | method | steps | tokens in packed rows | hours | last loss, backbone | last loss, heads |
|---|---|---|---|---|---|---|
{rows}
{heads}
Losses are training's, in nats a token, means of the last {TAIL} steps. The full configuration stands in
verifrag.json.

![loss](loss_curve.png)"""


def _late(config: dict[str, Any]) -> str:
    share = config["heads_from"]
    return f", from {100 * share:g} % of the steps on" if share else ""


def _held_out(model: MedusaModel, speed: Speed, times_plain: float) -> str:
    figures = model.card.training["held_out"]
    losses = [f"repositories held out whole {figures['base_loss']:.3f}"]
    if "textbook_held_out" in model.card.training:
        exam = model.card.training["textbook_held_out"]
        losses.append(f"families of the textbook held out whole {exam['base_loss']:.3f}")
    heads = "\n".join(
        f"| {i} | {loss:.3f} | {100 * rates[0]:.1f} % | {100 * sum(rates[:3]):.1f} % |"
        for i, (loss, rates) in enumerate(
            zip(figures["head_losses"], figures["hit_rate"], strict=True), 1
        )
    )
    return f"""\
## Held-out text

The backbone's loss in nats a token, line comments of prompts aside: {"; ".join(losses)}. Head i predicts
the token i + 1 places ahead; its loss is over the labels it is trained on, its hits over all answer
tokens of the repositories held out.

| head | loss | first guess right | one of three right |
|---|---|---|---|
{heads}

Greedy decoding, drafted by the heads alone, of {speed.prompts} held-out prompts, up to {TOKENS} tokens each, {draft_size(model, HEADS)} nodes a draft:
**{speed.tokens_per_step:.2f} accepted tokens a step** ([FRAG] tokens included), {speed.characters_per_step:.1f} visible
characters a step, and {times_plain:.2f} times as fast as plain decoding of the same backbone on a CPU in eager
float32 (median over the prompts of paired runs)."""


def _data(corpora: Sequence[Manifest], textbooks: Sequence[Manifest]) -> str:
    sections = ["## Data"]
    for manifest in corpora:
        rows = manifest["sources"]  # one for each licence of a source
        names = {row["source"] for row in rows}
        licences = Counter(row["licence"] for row in rows)
        table = "\n".join(
            f"| {s['source']} | {s['licence']} | {s['commit'][:12] or 'as distributed'} |"
            for s in rows
        )
        sections.append(f"""\
{manifest["counts"]["items"]:,} modules, {manifest["counts"]["characters"] / 1e6:.1f} million characters, from {len(names)} repositories and sets of pairs
under permissive licences ({", ".join(f"{n} {k}" for k, n in licences.items())}). No source text is part of this
repository. Modules that overlap a benchmark were dropped, so none was trained on. Counts of the build:

{_counts(manifest)}

| source | licence | commit |
|---|---|---|
{table}""")
    for manifest in textbooks:
        sections.append(f"""\
A textbook of problems written by this project's programs (`python -m trainer.textbook`), each checked
by its own test bench in Icarus Verilog: {manifest["families"]} families, of which {len(manifest["held_out_families"])} are held out
whole, as are {len(manifest["held_out_wordings"])} wordings of descriptions.

{_counts(manifest)}""")
    return "\n\n".join(sections) if len(sections) > 1 else ""


def _counts(manifest: Manifest) -> str:
    return "\n".join(f"- {name}: {count:,}" for name, count in sorted(manifest["counts"].items()))


def _tail(run: Run, key: str) -> str:
    values = [record[key] for record in run.steps[-TAIL:] if key in record]
    return f"{statistics.mean(values):.3f}" if values else "-"


# --- command line --------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.card", description=__doc__.split("\n")[0]
    )
    add = parser.add_argument
    add("model", type=Path, help="model folder, which receives the card")
    add("--data", type=Path, required=True, help="folder that trainer.dataset wrote")
    add("--run", type=Path, required=True, nargs="+", help="of trainer.finetune, in order")
    add("--corpus", type=Path, nargs="*", default=[], help="folders of trainer.corpus")
    add("--textbook", type=Path, nargs="*", default=[], help="folders of trainer.textbook")
    add("--report", type=Path, help="report.md of trainer.evaluate, to be taken in")
    args = parser.parse_args(argv)
    try:
        model = models.load_ours(args.model)
        runs = [read_run(folder) for folder in args.run]
        corpora, textbooks = map(_manifests, (args.corpus, args.textbook))
        report = args.report.read_text(encoding="utf-8") if args.report else ""
        rows = dataset.load_rows(args.data, "held_out")
        figures, times_plain = measure(model, held_out_prompts(model, rows, PROMPTS))
    except (EngineError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    journal.draw([record for run in runs for record in run.log], args.model / "loss_curve.png")
    size = sum(path.stat().st_size for path in args.model.glob("*.safetensors"))
    text = card(model, runs, corpora, textbooks, figures, times_plain, report, size)
    files.write(args.model / "MODEL_CARD.md", text)
    print(f"wrote {args.model / 'MODEL_CARD.md'}: {figures}, {times_plain:.2f} times plain")
    return 0


def _manifests(folders: Sequence[Path]) -> list[Manifest]:
    return [json.loads((f / "manifest.json").read_text(encoding="utf-8")) for f in folders]


if __name__ == "__main__":
    raise SystemExit(main())
