"""Whether drafts change what is written: greedy answers against those of plain decoding.

With boundaries from the lexer a model is kept from writing [FRAG], so there plain decoding is that of the
same setting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.bench.methods import Method, Request, Trace
from engine.model import MedusaModel

BF16_BITS = 8  # of a significand, the leading one included


@dataclass(frozen=True)
class Comparison:
    """A method's greedy answers against plain decoding's in `dtype`: on how many of the prompts they
    differ, and for each of those the gap between the backbone's best two logits where they part: in
    bfloat16 in units of the last place, so that 0 is a tie and 1 the least there can be otherwise."""

    name: str
    dtype: str
    prompts: int
    gaps: tuple[float, ...]


def plain(method: Method) -> Method:
    """What greedy answers of `method`, which is ours, must be: the same setting without drafts."""
    boundaries = method.options.get("boundaries", "tokens")
    options = {"boundaries": boundaries, "speculative": False}
    return Method(f"plain, {boundaries}", "engine", method.model, options, dtype=method.dtype)


def compare(
    method: Method,
    dtype: str,
    requests: Sequence[Request],
    right: Sequence[Trace],
    answers: Sequence[Trace],
    model: MedusaModel,
) -> Comparison:
    """The greedy `answers` of a method to `requests` against the `right` ones. `model`, in `dtype`, tells
    the gaps."""
    lexer = method.options.get("boundaries") == "lexer"
    banned = model.tokenizer.frag if lexer else None
    gaps = []
    for request, one, other in zip(requests, right, answers, strict=True):
        at = first_difference(one.ids, other.ids)
        if at is not None:
            best, second = best_two(model, [*request.ids, *one.ids[:at]], banned)
            gap = best - second
            gaps.append(gap / ulp(best) if dtype == "bfloat16" else gap)
    return Comparison(method.name, dtype, len(requests), tuple(sorted(gaps)))


def first_difference(right: Sequence[int], other: Sequence[int]) -> int | None:
    """Index of the first token that is not the same in both, or missing in one."""
    for at, (a, b) in enumerate(zip(right, other, strict=False)):
        if a != b:
            return at
    return None if len(right) == len(other) else min(len(right), len(other))


def ulp(value: float) -> float:
    """The distance between bfloat16 numbers near `value`."""
    return 2.0 ** (math.frexp(value)[1] - BF16_BITS)


def table(found: Sequence[Comparison]) -> str:
    """A line a comparison."""
    lines = [
        "greedy answers that are not plain decoding's, and the gap of the best two logits there:"
    ]
    for one in found:
        unit = " units of the last place" if one.dtype == "bfloat16" else ""
        gaps = f"; {', '.join(f'{gap:.2g}' for gap in one.gaps)}{unit}" if one.gaps else ""
        lines.append(f"  {one.name}, {one.dtype}: {len(one.gaps)} of {one.prompts}{gaps}")
    return "\n".join(lines)


@torch.no_grad()
def best_two(
    model: MedusaModel, ids: Sequence[int], banned: int | None = None
) -> tuple[float, float]:
    """The best two logits of the backbone after `ids`, without that of the token `banned`."""
    hidden = model.hidden(torch.tensor([list(ids)], device=model.device))[0, -1]
    logits = model.logits(hidden).float()
    if banned is not None:
        logits[banned] = -torch.inf
    best, second = logits.topk(2).values.tolist()
    return best, second
