"""The labels of a batch, vectorised against a plain loop: `python -m benchmarks.labels`.

Both make the syntax-enriched labels of the same packed rows (paper 1, III-C), take turns, and must
agree. The loop works on lists, which suit it better than tensors. Both have one thread, and the times
are CPU time, so that what else the machine does hardly matters. Prints the ratio of the medians.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import torch

from engine import prompts
from trainer import vocabulary
from trainer.labels import IGNORE, Rows, describe, enriched_labels

Result = TypeVar("Result")

TOKENIZER = vocabulary.train(["module m;\nendmodule\n"], size=300)
ENDS = (TOKENIZER.frag, TOKENIZER.end)
PROMPT, ANSWER, FRAGMENT = 180, 120, 5  # tokens, on average
REPEATS = 20  # of the vectorised one in a turn: it is over too soon to be timed once


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.labels", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--heads", type=int, default=10)
    parser.add_argument("--turns", type=int, default=15)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = made_up(args.rows, args.length)
    lists = [tensor.tolist() for tensor in (rows.ids, rows.segment, rows.answer, rows.learnt)]
    vectorised, loop = [], []
    for _ in range(args.turns):
        fast, seconds = timed(lambda: enriched_labels(rows, args.heads, ENDS), REPEATS)
        vectorised.append(seconds)
        slow, seconds = timed(lambda: looped(*lists, args.heads), 1)
        loop.append(seconds)
        assert fast.tolist() == slow, "the two disagree"
    fast_ms, slow_ms = (1000 * statistics.median(times) for times in (vectorised, loop))
    print(f"{args.rows} rows of {args.length} tokens, {args.heads} heads, {args.turns} turns each")
    print(f"vectorised {fast_ms:.2f} ms, loop {slow_ms:.1f} ms: {slow_ms / fast_ms:.0f} times")
    return 0


def made_up(count: int, length: int) -> Rows:
    """Packed rows with samples, answers and fragments of the usual sizes, described."""
    t, rng = TOKENIZER, random.Random(1)

    def text(tokens: int, frags: float = 0.0) -> list[int]:
        return [t.frag if rng.random() < frags else rng.randrange(8, t.size) for _ in range(tokens)]

    rows = []
    for _ in range(count):
        row: list[int] = []
        while len(row) < length:
            answer = text(rng.randint(1, 2 * ANSWER), 1 / FRAGMENT)
            row += [*prompts.layout(t, text(rng.randint(1, 2 * PROMPT))), *answer, t.end]
        rows.append(row[:length])
    return describe(torch.tensor(rows, dtype=torch.int32), t)


def looped(
    ids: list[list[int]],
    segment: list[list[int]],
    answer: list[list[bool]],
    learnt: list[list[bool]],
    heads: int,
) -> list[list[list[int]]]:
    """The same labels, one row, one place and one predictor at a time."""
    every = []
    for row in range(len(ids)):
        labels = []
        for place in range(len(ids[row])):
            own, last = [], 0
            for k in range(heads + 1):
                target = place + 1 + k
                label = IGNORE
                if target < len(ids[row]) and segment[row][target] == segment[row][place]:
                    learn = learnt[row][target] if k == 0 else answer[row][target]
                    if segment[row][place] and learn:
                        label = ids[row][target]
                if label in ENDS:
                    last = k
                own.append(label)
            for k in range(last + 1, heads + 1):
                own[k] = IGNORE
            labels.append(own)
        every.append(labels)
    return every


def timed(function: Callable[[], Result], repeats: int) -> tuple[Result, float]:
    """What the last call of `function` gives, and the CPU seconds of one."""
    began = time.process_time()
    for _ in range(repeats):
        result = function()
    return result, (time.process_time() - began) / repeats


if __name__ == "__main__":
    raise SystemExit(main())
