"""A key-value cache for tree verification: static buffers, each row with a length of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.cache_utils import Cache


class TreeCache(Cache):
    """Keys and values of several sequences, one a row.

    They are one tensor [layers, 2, rows, kv_heads, capacity, d], made when the first states come. In row r
    the first `lengths[r]` slots are committed, and `commit` adds some of those that the last pass made. A
    pass goes one of two ways. Through transformers' layers, for the neighbouring rows that `aim` names, it
    writes all its slots behind the committed ones, and `commit` moves them together. Through
    `engine.lean`, for one row, or through the compiled step it reads `past`, or `states`, and hands what it
    made to `offer`; the rest of it never gets in.
    """

    def __init__(self, depth: int, capacity: int, rows: int = 1) -> None:
        """For a model of `depth` layers."""
        super().__init__(layers=[])
        self.depth, self.capacity = depth, capacity
        self.lengths = [0] * rows
        self.states: Tensor | None = None
        self.offered: Tensor | None = None

    def aim(self, first: int, shape: tuple[int, int], device: torch.device) -> None:
        """The next pass adds N slots to each of B rows from `first` on; shape is (B, N)."""
        rows, added = shape
        self.offered = None
        self.rows = slice(first, first + rows)
        starts = torch.tensor(self.lengths[self.rows], device=device)
        self.slots = starts[:, None] + torch.arange(added, device=device)  # [B, N]
        self.row_of = torch.arange(first, first + rows, device=device)[:, None]  # [B, 1]
        self.end = max(self.lengths[self.rows]) + added

    def mask(self, sees: Tensor) -> Tensor:
        """What the slots being added see [B, 1, N, end]: all committed ones, themselves as `sees` says.

        sees is [N, N], or [B, N, N] if each row has its own.
        """
        added = sees.shape[-1]
        everything = torch.arange(self.end, device=sees.device)
        mask = (everything < self.slots[:, :1])[:, None].repeat(1, added, 1)
        places = self.slots[:, None].expand(-1, added, -1)
        return mask.scatter_(2, places, sees.expand_as(places))[:, None]

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *args: object,
        **kwargs: object,
    ) -> tuple[Tensor, Tensor]:
        """Write new states [B, kv_heads, N, d] into their slots; returns all of these rows so far."""
        buffers = self._states_like(key_states)[layer_idx]
        for buffer, states in zip(buffers, (key_states, value_states), strict=True):
            buffer[self.row_of, :, self.slots] = states.transpose(1, 2)
        # What the compiled step has made may be of another kind.
        keys, values = (buffer[self.rows, :, : self.end].to(key_states) for buffer in buffers)
        return keys, values

    def _states_like(self, new: Tensor) -> Tensor:
        """All states; if there are none yet, of the kind of new ones [..., kv_heads, N, d]."""
        if self.states is None:
            # Zeros, because a slot that is masked must still not be NaN.
            kv_heads, _, d = new.shape[-3:]
            shape = self.depth, 2, len(self.lengths), kv_heads, self.capacity, d
            self.states = new.new_zeros(shape)
        return self.states

    def past(self, row: int) -> Tensor | None:
        """The committed keys and values of a row [layers, 2, kv_heads, L, d]; None before the first pass."""
        return None if self.states is None else self.states[:, :, row, :, : self.lengths[row]]

    def offer(self, first: int, states: Tensor) -> None:
        """The slots that a pass made for B rows from `first` on [layers, 2, B, kv_heads, N, d], for `commit`
        to choose from."""
        self.rows = slice(first, first + states.shape[2])
        self.offered = states

    def commit(self, paths: Sequence[Sequence[int]]) -> None:
        """Keep, of the slots the last pass made for each row, those of its path, in its order."""
        if self.offered is not None:
            for row, path in enumerate(paths):
                self._enter(self.offered[:, :, row], self.rows.start + row, path)
            self.offered = None
        else:
            self._move_together(paths)
        for row, path in enumerate(paths, self.rows.start):
            self.lengths[row] += len(path)

    def _enter(self, offered: Tensor, row: int, path: Sequence[int]) -> None:
        count, start = len(path), self.lengths[row]
        in_order = path[-1] == count - 1  # most paths lead along the first nodes
        nodes = slice(count) if in_order else torch.tensor(path, device=offered.device)
        target = self._states_like(offered)[:, :, row, :, start : start + count]
        target.copy_(offered[..., nodes, :])

    def _move_together(self, paths: Sequence[Sequence[int]]) -> None:
        longest = max(map(len, paths))
        # A shorter path is filled up with slots that stay where they are and do not count.
        order = [[*path, *range(len(path), longest)] for path in paths]
        if all(row == list(range(longest)) for row in order):
            return
        source = self.slots.gather(1, torch.tensor(order, device=self.slots.device))
        target = self.slots[:, :longest]
        for buffer in self.states.flatten(0, 1):
            buffer[self.row_of, :, target] = buffer[self.row_of, :, source]

    def copy(self, source: int, target: int) -> None:
        """Make row `target` what row `source` is."""
        length = self.lengths[target] = self.lengths[source]
        if self.states is not None:
            self.states[:, :, target, :, :length] = self.states[:, :, source, :, :length]

    @property
    def size(self) -> int:
        """Bytes of the states."""
        return 0 if self.states is None else self.states.nbytes

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self.end
