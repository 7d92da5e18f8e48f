"""The training loss of paper 1, eq. 2, on packed rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.model import MedusaModel
from engine.tokenizer import FragmentTokenizer
from trainer.labels import IGNORE, Rows, describe, shifted, syntax_enriched


class Batch(NamedTuple):
    """Everything the loss needs, in static shapes so that it compiles once."""

    ids: Tensor  # [B, T]
    position: Tensor  # [B, T]
    mask: Tensor  # [B, 1, T, T] bool, True where attention is allowed
    base: Tensor  # [B * T] labels of the backbone
    where: Tensor  # [M] flat indices at which the heads are trained
    heads: Tensor  # [M, heads] labels of the heads


def prepare(
    ids: Tensor,
    tokenizer: FragmentTokenizer,
    heads: int,
    enriched: bool,
    positions: int,
    generator: torch.Generator | None = None,
) -> Batch:
    """Labels and masks of packed rows ids [B, T]; heads get `positions` random places with a label.

    Samples of one row do not see each other.
    """
    rows = describe(ids, tokenizer)
    every = shifted(rows, heads)
    if enriched:
        ends = torch.tensor([tokenizer.frag, tokenizer.end], device=ids.device)
        every = syntax_enriched(every, ends)
    flat = every.flatten(0, 1)
    useful = (flat[:, 1:] != IGNORE).any(1).float()
    weight = useful + 1e-6  # fill up with places that have no label rather than change the shape
    where = (
        torch.multinomial(weight, positions, generator=generator) if heads else weight[:0].long()
    )
    return Batch(ids, rows.position, attention_mask(rows), flat[:, 0], where, flat[where, 1:])


def attention_mask(rows: Rows) -> Tensor:
    """Causal, and within one sample: bool [B, 1, T, T]. Padding sees itself, so no row is empty."""
    length = rows.ids.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=rows.ids.device).tril()
    same = rows.segment.unsqueeze(2) == rows.segment.unsqueeze(1)
    return (same & causal).unsqueeze(1)


def losses(model: MedusaModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross entropy of the backbone (scalar) and of each head [heads], means over their labels."""
    hidden = model.hidden(batch.ids, position_ids=batch.position, attention_mask=batch.mask)
    flat = hidden.flatten(0, 1)
    base = F.cross_entropy(model.logits(flat).float(), batch.base, ignore_index=IGNORE)
    if not batch.heads.shape[1]:
        return base, base.new_zeros(0)
    states = model.heads(flat[batch.where])  # [M, heads, d]
    logits = model.logits(states).float()
    each = F.cross_entropy(
        logits.flatten(0, 1), batch.heads.flatten(), ignore_index=IGNORE, reduction="none"
    ).view_as(batch.heads)
    count = (batch.heads != IGNORE).sum(0).clamp(min=1)
    return base, each.sum(0) / count


def head_weight(progress: float, maximum: float) -> float:
    """lambda of eq. 2: grows from 0 to `maximum` along a quarter of a sine; progress in [0, 1]."""
    return maximum * math.sin(min(max(progress, 0.0), 1.0) * math.pi / 2)


def combine(base: Tensor, heads: Tensor, weight: float | Tensor, gamma: float) -> Tensor:
    """Eq. 2: base + weight * sum_i gamma^i * heads[i-1]."""
    powers = gamma ** torch.arange(1, len(heads) + 1, device=base.device)
    return base + weight * (heads * powers).sum()
