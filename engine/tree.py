"""The draft tree: which candidates are verified together, and how their rows see each other.

A tree is a list of paths. Path (r1, ..., rk) is the candidate that takes head 1's guess of rank r1, ...,
head k's of rank rk, after the root, which is the backbone's own next token. Every prefix of a path is a
path of the tree too.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Path = tuple[int, ...]


@dataclass(frozen=True)
class DraftTree:
    """A tree of N nodes, root first, parents before children.

    parent [N] is the parent's index (-1 for the root), children its inverse, depth [N] counts from 0,
    head and rank [N-1] say where each further node's token comes from, and sees [N, N] is True where the
    row's node is the column's or below it.
    """

    paths: tuple[Path, ...]
    parent: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]
    depth: Tensor
    head: Tensor
    rank: Tensor
    sees: Tensor

    @property
    def size(self) -> int:
        return len(self.parent)

    @property
    def heads(self) -> int:
        """Heads the tree asks for."""
        return max((len(path) for path in self.paths), default=0)

    @property
    def ranks(self) -> int:
        """Guesses the tree takes from a head, at most."""
        return max((path[-1] + 1 for path in self.paths), default=0)

    def tokens(self, root: int, guesses: Tensor) -> Tensor:
        """Token of each node [N], given the root's and the heads' ranked guesses [heads, ranks]."""
        ids = torch.empty(self.size, dtype=torch.long, device=guesses.device)
        ids[0] = root
        ids[1:] = guesses[self.head, self.rank]
        return ids


def build(paths: Sequence[Sequence[int]]) -> DraftTree:
    """Lay out a tree; raises ValueError if the prefix of a path is missing."""
    ordered = sorted({tuple(path) for path in paths if path}, key=lambda p: (len(p), p))
    index: dict[Path, int] = {(): 0}
    parent = [-1]
    for path in ordered:
        if path[:-1] not in index:
            raise ValueError(f"draft tree has {list(path)} but not {list(path[:-1])}")
        index[path] = len(parent)
        parent.append(index[path[:-1]])
    sees = torch.eye(len(parent), dtype=torch.bool)
    for node in range(1, len(parent)):
        sees[node] |= sees[parent[node]]
    return DraftTree(
        paths=tuple(ordered),
        parent=tuple(parent),
        children=tuple(
            tuple(n for n in range(1, len(parent)) if parent[n] == node)
            for node in range(len(parent))
        ),
        depth=torch.tensor([0, *map(len, ordered)]),
        head=torch.tensor([len(path) - 1 for path in ordered], dtype=torch.long),
        rank=torch.tensor([path[-1] for path in ordered], dtype=torch.long),
        sees=sees,
    )


def grow(hit_rate: Sequence[Sequence[float]], nodes: int) -> list[Path]:
    """The tree of `nodes` nodes, root included, with most expected accepted tokens.

    hit_rate[head][rank] is measured on held-out text. Taking heads as independent, a path is accepted
    with the product of its rates, so the best tree is the `nodes - 1` best paths: a path is never better
    than its prefix, which makes taking the best open one at a time optimal.
    """
    chosen: list[Path] = []
    open_paths: list[tuple[float, Path]] = []

    def offer(prefix: Path, rate: float) -> None:
        if len(prefix) < len(hit_rate):
            for rank, own in enumerate(hit_rate[len(prefix)]):
                heapq.heappush(open_paths, (-rate * own, (*prefix, rank)))

    offer((), 1.0)
    while open_paths and len(chosen) < nodes - 1:
        negative, path = heapq.heappop(open_paths)
        chosen.append(path)
        offer(path, -negative)
    return chosen
