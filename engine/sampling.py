"""Choosing tokens from logits: greedy, or sampled by temperature and top-p.

Each position of an answer has one random number, drawn in advance from the answer's seed. So a position
that is decided twice (alignment "discard") is decided the same way twice, and neither drafts nor the
other answers of a batch change what is sampled: with the same seed the text is the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.api import DecodingOptions, EngineError
from engine.viability import TRIES, Guard

_LIKELIEST = 128  # most nuclei are smaller; then no vocabulary need be sorted
_TINY = 1e-38  # of which there is a logarithm
_FAR = 1e6  # more than any two logits differ by


class Sampler:
    """Chooses the tokens of one answer of at most `positions` tokens, of which `guard` may veto some."""

    def __init__(
        self,
        options: DecodingOptions,
        positions: int,
        device: torch.device,
        guard: Guard | None = None,
    ) -> None:
        self.temperature, self.top_p = options.temperature, options.top_p
        self.guard = guard
        generator = torch.Generator()
        if options.seed is None:
            self.seed = generator.seed()
        else:
            self.seed = options.seed
            generator.manual_seed(options.seed)
        self.numbers = torch.rand(positions, generator=generator).to(device)

    def pick(self, logits: Tensor, position: int, depth: Tensor) -> Tensor:
        """The token [N] that follows each node of a tree, given logits [N, V] and depth [N].

        `position` is the place in the answer of what follows the root.
        """
        # Greedy choice needs none, and looking them up takes as long as choosing.
        numbers = self.at(position, depth) if self.temperature else self.numbers
        return pick(logits, numbers, self.temperature, self.top_p)

    def at(self, position: int, depth: Tensor) -> Tensor:
        """The random numbers [N] for what follows each node of a tree; arguments as for `pick`."""
        return self.numbers[position + depth]

    def first(self, logits: Tensor) -> int:
        """The first token of the answer."""
        token = int(pick(logits, self.numbers[0], self.temperature, self.top_p))
        return self.replace(token, logits, 0)

    def vet(
        self,
        drafted: Sequence[int],
        logits: Tensor,
        path: list[int],
        following: int,
        position: int,
    ) -> tuple[list[int], int]:
        """An accepted path and the token that follows it, up to the first token that the guard vetoes
        and with another one in its place.

        drafted [N] are the tokens of the tree, logits [N, V]; the node after the root is at `position`.
        """
        if self.guard is None:
            return path, following
        for number, node in enumerate(path[1:]):
            chosen = self.replace(drafted[node], logits[path[number]], position + number)
            if chosen != drafted[node]:
                return path[: number + 1], chosen
        return path, self.replace(following, logits[path[-1]], position + len(path) - 1)

    def replace(self, token: int, logits: Tensor, position: int) -> int:
        """`token`, or if the guard vetoes it what is chosen from logits [V] without it.

        The probability of a vetoed token goes to the others in proportion: it was drawn from all of them,
        so drawing again from the others, independently, leaves those their shares. When `TRIES` tokens
        were vetoed the first one stands.
        """
        if self.guard is None or self.guard.admits(token, position):
            return token
        for number, other in enumerate(self._others(token, logits, position), 1):
            if self.guard.admits(other, position):
                self.guard.note(position, number)
                return other
        self.guard.force(token, position)
        self.guard.note(position, TRIES)
        return token

    def _others(self, token: int, logits: Tensor, position: int) -> list[int]:
        """Tokens drawn one after the other without replacement, `token` being drawn already.

        That is the order of the logits with Gumbel noise added (Kool et al., 2019, section 2.3). Tokens
        outside of the nucleus that is left come last. The noise is the position's own.
        """
        logits = logits.float().index_fill(0, torch.tensor(token, device=logits.device), -torch.inf)
        if self.temperature > 0:
            logits = logits / self.temperature
            generator = torch.Generator().manual_seed(_mixed(self.seed, position))
            noise = torch.rand(logits.shape, generator=generator).to(logits.device)
            p = torch.softmax(logits, -1)
            logits = logits - (-noise.clamp(min=_TINY).log()).log()
            if self.top_p < 1:
                logits = logits.where(p >= _least_kept(p, self.top_p), logits - _FAR)
        count = min(TRIES, logits.shape[-1]) - 1
        return logits.topk(count).indices.tolist()


def _mixed(seed: int, position: int) -> int:
    return random.Random(f"{seed} {position}").getrandbits(63)


def pick(logits: Tensor, numbers: Tensor, temperature: float, top_p: float) -> Tensor:
    """Tokens [...] for logits [..., V] and numbers [...] uniform in [0, 1), by inverting the CDF.

    Temperature 0 is greedy. Raises EngineError if there is nothing to sample from (NaN logits).
    """
    if temperature == 0:
        found = _greatest(logits)
        _check_numbers(logits.gather(-1, found[..., None]))
        return found
    p = torch.softmax(logits.float() / temperature, -1)
    if top_p < 1:
        p = p.masked_fill(p < _least_kept(p, top_p), 0)
    cdf = p.cumsum(-1)
    total = cdf[..., -1:]
    _check_numbers(total)
    found = torch.searchsorted(cdf, numbers[..., None] * total, right=True)[..., 0]
    return found.clamp(max=logits.shape[-1] - 1)  # a product rounded up to the total


def _greatest(logits: Tensor) -> Tensor:
    """The places [...] of the greatest of logits [..., V]; NaN counts as the greatest."""
    if logits.device.type == "cpu" and logits.dtype == torch.float32:
        # Vectorised, which torch's are not: a fifteenth of the time.
        return torch.from_numpy(np.asarray(logits.detach().numpy().argmax(-1)))
    return logits.argmax(-1)


def _check_numbers(found: Tensor) -> None:
    # Of a few numbers Python knows sooner than a tensor operation.
    if not all(map(math.isfinite, found.flatten().tolist())):
        raise EngineError("the model's logits are not numbers: its weights are damaged")


def _least_kept(p: Tensor, top_p: float) -> Tensor:
    """The least probability in each row's nucleus [..., 1]: the fewest tokens with `top_p` of p [..., V]."""
    best = p.topk(min(_LIKELIEST, p.shape[-1])).values
    if bool((best.sum(-1) < top_p).any()):
        best = p.sort(descending=True).values
    before = best.cumsum(-1) - best
    return best.masked_fill(before >= top_p, torch.inf).amin(-1, keepdim=True)
