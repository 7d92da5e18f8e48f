"""The loss of a round: eqs. 1 to 4 of paper 2 (ITERTL, section 3.1), as differentiable functions.

K is the number of responses to one prompt, the reference last; B is any number of rows or prompts.

Two choices that the paper leaves open, or where RTLCoder's published code differs:

- L_ce (eq. 3) is the mean over the reference's tokens, not their sum, as in RTLCoder's code. So
  L_ce = -p_K, and lambda = sg(L_ce) does not grow with the length of the reference.
- RTLCoder's loss (L_ranking + 1) * L_ce lets a gradient flow through lambda: where a ranking is
  violated it pulls harder on the cross entropy. Eq. 4 stops that gradient.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ALPHA = 0.3  # margin between log-probabilities (section 4.1)
BETA = 0.2  # least difference of quality that makes a pair (section 4.1)
K = 4  # responses to a prompt, the reference among them (section 4.1)


class Loss(NamedTuple):
    """Scalars; `total` is what to minimise, the others are detached and for the log."""

    total: Tensor
    cross_entropy: Tensor
    ranking: Tensor


def mean_log_probability(logits: Tensor, labels: Tensor, ignore: int = -100) -> Tensor:
    """Eq. 1: p_k, the mean log-probability of a response's own tokens, in nats.

    logits [B, T, V]: what the model predicts at each place; labels [B, T]: the token it should have
    predicted there, `ignore` for prompt and padding. Returns [B]. Every row needs a label.
    """
    counted = labels != ignore
    chosen = labels.masked_fill(~counted, 0).unsqueeze(-1)
    log_probability = torch.log_softmax(logits.float(), -1).gather(-1, chosen).squeeze(-1)
    return log_probability.masked_fill(~counted, 0.0).sum(-1) / counted.sum(-1)


def ranking_loss(p: Tensor, z: Tensor, alpha: float = ALPHA, beta: float = BETA) -> Tensor:
    """Eq. 2: the hinge max(p_k - p_tau + alpha, 0), summed over pairs with z_k < z_tau - beta.

    p [B, K] from `mean_log_probability`, z [B, K] from `trainer.scoring`. Returns [B]. No softmax
    over the responses (section 4.4).
    """
    worse = z.unsqueeze(-1) < z.unsqueeze(-2) - beta  # [B, k, tau]
    hinge = (p.unsqueeze(-1) - p.unsqueeze(-2) + alpha).clamp_min(0.0)
    return hinge.masked_fill(~worse, 0.0).sum((-2, -1))


def itertl_loss(p: Tensor, z: Tensor, alpha: float = ALPHA, beta: float = BETA) -> Loss:
    """Eqs. 3 and 4: L_ce + sg(L_ce) * L_ranking for each prompt, then the mean over prompts.

    p and z [B, K], the reference last.
    """
    cross_entropy = -p[:, -1]
    ranking = ranking_loss(p, z, alpha, beta)
    total = cross_entropy + cross_entropy.detach() * ranking
    return Loss(total.mean(), cross_entropy.detach().mean(), ranking.detach().mean())
