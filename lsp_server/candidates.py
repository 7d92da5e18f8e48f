"""The search for a module that compiles: candidates decoded together, checked in parallel, ranked.

Candidate 0 is the greedy one, which has a request of its own; the others are samples that share one.
The first flawless candidate ends the search.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.client import EngineClient

GREEDY = DecodingOptions(max_tokens=512, max_seconds=30.0, stop="module")
TEMPERATURE, TOP_P = 0.5, 0.95  # of the others
CHECKS = 4  # compiled at the same time
REPORT_SECONDS = 0.5


class Grade(IntEnum):
    """How good a candidate is; less is better."""

    FLAWLESS = 0
    COMPILES = 1
    PARSES = 2
    USELESS = 3


@dataclass(frozen=True, order=True)
class Judged:
    """A candidate with its grade and, where it is not flawless, what is wrong. The lesser is the better
    one; of equals the one with the lower number."""

    grade: Grade
    number: int
    text: str
    wrong: str = ""


Judge = Callable[[int, str], Awaitable[Judged]]


async def search(
    engine: EngineClient,
    prompt: Prompt,
    samples: int,
    judge: Judge,
    report: Callable[[str, float | None], None],
    options: DecodingOptions = GREEDY,
) -> Judged | None:
    """The best of `samples` answers to `prompt` that is of any use, or None. `options` are those of the
    greedy one.

    Raises EngineError. Cancelling stops the decoder at its next step.
    """
    await engine.load()  # once: else both requests would, and both would fail
    found = _Found(samples, judge, report)
    writers = [asyncio.create_task(_greedy(engine, prompt, options, found))]
    if samples > 1:
        sampled = replace(options, temperature=TEMPERATURE, top_p=TOP_P)
        sampling = engine.sample(
            prompt, sampled, samples - 1, lambda index, one: found.add(index + 1, one), found.count
        )
        writers.append(asyncio.create_task(sampling))
    over = asyncio.create_task(_over(writers, found))
    flawless = asyncio.create_task(found.flawless.wait())
    try:
        await asyncio.wait({over, flawless}, return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            over.result()
    finally:
        tasks = (*writers, over, flawless, *found.checks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    best = min(found.judged, default=None)
    return best if best is not None and best.grade < Grade.USELESS else None


async def _greedy(
    engine: EngineClient, prompt: Prompt, options: DecodingOptions, found: _Found
) -> None:
    def on_step(step: Step) -> None:
        found.count(sum(map(len, step.fragments)))

    found.add(0, await engine.complete(prompt, options, on_step))


async def _over(writers: list[asyncio.Task[None]], found: _Found) -> None:
    """Until everything is written and checked."""
    await asyncio.gather(*writers)
    await asyncio.gather(*found.checks)


class _Found:
    """The candidates so far."""

    def __init__(
        self, samples: int, judge: Judge, report: Callable[[str, float | None], None]
    ) -> None:
        self.samples = samples
        self.judged: list[Judged] = []
        self.checks: list[asyncio.Task[None]] = []
        self.flawless = asyncio.Event()
        self._judge = judge
        self._report = report
        self._room = asyncio.Semaphore(CHECKS)
        self._characters = 0
        self._reported = 0.0

    def add(self, number: int, completion: Completion) -> None:
        self.checks.append(asyncio.create_task(self._check(number, completion.text)))

    def count(self, characters: int) -> None:
        """So much more text has been written."""
        self._characters += characters
        now = asyncio.get_running_loop().time()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._tell()

    async def _check(self, number: int, text: str) -> None:
        async with self._room:
            judged = await self._judge(number, text)
        self.judged.append(judged)
        self._tell()
        if judged.grade is Grade.FLAWLESS:
            self.flawless.set()

    def _tell(self) -> None:
        done = len(self.judged)
        message = f"{self._characters} characters, {done} of {self.samples} candidates checked"
        self._report(message, done / self.samples)
