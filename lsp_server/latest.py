"""At most one running task for each document: a newer one cancels the older."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Latest:
    """Runs one coroutine a key; superseded and cancelled ones answer None."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[Any]] = {}

    async def run(self, key: str, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`, or None when `cancel` or a newer `run` ended it.

        Cancelling the caller cancels `work` and is passed on.
        """
        task = self.start(key, work)
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            return None

    def start(self, key: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` without waiting for it."""
        self.cancel(key)
        task = self._running[key] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: str, task: asyncio.Task[Any]) -> None:
        if self._running.get(key) is task:
            del self._running[key]

    def running(self, key: str) -> bool:
        """Whether something runs for `key`."""
        return key in self._running

    async def ended(self, key: str) -> None:
        """Wait until what runs for `key` has ended, however it does."""
        if key in self._running:
            await asyncio.wait({self._running[key]})

    def cancel(self, key: str) -> None:
        """End what runs for `key`, if anything does."""
        task = self._running.pop(key, None)
        if task is not None:
            task.cancel()
