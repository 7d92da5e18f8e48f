"""Processes that survive what they work on.

A parser may hang, overflow its stack or eat the memory, and none of these is an exception. Here each task
runs in one of a few processes, under a limit of time and memory that the kernel enforces; a task that
takes its process along costs only itself, and the process is replaced.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

MAX_MEMORY = 4 << 30  # bytes of address space of each process

# Not forked: a fork would inherit the other processes' pipes and could not see them close.
_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Failure:
    """A task without a result, and why."""

    reason: str


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Any = None


class Workers:
    """`jobs` processes; a task may take `limit_s` seconds."""

    def __init__(self, jobs: int, limit_s: float) -> None:
        self._limit_s = limit_s
        self._idle = [self._start() for _ in range(jobs)]
        self._busy: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._idle + self._busy:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def map(
        self, function: Callable[[Any], Any], tasks: Iterable[Any]
    ) -> Iterator[tuple[Any, Any]]:
        """Each task with its result, in the order in which they are done. Tasks are taken from the
        iterable as processes become free. What the function raises is a Failure too."""
        waiting = iter(tasks)
        exhausted = False
        while self._busy or not exhausted:
            while self._idle and not exhausted:
                task = next(waiting, _END)
                exhausted = task is _END
                if not exhausted:
                    worker = self._idle.pop()
                    worker.task = task
                    worker.pipe.send((function, task))
                    self._busy.append(worker)
            ready = wait([worker.pipe for worker in self._busy]) if self._busy else []
            for worker in [worker for worker in self._busy if worker.pipe in ready]:
                self._busy.remove(worker)
                try:
                    result = worker.pipe.recv()
                    self._idle.append(worker)
                except EOFError:
                    result = self._buried(worker)
                    self._idle.append(self._start())
                yield worker.task, result

    def _start(self) -> _Worker:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_serve, args=(theirs, self._limit_s), daemon=True)
        process.start()
        theirs.close()  # or its end would never be seen to close
        return _Worker(process, ours)

    def _buried(self, worker: _Worker) -> Failure:
        worker.process.join()
        worker.pipe.close()
        status = worker.process.exitcode
        if status == -signal.SIGALRM:
            return Failure(f"took longer than {self._limit_s:g} s and was stopped")
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Failure(f"crashed its process ({how})")


_END = object()


def _serve(pipe: Connection, limit_s: float) -> None:
    """Work until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells when to stop
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, whatever code it is in
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    while True:
        try:
            function, task = pipe.recv()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        try:
            result = function(task)
        except Exception as error:  # whatever a parser raises costs one task
            result = Failure(f"{type(error).__name__}: {error}")
        signal.setitimer(signal.ITIMER_REAL, 0)
        pipe.send(result)
