"""Packing ("multipack"): samples of many lengths into rows of one length, hardly any of it padding."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np


def pack(samples: Sequence[np.ndarray], pad: int, length: int, rng: random.Random) -> np.ndarray:
    """Rows [rows, length] of the samples' type, in random order, padded with `pad` at their ends.

    Best fit, longest first, over all samples at once: each goes, whole, into the row where it leaves
    the least room. Raises ValueError for a sample longer than a row.
    """
    order = list(range(len(samples)))
    rng.shuffle(order)  # or samples of one module would stand side by side
    order.sort(key=lambda index: -len(samples[index]))
    rows: list[list[int]] = []
    with_room: list[list[int]] = [[] for _ in range(length + 1)]  # rows by the room they have left
    filled = 0  # bit r: some row has room r
    for index in order:
        size = len(samples[index])
        if size > length:
            raise ValueError(f"a sample of {size} tokens does not fit in rows of {length}")
        candidates = filled >> size
        if candidates:
            room = size + (candidates & -candidates).bit_length() - 1  # the least that is enough
            row = with_room[room].pop()
            filled ^= (not with_room[room]) << room
        else:
            room, row = length, len(rows)
            rows.append([])
        rows[row].append(index)
        with_room[room - size].append(row)
        filled |= 1 << (room - size)
    rng.shuffle(rows)
    packed = np.full((len(rows), length), pad, samples[0].dtype if samples else np.int16)
    for line, members in zip(packed, rows, strict=True):
        joined = np.concatenate([samples[index] for index in members])
        line[: len(joined)] = joined
    return packed
