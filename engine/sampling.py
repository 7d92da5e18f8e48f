"""Choosing tokens from logits: greedy, or sampled by temperature and top-p.

Each position of an answer has one random number, drawn in advance from the answer's seed. So a position
that is decided twice (alignment "discard") is decided the same way twice, and neither drafts nor the
other answers of a batch change what is sampled: with the same seed the text is the same.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from engine.acceptance import Choose
from engine.api import DecodingOptions, EngineError

_LIKELIEST = 128  # most nuclei are smaller; then no vocabulary need be sorted


class Sampler:
    """Chooses the tokens of one answer of at most `positions` tokens."""

    def __init__(self, options: DecodingOptions, positions: int, device: torch.device) -> None:
        self.temperature, self.top_p = options.temperature, options.top_p
        generator = torch.Generator()
        if options.seed is None:
            generator.seed()
        else:
            generator.manual_seed(options.seed)
        self.numbers = torch.rand(positions, generator=generator).to(device)

    def at(self, position: int) -> Choose:
        """Chooses the token of `position`, then of the next one, and so on."""
        positions = itertools.count(position)
        return lambda logits: int(
            pick(logits, self.numbers[next(positions)], self.temperature, self.top_p)
        )


def pick(logits: Tensor, numbers: Tensor, temperature: float, top_p: float) -> Tensor:
    """Tokens [...] for logits [..., V] and numbers [...] uniform in [0, 1), by inverting the CDF.

    Temperature 0 is greedy. Raises EngineError if there is nothing to sample from (NaN logits).
    """
    if temperature == 0:
        return logits.argmax(-1)
    p = torch.softmax(logits.float() / temperature, -1)
    if top_p < 1:
        p = p.masked_fill(p < _least_kept(p, top_p), 0)
    cdf = p.cumsum(-1)
    total = cdf[..., -1:]
    if not bool(torch.isfinite(total).all()):
        raise EngineError("the model's logits are not numbers: its weights are damaged")
    found = torch.searchsorted(cdf, numbers[..., None] * total, right=True)[..., 0]
    return found.clamp(max=logits.shape[-1] - 1)  # a product rounded up to the total


def _least_kept(p: Tensor, top_p: float) -> Tensor:
    """The least probability in each row's nucleus [..., 1]: the fewest tokens with `top_p` of p [..., V]."""
    best = p.topk(min(_LIKELIEST, p.shape[-1])).values
    if bool((best.sum(-1) < top_p).any()):
        best = p.sort(descending=True).values
    before = best.cumsum(-1) - best
    return best.masked_fill(before >= top_p, torch.inf).amin(-1, keepdim=True)
