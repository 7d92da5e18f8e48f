"""The training of a round: references and scored responses in, a changed model out.

Each step takes one prompt with its K responses and minimises eq. 4 of paper 2 (`trainer.ranking`)
plus the Medusa heads' loss on the reference (paper 1, eq. 2), so that the heads keep in step with
the backbone they draft for.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from engine import prompts
from engine.api import Prompt
from engine.model import MedusaModel
from engine.tokenizer import FragmentTokenizer
from engine.verilog.fragments import boundaries
from trainer import files, finetune, labels, loss, ranking
from trainer.files import Row
from trainer.references import Reference

HEAD_PLACES = 128  # of each reference at which the heads are trained


@dataclass(frozen=True)
class Example:
    """A prompt with its K responses, reference last: padded rows ids [K, T], quality z [K]."""

    ids: Tensor
    z: Tensor


def encode_prompt(model: MedusaModel, edit: Reference) -> tuple[list[int], int]:
    """Ids of the reference's prompt, and how many tokens of the window are kept for the answer."""
    window = model.card.window
    budget = min(2 * len(encode_accepted(model.tokenizer, edit)) + 16, window * 3 // 4)
    prompt = Prompt(edit.prefix, edit.suffix, edit.context, edit.instruction)
    return prompts.encode(model.tokenizer, prompt, window - budget), budget


def encode_accepted(tokenizer: FragmentTokenizer, edit: Reference) -> list[int]:
    """Ids of the accepted text, cut into fragments as its surroundings tell, and [END]."""
    answer = prompts.typed_blank(edit.prefix) + edit.accepted
    end = len(edit.prefix) + len(edit.accepted)
    begin = end - len(answer)
    whole = boundaries(edit.prefix + edit.accepted + edit.suffix)
    cuts = [cut - begin for cut in whole if begin < cut < end]
    return [*tokenizer.encode_fragments(answer, [*cuts, len(answer)]), tokenizer.end]


def encode_sample(tokenizer: FragmentTokenizer, edit: Reference, row: Row) -> list[int]:
    """Ids of a response sampled for `edit`'s prompt; without [END] if it was cut off."""
    fragments = list(row["fragments"])
    if fragments:
        fragments[0] = prompts.typed_blank(edit.prefix) + fragments[0]
    ids = tokenizer.encode_fragments("".join(fragments), list(accumulate(map(len, fragments))))
    return [*ids, tokenizer.end] if row["finish"] in ("end", "stop") else ids


def example(
    model: MedusaModel, edit: Reference, samples: Sequence[Row], scores: Sequence[Row]
) -> Example:
    """Lay out one reference's prompt with each of its responses; the reference has z = 1.

    A response cut off before its first fragment was whole has no tokens, and is left out.
    """
    tokenizer = model.tokenizer
    prompt, budget = encode_prompt(model, edit)
    answers = [
        (encode_sample(tokenizer, edit, row), scored["z"])
        for row, scored in zip(samples, scores, strict=True)
        if row["reference"] == edit.id
    ]
    answers.append((encode_accepted(tokenizer, edit), 1.0))
    rows = [([*prompt, *answer[:budget]], z) for answer, z in answers if answer]
    ids = torch.full((len(rows), max(len(row) for row, _ in rows)), tokenizer.pad)
    for index, (row, _) in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
    z = torch.tensor([z for _, z in rows])
    return Example(ids.to(model.device), z.to(model.device))


def train(
    model: MedusaModel, examples: Sequence[Example], epochs: int, lr: float, seed: int, log: Path
) -> dict[str, float]:
    """Train `model` in place, one prompt with its K responses a step.

    Each step leaves a line in `log`. Returns the references' loss `before` and `after`. Raises
    FloatingPointError if the loss stops being finite.
    """
    rng = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    order = [one for _ in range(epochs) for one in rng.sample(examples, len(examples))]
    warmup = max(1, len(order) // 10)
    # A few steps on a handful of references: what has been tried here is AdamW.
    config = finetune.Config(lr=lr, steps=len(order), warmup=warmup, optimizer="adamw")
    optimizer = finetune.Optimizer(model, config)
    model.requires_grad_(True)
    before = reference_loss(model, examples)
    bar = tqdm(order, desc="training", unit="step", leave=False)
    with log.open("wb") as file:
        for step, example in enumerate(bar):
            parts = backward(model, example, config, generator)
            if not math.isfinite(parts["loss"]):
                raise FloatingPointError(f"the loss is {parts} at step {step}: try a lower --lr")
            optimizer.step(config.rate(step))
            file.write(files.line({"step": step + 1, **parts}))
            bar.set_postfix(loss=f"{parts['loss']:.3f}")
    return {"before": before, "after": reference_loss(model, examples)}


def backward(
    model: MedusaModel, example: Example, config: finetune.Config, generator: torch.Generator
) -> dict[str, float]:
    """Leave the gradient of one prompt's loss in the model; returns the loss and its parts."""
    p = log_probabilities(model, example.ids)
    parts = ranking.itertl_loss(p[None], example.z[None])
    reference = example.ids[-1:]
    places = min(HEAD_PLACES, reference.shape[1])
    count = model.heads.count
    batch = loss.prepare(reference, model.tokenizer, count, True, places, generator)
    _, heads = loss.losses(model, batch)
    total = loss.combine(parts.total, heads, config.head_weight, config.gamma)
    total.backward()
    return {
        "loss": total.item(),
        "cross_entropy": parts.cross_entropy.item(),
        "ranking": parts.ranking.item(),
        "heads": heads.mean().item() if count else 0.0,
    }


def log_probabilities(model: MedusaModel, ids: Tensor) -> Tensor:
    """p_k (eq. 1) of the answers in rows ids [K, T], one sample each, padded on the right: [K]."""
    answer = labels.describe(ids, model.tokenizer).answer
    target = ids.masked_fill(~answer, labels.IGNORE)
    target = F.pad(target[:, 1:], (0, 1), value=labels.IGNORE)
    hidden = model.hidden(ids, use_cache=False)
    return ranking.mean_log_probability(model.logits(hidden), target, labels.IGNORE)


@torch.no_grad()
def reference_loss(model: MedusaModel, examples: Sequence[Example]) -> float:
    """Mean cross entropy of the references, in nats a token."""
    losses = [-log_probabilities(model, example.ids[-1:]).item() for example in examples]
    return sum(losses) / len(losses)
