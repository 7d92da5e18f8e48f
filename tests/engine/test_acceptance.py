"""Acceptance of a verified tree, on logits written by hand."""

import itertools
import math
import random

import pytest
import torch

from engine.acceptance import lossless, typical
from engine.tree import build, lay_out

TREE = build(
    [[0], [1], [0, 0], [1, 0]]
)  # nodes: 0 root, 1 and 2 its children, 3 under 1, 4 under 2
TOKENS = [7, 1, 2, 3, 4]


def logits(*rows):
    """One row a node: {token: probability}, the rest shares what is left."""
    out = torch.full((len(rows), 10), 0.0)
    for i, row in enumerate(rows):
        rest = (1 - sum(row.values())) / (10 - len(row))
        out[i] = torch.tensor([math.log(row.get(t, rest) + 1e-9) for t in range(10)])
    return out


def greedy(logits):
    return logits.argmax(-1).tolist()


def test_lossless_follows_the_backbones_choice_and_returns_what_comes_next():
    rows = logits({2: 0.9}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert lossless(TREE, TOKENS, greedy(rows)) == ([0, 2, 4], 6)


def test_lossless_stops_where_the_tree_has_not_what_the_backbone_chose():
    rows = logits({9: 0.9}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert lossless(TREE, TOKENS, greedy(rows)) == ([0], 9)


def test_typical_takes_the_longest_path_whose_every_token_passes_equation_1():
    # Token 2 at the root is not the likeliest, but above min(epsilon, delta * exp(-H)).
    rows = logits({1: 0.5, 2: 0.4}, {3: 0.001}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert typical(TREE, TOKENS, greedy(rows), rows, 1.0, 0.09, 0.3) == ([0, 2, 4], 6)


def test_typical_prefers_the_likelier_of_two_longest_paths():
    rows = logits({1: 0.5, 2: 0.4}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert typical(TREE, TOKENS, greedy(rows), rows, 1.0, 0.09, 0.3) == ([0, 1, 3], 5)


def test_typical_threshold_is_epsilon_or_delta_times_exp_of_minus_entropy():
    uniform = logits({}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})  # H = ln 10, p = 0.1 everywhere
    assert typical(TREE, TOKENS, greedy(uniform), uniform, 1.0, 0.09, 0.3)[0] == [0, 1, 3]
    assert typical(TREE, TOKENS, greedy(uniform), uniform, 1.0, 0.2, 2.0)[0] == [0]


def test_a_rejected_parent_rejects_its_children():
    rows = logits({9: 0.99}, {3: 0.9}, {4: 0.9}, {5: 0.9}, {6: 0.9})
    assert typical(TREE, TOKENS, greedy(rows), rows, 1.0, 0.09, 0.3)[0] == [0]


def by_the_paper(tree, tokens, rows, temperature, epsilon, delta):
    """Eq. 1 in plain loops: of every candidate the longest accepted beginning, of these the longest, and
    of equally long ones the likeliest."""

    def beginning(path):
        """How many of the path's tokens after the root are accepted, and their log-likelihood."""
        score = 0.0
        for length, (before, node) in enumerate(itertools.pairwise(path)):
            weights = [math.exp(float(x) / temperature) for x in rows[before]]
            p = [weight / sum(weights) for weight in weights]
            entropy = -sum(x * math.log(x) for x in p)
            if not p[tokens[node]] > min(epsilon, delta * math.exp(-entropy)):
                return length, score
            score += math.log(p[tokens[node]])
        return len(path) - 1, score

    def to(node):
        return [*to(tree.parent[node]), node] if node else [0]

    paths = [to(node) for node in range(tree.size) if node == 0 or tree.parent[node] >= 0]
    best = max(paths, key=beginning)
    return best[: beginning(best)[0] + 1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
@pytest.mark.parametrize(("epsilon", "delta"), [(0.09, 0.3), (0.3, 0.9), (0.02, 5.0), (1.0, 0.1)])
def test_typical_is_equation_1_in_plain_loops(temperature, epsilon, delta):
    rng = random.Random(f"{temperature} {epsilon}")
    accepted = set()
    for _ in range(40):
        # A random tree, two nodes of which only fill it up.
        tree = lay_out((-1, *(rng.randrange(node) for node in range(1, 12)), -1, -1))
        tokens = [rng.randrange(6) for _ in range(tree.size)]
        rows = torch.tensor([[rng.gauss(0, 1.5) for _ in range(6)] for _ in range(tree.size)])
        path, following = typical(tree, tokens, greedy(rows), rows, temperature, epsilon, delta)
        assert path == by_the_paper(tree, tokens, rows, temperature, epsilon, delta)
        assert following == greedy(rows[path[-1]])
        accepted.add(len(path))
    assert len(accepted) > 2


def test_a_tree_of_a_root_alone_has_nothing_to_judge():
    root = lay_out((-1,))
    rows = logits({5: 0.9})
    assert lossless(root, [7], greedy(rows)) == ([0], 5)
    assert typical(root, [7], greedy(rows), rows, 1.0, 0.09, 0.3) == ([0], 5)


def test_a_filler_is_never_accepted():
    tree = lay_out((-1, 0, -1))
    rows = logits({2: 0.9}, {3: 0.9}, {4: 0.9})
    assert lossless(tree, [7, 1, 2], greedy(rows)) == ([0], 2)
    assert typical(tree, [7, 1, 2], greedy(rows), rows, 1.0, 0.0, 0.0) == ([0, 1], 3)
