"""The plain verification function: what transformers computes, for the families it knows."""

import pytest
import torch
from llama_models import FAMILIES, SHAPE, model_of, states
from transformers import GemmaConfig, LlamaConfig, MistralConfig, Qwen2Config

from engine import lean
from engine.tree import build

TREE = build([[0], [1], [0, 0], [0, 1], [1, 0], [0, 0, 0]])


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES)
def test_it_computes_what_transformers_does_path_by_path(config):
    model = model_of(config)
    assert lean.suits(model.backbone)
    prompt, nodes = torch.arange(5, 16), torch.arange(20, 20 + TREE.size)
    order = torch.arange(len(prompt))
    causal = order[:, None] >= order
    _, _, past = lean.verify(model, prompt, order, causal, lean.nothing(model), 1)
    hidden, logits, _ = lean.verify(model, nodes, TREE.depth, TREE.sees, past, TREE.size)
    for node in range(TREE.size):
        path = nodes[TREE.sees[node]]  # the node's ancestors and itself: parents come first
        ids = torch.cat([prompt, path])[None]
        expected = model.hidden(ids)[0, -1]
        torch.testing.assert_close(hidden[node], expected, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(logits[node], model.logits(expected), rtol=1e-3, atol=1e-3)


def test_only_the_wanted_logits_are_computed():
    model = model_of(FAMILIES["llama"])
    inputs = torch.arange(TREE.size), TREE.depth, TREE.sees, states(model, 4)
    _, everything, _ = lean.verify(model, *inputs, TREE.size)
    _, two, _ = lean.verify(model, *inputs, 2)
    torch.testing.assert_close(two, everything[-2:])


@pytest.mark.parametrize(
    "config",
    [
        GemmaConfig(**SHAPE),
        MistralConfig(**SHAPE, sliding_window=8),
        Qwen2Config(**SHAPE, use_sliding_window=True, sliding_window=8, max_window_layers=1),
        LlamaConfig(**SHAPE, hidden_act="gelu"),
        LlamaConfig(**SHAPE, rope_parameters={"rope_type": "dynamic", "factor": 2.0}),
    ],
    ids=["gemma", "sliding mistral", "sliding qwen2", "gelu", "dynamic rope"],
)
def test_what_it_would_compute_differently_does_not_suit_it(config):
    assert not lean.suits(model_of(config).backbone)


def test_guesses_are_the_best_of_the_first_heads():
    model = model_of(FAMILIES["llama"])
    last = torch.randn(2, SHAPE["hidden_size"])
    everything = model.head_logits(model.heads(last))
    assert torch.equal(lean.guess(model, last, 2, 4), everything[:, :2].topk(4).indices)
