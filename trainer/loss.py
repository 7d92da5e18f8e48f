"""The training loss of paper 1, eq. 2, on packed rows.

Index 0 of every vector over predictors is the backbone, index k the k-th head. Cross entropies come as
sums with the number of labels beside them, so that a step's mean does not depend on how its rows are
cut into micro batches or spread over processes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from engine.model import MedusaModel
from engine.tokenizer import FragmentTokenizer
from trainer.attention import wants_mask
from trainer.labels import IGNORE, describe, enriched_labels, shifted

CHUNK_BYTES = 2 << 30  # of logits; smaller chunks cost 7 % of a step on a CPU


class Batch(NamedTuple):
    """Everything the loss needs, in static shapes so that it compiles once."""

    ids: Tensor  # [B, T]
    position: Tensor  # [B, T]
    segment: Tensor  # [B, T] number of the sample within its row, 0 for padding
    base: Tensor  # [B * T] labels of the backbone
    where: Tensor  # [M] flat indices at which the heads are trained
    heads: Tensor  # [M, heads] labels of the heads

    @property
    def mask(self) -> Tensor:
        """[B, 1, T, T] bool, True where attention is allowed."""
        return attention_mask(self.segment)


def prepare(
    ids: Tensor,
    tokenizer: FragmentTokenizer,
    heads: int,
    enriched: bool,
    positions: int,
    generator: torch.Generator | None = None,
) -> Batch:
    """Labels and masks of packed rows ids [B, T]; heads get `positions` random places with a label.

    Samples of one row do not see each other. `generator` draws on the device of the rows.
    """
    rows = describe(ids.int(), tokenizer)  # labels are made twice as fast in 32 bits
    ends = (tokenizer.frag, tokenizer.end)
    every = enriched_labels(rows, heads, ends) if enriched else shifted(rows, heads)
    flat = every.flatten(0, 1)
    useful = (flat[:, 1:] != IGNORE).any(1)
    if not heads:
        positions = 0
    # Any place with a label scores above all without: those fill up rather than change the shape.
    score = torch.rand(useful.shape, generator=generator, device=ids.device) + useful
    where = score.topk(positions).indices
    base, drafted = flat[:, 0].long(), flat[where, 1:].long()
    return Batch(ids.long(), rows.position, rows.segment, base, where, drafted)


def attention_mask(segment: Tensor) -> Tensor:
    """Causal, and within one sample: bool [B, 1, T, T]. Padding sees itself, so no row is empty."""
    length = segment.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=segment.device).tril()
    same = segment.unsqueeze(2) == segment.unsqueeze(1)
    return (same & causal).unsqueeze(1)


def sums(model: MedusaModel, batch: Batch) -> Tensor:
    """Cross entropy of each predictor, summed over its labels: [1 + heads]."""
    return sums_from(model, hidden(model, batch), batch)


def hidden(model: MedusaModel, batch: Batch) -> Tensor:
    """The backbone's last hidden state at each place of the batch: [B * T, d]."""
    mask = batch.mask if wants_mask(model.backbone) else None
    states = model.hidden(
        batch.ids, position_ids=batch.position, attention_mask=mask, use_cache=False
    )
    return states.flatten(0, 1)


def sums_from(model: MedusaModel, flat: Tensor, batch: Batch) -> Tensor:
    """`sums` of a batch whose hidden states `flat` [B * T, d] are known."""
    base = token_losses(model, flat, batch.base).sum()
    if not batch.heads.shape[1]:
        return base[None]
    states = model.heads(flat[batch.where])  # [M, heads, d]
    return torch.cat([base[None], _head_sums(model, states, batch.heads)])


def _head_sums(model: MedusaModel, states: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of each head, summed: [heads], of states [M, heads, d] with labels [M, heads]."""
    if model.heads.unembedding is None:
        each = token_losses(model, states.flatten(0, 1), labels.flatten())
        return each.view_as(labels).sum(0)
    parts = zip(states.unbind(1), labels.unbind(1), model.heads.unembedding, strict=True)
    return torch.stack([token_losses(model, *part).sum() for part in parts])


def counts(batch: Batch) -> Tensor:
    """Number of labels of each predictor: [1 + heads]."""
    base = (batch.base != IGNORE).sum()
    return torch.cat([base[None], (batch.heads != IGNORE).sum(0)])


def losses(model: MedusaModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross entropy of the backbone (scalar) and of each head [heads], means over their labels."""
    means = sums(model, batch) / counts(batch).clamp(min=1)
    return means[0], means[1:]


def token_losses(
    model: MedusaModel, states: Tensor, labels: Tensor, unembedding: Tensor | None = None
) -> Tensor:
    """Cross entropy in float32 of each state [N, d] with its label [N]: [N], 0 where it is ignored.

    `unembedding` [V, d] is the backbone's unless it is given.
    Logits are by far the largest tensor of a step. More than CHUNK_BYTES of them are never held at a
    time: the rest is computed when its turn comes, and again in the backward pass.
    """
    size = max(1, CHUNK_BYTES // (4 * model.backbone.config.vocab_size))
    if len(states) <= size:
        return _cross_entropy(model, states, labels, unembedding)
    chunks = zip(states.split(size), labels.split(size), strict=True)
    return torch.cat(
        [
            checkpoint(_cross_entropy, model, *chunk, unembedding, use_reentrant=False)
            for chunk in chunks
        ]
    )


def _cross_entropy(
    model: MedusaModel, states: Tensor, labels: Tensor, unembedding: Tensor | None
) -> Tensor:
    logits = model.logits(states) if unembedding is None else states @ unembedding.T
    return F.cross_entropy(logits.float(), labels, ignore_index=IGNORE, reduction="none")


def head_weight(progress: float, maximum: float) -> float:
    """lambda of eq. 2: grows from 0 to `maximum` along a quarter of a sine; progress in [0, 1]."""
    return maximum * math.sin(min(max(progress, 0.0), 1.0) * math.pi / 2)


def coefficients(heads: int, weight: float, gamma: float, device: torch.device) -> Tensor:
    """What eq. 2 multiplies each predictor's loss by: 1, then weight * gamma^i; [1 + heads]."""
    factors = weight * gamma ** torch.arange(1, heads + 1, device=device)
    return torch.cat([torch.ones(1, device=device), factors])


def combine(base: Tensor, heads: Tensor, weight: float, gamma: float) -> Tensor:
    """Eq. 2: base + weight * sum_i gamma^i * heads[i-1]."""
    factors = coefficients(len(heads), weight, gamma, base.device)
    return (factors * torch.cat([base[None], heads])).sum()
