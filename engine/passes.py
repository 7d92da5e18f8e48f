"""The passes over a model that decoding is made of: read a prompt, verify a tree, guess what follows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.cache import TreeCache
from engine.model import MedusaModel
from engine.tree import DraftTree


@torch.no_grad()
def forward(
    model: MedusaModel, ids: Tensor, depth: Tensor, sees: Tensor, cache: TreeCache
) -> tuple[Tensor, Tensor]:
    """Run ids [B, N] after what the first B rows of `cache` hold; depth [N], sees [N, N] as in `DraftTree`.

    Returns hidden states [B, N, d] and logits [B, N, V]. The new slots are not committed.
    """
    hidden = _states(model, ids, depth, sees, cache, 0)
    return hidden, model.logits(hidden)


@torch.no_grad()
def prefill(
    model: MedusaModel, prompt: Sequence[int], cache: TreeCache, row: int = 0
) -> tuple[Tensor, Tensor]:
    """Append prompt ids to a row of `cache`; returns the last hidden state [d] and its logits [V]."""
    ids = torch.tensor([list(prompt)], device=model.device)
    depth = torch.arange(len(prompt), device=model.device)
    last = _states(model, ids, depth, depth[:, None] >= depth, cache, row)[0, -1]
    cache.commit([range(len(prompt))])
    return last, model.logits(last)


def _states(
    model: MedusaModel, ids: Tensor, depth: Tensor, sees: Tensor, cache: TreeCache, row: int
) -> Tensor:
    """Hidden states [B, N, d] of ids [B, N], after what the rows of `cache` from `row` on hold."""
    cache.aim(row, (ids.shape[0], ids.shape[1]), ids.device)
    return model.hidden(
        ids,
        position_ids=cache.slots[:, :1] + depth,
        attention_mask=cache.mask(sees),
        past_key_values=cache,
        use_cache=True,
    )


@torch.no_grad()
def guess(model: MedusaModel, last: Tensor, tree: DraftTree) -> Tensor:
    """Ranked guesses [..., heads, ranks] of the heads the tree asks for, from last hidden states [..., d]."""
    if tree.size == 1:
        return last.new_empty(*last.shape[:-1], 0, 0, dtype=torch.long)
    states = model.heads(last)[..., : tree.heads, :]
    return model.logits(states).topk(tree.ranks, dim=-1).indices
