"""Held-out figures of a model: its losses, and how often each head's k-th guess is right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from engine.model import MedusaModel
from trainer import loss
from trainer.labels import IGNORE


@dataclass(frozen=True)
class Figures:
    """Means over batches of held-out rows. Losses are in nats a token."""

    base_loss: float
    head_losses: list[float]
    hit_rate: list[list[float]]
    """[head][rank]: share of answer positions at which the head's rank-th guess is the token."""


@torch.no_grad()
def evaluate(
    model: MedusaModel, rows: Tensor, enriched: bool, ranks: int = 8, batch_rows: int = 8
) -> Figures:
    """Measure `model` on held-out rows [N, T]; heads on up to 64 answer places a row."""
    heads = model.heads.count
    device = model.device
    generator = torch.Generator().manual_seed(0)
    base_total, head_total, batches = 0.0, torch.zeros(heads), 0
    hits, seen = torch.zeros(heads, ranks), torch.zeros(heads)
    for chunk in rows.split(batch_rows):
        prepare = partial(loss.prepare, chunk, model.tokenizer, heads)
        places = {"positions": 64 * len(chunk), "generator": generator}
        learnt = _on(device, prepare(enriched=enriched, **places))
        plain = _on(device, prepare(enriched=False, **places))
        flat = loss.hidden(model, learnt)  # the text is the same, only labels and places differ
        means = loss.sums_from(model, flat, learnt) / loss.counts(learnt).clamp(min=1)
        base_total += means[0].item()
        head_total += means[1:].cpu()
        batches += 1
        top = model.head_logits(model.heads(flat[plain.where])).topk(ranks, dim=-1).indices
        labels = plain.heads.unsqueeze(-1)  # [M, heads, 1] beside [M, heads, ranks]
        hits += ((top == labels) & (labels != IGNORE)).float().sum(0).cpu()
        seen += (plain.heads != IGNORE).float().sum(0).cpu()
    rates = (hits / seen.clamp(min=1).unsqueeze(1)).tolist()
    return Figures(base_total / batches, (head_total / batches).tolist(), rates)


def _on(device: torch.device, batch: loss.Batch) -> loss.Batch:
    return loss.Batch(*(part.to(device) for part in batch))
