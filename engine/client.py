"""The engine process seen from the language server: load a model, complete, sample, stop.

The engine runs in a process of its own so that neither torch nor a long decode ever stands in the
server's way. All windows of a user share one for each model (`engine.runtime`); with a command of its
own, as in tests, a client has a child instead. The process starts with the first call that needs it,
ends when it has had nothing to do for a while, and starts again with the next call; one that keeps
dying has to wait. Nothing here imports torch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from engine import runtime
from engine.api import Completion, DecodingOptions, EngineError, ModelInfo, Prompt, Step
from engine.connection import Connection, EngineGoneError, Event
from engine.links import Limits, Link, child, shared

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds of silence after which the process is taken to hang. A step takes milliseconds and each is
# told, but a large model may read its prompt for long, and load for longer.
STEP_SILENCE = 60.0
LOAD_SILENCE = 600.0
STATUS_SILENCE = 60.0
LONGEST_PAUSE = 60.0
LOAD = "load"  # the name of tasks that `stop` cancels


@dataclass(frozen=True)
class EngineState:
    """Where the engine stands. `info` is the model in service, also while another one loads."""

    kind: Literal["stopped", "loading", "ready", "failed"]
    message: str = ""
    fraction: float | None = None
    info: ModelInfo | None = None


@dataclass(frozen=True)
class EngineStatus:
    """The process: its id, its memory in bytes, how many windows it serves, where its log is."""

    pid: int
    rss: int
    clients: int
    log: str | None


class EngineClient:
    """The engine as one window uses it. To be used from one event loop.

    `command` starts a child of one's own instead of the process that all windows share; `version` is
    Verifrag's, for windows of different versions do not share. `on_state` is called with every change
    of `state`, `on_log` with every line of a child's stderr; both on the event loop, both must return
    quickly. `limits` may be changed and hold for the next process.
    """

    def __init__(
        self,
        model: str,
        command: Sequence[str] | None = None,
        on_state: Callable[[EngineState], None] | None = None,
        on_log: Callable[[str], None] | None = None,
        version: str = "",
    ) -> None:
        self.model = model
        self.limits = Limits()
        self.state = EngineState("stopped")
        self._command = command
        self._on_state = on_state or (lambda state: None)
        self._on_log = on_log or logger.info
        self._version = version
        self._connection: Connection | None = None
        self._past: set[Connection] = set()
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deaths = 0
        self._not_before = 0.0
        self._restarting = False

    async def load(self, model: str | None = None) -> ModelInfo:
        """Put `model` into service; without one, make sure that `self.model` is.

        Raises EngineError when that fails; a model already in service then stays there, and what it
        is decoding it finishes in any case. Cancelling the caller does not interrupt the load.
        """
        task = self._spawn(self._load(model), LOAD)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise EngineError("the engine was stopped") from None
            raise

    async def complete(
        self,
        prompt: Prompt,
        options: DecodingOptions,
        on_step: Callable[[Step], None] | None = None,
    ) -> Completion:
        """Decode `prompt`; `on_step` sees each verification step as it arrives.

        Raises EngineError when the engine can't answer. Cancelling the caller stops the decoder
        at its next step.
        """

        def on_event(event: Event) -> None:
            if on_step is not None and event.get("event") == "step":
                step = event["step"]
                on_step(Step(**{**step, "fragments": tuple(step["fragments"])}))

        params = {"prompt": asdict(prompt), "options": asdict(options)}
        return _completion(await self._ask("complete", params, on_event))

    async def sample(
        self,
        prompt: Prompt,
        options: DecodingOptions,
        samples: int,
        on_ended: Callable[[int, Completion], None],
        on_characters: Callable[[int], None] | None = None,
    ) -> None:
        """Decode `samples` answers to one prompt together, several times cheaper than one by one.

        `on_ended` gets each with its number, from 0, as it ends; sample n is drawn with seed n + 1.
        `on_characters` is told how much text each pass added. Raises and is cancelled as `complete`;
        where a process that ended is asked anew, answers may come twice.
        """

        def on_event(event: Event) -> None:
            if on_characters is not None and event["characters"]:
                on_characters(event["characters"])
            for one in event["ended"]:
                on_ended(one["index"], _completion(one["completion"]))

        params = {"prompt": asdict(prompt), "options": asdict(options), "samples": samples}
        await self._ask("sample", params, on_event)

    async def status(self) -> EngineStatus | None:
        """The process that serves, or None where none does. Raises EngineError."""
        connection = self._connection
        if connection is None:
            return None
        found = await connection.call("status", {}, _ignore, STATUS_SILENCE)
        log = str(connection.link.log) if connection.link.log else None
        return EngineStatus(connection.link.pid, int(found["rss"]), int(found["clients"]), log)

    async def stop(self) -> None:
        """Let go of the engine within a second: a child ends, a process that others use goes on.

        Calls in flight fail. A later call starts it again.
        """
        # Before anything is awaited: a call that comes meanwhile starts anew, undisturbed.
        connections, tasks = set(self._past), tuple(self._tasks)
        if self._connection is not None:
            connections.add(self._connection)
        self._connection = None
        for task in tasks:
            if task.get_name() == LOAD:
                task.cancel()
        self._change(EngineState("stopped"))
        closing = [connection.close("the engine was stopped") for connection in connections]
        await asyncio.gather(*closing, *tasks, return_exceptions=True)

    async def restart(self) -> ModelInfo:
        """End the process, for all windows, and load the model in a new one. Raises EngineError."""
        connection, self._connection = self._connection, None
        self._restarting = True
        try:
            await self.stop()
        finally:
            self._restarting = False
        if connection is not None:
            async with self._loading:  # until it has ended it would answer, and end right after
                await connection.quit()
        self._deaths, self._not_before = 0, 0.0
        return await self.load()

    async def _ask(self, method: str, params: Event, on_event: Callable[[Event], None]) -> Event:
        result = await _again_if_gone(lambda: self._ask_once(method, params, on_event))
        self._deaths = 0
        return result

    async def _ask_once(
        self, method: str, params: Event, on_event: Callable[[Event], None]
    ) -> Event:
        if self.state.info is None or self._connection is None:
            await self.load()
        return await self._connection.call(method, params, on_event, STEP_SILENCE)

    async def _load(self, model: str | None) -> ModelInfo:
        async with self._loading:
            serving = self.state.info
            if serving is not None and model in (None, self.model):
                return serving
            wanted = model or self.model
            self._change(EngineState("loading", f"loading {wanted}", None, serving))
            try:
                info = await _again_if_gone(lambda: self._load_anew(wanted))
            except EngineError as error:
                self._load_failed(wanted, error)
                raise
            self.model = wanted
            self._change(EngineState("ready", f"{info.name} is loaded", None, info))
            return info

    async def _load_anew(self, wanted: str) -> ModelInfo:
        """Load `wanted` in a process for it, and only then let go of the one in service."""
        self._check_pause()
        link = await self._open(wanted)
        connection = Connection(link, lambda how, willing: self._ended(connection, how, willing))
        try:
            params = {"model": wanted}
            result = await connection.call("load", params, self._report_progress, LOAD_SILENCE)
            info = _structure(ModelInfo, result)
        except BaseException as error:
            await (connection.quit() if self._restarting else connection.close(str(error)))
            raise
        previous, self._connection = self._connection, connection
        if previous is not None:
            self._spawn(self._let_go(previous))
        return info

    async def _let_go(self, connection: Connection) -> None:
        self._past.add(connection)
        await connection.retire()
        self._past.discard(connection)

    async def _open(self, model: str) -> Link:
        if self._command is not None:
            return await child(self._command, self._on_log)
        return await shared(runtime.place(model, self._version), self.limits)

    def _load_failed(self, wanted: str, error: EngineError) -> None:
        serving = self.state.info
        if serving is None:
            self.model = wanted
            self._change(EngineState("failed", str(error)))
        else:
            self._change(EngineState("ready", str(error), None, serving))

    def _ended(self, connection: Connection, how: str, willing: bool) -> None:
        """A process has ended by itself; only a fault counts against it."""
        if not willing:
            self._deaths += 1
            if self._deaths > 1:
                pause = min(LONGEST_PAUSE, 2.0**self._deaths)
                self._not_before = asyncio.get_running_loop().time() + pause
        if connection is self._connection:
            self._connection = None
            self._spawn(self._let_go(connection))
            self._change(EngineState("stopped", how))

    def _check_pause(self) -> None:
        """Raise EngineError while a process that has died repeatedly is not to be started again."""
        pause = self._not_before - asyncio.get_running_loop().time()
        if pause > 0:
            raise EngineError(
                f"the engine died {self._deaths} times in a row; it may start again in "
                f"{pause:.0f} s, and the log says more"
            )

    def _report_progress(self, event: Event) -> None:
        message, fraction = str(event.get("message", "")), event.get("fraction")
        self._change(EngineState("loading", message, fraction, self.state.info))

    def _change(self, state: EngineState) -> None:
        self.state = state
        self._on_state(state)

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str | None = None) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, EngineError):
            logger.error("a task of the engine client failed", exc_info=error)


async def _again_if_gone(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` gives; asked twice where the process was just ending of its own will."""
    try:
        return await ask()
    except EngineGoneError:
        return await ask()


def _ignore(event: Event) -> None:
    """For calls that stream nothing."""


def _completion(fields: Event) -> Completion:
    return _structure(Completion, {**fields, "fragments": tuple(fields.get("fragments", ()))})


def _structure(kind: type, fields: Event) -> Any:
    try:
        return kind(**fields)
    except TypeError as error:
        raise EngineError(f"the engine's answer is not a {kind.__name__}: {error}") from error
