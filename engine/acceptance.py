"""Which nodes of a verified draft tree are accepted: the longest good path from the root."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.tree import Layout


def lossless(tree: Layout, tokens: Sequence[int], chosen: Sequence[int]) -> tuple[list[int], int]:
    """Follow what the backbone itself chooses at each node for as long as the tree has it.

    tokens [N] are the nodes', chosen [N] what the backbone would have follow each of them
    -> (path of node indices from the root, the token that follows it).
    The text has exactly the backbone's distribution: each token is its own choice given all before,
    drafts only decide how many are chosen in one pass. With greedy choice that is greedy decoding.
    """
    path = [0]
    while True:
        following = chosen[path[-1]]
        child = next((n for n in tree.children[path[-1]] if tokens[n] == following), None)
        if child is None:
            return path, following
        path.append(child)


def typical(
    tree: Layout,
    tokens: Sequence[int],
    chosen: Sequence[int],
    logits: Tensor,
    temperature: float,
    epsilon: float,
    delta: float,
) -> tuple[list[int], int]:
    """Typical acceptance, paper 1, eq. 1: p(x) > min(epsilon, delta * exp(-H(p))) at every node.

    Shapes as for `lossless`, and logits [N, V]. p is the backbone's distribution at `temperature` (1 if
    that is 0) given the node's ancestors; of several longest paths the likeliest is taken.
    """
    log_p = torch.log_softmax(logits.float() / (temperature or 1.0), dim=-1)
    entropy = -(log_p.exp() * log_p).sum(-1)  # [N]
    threshold = torch.minimum(torch.full_like(entropy, epsilon), delta * torch.exp(-entropy))
    parents = torch.tensor(tree.parent[1:], dtype=torch.long, device=logits.device)
    own = log_p[
        parents, torch.tensor(tokens[1:], dtype=torch.long, device=logits.device)
    ]  # [N - 1]
    good = (own.exp() > threshold[parents]).tolist()
    score = own.tolist()
    best: dict[int, tuple[int, float]] = {0: (0, 0.0)}
    for node in range(1, tree.size):  # parents come first
        if tree.parent[node] in best and good[node - 1]:
            length, likelihood = best[tree.parent[node]]
            best[node] = (length + 1, likelihood + score[node - 1])
    node = max(best, key=best.__getitem__)
    path = [node]
    while tree.parent[path[-1]] >= 0:
        path.append(tree.parent[path[-1]])
    return path[::-1], chosen[node]
