"""Llama-family models without a tokenizer: random weights, shapes that are no round numbers."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2Config,
)

from engine import lean
from engine.card import Card
from engine.heads import MedusaHeads
from engine.model import MedusaModel

SHAPE = {
    "vocab_size": 83,  # no multiple of anything
    "hidden_size": 48,
    "intermediate_size": 72,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "max_position_embeddings": 128,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
FAMILIES = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=2),
    "llama, one key-value head": LlamaConfig(**SHAPE, num_key_value_heads=1),
    "llama, wide heads and biases": LlamaConfig(
        **SHAPE, num_key_value_heads=6, head_dim=20, attention_bias=True, mlp_bias=True
    ),
    "llama 3": LlamaConfig(**SHAPE, num_key_value_heads=3, rope_parameters=LLAMA3),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2),
    "mistral": MistralConfig(**SHAPE, num_key_value_heads=3, sliding_window=None),
}


def model_of(
    config: PreTrainedConfig, heads: int = 3, own_unembedding: bool = False
) -> MedusaModel:
    """A model with random weights and biases, in float32."""
    torch.manual_seed(0)
    backbone = AutoModelForCausalLM.from_config(config)
    medusa = MedusaHeads(heads, config.hidden_size, config.vocab_size if own_unembedding else 0)
    model = MedusaModel(backbone, medusa, None, Card("test", heads, 64, []))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 1.0 if parameter.dim() == 1 else 0.0, 0.3)
    return model.eval().requires_grad_(False)


def states(model: MedusaModel, length: int) -> Tensor:
    """Random keys and values of `length` slots, as `past`."""
    torch.manual_seed(1)
    layers, both, kv_heads, _, d = lean.nothing(model).shape
    return torch.randn(layers, both, kv_heads, length, d)
