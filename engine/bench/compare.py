"""One comparison from beginning to end, which Ctrl-C may end early: what is done by then is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from tqdm import tqdm

from engine.api import EngineError
from engine.bench import measure
from engine.bench.measure import Detail, Task, Timing
from engine.bench.methods import Method, Request, Trace
from engine.bench.workers import Worker

T = TypeVar("T")


@dataclass
class Measured:
    """What has been measured so far. `missing` says why a method is not among it."""

    details: list[Detail] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    threads: dict[str, int] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    interrupted: bool = False

    def greedy(self) -> dict[str, list[Trace]]:
        """The greedy answers of each method that has all of them, in the order of the prompts."""
        own = [one for one in self.details if one.sampling == "greedy"]
        found: dict[str, list[Trace]] = {}
        for one in sorted(own, key=lambda one: one.prompt):
            found.setdefault(one.name, []).append(one.trace)
        most = max(map(len, found.values()), default=0)
        return {name: traces for name, traces in found.items() if len(traces) == most}


def compare(
    methods: Sequence[Method], todo: Sequence[Task], repeats: int, threads: int | None
) -> Measured:
    """Look into each answer of each method, then time them all side by side. `threads` None: as many for
    each method as are fastest for it. Raises EngineError if no method can be had."""
    measured = Measured()
    with _interruptible(measured), workers(methods, measured.missing) as ready:
        measured.threads |= _set_threads(ready, todo, threads)
        looked = ((worker, task) for task in todo for worker in ready)
        for worker, task in _progress(looked, len(todo) * len(ready), "answers"):
            measured.details.append(measure.detail(worker, task))
        measured.peaks |= {worker.method.name: worker.peak() for worker in ready}
        timed = measure.timings(ready, todo, repeats)
        for one in _progress(timed, len(todo) * len(ready) * repeats, "timing"):
            measured.timings.append(one)
    return measured


def answers(methods: Sequence[Method], requests: Sequence[Request]) -> dict[str, list[Trace]]:
    """What each method answers, not timed. Raises EngineError if one fails."""
    missing: list[str] = []
    with workers(methods, missing) as ready:
        if missing:
            raise EngineError(missing[0])
        found: dict[str, list[Trace]] = {method.name: [] for method in methods}
        calls = ((worker, request) for request in requests for worker in ready)
        for worker, request in _progress(calls, len(ready) * len(requests), methods[0].dtype):
            found[worker.method.name].append(worker.trace(request))
    return found


@contextmanager
def workers(methods: Sequence[Method], missing: list[str]) -> Iterator[list[Worker]]:
    """A ready process for each method; those that can't be had are told in `missing`."""
    started = [Worker(method) for method in methods]
    ready = []
    try:
        for worker in started:
            try:
                worker.ready()
                ready.append(worker)
            except EngineError as error:
                missing.append(str(error))
        if not ready:
            raise EngineError("; ".join(missing))
        yield ready
    finally:
        for worker in started:
            worker.close()


@contextmanager
def _interruptible(measured: Measured) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        measured.interrupted = True


def _set_threads(
    ready: Sequence[Worker], todo: Sequence[Task], threads: int | None
) -> Mapping[str, int]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    counts = [threads] if threads else sorted({1, cores or 1})
    if len(counts) > 1:
        return measure.calibrate(ready, [task.request for task in todo], counts)
    for worker in ready:
        worker.set_threads(counts[0])
    return {worker.method.name: counts[0] for worker in ready}


def _progress(items: Iterable[T], total: int, what: str) -> Iterable[T]:
    return tqdm(items, desc=what, total=total, file=sys.stderr, disable=None, leave=False)
