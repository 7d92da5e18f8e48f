"""What a completion did, step by step, and where its time went: for passes that are not timed as a whole.

The decoder knows nothing of this: its parts are wrapped from outside for as long as a recording lasts, so
the product pays nothing and timed passes are those of the product.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch

from engine import acceptance, decoding
from engine.answer import Answer
from engine.cache import TreeCache
from engine.drafts import Drafter
from engine.sampling import Sampler

Part = tuple[Any, str]
PARTS: dict[str, tuple[Part, ...]] = {
    "prefill": ((decoding, "prefill"), (Drafter, "read")),
    "draft": ((decoding, "guess"), (Drafter, "propose"), (Drafter, "add")),
    "verify": ((decoding, "forward"),),
    "accept": (
        (Sampler, "pick"),
        (acceptance, "lossless"),
        (acceptance, "typical"),
        (Sampler, "vet"),
    ),
    "trim": ((Answer, "add"), (TreeCache, "commit")),
}


@dataclass
class Recording:
    """`steps` are the token ids each step added, [FRAG] included; `milliseconds` the time of each part, a
    part within another counted in the outer one."""

    steps: list[tuple[int, ...]] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    within: bool = False


@contextmanager
def recording() -> Iterator[Recording]:
    """Records the one completion that is decoded inside."""
    record = Recording()
    with ExitStack() as stack:
        for part, places in PARTS.items():
            for owner, name in places:
                timed = _timed(getattr(owner, name), part, record)
                stack.enter_context(patch.object(owner, name, timed))
        stack.enter_context(patch.object(Answer, "add", _noted(Answer.add, record)))
        yield record


def _timed(function: Callable, part: str, record: Recording) -> Callable:
    @functools.wraps(function)
    def timed(*args: object, **kwargs: object) -> object:
        if record.within:
            return function(*args, **kwargs)
        record.within, began = True, time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            if torch.cuda.is_available():
                torch.cuda.synchronize()  # or the work would be counted where it is waited for
            record.milliseconds[part] += 1000 * (time.perf_counter() - began)
            record.within = False

    return timed


def _noted(add: Callable, record: Recording) -> Callable:
    @functools.wraps(add)
    def noted(answer: Answer, accepted: list[int], following: int) -> tuple:
        kept, *rest = add(answer, accepted, following)
        record.steps.append(tuple(accepted[:kept]))
        return kept, *rest

    return noted
