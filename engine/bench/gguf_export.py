"""The backbone of a model folder as a GGUF file, for llama.cpp: matrices in float16, the heads left out.

There is no vocabulary in it, because token ids go in and come out: both sides then decode the very same
sequence, whatever llama.cpp would make of our pre-tokenizer. So it serves to compare, not to chat.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel

from engine import extras
from engine.api import EngineError

ARCHITECTURE = "llama"  # Mistral's too: it differs in its window only
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OUTER_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def export(backbone: PreTrainedModel, path: Path, name: str, context: int) -> None:
    """Write `backbone`, a Llama or Mistral, to `path`; `context` is its longest sequence in tokens.

    Raises EngineError if the gguf package is missing or the architecture is another one.
    """
    try:
        import gguf
    except ImportError as error:
        raise EngineError(
            f"writing a GGUF file needs the package gguf: {extras.hint('bench')}"
        ) from error
    config = backbone.config
    _check(config)
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("none")
    rotated = {"attn_q": heads, "attn_k": kv_heads}
    for key, weight in backbone.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue  # llama.cpp takes the embedding where there is none
        name = tensor_name(key)
        values = _array(weight)
        kind = name.split(".")[-2]
        if kind in rotated:
            values = rope_order(values, rotated[kind])
        writer.add_tensor(name, values if values.ndim == 1 else values.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensor_name(key: str) -> str:
    """llama.cpp's name of a tensor that transformers calls `key`; raises EngineError if it has none."""
    if key in OUTER_NAMES:
        return OUTER_NAMES[key]
    try:
        _, _, layer, inner = key.split(".", 3)
        module, _, kind = inner.rpartition(".")
        return f"blk.{layer}.{NAMES[module]}.{kind}"
    except (ValueError, KeyError) as error:
        raise EngineError(f"llama.cpp's {ARCHITECTURE} has no tensor like {key}") from error


def rope_order(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows [heads * d, ...] of a query or key matrix in llama.cpp's order: transformers rotates row i of a
    head with row i + d/2, llama.cpp with its neighbour."""
    rows = weight.shape[0]
    pairs = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def _array(weight: Tensor) -> np.ndarray:
    return weight.detach().float().cpu().numpy()


def _check(config: Any) -> None:
    if config.model_type not in ("llama", "mistral"):
        raise EngineError(
            f"the bench writes no GGUF file of a {config.model_type} model: convert it with llama.cpp's "
            "convert_hf_to_gguf.py and name the file with --gguf"
        )
    if config.rope_parameters.get("rope_type", "default") != "default":
        raise EngineError("the bench writes no GGUF file of a model with scaled rotary positions")
