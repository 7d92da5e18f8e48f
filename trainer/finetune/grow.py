"""A larger backbone that computes what a smaller one does, to go on training from where that one is.

New layers start as the identity (Net2Net, arXiv 1511.05641, and the depth growth of later work): a copy of
the layer below whose two output projections are zero. New key-value heads start as copies of
the one that their queries shared, and part as their queries' gradients differ.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from engine.api import EngineError

_OUTPUTS = ("self_attn.o_proj.", "mlp.down_proj.")
_KEY_VALUE = ("self_attn.k_proj.", "self_attn.v_proj.")


@torch.no_grad()
def grow(backbone: LlamaForCausalLM, layers: int, kv_heads: int) -> LlamaForCausalLM:
    """`backbone` with this many layers and key-value heads and the same logits; 0 leaves a number as it is.

    Raises EngineError if it would have to shrink, or if the heads do not divide.
    """
    old = backbone.config
    shape = copy.deepcopy(old)
    shape.num_hidden_layers = layers or old.num_hidden_layers
    shape.num_key_value_heads = kv_heads or old.num_key_value_heads
    if shape.num_hidden_layers < old.num_hidden_layers:
        raise EngineError(f"the model has {old.num_hidden_layers} layers already, not {layers}")
    if (
        shape.num_key_value_heads % old.num_key_value_heads
        or old.num_attention_heads % shape.num_key_value_heads
    ):
        raise EngineError(
            f"{old.num_key_value_heads} key-value heads under {old.num_attention_heads} query heads "
            f"cannot grow to {kv_heads}"
        )
    shape.layer_types = None  # one entry a layer, which it works out again
    grown = type(backbone)._from_config(shape, dtype=backbone.dtype)
    have, want = backbone.state_dict(), grown.state_dict()
    for name, weight in want.items():
        source, repeated = _source(name, old.num_hidden_layers, shape.num_hidden_layers)
        value = have[source]
        if repeated and any(part in name for part in _OUTPUTS):
            value = torch.zeros_like(value)
        if any(part in name for part in _KEY_VALUE):
            value = _repeat(value, old.num_key_value_heads, shape.num_key_value_heads)
        weight.copy_(value)
    grown.set_attn_implementation(old._attn_implementation)
    return grown


def _source(name: str, before: int, after: int) -> tuple[str, bool]:
    """The weight that weight `name` of the grown model starts from, and whether an earlier layer has it."""
    if not name.startswith("model.layers."):
        return name, False
    layer, rest = name.removeprefix("model.layers.").split(".", 1)
    of = int(layer) * before // after
    repeated = int(layer) > 0 and (int(layer) - 1) * before // after == of
    return f"model.layers.{of}.{rest}", repeated


def _repeat(weight: Tensor, before: int, after: int) -> Tensor:
    """Rows of `before` heads, each as often in a row as `after` heads ask for."""
    heads = weight.unflatten(0, (before, -1))
    return heads.repeat_interleave(after // before, 0).flatten(0, 1)
