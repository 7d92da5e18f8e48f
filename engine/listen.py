"""The engine process on a socket: one for all windows of a user.

    python -m engine.listen BASE [--idle SECONDS] [--max-memory MB]

BASE names its files (`engine.runtime.Place`). Whoever takes the lock serves; a process that finds it
taken ends, because another one serves. The socket is there before the tensor library is, so windows
wait for their answer, not for a socket.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import IO

from engine import memory, runtime
from engine.process import MEGABYTE, Engine, Inbox, Message, Peer, read, work

TURNOVER = 10.0  # seconds in which a process that is just ending gives its lock away
SEND_SECONDS = 2  # how long one window that does not read may hold up the others


def serve(place: runtime.Place, engine: Engine, idle: float) -> None:
    """Let `engine` answer at `place` until it has had nothing to do for `idle` seconds.

    Returns at once where another process serves. Whatever ends the process, its lock goes with it.
    """
    lock = _own(place)
    if lock is None:
        return
    os.ftruncate(sys.stderr.fileno(), 0)  # the log of the process before this one
    place.socket.unlink(missing_ok=True)
    with lock, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket))
        listener.listen()
        inbox = Inbox()
        threading.Thread(target=_accept, args=(listener, engine, inbox), daemon=True).start()
        reason = work(engine, inbox, idle)
        place.socket.unlink(missing_ok=True)
        _hang_up(listener)
        print(f"the engine ends: {reason}", file=sys.stderr)
        for peer in list(engine.peers):
            peer({"event": "bye", "reason": reason})


def _own(place: runtime.Place) -> IO[str] | None:
    """The lock of `place`, or None if another process serves there."""
    until = time.monotonic() + TURNOVER
    while (lock := runtime.take(place.lock)) is None and time.monotonic() < until:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(place.socket)) == 0:
                break
        time.sleep(0.02)
    return lock


def _accept(listener: socket.socket, engine: Engine, inbox: Inbox) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the process is ending
        # A window that has stopped reading is given up, so that the others go on.
        seconds = struct.pack("ll", SEND_SECONDS, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        peer = _peer(connection)
        engine.join(peer)
        peer({"event": "hello", "pid": os.getpid()})
        threading.Thread(target=_listen, args=(connection, peer, inbox), daemon=True).start()


def _listen(connection: socket.socket, peer: Peer, inbox: Inbox) -> None:
    with connection, connection.makefile("rb") as stream:
        read(stream, peer, inbox)


def _peer(connection: socket.socket) -> Peer:
    def send(message: Message) -> None:
        try:
            connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:  # it has gone or does not read; its reader says so to the engine
            _hang_up(connection)

    return send


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was over already
        connection.shutdown(socket.SHUT_RDWR)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.listen")
    parser.add_argument("base", type=Path)
    parser.add_argument("--idle", type=float, default=900.0, help="seconds to keep an idle model")
    parser.add_argument("--max-memory", type=int, default=0, help="MB; 0: half of the machine's")
    options = parser.parse_args(arguments)
    limit = options.max_memory * MEGABYTE or memory.total() // 2
    serve(runtime.Place(options.base), Engine(limit), options.idle)
    # Not by returning: the interpreter would wait for the threads that still listen to windows.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
