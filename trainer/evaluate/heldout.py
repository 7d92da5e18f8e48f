"""Held-out figures of a model: its losses, and how often each head's k-th guess is right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.model import MedusaModel
from trainer import loss
from trainer.labels import IGNORE


@dataclass(frozen=True)
class Figures:
    """Means over held-out rows. Losses are in nats a token."""

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
        batch = loss.prepare(chunk, model.tokenizer, heads, enriched, 64 * len(chunk), generator)
        batch = loss.Batch(*(x.to(device) for x in batch))
        base, each = loss.losses(model, batch)
        base_total, head_total, batches = (
            base_total + base.item(),
            head_total + each.cpu(),
            batches + 1,
        )
        plain = loss.prepare(chunk, model.tokenizer, heads, False, 64 * len(chunk), generator)
        plain = loss.Batch(*(x.to(device) for x in plain))
        hidden = model.hidden(
            plain.ids,
            position_ids=plain.position,
            attention_mask=plain.mask,
            use_cache=False,
        )
        states = model.heads(hidden.flatten(0, 1)[plain.where])
        top = model.logits(states).topk(ranks, dim=-1).indices  # [M, heads, ranks]
        right = (top == plain.heads.unsqueeze(-1)) & (plain.heads != IGNORE).unsqueeze(-1)
        hits += right.float().sum(0).cpu()
        seen += (plain.heads != IGNORE).float().sum(0).cpu()
    rates = (hits / seen.clamp(min=1).unsqueeze(1)).tolist()
    return Figures(base_total / batches, (head_total / batches).tolist(), rates)
