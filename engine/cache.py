"""A key-value cache for tree verification: static buffers, each row with a length of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.cache_utils import Cache


class TreeCache(Cache):
    """Keys and values of several sequences, one a row.

    A layer has one buffer [rows, kv_heads, capacity, d] for keys and one for values. In row r the first
    `lengths[r]` slots are committed; after them come those of the tree being verified. A pass is for
    the neighbouring rows that `aim` names; `commit` keeps some of the slots it added.
    """

    def __init__(self, capacity: int, rows: int = 1) -> None:
        super().__init__(layers=[])
        self.capacity = capacity
        self.lengths = [0] * rows
        self.buffers: list[tuple[Tensor, Tensor]] = []

    def aim(self, first: int, shape: tuple[int, int], device: torch.device) -> None:
        """The next pass adds N slots to each of B rows from `first` on; shape is (B, N)."""
        rows, added = shape
        self.rows = slice(first, first + rows)
        starts = torch.tensor(self.lengths[self.rows], device=device)
        self.slots = starts[:, None] + torch.arange(added, device=device)  # [B, N]
        self.end = max(self.lengths[self.rows]) + added

    def mask(self, sees: Tensor) -> Tensor:
        """What the slots being added see [B, 1, N, end]: all committed ones, themselves as `sees` [N, N]."""
        everything = torch.arange(self.end, device=sees.device)
        mask = (everything < self.slots[:, :1])[:, None].repeat(1, len(sees), 1)
        places = self.slots[:, None].expand(-1, len(sees), -1)
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
        if layer_idx == len(self.buffers):
            _, heads, _, d = key_states.shape
            shape = (len(self.lengths), heads, self.capacity, d)
            # Zeros, because a slot that is masked must still not be NaN.
            self.buffers.append((key_states.new_zeros(shape), value_states.new_zeros(shape)))
        keys, values = (buffer[self.rows] for buffer in self.buffers[layer_idx])
        at = _along_slots(self.slots, key_states)
        keys.scatter_(2, at, key_states)
        values.scatter_(2, at, value_states)
        return keys[:, :, : self.end], values[:, :, : self.end]

    def commit(self, paths: Sequence[Sequence[int]]) -> None:
        """Keep, of the slots the last pass added to each row, those of its path, in its order."""
        longest = max(map(len, paths))
        # A shorter path is filled up with slots that stay where they are and do not count.
        order = [[*path, *range(len(path), longest)] for path in paths]
        if any(row != list(range(longest)) for row in order):
            self._move(torch.tensor(order, device=self.slots.device))
        for row, path in enumerate(paths, self.rows.start):
            self.lengths[row] += len(path)

    def _move(self, order: Tensor) -> None:
        source = self.slots.gather(1, order)
        target = self.slots[:, : order.shape[1]]
        for buffer in (buffer[self.rows] for layer in self.buffers for buffer in layer):
            kept = buffer.gather(2, _along_slots(source, buffer))
            buffer.scatter_(2, _along_slots(target, buffer), kept)

    def copy(self, source: int, target: int) -> None:
        """Make row `target` what row `source` is."""
        length = self.lengths[target] = self.lengths[source]
        for buffer in (buffer for layer in self.buffers for buffer in layer):
            buffer[target, :, :length] = buffer[source, :, :length]

    @property
    def size(self) -> int:
        """Bytes of the buffers."""
        return sum(buffer.nbytes for layer in self.buffers for buffer in layer)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self.end


def _along_slots(slots: Tensor, states: Tensor) -> Tensor:
    """slots [B, N] as an index for dimension 2 of states [B, kv_heads, any, d]."""
    return slots[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
