"""Which files belong together: `verifrag.toml`, a file list, or neither.

For a document the first of these counts, looked for from its folder up to the workspace folder:

1. `verifrag.toml`, in the nearest folder that has one;
2. the lists of the setting `verifrag.project.fileLists`;
3. `verible.filelist` or a `*.f` that names the document.

With none of them the index says what is needed. Paths in `verifrag.toml` are relative to its folder,
with slashes that lean either way; all of it is optional:

    sources = ["rtl/**/*.v", "tb/top_tb.sv"]   # in the order of compilation
    exclude = ["rtl/old/**"]
    file_lists = ["rtl/files.f"]               # their sources come after `sources`
    include_dirs = ["rtl/include"]
    defines = ["SYNTHESIS", "WIDTH=8"]
    library_files = ["vendor/cells_sim.v"]     # only modules that are missing come from them
    library_dirs = ["vendor/cells"]            # one module a file, named like it
    library_extensions = [".v"]
    top = ["soc"]
    standard = "2012"                          # 1995, 2001, 2005, 2005-sv, 2009 or 2012
    arguments = ["-Wno-implicit"]              # for iverilog: -W..., -g..., -i, -u, -Tmin and the like

A source named here is compiled with all the others, in order, so that macros and packages are where a
simulator finds them. What is wrong in a project file becomes a note of the list that is returned.
"""

from __future__ import annotations

import difflib
import glob
import logging
import os
import re
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.verilog.filelist import FileList, Note, read_arguments, read_list, real_path

logger = logging.getLogger(__name__)

NAME = "verifrag.toml"
LISTS = ("verible.filelist", "*.f")
STANDARDS = ("1995", "2001", "2005", "2005-sv", "2009", "2012")
WATCHED = f"**/{{{NAME},verible.filelist,*.f}}"

_TEXTS = (
    "sources",
    "exclude",
    "file_lists",
    "include_dirs",
    "defines",
    "library_files",
    "library_dirs",
    "library_extensions",
    "top",
    "arguments",
)
_KEYS = (*_TEXTS, "standard")
_HARMLESS = re.compile(r"-W[\w-]+|-g[\w.-]+|-[iu]|-Tmin|-Ttyp|-Tmax")


@dataclass(frozen=True)
class _Read:
    """A project file as it was read, and what tells that it has changed since."""

    listing: FileList
    stamps: tuple[tuple[Path, int, int], ...]


class Projects:
    """The projects of a workspace, read again when a file of theirs has changed. Any thread may
    ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[tuple[Path, Path], _Read] = {}

    def find(self, path: Path, folders: Sequence[Path], lists: Sequence[str] = ()) -> FileList:
        """What `path` is compiled with. `folders` are those of the workspace, `lists` the setting."""
        root = next((one for one in folders if path.is_relative_to(one)), path.parent)
        upward = [one for one in path.parents if one.is_relative_to(root)]
        for folder in upward:
            if (folder / NAME).is_file():
                return self._cached(folder / NAME, root, read_toml)
        if lists:
            named = [root / real_path(name) for name in lists]
            found = FileList()
            for one in named:
                found = found.joined(self._cached(one, root, read_list))
            return found
        for one in _lists(upward):
            found = self._cached(one, root, read_list)
            if path in found.sources:
                return found
        return FileList()

    def forget(self) -> None:
        """Files came or went: what `sources` stands for may have changed."""
        with self._lock:
            self._read.clear()

    def _cached(self, file: Path, root: Path, read: Callable[[Path, Path], FileList]) -> FileList:
        with self._lock:
            known = self._read.get((file, root))
            if known is None or known.stamps != _stamps(known.listing.read):
                listing = read(file, root)
                known = self._read[file, root] = _Read(listing, _stamps(listing.read))
                logger.info("%s: %d sources", file, len(listing.sources))
            return known.listing


def read_toml(file: Path, start: Path) -> FileList:
    """Read a `verifrag.toml`; `start` is where lists within lists may begin."""
    try:
        text = file.read_text("utf-8")
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        note = Note(file, int(line[1]) if line else 1, f"not read: {error}")
        return FileList(notes=(note,), read=(file,))
    except (OSError, UnicodeDecodeError) as error:
        return FileList(notes=(Note(file, 1, f"not read: {error}"),), read=(file,))
    return _Toml(file, text, values).listing(start)


class _Toml:
    """The values of a `verifrag.toml`, and what is wrong with them."""

    def __init__(self, file: Path, text: str, values: dict[str, Any]) -> None:
        self.file = file
        self.text = text
        self.values = values
        self.notes: list[Note] = []

    def listing(self, start: Path) -> FileList:
        for key in self.values:
            if key not in _KEYS:
                close = difflib.get_close_matches(key, _KEYS, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                self._note(key, f"{key}: there is no such key, so it is ignored{hint}")
        extra = read_arguments(list(self._arguments()), self.file.parent)
        excluded = {path for name in self._texts("exclude") for path in self._glob(name)}
        sources = [path for path in self._sources() if path not in excluded]
        own = FileList(
            sources=tuple(dict.fromkeys(sources)),
            include_dirs=self._paths("include_dirs"),
            defines=tuple(self._texts("defines")),
            library_files=self._paths("library_files"),
            library_dirs=self._paths("library_dirs"),
            library_extensions=tuple(self._texts("library_extensions")),
            top=tuple(self._texts("top")),
            standard=self._standard(),
            read=(self.file,),
        )
        for name in self._paths("file_lists"):
            own = own.joined(read_list(name, start))
        own = own.joined(extra)
        return replace(own, notes=(*self.notes, *own.notes))

    def _texts(self, key: str) -> list[str]:
        value = self.values.get(key, [])
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        self._note(key, f"{key}: expected a list of texts, not {value!r}")
        return []

    def _arguments(self) -> Iterator[str]:
        """The arguments that change what is reported. Others could run programs and write files, which
        opening somebody's project must not do."""
        for argument in self._texts("arguments"):
            if _HARMLESS.fullmatch(argument):
                yield argument
            else:
                where = "put it into the setting verifrag.iverilog.arguments"
                self._note("arguments", f"arguments: {argument} is not taken from here; {where}")

    def _standard(self) -> str:
        value = str(self.values.get("standard", ""))
        if value in ("", *STANDARDS):
            return value
        self._note("standard", f"standard: expected one of {', '.join(STANDARDS)}, not {value!r}")
        return ""

    def _paths(self, key: str) -> tuple[Path, ...]:
        paths = []
        for name in self._texts(key):
            paths.append(Path(os.path.normpath(self.file.parent / real_path(name))))
            if not paths[-1].exists():
                self._note(key, f"{key}: {name} is not there")
        return tuple(paths)

    def _sources(self) -> Iterator[Path]:
        for name in self._texts("sources"):
            found = self._glob(name)
            if not found:
                self._note("sources", f"sources: {name} is not there")
            yield from found

    def _glob(self, name: str) -> list[Path]:
        pattern = str(self.file.parent / real_path(name))
        if Path(pattern).exists():  # a name may hold brackets
            return [Path(os.path.normpath(pattern))]
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - takes absolute patterns
        return [Path(os.path.normpath(one)) for one in found if Path(one).is_file()]

    def _note(self, key: str, text: str) -> None:
        at = re.search(rf"^\s*[\"']?{re.escape(key)}\b", self.text, re.MULTILINE)
        line = self.text.count("\n", 0, at.end()) + 1 if at else 1
        self.notes.append(Note(self.file, line, text))


def _lists(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        for pattern in LISTS:
            yield from sorted(folder.glob(pattern))


def _stamps(files: Sequence[Path]) -> tuple[tuple[Path, int, int], ...]:
    """When each file was last changed, and its size; a missing one has neither."""
    found = []
    for file in files:
        try:
            stat = file.stat()
            found.append((file, stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((file, 0, 0))
    return tuple(found)
