"""The key-value cache: rows of their own lengths, what is seen, what is kept."""

import torch

from engine.cache import TreeCache

CPU = torch.device("cpu")


def add(cache, first, states):
    """Write states [B][N] into one layer, one number a slot; returns all that attention would read."""
    shape = (len(states), len(states[0]))
    cache.aim(first, shape, CPU)
    new = torch.tensor(states, dtype=torch.float32)[:, None, :, None]  # [B, 1, N, 1]
    keys, values = cache.update(new, -new, 0)
    assert torch.equal(keys, -values)
    return keys[:, 0, :, 0].tolist()


def test_each_row_continues_at_its_own_length():
    cache = TreeCache(1, capacity=6, rows=2)
    add(cache, 0, [[1, 2, 3]])
    cache.commit([[0, 1, 2]])
    add(cache, 1, [[4]])
    cache.commit([[0]])
    assert cache.lengths == [3, 1]
    assert add(cache, 0, [[5], [6]]) == [[1, 2, 3, 5], [4, 6, 0, 0]]


def test_commit_keeps_each_rows_path_in_its_order():
    cache = TreeCache(1, capacity=8, rows=3)
    add(cache, 0, [[10, 11, 12, 13], [20, 21, 22, 23], [30, 31, 32, 33]])
    cache.commit([[0, 2], [0], [0, 1, 3]])
    assert cache.lengths == [2, 1, 3]
    kept = add(cache, 0, [[0], [0], [0]])
    assert [row[:length] for row, length in zip(kept, (2, 1, 3), strict=True)] == [
        [10, 12],
        [20],
        [30, 31, 33],
    ]


def test_new_slots_see_what_is_committed_in_their_row_and_each_other_as_in_the_tree():
    cache = TreeCache(1, capacity=6, rows=2)
    add(cache, 1, [[1, 2]])
    cache.commit([[0, 1]])
    cache.aim(0, (2, 2), CPU)
    siblings = torch.eye(2, dtype=torch.bool)
    assert cache.mask(siblings).int().tolist() == [
        [[[1, 0, 0, 0], [0, 1, 0, 0]]],
        [[[1, 1, 1, 0], [1, 1, 0, 1]]],
    ]


def test_a_copied_row_is_independent_of_its_source():
    cache = TreeCache(1, capacity=6, rows=2)
    add(cache, 1, [[1, 2]])
    cache.commit([[0, 1]])
    cache.copy(1, 0)
    add(cache, 0, [[3]])
    cache.commit([[0]])
    assert cache.lengths == [3, 2]
    assert add(cache, 1, [[4]]) == [[1, 2, 4]]


def test_size_is_that_of_keys_and_values():
    cache = TreeCache(1, capacity=6, rows=2)
    assert cache.size == 0
    add(cache, 0, [[1]])
    assert cache.size == 2 * 6 * 2 * 4


def test_of_what_a_pass_has_written_the_slots_of_the_path_stay_in_its_order():
    cache = TreeCache(3, capacity=6, rows=2)
    assert cache.past(1) is None
    # [layers, 2, 1, N, d]
    states = torch.arange(1.0, 5.0)[:, None].expand(3, 2, 1, -1, 2)
    cache.write(1, states)
    cache.commit([[0, 1]])
    cache.write(1, 10 * states)
    cache.commit([[0, 3]])
    assert cache.lengths == [0, 4]
    past = cache.past(1)
    assert past.shape == (3, 2, 1, 4, 2)
    assert (past == torch.tensor([1, 2, 10, 40])[:, None]).all()


def test_several_rows_are_open_to_a_pass_that_writes_itself():
    cache = TreeCache(1, capacity=6, rows=3)
    like = torch.empty(1, 2, 1, 0, 1)
    cache.write(1, torch.ones(1, 2, 1, 1, 1))
    cache.commit([[0]])
    states, lengths = cache.open(1, 2, like)
    assert lengths == [1, 0]
    for row, new in enumerate(([1.0, 2, 3], [4.0, 5, 6])):
        states[0, :, row, 0, lengths[row] : lengths[row] + 3, 0] = torch.tensor(new)
    cache.commit([[0, 2], [1]])
    assert cache.lengths == [0, 3, 1]
    kept = [cache.past(row)[0, 1].flatten().tolist() for row in range(3)]
    assert kept == [[], [1, 1, 3], [5]]


def test_what_was_written_but_not_committed_is_gone_with_the_next_pass():
    cache = TreeCache(1, capacity=6)
    cache.write(0, torch.ones(1, 2, 1, 2, 1))
    assert add(cache, 0, [[7, 8]]) == [[7, 8]]
    cache.commit([[0, 1]])
    assert cache.past(0)[0, 0].flatten().tolist() == [7, 8]
