"""A key-value cache for tree verification: one static buffer a layer, rows dropped by moving few."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin


class _Layer(CacheLayerMixin):
    """Keys and values [1, heads, capacity, d], of which the first `filled` rows count."""

    is_sliding = False
    is_compileable = False

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.filled = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        batch, heads, _, width = key_states.shape
        self.keys = key_states.new_empty(batch, heads, self.capacity, width)
        self.values = value_states.new_empty(batch, heads, self.capacity, value_states.shape[-1])
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append rows; returns all rows so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.filled + key_states.shape[2]
        self.keys[:, :, self.filled : end] = key_states
        self.values[:, :, self.filled : end] = value_states
        self.filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.filled + query_length, 0

    def get_seq_length(self) -> int:
        return self.filled

    def get_max_length(self) -> int:
        return self.capacity


class TreeCache(Cache):
    """`length` committed rows, then the rows of the tree being verified."""

    def __init__(self, layers: int, capacity: int) -> None:
        super().__init__(layers=[_Layer(capacity) for _ in range(layers)])
        self.length = 0

    def commit(self, path: Sequence[int]) -> None:
        """Keep, of the rows appended since the last commit, those of `path`, in its order."""
        rows = torch.tensor([self.length + node for node in path])
        end = self.length + len(path)
        contiguous = list(path) == list(range(len(path)))
        for layer in self.layers:
            if not contiguous:
                layer.keys[:, :, self.length : end] = layer.keys[:, :, rows]
                layer.values[:, :, self.length : end] = layer.values[:, :, rows]
            layer.filled = end
        self.length = end
