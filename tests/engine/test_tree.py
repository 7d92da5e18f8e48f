"""The draft tree: layout, masks, and growing it from measured hit rates."""

import itertools

import pytest

from engine.tree import build, grow, lay_out


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


def test_a_node_has_the_head_and_rank_of_its_paths_end():
    tree = build([[1], [0], [1, 2]])
    assert tree.parent == (-1, 0, 0, 1)  # in the order given, the best first
    assert (tree.head.tolist(), tree.rank.tolist()) == ([0, 0, 1], [1, 0, 2])
    assert (tree.heads, tree.ranks) == (2, 3)


def test_a_path_without_its_prefix_is_refused():
    for paths in ([[0, 1]], [[0, 1], [0]]):
        with pytest.raises(ValueError, match=r"\[0, 1\] but not \[0\] before it"):
            build(paths)


def test_what_fills_a_layout_up_sees_itself_and_is_no_ones_child():
    layout = lay_out((-1, 0, 1, -1))
    assert layout.children == ((1,), (2,), (), ())
    assert layout.depth.tolist() == [0, 1, 2, 0]
    assert layout.sees.int().tolist()[3] == [0, 0, 0, 1]


def test_a_node_before_its_parent_is_refused():
    with pytest.raises(ValueError, match="before its parent"):
        lay_out((-1, 2, 0))


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
