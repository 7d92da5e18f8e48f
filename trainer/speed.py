"""How fast models decode: held-out prompts, answered by each of them in turn."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from tqdm import tqdm

from engine.api import Completion, DecodingOptions
from engine.decoding import complete
from engine.model import MedusaModel

PROMPTS = 100
TOKENS = 64  # of an answer, at most
HEADS = DecodingOptions(max_tokens=TOKENS, max_seconds=600, lookup=False)
"""Greedy, drafted by the heads alone as in the papers."""


@dataclass(frozen=True)
class Speed:
    """Figures of decoded prompts: totals divided by totals. [FRAG] counts as a token."""

    prompts: int
    tokens_per_second: float
    characters_per_second: float
    tokens_per_step: float
    characters_per_step: float


def held_out_prompts(model: MedusaModel, rows: Tensor, count: int) -> list[list[int]]:
    """Up to `count` prompts, [MIDDLE] included, of random samples of rows [N, T]; each leaves room for
    TOKENS in the window."""
    tokenizer = model.tokenizer
    found = []
    for row in rows.tolist():
        start = 0
        for index, token in enumerate(row):
            if token == tokenizer.start:
                start = index
            elif token == tokenizer.middle and index - start < model.card.window - TOKENS:
                found.append(row[start : index + 1])
    random.Random(0).shuffle(found)
    return found[:count]


def decode_in_turn(
    contenders: Mapping[str, tuple[MedusaModel, DecodingOptions]], prompts: Sequence[list[int]]
) -> dict[str, list[Completion]]:
    """Each prompt decoded by all contenders, one after another, so that a busy machine slows all alike."""
    answers: dict[str, list[Completion]] = {name: [] for name in contenders}
    for ids in tqdm(prompts, desc="decoding", unit="prompt", leave=False):
        for name, (model, options) in contenders.items():
            answers[name].append(complete(model, ids, options))
    return answers


def speed(answers: Sequence[Completion]) -> Speed:
    """The figures of at least one answer."""
    seconds = sum(one.milliseconds for one in answers) / 1000
    steps = max(1, sum(one.steps for one in answers))
    tokens = sum(one.tokens for one in answers)
    characters = sum(len(one.text) for one in answers)
    return Speed(
        prompts=len(answers),
        tokens_per_second=tokens / seconds,
        characters_per_second=characters / seconds,
        tokens_per_step=tokens / steps,
        characters_per_step=characters / steps,
    )
