"""Running the methods side by side: the same prompts by turns, so that whatever slows the machine down for
a while slows all of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.bench.methods import SAMPLINGS, Request, Task, Trace
from engine.bench.workers import Worker

# Times that a request is answered with each number of threads; the quickest counts.
CALIBRATIONS = 5
CALIBRATION_REQUESTS = 2
CALIBRATION_TOKENS = 24


@dataclass(frozen=True)
class Timing:
    """One timed answer."""

    name: str
    sampling: str
    prompt: int
    repeat: int
    seconds: float
    characters: int


@dataclass(frozen=True)
class Detail:
    """One answer that was looked into. `first` is the seconds of an answer of one token: reading the
    prompt, and one step."""

    name: str
    sampling: str
    prompt: int
    trace: Trace
    first: float


def tasks(requests: Sequence[Request], samplings: Sequence[str]) -> list[Task]:
    """Each request by each sampling, with a seed of its own, so that repeats do the same work."""
    return [
        Task(number, name, replace(request, temperature=SAMPLINGS[name], seed=number))
        for name in samplings
        for number, request in enumerate(requests)
    ]


def calibrate(
    workers: Sequence[Worker], requests: Sequence[Request], counts: Sequence[int]
) -> dict[str, int]:
    """Give each method the number of threads that is fastest for it; returns what that is."""
    quickest: dict[tuple[str, int, int], float] = {}
    asked = [
        replace(request, tokens=min(request.tokens, CALIBRATION_TOKENS))
        for request in requests[:CALIBRATION_REQUESTS]
    ]
    for _ in range(CALIBRATIONS):  # in the first, threads begin
        for count in counts:
            for worker in workers:
                worker.set_threads(count)
                for number, request in enumerate(asked):
                    key = (worker.method.name, count, number)
                    seconds, _ = worker.run(request)
                    quickest[key] = min(quickest.get(key, seconds), seconds)
    chosen = {}
    for worker in workers:
        name = worker.method.name
        taken = {c: sum(quickest[name, c, n] for n in range(len(asked))) for c in counts}
        chosen[name] = min(counts, key=taken.__getitem__)
        worker.set_threads(chosen[name])
    return chosen


def detail(worker: Worker, task: Task) -> Detail:
    """Look into one answer. That warms up what is timed after it."""
    one = replace(task.request, tokens=1)
    first = min(worker.run(one)[0] for _ in range(2))
    trace = worker.trace(task.request)
    return Detail(worker.method.name, task.sampling, task.prompt, trace, first)


def timings(workers: Sequence[Worker], todo: Sequence[Task], repeats: int) -> Iterator[Timing]:
    """All methods on a task, then on the next one; who begins changes each time."""
    for repeat in range(repeats):
        for number, task in enumerate(todo):
            start = (number + repeat) % len(workers)
            for worker in [*workers[start:], *workers[:start]]:
                seconds, characters = worker.run(task.request)
                name = worker.method.name
                yield Timing(name, task.sampling, task.prompt, repeat, seconds, characters)


def speeds(found: Sequence[Timing]) -> list[float]:
    """Visible characters a second in each repeat, by eq. 3 of paper 1: the mean over the answers."""
    repeats: dict[int, list[float]] = {}
    for one in found:
        repeats.setdefault(one.repeat, []).append(one.characters / one.seconds)
    return [statistics.fmean(values) for values in repeats.values()]
