"""Acceptance of a verified tree, on logits written by hand."""

import math

import torch

from engine.acceptance import lossless, typical
from engine.tree import build

TREE = build(
    [[0], [1], [0, 0], [1, 0]]
)  # nodes: 0 root, 1 and 2 its children, 3 under 1, 4 under 2
TOKENS = torch.tensor([7, 1, 2, 3, 4])


def logits(*rows):
    """One row a node: {token: probability}, the rest shares what is left."""
    out = torch.full((len(rows), 10), 0.0)
    for i, row in enumerate(rows):
        rest = (1 - sum(row.values())) / (10 - len(row))
        out[i] = torch.tensor([math.log(row.get(t, rest) + 1e-9) for t in range(10)])
    return out


def greedy(row):
    return int(row.argmax())


def test_lossless_follows_the_backbones_choice_and_returns_what_comes_next():
    rows = logits({2: 0.9}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert lossless(TREE, TOKENS, rows, greedy) == ([0, 2, 4], 6)


def test_lossless_stops_where_the_tree_has_not_what_the_backbone_chose():
    rows = logits({9: 0.9}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert lossless(TREE, TOKENS, rows, greedy) == ([0], 9)


def test_typical_takes_the_longest_path_whose_every_token_passes_equation_1():
    # Token 2 at the root is not the likeliest, but above min(epsilon, delta * exp(-H)).
    rows = logits({1: 0.5, 2: 0.4}, {3: 0.001}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert typical(TREE, TOKENS, rows, greedy, 1.0, 0.09, 0.3) == ([0, 2, 4], 6)


def test_typical_prefers_the_likelier_of_two_longest_paths():
    rows = logits({1: 0.5, 2: 0.4}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert typical(TREE, TOKENS, rows, greedy, 1.0, 0.09, 0.3) == ([0, 1, 3], 5)


def test_typical_threshold_is_epsilon_or_delta_times_exp_of_minus_entropy():
    uniform = logits({}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})  # H = ln 10, p = 0.1 everywhere
    assert typical(TREE, TOKENS, uniform, greedy, 1.0, 0.09, 0.3)[0] == [0, 1, 3]
    assert typical(TREE, TOKENS, uniform, greedy, 1.0, 0.2, 2.0)[0] == [0]


def test_a_rejected_parent_rejects_its_children():
    rows = logits({9: 0.99}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert typical(TREE, TOKENS, rows, greedy, 1.0, 0.09, 0.3)[0] == [0]
