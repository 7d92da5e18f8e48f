"""Reading the workspace in the background, with progress where it takes long and a way to stop it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from pygls.lsp.server import LanguageServer

from lsp_server.progress import work_done
from lsp_server.workspace import Index

logger = logging.getLogger(__name__)

# A scan that takes less than this shows nothing, in seconds; then how often the bar moves.
QUIET = 1.0
BETWEEN_REPORTS = 0.3


class Scans:
    """Keeps the index to the workspace's folders, one scan at a time: a newer one ends the older."""

    def __init__(self, server: LanguageServer, index: Index) -> None:
        self.finished = False  # whether the whole workspace has been read, or given up, once
        self._server = server
        self._index = index
        self._stopped = threading.Event()

    async def run(self, folders: Sequence[Path], exclude: Sequence[str], limit: int) -> None:
        """Read what has changed below `folders`. A scan that the user or a newer one stops leaves
        what it has read."""
        self.stop()
        self._stopped = stopped = threading.Event()
        read = [0, 0]

        def report(done: int, total: int) -> None:
            read[:] = done, total

        scan = asyncio.create_task(
            asyncio.to_thread(self._index.scan, folders, exclude, limit, report, stopped)
        )
        await asyncio.wait({scan}, timeout=QUIET)
        if not scan.done():
            async with work_done(self._server, "Verifrag: indexing", stopped.set) as show:
                while not scan.done():
                    show(f"{read[0]} of {read[1]} files", read[0] / max(read[1], 1))
                    await asyncio.wait({scan}, timeout=BETWEEN_REPORTS)
        await scan
        self.finished = self.finished or stopped is self._stopped
        logger.info("indexed %d of %d files", *read)

    def stop(self) -> None:
        """End the scan that is running, if any."""
        self._stopped.set()
