"""The passes over a model that decoding is made of: read a prompt, verify a tree, guess what follows.

Each goes the shortest way there is: through the compiled step (`engine.compiled`); else, for one sequence,
through the plain function that it repeats (`engine.lean`), if the backbone is of the Llama family; else
through transformers' layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine import lean
from engine.cache import TreeCache
from engine.model import MedusaModel
from engine.tree import DraftTree


@torch.no_grad()
def forward(
    model: MedusaModel, ids: Tensor, depth: Tensor, sees: Tensor, cache: TreeCache
) -> tuple[Tensor, Tensor]:
    """Run ids [B, N] after what the first B rows of `cache` hold.

    depth [N] and sees [N, N] are a tree's (`engine.tree.Layout`); with [B, N] and [B, N, N] each row has
    its own. Returns hidden states [B, N, d] and logits [B, N, V]. The new slots are not committed.
    """
    rows, nodes = ids.shape
    if rows == 1 and (model.compiled is not None or lean.suits(model.backbone)):
        one = ids[0], depth.view(nodes), sees.view(nodes, nodes)
        hidden, logits = _verify(model, *one, cache, 0, nodes)
    elif _writes(model, cache, 0, rows, nodes):
        own = ids, depth.expand(rows, nodes), sees.expand(rows, nodes, nodes)
        hidden, logits = _compiled(model, *own, cache, 0, rows * nodes)
    else:
        hidden = _states(model, ids, depth, sees, cache, 0)
        return hidden, model.logits(hidden)
    return hidden.view(rows, nodes, -1), logits.view(rows, nodes, -1)


@torch.no_grad()
def prefill(
    model: MedusaModel, prompt: Sequence[int], cache: TreeCache, row: int = 0
) -> tuple[Tensor, Tensor]:
    """Append prompt ids to a row of `cache`; returns the last hidden state [d] and its logits [V]."""
    ids = torch.tensor(prompt, device=model.device)
    depth = torch.arange(len(prompt), device=model.device)
    sees = depth[:, None] >= depth
    if model.compiled is not None and model.compiled.reads_prompts:
        hidden, logits = _verify(model, ids, depth, sees, cache, row, 1)
        last, logits = hidden[-1], logits[0]
    else:
        last = _states(model, ids[None], depth, sees, cache, row)[0, -1]
        logits = model.logits(last)
    cache.commit([range(len(prompt))])
    return last, logits


def _writes(model: MedusaModel, cache: TreeCache, first: int, rows: int, nodes: int) -> bool:
    """Whether the compiled step can verify so many nodes in each of these rows, and write to the cache."""
    step, states = model.compiled, cache.states
    if step is None or not step.takes_rows:
        return False
    longest = max(cache.lengths[first : first + rows]) + nodes
    return step.reaches(longest) and (states is None or states.dtype == step.nothing.dtype)


def _compiled(
    model: MedusaModel,
    ids: Tensor,
    depth: Tensor,
    sees: Tensor,
    cache: TreeCache,
    first: int,
    wanted: int,
) -> tuple[Tensor, Tensor]:
    """`CompiledStep.verify_rows` after what the rows of `cache` from `first` on hold."""
    states, lengths = cache.open(first, len(ids), model.compiled.nothing)
    return model.compiled.verify_rows(ids, depth, sees, states, lengths, wanted)


def _verify(
    model: MedusaModel,
    ids: Tensor,
    depth: Tensor,
    sees: Tensor,
    cache: TreeCache,
    row: int,
    wanted: int,
) -> tuple[Tensor, Tensor]:
    """`lean.verify` after what a row of `cache` holds, into which it writes what it makes."""
    if _writes(model, cache, row, 1, len(ids)):
        return _compiled(model, ids[None], depth[None], sees[None], cache, row, wanted)
    past = cache.past(row)
    if past is None:
        past = lean.nothing(model)
    past = past.to(model.dtype)  # the compiled step's may be rounded
    step = model.compiled
    if step is not None and step.reaches(past.shape[3] + len(ids)):
        hidden, logits, made = step.verify(ids, depth, sees, past, wanted)
    else:
        hidden, logits, made = lean.verify(model, ids, depth, sees, past, wanted)
    cache.write(row, made)
    return hidden, logits


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
    if model.compiled is not None and last.dim() == 1:
        return model.compiled.guess(last, tree.heads, tree.ranks)
    return lean.guess(model, last, tree.heads, tree.ranks)
