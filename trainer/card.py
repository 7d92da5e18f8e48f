"""Write the model card: `python -m trainer.card MODEL --corpus CORPUS --data DATA --run RUN [RUN ...]`.

Adds MODEL_CARD.md and loss_curve.png to a model folder. Every number in it comes from the folder itself,
the corpus manifest, the logs of the runs that made it, in their order, or is measured here on held-out
prompts. The commands are those that the last run's folder keeps in command.txt.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import torch
from tqdm import tqdm

from engine import model as models
from engine.api import DecodingOptions
from engine.decoding import complete
from engine.model import MedusaModel
from trainer import dataset

PROMPTS = 100
TOKENS = 64


@dataclass(frozen=True)
class Speed:
    """Decoding of held-out prompts, greedy. All are totals divided by totals."""

    prompts: int
    tokens_per_step: float
    characters_per_step: float
    times_plain: float
    """Plain decoding's time for the same text over ours, same process, prompts in turn."""


def measure(model: MedusaModel, prompts: list[list[int]]) -> Speed:
    """Decode each prompt with drafts and plainly, in turn."""
    drafted, plain = [], []
    for ids in tqdm(prompts, desc="decoding", unit="prompt", leave=False):
        drafted.append(complete(model, ids, DecodingOptions(max_tokens=TOKENS)))
        plain.append(complete(model, ids, DecodingOptions(max_tokens=TOKENS, speculative=False)))
    steps = sum(c.steps for c in drafted)
    return Speed(
        prompts=len(prompts),
        tokens_per_step=sum(c.tokens for c in drafted) / steps,
        characters_per_step=sum(len(c.text) for c in drafted) / steps,
        times_plain=statistics.median(
            p.milliseconds / d.milliseconds for p, d in zip(plain, drafted, strict=True)
        ),
    )


def held_out_prompts(model: MedusaModel, rows: torch.Tensor, count: int) -> list[list[int]]:
    """Prompts, up to and including [MIDDLE], of samples of held-out rows."""
    tokenizer = model.tokenizer
    found = []
    for row in rows.tolist():
        start = 0
        for index, token in enumerate(row):
            if token == tokenizer.start:
                start = index
            elif token == tokenizer.middle and index - start < model.card.window - TOKENS:
                found.append(row[start : index + 1])
    random.Random(0).shuffle(found)
    return found[:count]


def draw(log: list[dict], path: Path) -> None:
    """Loss curves of backbone and heads over the steps."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    steps = range(1, len(log) + 1)
    for key, label in (("base_loss", "backbone"), ("head_loss", "heads, mean")):
        axes.plot(steps, [record[key] for record in log], label=label, linewidth=1)
    axes.set(xlabel="step", ylabel="training loss, nats a token")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def card(
    model: MedusaModel, manifest: dict, log: list[dict], speed: Speed, size: int, command: str
) -> str:
    """The text of MODEL_CARD.md; `size` is that of the model folder in bytes."""
    training = model.card.training
    config, figures = training["config"], training["held_out"]
    counts = manifest["counts"]
    tokens = len(log) * config["rows"] * model.card.window
    licences = Counter(source["licence"] for source in manifest["sources"])
    heads = "\n".join(
        f"| {i} | {loss:.3f} | {100 * rates[0]:.1f} % | {100 * sum(rates[:3]):.1f} % |"
        for i, (loss, rates) in enumerate(
            zip(figures["head_losses"], figures["hit_rate"], strict=True), 1
        )
    )
    sources = "\n".join(
        f"| {s['source']} | {s['licence']} | {s['commit'][:12] or 'as distributed'} |"
        for s in manifest["sources"]
    )
    dropped = "\n".join(f"- {name}: {count:,}" for name, count in sorted(counts.items()))
    return f"""# Model card: {model.card.name}

A {model.parameter_count() / 1e6:.1f}M-parameter Llama-architecture model for completing Verilog, with
{model.card.heads} fragment-aligned Medusa heads that share its unembedding. {size / 1e6:.1f} MB of
safetensors in bfloat16, vocabulary {model.tokenizer.size}, window {model.card.window} tokens.
It is small and briefly trained: expect plausible lines in the style of its training text, not correct
designs. What it writes is checked for syntax before it is shown; check what it means yourself.

## Training

{textwrap.indent(command, "    ")}

{len(log):,} steps, {tokens / 1e6:.1f}M tokens in packed rows (each module is sampled several times, with
other holes), method `{config["method"]}`: joint training of backbone and heads, loss of paper 1 (eq. 2) with
syntax-enriched labels, gamma {config["gamma"]}, lambda to {config["head_weight"]} along a sine, heads at
{config["head_lr_factor"]:g} times the base learning rate on {100 * config["head_positions"]:g} % of the positions.
The full configuration stands in verifrag.json.

![training loss](loss_curve.png)

Last training loss (mean of 20 steps): backbone {_tail(log, "base_loss"):.3f}, heads {_tail(log, "head_loss"):.3f}.

## Held-out modules

Whole modules that were kept out of training. Backbone: {figures["base_loss"]:.3f} nats a token. Head i predicts
the token i + 1 places ahead; its loss is over syntax-enriched labels, its hits over all answer tokens.

| head | loss | first guess right | one of three right |
|---|---|---|---|
{heads}

Greedy decoding of {speed.prompts} held-out prompts, up to {TOKENS} tokens each, tree of {len(model.card.tree) + 1} nodes:
**{speed.tokens_per_step:.2f} accepted tokens a step** ([FRAG] tokens included), {speed.characters_per_step:.1f} visible
characters a step, and {speed.times_plain:.2f} times as fast as plain decoding of the same backbone on a CPU in eager
float32 (median over the prompts of paired runs).

## Data

{counts["kept"]:,} modules, {counts["characters kept"] / 1e6:.1f} million characters, from
{len(manifest["sources"])} sources under permissive licences ({", ".join(f"{n} {k}" for k, n in licences.items())}). No source
text is part of this repository. No benchmark was trained on: modules that share many runs of 13 lexemes
with one were dropped. Counts of the build:

{dropped}

| source | licence | commit |
|---|---|---|
{sources}
"""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.card", description=__doc__.split("\n")[0]
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, nargs="+")
    args = parser.parse_args(argv)
    model = models.load(args.model)
    manifest = json.loads((args.corpus / "manifest.json").read_text(encoding="utf-8"))
    lines = [line for run in args.run for line in (run / "log.jsonl").read_text().splitlines()]
    log = [json.loads(line) for line in lines]
    command = (args.run[-1] / "command.txt").read_text(encoding="utf-8").strip()
    rows = dataset.load_rows(args.data, "held_out")
    speed = measure(model, held_out_prompts(model, rows, PROMPTS))
    draw(log, args.model / "loss_curve.png")
    size = sum(path.stat().st_size for path in args.model.glob("*.safetensors"))
    text = card(model, manifest, log, speed, size, command)
    (args.model / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    print(f"wrote {args.model / 'MODEL_CARD.md'}: {speed}")
    return 0


def _tail(log: list[dict], key: str) -> float:
    return statistics.mean(record[key] for record in log[-20:])


if __name__ == "__main__":
    raise SystemExit(main())
