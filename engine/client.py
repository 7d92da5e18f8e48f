"""The engine process seen from the language server: start it, load a model, complete, stop.

The engine runs in a process of its own so that neither torch nor a long decode ever stands in the
server's way. Both sides speak JSON lines (UTF-8, one object a line) over the child's stdin and
stdout; its stderr is log text. The child starts with the first call that needs it and, when it has
died, again with the next one. Nothing here imports torch.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from engine.api import Completion, DecodingOptions, EngineError, ModelInfo, Prompt, Step

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "engine.process")
# The child runs where the package lies, so that a folder `engine` in the user's project can't
# stand in for it.
FOLDER = Path(__file__).resolve().parent.parent
LONGEST_LINE = 1 << 24
STOP_SECONDS = 0.7
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class EngineState:
    """Where the engine stands. `info` is the model in service, also while another one loads."""

    kind: Literal["stopped", "loading", "ready", "failed"]
    message: str = ""
    fraction: float | None = None
    info: ModelInfo | None = None


@dataclass(frozen=True)
class _Call:
    result: asyncio.Future[dict[str, Any]]
    on_event: Callable[[dict[str, Any]], None]


class EngineClient:
    """One engine process and the model it serves. To be used from one event loop.

    `on_state` is called with every change of `state`, `on_log` with every line of the child's
    stderr; both on the event loop, both must return quickly.
    """

    def __init__(
        self,
        model: str,
        command: Sequence[str] | None = None,
        on_state: Callable[[EngineState], None] | None = None,
        on_log: Callable[[str], None] | None = None,
    ) -> None:
        self.model = model
        self.state = EngineState("stopped")
        self._command = tuple(command or COMMAND)
        self._on_state = on_state or (lambda state: None)
        self._on_log = on_log or logger.info
        self._process: asyncio.subprocess.Process | None = None
        self._calls: dict[int, _Call] = {}
        self._numbers = itertools.count(1)
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deaths = 0
        self._not_before = 0.0
        self._fatal = ""
        self._last_line = ""

    async def load(self, model: str | None = None) -> ModelInfo:
        """Put `model` into service; without one, make sure that `self.model` is.

        Raises EngineError when that fails; a model already in service then stays there.
        Cancelling the caller does not interrupt the load.
        """
        task = self._spawn(self._load(model))
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
        if self.state.info is None:
            await self.load()

        def on_event(event: dict[str, Any]) -> None:
            if on_step is not None and event.get("event") == "step":
                step = event["step"]
                on_step(Step(**{**step, "fragments": tuple(step["fragments"])}))

        params = {"prompt": asdict(prompt), "options": asdict(options)}
        result = await self._call("complete", params, on_event)
        self._deaths = 0
        return _structure(Completion, {**result, "fragments": tuple(result.get("fragments", ()))})

    async def stop(self) -> None:
        """End the child within a second; calls in flight fail. A later call starts it again."""
        process, self._process = self._process, None
        # Before anything is awaited: a call that comes meanwhile starts a new child, undisturbed.
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        self._fail_calls("the engine was stopped")
        self._change(EngineState("stopped"))
        if process is not None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _load(self, model: str | None) -> ModelInfo:
        async with self._loading:
            serving = self.state.info
            if serving is not None and model in (None, self.model):
                return serving
            wanted = model or self.model
            self._check_pause()
            self._change(EngineState("loading", f"loading {wanted}", None, serving))
            try:
                if self._process is None:
                    await self._start()
                result = await self._call("load", {"model": wanted}, self._report_progress)
                info = _structure(ModelInfo, result)
            except EngineError as error:
                self._load_failed(wanted, error)
                raise
            self.model = wanted
            self._change(EngineState("ready", f"{info.name} is loaded", None, info))
            return info

    def _load_failed(self, wanted: str, error: EngineError) -> None:
        serving = self.state.info
        if serving is None:
            self.model = wanted
            self._change(EngineState("failed", str(error)))
        else:
            self._change(EngineState("ready", str(error), None, serving))

    async def _start(self) -> None:
        self._fatal = self._last_line = ""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
                cwd=FOLDER,
            )
        except OSError as error:
            raise EngineError(f"the engine could not be started: {error}") from error
        self._spawn(self._listen(self._process))

    def _check_pause(self) -> None:
        """Raise EngineError while a child that has died repeatedly is not to be started again."""
        pause = self._not_before - asyncio.get_running_loop().time()
        if self._process is None and pause > 0:
            raise EngineError(
                f"the engine died {self._deaths} times in a row; it may start again in "
                f"{pause:.0f} s, and the log says more"
            )

    async def _call(
        self, method: str, params: dict[str, Any], on_event: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        if self._process is None:
            raise EngineError("the engine is not running")
        number = next(self._numbers)
        call = _Call(asyncio.get_running_loop().create_future(), on_event)
        self._calls[number] = call
        self._send({"id": number, "method": method, "params": params})
        try:
            return await call.result
        except asyncio.CancelledError:
            self._send({"method": "cancel", "params": {"id": number}})
            raise
        finally:
            del self._calls[number]

    def _send(self, message: dict[str, Any]) -> None:
        # Not drained: messages are few and small, and a dead child is noticed by `_listen`.
        if self._process is not None:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Read the child until it ends, then fail what it left unanswered."""
        await asyncio.gather(
            _lines(process.stdout, self._receive), _lines(process.stderr, self._log)
        )
        code = await process.wait()
        if process is not self._process:
            return  # it was told to stop
        self._process = None
        self._deaths += 1
        if self._deaths > 1:
            pause = min(LONGEST_PAUSE, 2.0**self._deaths)
            self._not_before = asyncio.get_running_loop().time() + pause
        words = f": {self._last_line}" if self._last_line else ""
        reason = self._fatal or f"the engine process died (exit code {code}){words}"
        self._change(EngineState("stopped", reason))
        self._fail_calls(reason)

    def _receive(self, line: str) -> None:
        try:
            event = json.loads(line)
            kind, number = event["event"], event.get("id")
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("the engine sent a line that is no message: %.200s", line)
            return
        if kind == "fatal":
            self._fatal = str(event.get("message", ""))
        elif (call := self._calls.get(number)) is not None:
            self._answer(call, event)
        elif kind != "cancelled":
            logger.debug("the engine sent '%s' for request %s, which is over", kind, number)

    def _answer(self, call: _Call, event: dict[str, Any]) -> None:
        kind = event["event"]
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

    def _report_progress(self, event: dict[str, Any]) -> None:
        message, fraction = str(event.get("message", "")), event.get("fraction")
        self._change(EngineState("loading", message, fraction, self.state.info))

    def _log(self, line: str) -> None:
        # A traceback's last line names what the child died of.
        self._last_line = line.strip() or self._last_line
        self._on_log(line)

    def _fail_calls(self, reason: str) -> None:
        for call in self._calls.values():
            if not call.result.done():
                call.result.set_exception(EngineError(reason))

    def _change(self, state: EngineState) -> None:
        self.state = state
        self._on_state(state)

    def _spawn(self, coroutine: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, EngineError):
            logger.error("a task of the engine client failed", exc_info=error)


async def _lines(stream: asyncio.StreamReader, handle: Callable[[str], None]) -> None:
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            logger.warning("the engine sent a line of more than %d bytes", LONGEST_LINE)
            continue
        if not line:
            return
        handle(line.decode("utf-8", errors="replace").rstrip("\r\n"))


def _structure(kind: type, fields: dict[str, Any]) -> Any:
    try:
        return kind(**fields)
    except TypeError as error:
        raise EngineError(f"the engine's answer is not a {kind.__name__}: {error}") from error
