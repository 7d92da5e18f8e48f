"""The engine process: `python -m engine.process`, JSON lines on standard input and output.

It holds one model, answers `load`, `complete` and `cancel` (see `engine.client` for the messages), and
takes turns between the completions in flight, one verification step each, so that a long generation
never keeps ghost text waiting and a cancellation takes effect within a step.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import traceback
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from engine.api import Completion, DecodingOptions, EngineError, ModelInfo, Prompt, Step

if TYPE_CHECKING:
    from engine.model import MedusaModel
    from engine.reuse import PromptCaches

Message = dict[str, Any]
INSTALL_HINT = "the engine is not installed: run pip install 'verifrag[engine]'"


class Engine:
    """The model in service and the completions in flight."""

    def __init__(self, emit: Any) -> None:
        self.emit = emit
        self.model: MedusaModel | None = None
        self.caches: PromptCaches | None = None
        self.running: dict[int, Generator[Step, None, Completion]] = {}

    def handle(self, message: Message) -> None:
        """Act on one message from the parent; whatever goes wrong is answered, not raised."""
        request = message.get("id")
        try:
            params = message.get("params", {})
            match message.get("method"):
                case "load":
                    info = self.load(params["model"], request)
                    self.emit({"id": request, "event": "done", "result": asdict(info)})
                case "complete":
                    self.start(request, Prompt(**params["prompt"]), params["options"])
                case "cancel":
                    self.cancel(params["id"])
                case method:
                    raise EngineError(f"the engine knows no method {method!r}")
        except EngineError as error:
            self.emit({"id": request, "event": "error", "message": str(error)})
        except Exception as error:
            self._failed(request, error)

    def load(self, name: str, request: int | None) -> ModelInfo:
        """Replace the model; if that fails the previous one stays in service."""

        def progress(message: str, fraction: float) -> None:
            self.emit(
                {"id": request, "event": "progress", "message": message, "fraction": fraction}
            )

        progress("starting the tensor library", 0.1)
        from engine import model as models
        from engine.reuse import PromptCaches

        progress(f"reading {Path(name).name}", 0.5)
        model = models.load(name)
        models.choose_threads(model)
        progress("warming up", 0.9)
        caches = PromptCaches(model)
        for _ in self._decode(caches, Prompt("module m;\n"), DecodingOptions(max_tokens=8)):
            pass
        self.model, self.caches = model, caches
        return ModelInfo(
            name=model.card.name,
            path=name,
            round=model.card.round,
            parameters=model.parameter_count(),
            heads=model.heads.count,
            device=str(model.device),
            dtype=str(model.dtype).removeprefix("torch."),
        )

    def start(self, request: int, prompt: Prompt, options: Message) -> None:
        """Put a completion in flight."""
        if self.caches is None:
            raise EngineError("no model is loaded")
        self.running[request] = self._decode(self.caches, prompt, DecodingOptions(**options))

    def cancel(self, request: int) -> None:
        """Drop a completion; one that has ended already is no longer there, which is fine."""
        steps = self.running.pop(request, None)
        if steps is not None:
            steps.close()
            self.emit({"id": request, "event": "cancelled"})

    def turn(self) -> None:
        """One verification step for every completion in flight."""
        for request, steps in list(self.running.items()):
            try:
                step = next(steps)
                self.emit({"id": request, "event": "step", "step": asdict(step)})
            except StopIteration as end:
                del self.running[request]
                self.emit({"id": request, "event": "done", "result": asdict(end.value)})
            except Exception as error:
                del self.running[request]
                self._failed(request, error)

    def _failed(self, request: int | None, error: Exception) -> None:
        traceback.print_exc()
        message = f"the engine failed: {type(error).__name__}: {error} (see the log)"
        self.emit({"id": request, "event": "error", "message": message})

    @staticmethod
    def _decode(
        caches: PromptCaches, prompt: Prompt, options: DecodingOptions
    ) -> Generator[Step, None, Completion]:
        from engine import decoding, prompts

        ids = decoding.prompt_ids(caches.model, prompt, options)
        return caches.decode(ids, options, prompts.typed_blank(prompt.prefix))


def serve(stdin: TextIO, stdout: TextIO) -> None:
    """Answer messages until standard input ends."""

    def emit(message: Message) -> None:
        stdout.write(json.dumps(message) + "\n")
        stdout.flush()

    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stdin:
            inbox.put(line)
        inbox.put("")

    threading.Thread(target=read, daemon=True, name="stdin").start()
    engine = Engine(emit)
    while True:
        while not engine.running or not inbox.empty():
            line = inbox.get()
            if not line:
                return
            try:
                message = json.loads(line)
            except ValueError:
                print(f"not JSON, ignored: {line[:200]!r}", file=sys.stderr)
                continue
            engine.handle(message)
        engine.turn()


def main() -> int:
    """Run the process; standard output belongs to the protocol, everything else goes to the log."""
    protocol, sys.stdout = sys.stdout, sys.stderr
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        print(json.dumps({"event": "fatal", "message": f"{INSTALL_HINT} ({error})"}), file=protocol)
        return 1
    serve(sys.stdin, protocol)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
