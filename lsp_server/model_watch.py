"""Watches for a newly published model: `CURRENT` in the models folder names the one to serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    EVENT_TYPE_CREATED,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from engine import model_store

logger = logging.getLogger(__name__)

# Opening and closing a file are events too, and looking at `CURRENT` opens it.
CHANGES = {EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED, EVENT_TYPE_MOVED}


class ModelWatch(FileSystemEventHandler):
    """Calls `on_change(folder)` on the event loop whenever another model becomes current."""

    def __init__(self, on_change: Callable[[Path], None]) -> None:
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._current = model_store.current()
        self._observer: BaseObserver | None = None

    def start(self) -> None:
        """Start watching; where that can't be done, a log line says so and nothing is watched."""
        folder = model_store.models_dir()
        observer = Observer()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            observer.schedule(self, str(folder))
            observer.start()
        except OSError as error:
            logger.warning(
                "%s can't be watched (%s): restart the server to use a new model", folder, error
            )
        else:
            self._observer = observer

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer = None

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Runs on the observer's thread."""
        names = (Path(event.src_path).name, Path(event.dest_path).name)
        if event.event_type in CHANGES and model_store.CURRENT in names:
            self._loop.call_soon_threadsafe(self._compare)

    def _compare(self) -> None:
        current = model_store.current()
        if current != self._current:
            self._current = current
            self._on_change(current)
