"""What a kept KV cache saves: one more character typed in a long file, after its prompt was read once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from engine import decoding
from engine.api import DecodingOptions, Prompt
from engine.model import MedusaModel
from engine.reuse import PromptCaches

LINES = 500
REPEATS = 7
BAR = 5.0  # times as cheap as the first request the second is to be


@dataclass(frozen=True)
class Retyping:
    """Milliseconds from a prompt's text to the first step of its answer, medians: of the first request,
    and of the one after another character."""

    first_ms: float
    second_ms: float

    def __str__(self) -> str:
        ratio = self.first_ms / self.second_ms
        return (
            f"first step in a file of {LINES} lines: {self.first_ms:.1f} ms, after one more character "
            f"{self.second_ms:.1f} ms: {ratio:.1f} times as cheap (bar {BAR:g}, "
            f"{'reached' if ratio >= BAR else 'not reached'})"
        )


def long_file(texts: Sequence[str]) -> str:
    """`LINES` lines made of whole `texts` as often as it takes, the last one broken off."""
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    return "".join((lines * (1 + LINES // max(1, len(lines))))[:LINES])


def measure(model: MedusaModel, text: str) -> Retyping:
    """With the cursor at the end of `text`, which is typed after an assignment is begun there."""
    firsts, seconds = [], []
    for _ in range(REPEATS):
        caches = PromptCaches(model)
        firsts.append(_first_step(caches, Prompt(f"{text}    assign q")))
        seconds.append(_first_step(caches, Prompt(f"{text}    assign qa")))
    return Retyping(median(firsts), median(seconds))


def _first_step(caches: PromptCaches, prompt: Prompt) -> float:
    began = time.perf_counter()
    options = DecodingOptions()
    steps = caches.decode(decoding.prompt_ids(caches.model, prompt, options), options)
    next(steps)
    took = 1000 * (time.perf_counter() - began)
    steps.close()
    return took
