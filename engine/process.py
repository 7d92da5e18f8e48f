"""The engine process: one model, and JSON lines with those who ask it.

`python -m engine.process` serves one peer, on standard input and output; `engine.listen` serves all
windows of a user on a socket.

It answers `load`, `complete`, `sample`, `status`, `cancel` and `quit` (see `engine.connection` for the
messages), and takes turns between the requests in flight, one verification step each, so that a long
generation never keeps ghost text waiting and a cancellation takes effect within a step.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from engine import extras, memory
from engine.api import Completion, DecodingOptions, EngineError, ModelInfo, Prompt, Step

if TYPE_CHECKING:
    from engine.model import MedusaModel
    from engine.reuse import PromptCaches

Message = dict[str, Any]
Peer = Callable[[Message], None]
"""One who asks: called with each message for it. It must neither block for long nor raise."""
Work = Generator[Message, None, Message]
"""A request in flight: yields the events of its steps, returns the result."""

INSTALL_HINT = f"the engine is not installed: run {extras.hint('engine')}"
LONGEST_LINE = 1 << 24  # bytes; a prompt has thousands
WIDTH = 32  # samples decoded together
MOST_SAMPLES = 4096
LINGER = 20.0  # seconds without any peer after which the process ends: a window may be reloading
MEGABYTE = 1 << 20
IDLE = "it had nothing to do"


@dataclass(frozen=True)
class Letter:
    """A line that `peer` sent; empty when it has left."""

    peer: Peer
    line: bytes


Inbox = queue.SimpleQueue[Letter]


class Engine:
    """The model in service and the requests in flight.

    `max_memory` is in bytes; 0 is no limit. `ending` says why the process should end, if it should.
    """

    def __init__(self, max_memory: int = 0) -> None:
        self.max_memory = max_memory
        self.model: MedusaModel | None = None
        self.caches: PromptCaches | None = None
        self.info: ModelInfo | None = None
        self.peers: set[Peer] = set()
        self.running: dict[tuple[Peer, int], Work] = {}
        self.used = time.monotonic()
        self.ending = ""

    def receive(self, letter: Letter) -> None:
        """Act on one letter; what is no message is logged and passed over."""
        if not letter.line:
            return self.leave(letter.peer)
        try:
            # What is no UTF-8 in a text is read as an editor would show it.
            message = json.loads(letter.line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            print(f"not JSON, ignored: {letter.line[:200]!r}", file=sys.stderr)
            return
        if isinstance(message, dict):
            self.handle(letter.peer, message)
        else:
            print(f"no message, ignored: {letter.line[:200]!r}", file=sys.stderr)

    def handle(self, peer: Peer, message: Message) -> None:
        """Act on one message of `peer`; whatever goes wrong is answered, not raised."""
        request = message.get("id")
        try:
            params = message.get("params", {})
            if message.get("method") != "status":
                self.used = time.monotonic()
            match message.get("method"):
                case "load":
                    info = self.load(params["model"], lambda event: peer({"id": request} | event))
                    peer({"id": request, "event": "done", "result": asdict(info)})
                case "complete":
                    options = DecodingOptions(**params["options"])
                    self.start(peer, request, self._complete(Prompt(**params["prompt"]), options))
                case "sample":
                    options = DecodingOptions(**params["options"])
                    prompt, count = Prompt(**params["prompt"]), params["samples"]
                    if type(count) is not int or not 0 < count <= MOST_SAMPLES:
                        raise EngineError(f"samples must be 1 to {MOST_SAMPLES}, not {count!r}")
                    self.start(peer, request, self._sample(prompt, options, count))
                case "status":
                    peer({"id": request, "event": "done", "result": self.status()})
                case "cancel":
                    self.cancel(peer, params["id"])
                case "quit":
                    self.ending = "it was told to end"
                case method:
                    raise EngineError(f"the engine knows no method {method!r}")
        except Exception as error:
            _failed(peer, request, error)

    def load(self, name: str, report: Peer) -> ModelInfo:
        """Put the model into service, unless it is already; if that fails, the one there is stays.

        Raises EngineError.
        """
        if self.info is not None and self.info.path == name:
            return self.info

        def progress(message: str, fraction: float) -> None:
            report({"event": "progress", "message": message, "fraction": fraction})

        progress("starting the tensor library", 0.1)
        try:
            from engine import compiled
            from engine import model as models
            from engine.reuse import PromptCaches
        except ImportError as error:
            raise EngineError(f"{INSTALL_HINT} ({error})") from error

        progress(f"reading {Path(name).name}", 0.5)
        model = models.load(name)
        models.choose_threads(model)
        step = compiled.attach(model)
        print(step, file=sys.stderr)
        progress("warming up", 0.9)
        caches = PromptCaches(model)
        for _ in _decode(caches, Prompt("module m;\n"), DecodingOptions(max_tokens=8)):
            pass
        self._check_room(name)
        self.model, self.caches = model, caches
        self.info = ModelInfo(
            name=model.card.name,
            path=name,
            round=model.card.round,
            parameters=model.parameter_count(),
            heads=model.heads.count,
            device=str(model.device),
            dtype=str(model.dtype).removeprefix("torch."),
            window=model.card.window,
            step=step,
        )
        return self.info

    def status(self) -> Message:
        """The process's id, its memory in bytes, and how many peers and requests it has."""
        return {
            "pid": os.getpid(),
            "rss": memory.resident(),
            "clients": len(self.peers),
            "running": len(self.running),
        }

    def start(self, peer: Peer, request: int, work: Work) -> None:
        """Put a request in flight."""
        if self.caches is None:
            raise EngineError("no model is loaded")
        self.running[peer, request] = work

    def cancel(self, peer: Peer, request: int) -> None:
        """Drop a request; one that has ended already is no longer there, which is fine."""
        work = self.running.pop((peer, request), None)
        if work is not None:
            work.close()
            peer({"id": request, "event": "cancelled"})

    def join(self, peer: Peer) -> None:
        """A peer has come."""
        self.used = time.monotonic()
        self.peers.add(peer)

    def leave(self, peer: Peer) -> None:
        """A peer has gone: nothing is decoded for it any more."""
        self.peers.discard(peer)
        self.used = time.monotonic()
        for key in [key for key in self.running if key[0] is peer]:
            self.running.pop(key).close()

    def turn(self) -> None:
        """One verification step for every request in flight."""
        for (peer, request), work in list(self.running.items()):
            try:
                peer({"id": request, **next(work)})
                continue
            except StopIteration as end:
                peer({"id": request, "event": "done", "result": end.value})
            except Exception as error:
                _failed(peer, request, error)
            del self.running[peer, request]
            self.used = time.monotonic()
            self._mind_memory()

    def _complete(self, prompt: Prompt, options: DecodingOptions) -> Work:
        steps = _decode(self.caches, prompt, options)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return asdict(end.value)
            yield {"event": "step", "step": asdict(step)}

    def _sample(self, prompt: Prompt, options: DecodingOptions, count: int) -> Work:
        """`count` samples of one prompt, decoded together; seed i + 1 is that of sample i."""
        from engine import batch, decoding, prompts

        ids = tuple(decoding.prompt_ids(self.model, prompt, options))
        typed = prompts.typed_blank(prompt.prefix)
        # Samples have no use for drafts: a wide batch fills the processor without (`engine.batch`).
        plain = replace(options, speculative=False)
        requests = [
            batch.Request(ids, replace(plain, seed=n + 1), typed, prompt) for n in range(count)
        ]
        for done in batch.passes(self.model, requests, width=WIDTH):
            ended = [{"index": index, "completion": asdict(one)} for index, one in done.ended]
            yield {"event": "samples", "characters": done.characters, "ended": ended}
        return {}

    def _check_room(self, name: str) -> None:
        used = memory.resident()
        if self.max_memory and used > self.max_memory:
            raise EngineError(
                f"{Path(name).name} takes {used // MEGABYTE} MB of memory, more than the "
                f"{self.max_memory // MEGABYTE} MB allowed: choose a smaller model, or raise the "
                "setting verifrag.engine.maxMemory"
            )

    def _mind_memory(self) -> None:
        """Keep to the limit: first without the caches of earlier prompts, then with a new process."""
        if not self.max_memory or memory.resident() <= self.max_memory:
            return
        self.caches.clear()
        if memory.resident() > self.max_memory and not self.running:
            self.ending = f"it took more than {self.max_memory // MEGABYTE} MB of memory"


def _decode(
    caches: PromptCaches, prompt: Prompt, options: DecodingOptions
) -> Generator[Step, None, Completion]:
    from engine import decoding, prompts

    ids = decoding.prompt_ids(caches.model, prompt, options)
    return caches.decode(ids, options, prompts.typed_blank(prompt.prefix), prompt)


def _failed(peer: Peer, request: int | None, error: Exception) -> None:
    if isinstance(error, EngineError):
        message = str(error)
    else:
        traceback.print_exc()
        message = f"the engine failed: {type(error).__name__}: {error} (see the log)"
    peer({"id": request, "event": "error", "message": message})


def work(engine: Engine, inbox: Inbox, idle: float | None = None) -> str:
    """Answer letters until there is a reason to end, which is returned.

    That is `engine.ending`, or with `idle` that many seconds without a request (`LINGER` without a
    peer); without `idle` it is the leaving of the one peer.
    """
    while not engine.ending:
        while not engine.running or not inbox.empty():
            try:
                engine.receive(inbox.get(timeout=_patience(engine, idle)))
            except queue.Empty:
                if _patience(engine, idle) == 0:  # else a peer has come meanwhile
                    return IDLE
            if engine.ending or (idle is None and not engine.peers):
                return engine.ending
        engine.turn()
    return engine.ending


def _patience(engine: Engine, idle: float | None) -> float | None:
    """Seconds to wait for the next letter."""
    if idle is None:
        return None
    allowed = idle if engine.peers else LINGER
    return max(0.0, engine.used + allowed - time.monotonic())


def read(stream: BinaryIO, peer: Peer, inbox: Inbox) -> None:
    """Put every line of `stream` into `inbox`, then that the peer has left.

    A last line that is not ended is half a message and dropped. One that is too long is answered,
    and taken for a leaving, for nothing that follows could be told from it.
    """
    try:
        while (line := stream.readline(LONGEST_LINE)).endswith(b"\n"):
            inbox.put(Letter(peer, line))
        if len(line) == LONGEST_LINE:
            text = f"a message of more than {LONGEST_LINE} bytes is not read"
            peer({"id": None, "event": "error", "message": text})
    except OSError as error:
        print(f"a peer was lost: {error}", file=sys.stderr)
    inbox.put(Letter(peer, b""))


def serve(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Answer the one peer on these streams until it has left."""

    def peer(message: Message) -> None:
        stdout.write(json.dumps(message).encode() + b"\n")
        stdout.flush()

    engine, inbox = Engine(), Inbox()
    engine.join(peer)
    threading.Thread(target=read, args=(stdin, peer, inbox), daemon=True).start()
    work(engine, inbox)


def main() -> int:
    """Run the process; standard output belongs to the protocol, everything else goes to the log."""
    protocol, sys.stdout = sys.stdout.buffer, sys.stderr
    serve(sys.stdin.buffer, protocol)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
