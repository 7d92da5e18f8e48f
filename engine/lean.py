"""A Llama-family model's verification step, and the heads' guesses, as plain functions of tensors.

It is the arithmetic of transformers' layers with nothing around it: no mask, no cache object, no hooks.
Keys and values of one row of text go in, those of the new slots come out, nothing is written in place.
So it runs as it is, and says what the compiled step has to compute (`step/`, `engine.compiled`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from engine.model import MedusaModel

FAMILIES = frozenset({"llama", "mistral", "qwen2"})
STEADY_ROPE = frozenset({"default", "linear", "llama3", "yarn"})  # others change with the length


def suits(backbone: PreTrainedModel) -> bool:
    """Whether `verify` computes what this backbone does."""
    config = backbone.config
    return (
        config.model_type in FAMILIES
        and config.hidden_act == "silu"
        and config.rope_parameters["rope_type"] in STEADY_ROPE
        and "sliding_attention" not in (getattr(config, "layer_types", None) or ())
        # Qwen2 has a value here even if no layer slides; Mistral's layers slide whenever it has one.
        and (config.model_type == "qwen2" or getattr(config, "sliding_window", None) is None)
    )


def verify(
    model: MedusaModel,
    ids: Tensor,
    depth: Tensor,
    sees: Tensor,
    past: Tensor,
    wanted: int,
    length: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the nodes ids [N] after L slots; depth [N] and sees [N, N] as in `Layout`.

    `past` has the slots' keys and values [layers, 2, kv_heads, L, d_head]. With `length` [] only so many of
    them count: then shapes need not change from pass to pass. Returns hidden states [N, d], the last
    `wanted` nodes' logits [wanted, V], and the nodes' own keys and values, as `past`.
    """
    body = model.backbone.base_model
    x = body.embed_tokens(ids)  # [N, d]
    slots = past.shape[3]
    first = slots if length is None else length
    cos, sin = body.rotary_emb(x, (first + depth)[None])  # [1, N, d_head]
    rotation = cos[0, :, None], sin[0, :, None]
    counts = (torch.arange(slots, device=x.device) < first).expand(len(x), -1)
    bias = torch.zeros(len(x), slots + len(x), dtype=x.dtype, device=x.device)
    bias = bias.masked_fill(~torch.cat([counts, sees], 1), -torch.inf)
    added = []
    for layer, (keys, values) in zip(body.layers, past, strict=True):
        h = _norm(layer.input_layernorm, x)
        attended, new = _attention(layer.self_attn, h, rotation, bias, keys, values)
        x = x + attended
        h = _norm(layer.post_attention_layernorm, x)
        x = x + layer.mlp.down_proj(F.silu(layer.mlp.gate_proj(h)) * layer.mlp.up_proj(h))
        added.append(new)
    hidden = _norm(body.norm, x)
    return hidden, model.logits(hidden[-wanted:]), torch.stack(added)


def nothing(model: MedusaModel) -> Tensor:
    """The `past` of no slots."""
    config, layers = model.backbone.config, model.backbone.base_model.layers
    shape = len(layers), 2, config.num_key_value_heads, 0, layers[0].self_attn.head_dim
    return torch.empty(shape, dtype=model.dtype, device=model.device)


def guess(model: MedusaModel, last: Tensor, heads: int, ranks: int) -> Tensor:
    """The best `ranks` guesses [..., heads, ranks] of the first `heads` heads, from states [..., d]."""
    return model.head_logits(model.heads(last, heads)).topk(ranks, dim=-1).indices


def _attention(
    layer: nn.Module,
    x: Tensor,
    rotation: tuple[Tensor, Tensor],
    bias: Tensor,
    keys: Tensor,
    values: Tensor,
) -> tuple[Tensor, Tensor]:
    """x [N, d] attends to L slots and itself, as bias [N, L + N] lets it; its keys and values too."""
    n, (kv_heads, length, d) = len(x), keys.shape
    q = _rotate(layer.q_proj(x).view(n, -1, d), *rotation) * layer.scaling
    k = _rotate(layer.k_proj(x).view(n, kv_heads, d), *rotation).transpose(0, 1)
    v = layer.v_proj(x).view(n, kv_heads, d).transpose(0, 1)
    # The query heads that share a key-value head are so many more rows of one product.
    q = (
        q.view(n, kv_heads, -1, d).permute(1, 2, 0, 3).reshape(kv_heads, -1, d)
    )  # [kv, group * N, d]
    before = q @ keys.transpose(1, 2)  # [kv, group * N, L]
    among = q @ k.transpose(1, 2)
    scores = torch.cat([before, among], -1).view(kv_heads, -1, n, length + n) + bias
    p = torch.softmax(scores, -1, dtype=torch.float32).to(x.dtype).view(kv_heads, -1, length + n)
    y = p[..., :length] @ values + p[..., length:] @ v
    y = y.view(kv_heads, -1, n, d).permute(2, 0, 1, 3).reshape(n, -1)
    return layer.o_proj(y), torch.stack([k, v])


def _norm(norm: nn.Module, x: Tensor) -> Tensor:
    return F.rms_norm(x, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding of x [N, heads, d_head], by cos and sin [N, 1, d_head]."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin
