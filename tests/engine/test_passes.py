"""The passes: the short way for one sequence gives what transformers' layers give."""

import pytest
import torch
from tiny_model import tiny_model

from engine import lean, passes
from engine.cache import TreeCache
from engine.tree import build

PROMPT = list(range(5, 25))
TREE = build([[0], [1], [0, 0], [1, 0]])


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def two_passes(model):
    """Logits of a tree, and of another after a path of the first."""
    cache = TreeCache(model.depth, 64)
    passes.prefill(model, PROMPT, cache)
    found = []
    for first in (30, 60):
        ids = torch.arange(first, first + TREE.size)[None]
        found.append(passes.forward(model, ids, TREE.depth, TREE.sees, cache)[1])
        cache.commit([[0, 2, 4]])
    return torch.cat(found)


def test_the_short_way_and_transformers_layers_agree(model, monkeypatch):
    short = two_passes(model)
    monkeypatch.setattr(lean, "suits", lambda backbone: False)
    monkeypatch.setattr(lean, "verify", None)
    torch.testing.assert_close(short, two_passes(model), rtol=1e-4, atol=1e-4)


def test_a_row_of_a_batch_is_verified_as_it_is_alone(model):
    cache = TreeCache(model.depth, 64, rows=2)
    for row in (0, 1):
        passes.prefill(model, PROMPT, cache, row)
    ids = torch.arange(30, 30 + TREE.size)
    _, alone = passes.forward(model, ids[None], TREE.depth, TREE.sees, cache)
    depth, sees = (of_tree.expand(2, *of_tree.shape) for of_tree in (TREE.depth, TREE.sees))
    _, both = passes.forward(model, torch.stack([ids, ids + 9]), depth, sees, cache)
    torch.testing.assert_close(both[:1], alone, rtol=1e-4, atol=1e-4)


def test_nothing_is_guessed_for_a_root_alone(model):
    hidden, _ = passes.prefill(model, PROMPT, TreeCache(model.depth, 64))
    assert passes.guess(model, hidden, build([])).shape == (0, 0)
    assert passes.guess(model, hidden, TREE).shape == (2, 2)
