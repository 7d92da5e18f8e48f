"""The Verilog files of a workspace: which there are, and what is in them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

logger = logging.getLogger(__name__)

HEADERS = (".vh", ".svh")
SUFFIXES = (".v", ".sv", *HEADERS)
MAX_FILE_SIZE = 1 << 20
"""In bytes, and of a document in characters; what is larger defines nothing here."""
SKIPPED_FOLDERS = ("node_modules", "build")


@dataclass(frozen=True)
class Scope:
    """The folders of a workspace, and the patterns of what in them is left out.

    A pattern is compared with the name of a file or folder, and with its path from the workspace
    folder: `gen`, `ip/*/sim`, `**/*_netlist.v`.
    """

    folders: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()

    def files(self) -> Iterator[Path]:
        """Every Verilog file, each folder once however many links lead to it."""
        seen: set[str] = set()
        for top in map(normal, self.folders):
            for folder, subfolders, names in os.walk(top, followlinks=True):
                real = os.path.realpath(folder)
                if real in seen:
                    subfolders.clear()
                    continue
                seen.add(real)
                subfolders[:] = [
                    name for name in sorted(subfolders) if self._wanted(top, folder, name)
                ]
                for name in sorted(names):
                    if name.endswith(SUFFIXES) and not self._excluded(top, Path(folder, name)):
                        yield Path(folder, name)

    def holds(self, path: Path) -> bool:
        """Whether `path` is a Verilog file of this workspace, be it there or not."""
        if path.suffix not in SUFFIXES:
            return False
        for top in map(normal, self.folders):
            if path.is_relative_to(top):
                above = [
                    Path(top, *path.parts[len(top.parts) : end])
                    for end in range(len(top.parts) + 1, len(path.parts))
                ]
                if all(self._wanted(top, str(one.parent), one.name) for one in above):
                    return not self._excluded(top, path)
        return False

    def _wanted(self, top: Path, folder: str, name: str) -> bool:
        hidden = name.startswith(".") or name in SKIPPED_FOLDERS
        return not hidden and not self._excluded(top, Path(folder, name))

    def _excluded(self, top: Path, path: Path) -> bool:
        relative = path.relative_to(top).as_posix()
        return any(
            fnmatch(path.name, pattern) or fnmatch(relative, pattern)
            for pattern in map(_bare, self.exclude)
        )


def _bare(pattern: str) -> str:
    """`**/gen/**` and `gen/` mean what `gen` does."""
    return pattern.removeprefix("./").removeprefix("**/").removesuffix("/**").rstrip("/")


def read_text(path: Path) -> str:
    """The text of a file. What is not UTF-8 becomes U+FFFD, and the log says so.

    Raises OSError.
    """
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        logger.warning("%s is not UTF-8 (%s); read as far as possible", path, error)
        return data.decode("utf-8", "replace")


def indexable_text(path: Path) -> str | None:
    """The text of a file on disk; None where it can't be read or is too large."""
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > MAX_FILE_SIZE:
            logger.info("%s is larger than %d bytes and not indexed", path, MAX_FILE_SIZE)
            return None
        return read_text(path)
    except OSError as error:
        logger.warning("can't read %s: %s", path, error)
        return None


def differs(path: Path, text: str) -> bool:
    """Whether a file on disk is not `text`, or not there."""
    try:
        return path.read_bytes() != text.encode("utf-8", "replace")
    except OSError:
        return True


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file on disk does."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def normal(path: Path) -> Path:
    """The absolute path; links stay as the editor names them."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def nearest(paths: Iterable[Path], path: Path) -> list[Path]:
    """`paths` by how many steps lead to them from the folder of `path`, the nearest first."""
    return sorted(paths, key=lambda one: (_distance(one, path), one))


def _distance(one: Path, other: Path) -> int:
    parts, others = one.parent.parts, other.parent.parts
    shared = len(Path(os.path.commonpath([one.parent, other.parent])).parts)
    return len(parts) + len(others) - 2 * shared


def find(folders: Sequence[Path], name: str) -> Path | None:
    """The first file `name` in one of `folders`."""
    found = (normal(folder / name) for folder in folders)
    return next((path for path in found if path.is_file()), None)
