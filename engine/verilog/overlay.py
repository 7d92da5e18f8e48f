"""Unsaved texts as files that a tool can open, without touching the user's tree.

An `Overlay` is a private folder in which `/a/b/m.v` is `FOLDER/a/b/m.v`. A tool is given the files of
the overlay, and each search folder twice: as it is in the overlay, then the real one. So an unsaved
header counts wherever it is included, and cutting FOLDER out of what the tool says gives the user's
paths. (An `include of an absolute path is the one thing that still reads the disk.)
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

PREFIX = "verifrag-overlay-"
STALE = 3600.0  # seconds; an overlay is needed for as long as one run of a tool takes


class Overlay:
    """`texts` by absolute path, written down until `close`. Only this user can read the folder."""

    def __init__(self, texts: Mapping[Path, str]) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix=PREFIX)
        self.folder = Path(self._temporary.name).resolve()
        self._written = set(texts)
        for path, text in texts.items():
            mirrored = self.mirrored(path)
            mirrored.parent.mkdir(parents=True, exist_ok=True)
            mirrored.write_text(text, "utf-8", "replace", newline="")

    def mirrored(self, path: Path) -> Path:
        """Where `path`, an absolute one, lies in the overlay."""
        return self.folder / path.relative_to(path.anchor)

    def file(self, path: Path) -> Path:
        """The file to open for `path`."""
        return self.mirrored(path) if path in self._written else path

    def search(self, folders: Iterable[Path]) -> list[Path]:
        """`folders` for a search in which texts of the overlay come before files on disk."""
        both = []
        for folder in dict.fromkeys(folders):
            mirror = self.mirrored(folder)
            mirror.mkdir(parents=True, exist_ok=True)  # `../inc/x.vh` needs it to be there
            both += [mirror, folder]
        return both

    def real(self, said: str) -> str:
        """What a tool said, with the user's paths."""
        return said.replace(str(self.folder), "")

    def close(self) -> None:
        """Remove the folder."""
        self._temporary.cleanup()


def sweep() -> None:
    """Remove this user's overlays that a process which was killed has left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            found = folder.lstat()
        except FileNotFoundError:  # another process sweeps, too
            continue
        if found.st_uid == os.getuid() and time.time() - found.st_mtime > STALE:
            shutil.rmtree(folder, ignore_errors=True)
