"""The draft tree: layout, masks, and growing it from measured hit rates."""

import itertools

import pytest
import torch

from engine.tree import build, grow


def test_a_node_sees_itself_and_its_ancestors_only():
    tree = build([[0], [1], [0, 0], [1, 2]])
    assert tree.parent == (-1, 0, 0, 1, 2)
    assert tree.depth.tolist() == [0, 1, 1, 2, 2]
    assert tree.sees.int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 0, 1, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 0, 1, 0, 1],
    ]


def test_tokens_come_from_the_head_and_rank_of_each_path():
    tree = build([[0], [1], [1, 2]])
    guesses = torch.tensor([[10, 11, 12], [20, 21, 22]])
    assert tree.tokens(5, guesses).tolist() == [5, 10, 11, 22]
    assert (tree.heads, tree.ranks) == (2, 3)


def test_a_path_without_its_prefix_is_refused():
    with pytest.raises(ValueError, match=r"\[0, 1\] but not \[0\]"):
        build([[0, 1]])


def test_an_empty_tree_is_plain_decoding():
    tree = build([])
    assert (tree.size, tree.heads, tree.ranks) == (1, 0, 0)


def test_grow_finds_the_best_tree_that_exhaustive_search_finds():
    rates = [[0.6, 0.2, 0.1], [0.5, 0.3, 0.1], [0.4, 0.1, 0.1]]

    def value(path):
        product = 1.0
        for head, rank in enumerate(path):
            product *= rates[head][rank]
        return product

    every = [p for n in (1, 2, 3) for p in itertools.product(range(3), repeat=n)]
    best = sorted((value(p) for p in every), reverse=True)[:7]
    grown = grow(rates, 8)
    assert sorted((value(p) for p in grown), reverse=True) == pytest.approx(best)
    assert build(grown).size == 8
