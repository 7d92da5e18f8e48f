"""A conversation with one engine process: calls, the events they stream, and their answers.

Both sides send JSON lines (UTF-8, one object a line):

    -> {"id": 1, "method": "load", "params": {"model": "..."}}            -> progress..., done
    -> {"id": 2, "method": "complete", "params": {"prompt", "options"}}   -> step..., done
    -> {"id": 3, "method": "sample", "params": {..., "samples": 8}}       -> samples..., done
    -> {"id": 4, "method": "status", "params": {}}                        -> done
    -> {"method": "cancel", "params": {"id": 2}}                          -> cancelled
    -> {"method": "quit"}
    <- {"id": 1, "event": "progress", "message": "...", "fraction": 0.5}
    <- {"id": 2, "event": "step", "step": {...}}
    <- {"id": 3, "event": "samples", "characters": 12, "ended": [{"index", "completion"}]}
    <- {"id": 1, "event": "done", "result": {...}}      or "error" with "message", or "cancelled"
    <- {"event": "bye", "reason": "..."}                the process ends of its own will
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.api import EngineError
from engine.links import Link, read_lines
from engine.process import LONGEST_LINE

logger = logging.getLogger(__name__)

QUIT_SECONDS = 5.0  # many steps of the largest model

Event = dict[str, Any]


class EngineGoneError(EngineError):
    """The process ended of its own will, so asking a new one is no use against a fault."""


@dataclass(frozen=True)
class _Call:
    result: asyncio.Future[Event]
    on_event: Callable[[Event], None]


class Connection:
    """The calls over one link, which must be closed at last.

    `on_end` is called when the process ends before that, with how and whether it did so of its own
    will.
    """

    def __init__(self, link: Link, on_end: Callable[[str, bool], None]) -> None:
        self.link = link
        self._on_end = on_end
        self._calls: dict[int, _Call] = {}
        self._numbers = itertools.count(1)
        self._heard = 0.0
        self._bye = ""
        self._over = ""
        self._idle = asyncio.Event()
        self._idle.set()
        self._listening = asyncio.create_task(self._listen())

    async def call(
        self, method: str, params: Event, on_event: Callable[[Event], None], patience: float
    ) -> Event:
        """The result of `method`; `on_event` sees what it streams.

        Raises EngineError. A process that says nothing at all for `patience` seconds hangs and is
        killed. Cancelling the caller cancels the request.
        """
        if self._over:
            raise EngineError(self._over)
        number = next(self._numbers)
        line = _line({"id": number, "method": method, "params": params})
        call = _Call(asyncio.get_running_loop().create_future(), on_event)
        self._calls[number] = call
        self._idle.clear()
        self._write(line)
        try:
            return await self._answer(call, patience)
        except asyncio.CancelledError:
            self._write(_line({"method": "cancel", "params": {"id": number}}))
            raise
        finally:
            del self._calls[number]
            if not self._calls:
                self._idle.set()

    async def quit(self) -> None:
        """End the process, for whomever it serves: it is told to, and killed if it does not.

        Returns when it no longer answers, so that who asks next is served by another one.
        """
        self._write(_line({"method": "quit"}))
        self._end("the engine was stopped")
        await asyncio.wait({self._listening}, timeout=QUIT_SECONDS)
        if not self._listening.done():
            self.link.kill()
            await self._listening
        await self.link.close()

    async def retire(self) -> None:
        """Close when the calls in flight have ended."""
        await self._idle.wait()
        await self.close("the engine was replaced")

    async def close(self, reason: str) -> None:
        """Let go of the process; calls in flight fail with `reason`."""
        self._end(reason)
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self.link.close()

    async def _answer(self, call: _Call, patience: float) -> Event:
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        while True:
            rest = self._heard + patience - loop.time()
            await asyncio.wait({call.result}, timeout=max(0.0, rest))
            if call.result.done():
                return call.result.result()
            if loop.time() >= self._heard + patience:
                self.link.kill()
                raise EngineError(f"the engine said nothing for {patience:g} s and was stopped")

    def _write(self, line: bytes) -> None:
        # Not drained: messages are few and small, and a dead process is noticed by `_listen`.
        if not self._over:
            self.link.writer.write(line)

    async def _listen(self) -> None:
        """Read what the process says until it ends, then fail what it left unanswered."""
        await read_lines(self.link.reader, self._receive)
        reason = self._bye and f"the engine has ended: {self._bye}"
        how = reason or await self.link.ended()
        self._end(how)
        self._on_end(how, bool(reason))

    def _receive(self, line: str) -> None:
        self._heard = asyncio.get_running_loop().time()
        try:
            event = json.loads(line)
            kind, number = event["event"], event.get("id")
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("the engine sent a line that is no message: %.200s", line)
            return
        if kind == "bye":
            self._bye = str(event.get("reason", ""))
        elif (call := self._calls.get(number)) is not None:
            _take(call, kind, event)
        elif kind != "cancelled":
            logger.debug("the engine sent '%s' for request %s, which is over", kind, number)

    def _end(self, reason: str) -> None:
        self._over = self._over or reason
        kind = EngineGoneError if self._bye else EngineError
        for call in self._calls.values():
            if not call.result.done():
                call.result.set_exception(kind(reason))


def _take(call: _Call, kind: str, event: Event) -> None:
    if call.result.done():
        return
    if kind == "done" and isinstance(event.get("result"), dict):
        call.result.set_result(event["result"])
    elif kind == "error":
        call.result.set_exception(EngineError(event.get("message") or "unknown engine error"))
    elif kind == "cancelled":
        call.result.set_exception(EngineError("the engine gave up this request"))
    else:
        try:
            call.on_event(event)
        except (KeyError, TypeError, ValueError):
            logger.warning("the engine sent a garbled event: %.200s", event)


def _line(message: Event) -> bytes:
    line = json.dumps(message).encode() + b"\n"
    if len(line) > LONGEST_LINE:
        raise EngineError(f"the request is too long: {len(line)} bytes")
    return line
