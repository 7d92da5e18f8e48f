"""A key-value cache for tree verification: static buffers, each row with a length of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.cache_utils import Cache


class TreeCache(Cache):
    """Keys and values of several sequences, one a row.

    They are one tensor [layers, 2, rows, kv_heads, capacity, d], made when the first states come. In row r
    the first `lengths[r]` slots are committed. A pass writes all the slots that it makes behind those:
    through transformers' layers for the neighbouring rows that `aim` names, through the compiled step for
    the rows of `open`, or by `write` for one row. `commit` keeps some of them.
    """

    def __init__(self, depth: int, capacity: int, rows: int = 1) -> None:
        """For a model of `depth` layers."""
        super().__init__(layers=[])
        self.depth, self.capacity = depth, capacity
        self.lengths = [0] * rows
        self.states: Tensor | None = None
        self.first = 0  # row of the last pass

    def aim(self, first: int, shape: tuple[int, int], device: torch.device) -> None:
        """The next pass adds N slots to each of B rows from `first` on; shape is (B, N)."""
        rows, added = shape
        self.first, self.rows = first, slice(first, first + rows)
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
        buffers = self._like(key_states)[layer_idx]  # the compiled step's are of another kind
        for buffer, states in zip(buffers, (key_states, value_states), strict=True):
            buffer[self.row_of, :, self.slots] = states.transpose(1, 2).to(buffer)
        keys, values = (buffer[self.rows, :, : self.end].to(key_states) for buffer in buffers)
        return keys, values

    def _like(self, new: Tensor) -> Tensor:
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

    def open(self, first: int, rows: int, like: Tensor) -> tuple[Tensor, list[int]]:
        """States [layers, 2, rows, kv_heads, capacity, d] of the rows from `first` on, for a pass to write
        behind what is committed, and how much that is. `like` as for `write`, if there are none yet."""
        self.first = first
        states = self._like(like)[:, :, first : first + rows]
        return states, self.lengths[first : first + rows]

    def write(self, row: int, made: Tensor) -> None:
        """Write what a pass has made for a row [layers, 2, kv_heads, N, d]."""
        self.first, start = row, self.lengths[row]
        self._like(made)[:, :, row, :, start : start + made.shape[3]] = made

    def commit(self, paths: Sequence[Sequence[int]]) -> None:
        """Keep, of the slots the last pass made for each row, those of its path, in its order."""
        for row, path in enumerate(paths, self.first):
            start, count = self.lengths[row], len(path)
            # Most paths lead along the first nodes, which are where they belong.
            there = next((at for at, node in enumerate(path) if node != at), count)
            if there < count:
                states = self.states[:, :, row]
                moved = torch.tensor(path[there:], device=states.device) + start
                states[..., start + there : start + count, :] = states[..., moved, :]
            self.lengths[row] += count

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
