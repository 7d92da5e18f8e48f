"""A process for each method, so that none shares memory, threads or a warm allocator with another."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import EngineError
from engine.bench.methods import Method, Request, Trace

if TYPE_CHECKING:
    from engine.bench.decoders import Decoder

PATIENCE = 600.0  # seconds for one call, loading included


class Worker:
    """One method in a process of its own. Calls raise EngineError if it fails or dies."""

    def __init__(self, method: Method) -> None:
        self.method = method
        context = _context(method)
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, method), daemon=True)
        self.process.start()
        theirs.close()

    def ready(self) -> None:
        """Wait until the model is loaded."""
        self._receive()

    def run(self, request: Request) -> tuple[float, int]:
        """Seconds taken, visible characters written."""
        return self._call("run", request)

    def trace(self, request: Request) -> Trace:
        return self._call("trace", request)

    def set_threads(self, count: int) -> None:
        self._call("set_threads", count)

    def peak(self) -> int:
        """Most bytes of memory the process has had."""
        return self._call("peak")

    def close(self) -> None:
        self.connection.close()
        self.process.join(1)
        if self.process.is_alive():  # in the middle of an answer
            self.process.kill()
            self.process.join()

    def _call(self, name: str, *args: object) -> Any:
        with suppress(BrokenPipeError):  # what is left to read says why
            self.connection.send((name, args))
        return self._receive()

    def _receive(self) -> Any:
        if not self.connection.poll(PATIENCE):
            raise EngineError(f"{self.method.name}: no answer within {PATIENCE:.0f} seconds")
        try:
            failure, value = self.connection.recv()
        except (EOFError, ConnectionResetError) as error:
            raise EngineError(f"{self.method.name}: its process died") from error
        if failure:
            raise EngineError(f"{self.method.name}: {failure}")
        return value


def _context(method: Method) -> multiprocessing.context.BaseContext:
    """A process that needs torch is forked from one that has just imported it, and done nothing else."""
    if method.kind == "llama.cpp" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engine.bench.decoders"])
    return context


def _serve(connection: Connection, method: Method) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that reports
    try:
        decoder = _open(method)
    except Exception as error:
        connection.send((_said(error), None))
        return
    connection.send(("", None))
    with suppress(EOFError, BrokenPipeError):
        while True:
            name, args = connection.recv()
            try:
                answer = ("", _answer(decoder, name, args))
            except Exception as error:
                answer = (_said(error), None)
            connection.send(answer)


def _open(method: Method) -> Decoder:
    if method.kind == "llama.cpp":  # without torch, which is no part of its memory
        from engine.bench.llama_cpp_decoder import LlamaCpp

        return LlamaCpp(method)
    from engine.bench import decoders

    return decoders.open_decoder(method)


def _answer(decoder: Decoder, name: str, args: tuple) -> object:
    if name == "run":
        began = time.perf_counter()
        text = decoder.run(*args)
        return time.perf_counter() - began, len(text)
    if name == "peak":
        return _peak()
    return getattr(decoder, name)(*args)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"


def _peak() -> int:
    """Most bytes this process has had, since it began: what `getrusage` says survives an exec."""
    status = Path("/proc/self/status")
    if status.exists():
        said = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(said["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
