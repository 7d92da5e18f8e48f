"""Attention over packed rows on a CPU, sample by sample: an attention function for transformers.

Under a mask a CPU computes all of a row's T x T products, of which packed samples need a small part.
With rows of 1,024 tokens a whole step takes 1.37 times as long that way (5M parameters, one thread).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, PreTrainedModel
from transformers.models.llama.modeling_llama import repeat_kv

PACKED = "verifrag_packed"


@torch.compiler.disable  # the lengths of the samples are data
def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    scaling: float,
    position_ids: Tensor,
    **_: object,
) -> tuple[Tensor, None]:
    """Causal attention within each sample; a sample begins where its position [B, T] is 0.

    query [B, H, T, d], key and value [B, H / groups, T, d] -> [B, T, H, d], and no weights.
    """
    batch, heads, length, _width = query.shape
    starts = (position_ids.flatten() == 0).nonzero().flatten().tolist()
    lengths = [b - a for a, b in zip(starts, [*starts[1:], batch * length], strict=True)]
    groups = module.num_key_value_groups
    parts = (query, repeat_kv(key, groups), repeat_kv(value, groups))
    # Split rather than sliced: the gradient of a slice is as large as what it was taken from.
    samples = zip(*(x.transpose(0, 1).flatten(1, 2).split(lengths, 1) for x in parts), strict=True)
    made = [
        F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True, scale=scaling)
        for q, k, v in samples  # each [H, length of the sample, d]
    ]
    return torch.cat(made, 2)[0].transpose(0, 1).reshape(batch, length, heads, -1), None


AttentionInterface.register(PACKED, packed_attention)


@contextmanager
def packed(backbone: PreTrainedModel) -> Iterator[None]:
    """Let `backbone` attend sample by sample if it is on a CPU; a GPU is better off with a mask."""
    usual = backbone.config._attn_implementation
    if backbone.device.type == "cpu":
        backbone.set_attn_implementation(PACKED)
    try:
        yield
    finally:
        backbone.set_attn_implementation(usual)


def wants_mask(backbone: PreTrainedModel) -> bool:
    """False within `packed` on a CPU."""
    return backbone.config._attn_implementation != PACKED
