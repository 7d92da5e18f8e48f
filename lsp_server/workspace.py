"""The index of the workspace: which file defines which module.

Files are read once, by `scan`, and again when the editor says that they changed. The text of an open
document counts instead of its file, and is parsed only when somebody asks. All methods may be called
from any thread.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.verilog.syntax import Module, header, modules

logger = logging.getLogger(__name__)

SUFFIXES = (".v", ".vh", ".sv", ".svh")
MAX_FILES = 5000
MAX_FILE_SIZE = (
    1 << 20
)  # characters of a document, bytes of a file; larger ones define nothing here
SKIPPED_FOLDERS = {"node_modules", "build"}

INCLUDE = re.compile(r'`include\s+"([^"\n]+)"')


@dataclass(frozen=True)
class _File:
    """What the index knows of one file. `includes` are the names of the files it includes, without
    their folders."""

    modules: tuple[Module, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    includes: tuple[str, ...] = ()

    @property
    def defined(self) -> set[str]:
        return {module.name for module in self.modules}

    @property
    def instances(self) -> list[str]:
        return [name for module in self.modules for name in module.instances]


class Index:
    """Modules by name, over the files of the workspace folders and the open documents."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._saved: dict[Path, _File] = {}
        self._open: dict[Path, str] = {}
        self._parsed: dict[Path, _File] = {}  # of open documents, as far as asked for
        self._defined: dict[str, list[Path]] | None = None  # None: to be made again
        self._told: set[tuple[str, Path]] = set()

    # -- what changes ----------------------------------------------------------------------------

    def scan(self, folders: Sequence[Path]) -> None:
        """Read the Verilog files below `folders`, in place of all that was read before."""
        found = {}
        for path in _verilog_files(folders):
            if len(found) == MAX_FILES:
                logger.warning("only the first %d Verilog files are indexed", MAX_FILES)
                break
            found[path] = _load(path)
        with self._lock:
            self._saved = found
            self._defined = None
        logger.info("indexed %d files", len(found))

    def refresh(self, path: Path) -> None:
        """`path` was created, changed or deleted on disk."""
        path = _normal(path)
        if path.suffix not in SUFFIXES:
            return
        known = _load(path) if path.is_file() else None
        with self._lock:
            if known is None:
                self._saved.pop(path, None)
            else:
                self._saved[path] = known
            self._defined = None

    def update(self, path: Path, text: str) -> None:
        """`path` is open in the editor and holds `text`."""
        path = _normal(path)
        with self._lock:
            self._open[path] = text
            self._parsed.pop(path, None)
            self._defined = None

    def close(self, path: Path) -> None:
        """`path` is no longer open: the file on disk counts."""
        path = _normal(path)
        with self._lock:
            self._open.pop(path, None)
            self._parsed.pop(path, None)
            self._defined = None

    # -- what is asked ---------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names of all modules, sorted."""
        return sorted(self._definitions())

    def definition(self, name: str) -> tuple[Path, Module] | None:
        """The file that defines module `name`, and the module; the first by path if several do."""
        paths = self._definitions().get(name)
        if not paths:
            return None
        path = min(paths)
        return next((path, one) for one in self._file(path).modules if one.name == name)

    def module(self, name: str) -> Module | None:
        """The module called `name`."""
        found = self.definition(name)
        return found[1] if found else None

    def header(self, name: str) -> str | None:
        """The header of module `name`, as written."""
        found = self.definition(name)
        return self._file(found[0]).headers[name] if found else None

    def dependencies(
        self, text: str, path: Path, libraries: Iterable[Path] = (), also: Iterable[str] = ()
    ) -> list[Path]:
        """The files to compile along with `text`, the content of `path`, in the order found.

        These define the modules it instantiates and those called `also`, the modules that these
        instantiate, and so on. Where several files define a module, the nearest counts. No file is
        taken that defines again what the text, a file it includes, one of `libraries` or an earlier
        file defines.
        """
        path = _normal(path)
        definitions = self._definitions()
        start = _indexed(text)
        given = [start, *map(self._file, map(_normal, libraries))]
        defined = {name for file in given for name in file.defined}
        names = deque([*start.instances, *also])
        for included in self._included(start, path):
            defined |= self._file(included).defined
            names += self._file(included).instances
        taken: list[Path] = []
        while names:
            name = names.popleft()
            chosen = self._nearest(name, path, definitions.get(name, ()), defined)
            if chosen is not None:
                taken.append(chosen)
                defined |= self._file(chosen).defined
                names += self._file(chosen).instances
        return taken

    def include_folders(self, text: str, path: Path) -> list[Path]:
        """Folders in which the includes of `text`, the content of `path`, and theirs in turn, are
        found, for where nobody said."""
        path = _normal(path)
        return list(dict.fromkeys(one.parent for one in self._included(_indexed(text), path)))

    def unsaved(self, paths: Iterable[Path]) -> dict[Path, str]:
        """The texts of those of `paths` that are open, which may differ from what is on disk."""
        with self._lock:
            return {path: self._open[path] for path in paths if path in self._open}

    def _nearest(
        self, name: str, path: Path, candidates: Iterable[Path], defined: set[str]
    ) -> Path | None:
        """Of the files that define `name`, the one nearest to `path` that defines nothing again."""
        if name in defined:
            return None
        free = [one for one in candidates if one != path and not self._file(one).defined & defined]
        free.sort(key=lambda one: (_distance(one, path), one))
        if len(free) > 1 and (name, free[0]) not in self._told:
            self._told.add((name, free[0]))
            others = ", ".join(map(str, free[1:]))
            logger.info("module %s: using %s; also defined in %s", name, free[0], others)
        return free[0] if free else None

    def _included(self, file: _File, path: Path) -> list[Path]:
        """The files that `file`, at `path`, includes, and those that they include: for each name the
        nearest indexed file called so."""
        with self._lock:
            paths = self._saved.keys() | self._open.keys()
        called = defaultdict(list)
        for one in sorted(paths):
            called[one.name].append(one)
        found: list[Path] = []
        names = deque(file.includes)
        seen: set[str] = set()
        while names:
            name = names.popleft()
            if name not in seen and name in called:
                found.append(min(called[name], key=lambda one: _distance(one, path)))
                names += self._file(found[-1]).includes
            seen.add(name)
        return found

    def _definitions(self) -> dict[str, list[Path]]:
        """For each module the files that define it."""
        with self._lock:
            if self._defined is None:
                found = defaultdict(list)
                for path in self._saved.keys() | self._open.keys():
                    for name in self._file(path).defined:
                        found[name].append(path)
                self._defined = dict(found)
            return self._defined

    def _file(self, path: Path) -> _File:
        with self._lock:
            if path not in self._open:
                return self._saved.get(path, _File())
            if path not in self._parsed:
                text = self._open[path]
                self._parsed[path] = _indexed(text) if len(text) <= MAX_FILE_SIZE else _File()
            return self._parsed[path]


def read_text(path: Path) -> str:
    """The text of a file. What is not UTF-8 becomes U+FFFD, and the log says so."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        logger.warning("%s is not UTF-8 (%s); read as far as possible", path, error)
        return data.decode("utf-8", "replace")


def _verilog_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Every Verilog file below `folders`, each folder once however many links lead to it."""
    seen: set[str] = set()
    for top in folders:
        for folder, subfolders, names in os.walk(_normal(top), followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                subfolders.clear()
                continue
            seen.add(real)
            subfolders[:] = sorted(
                name
                for name in subfolders
                if not name.startswith(".") and name not in SKIPPED_FOLDERS
            )
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES))


def _load(path: Path) -> _File:
    """Index a file on disk; one that can't be read, or is too large, defines nothing."""
    try:
        if not path.is_file():
            return _File()
        if path.stat().st_size > MAX_FILE_SIZE:
            logger.info("%s is larger than %d bytes and not indexed", path, MAX_FILE_SIZE)
            return _File()
        return _indexed(read_text(path))
    except OSError as error:
        logger.warning("can't read %s: %s", path, error)
        return _File()


def _indexed(text: str) -> _File:
    found = tuple(modules(text))
    headers = {module.name: header(text, module) for module in found}
    includes = tuple(dict.fromkeys(Path(name).name for name in INCLUDE.findall(text)))
    return _File(found, headers, includes)


def _normal(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links stay as the editor names them


def _distance(one: Path, other: Path) -> int:
    """How many steps lead from the folder of `one` to that of `other`."""
    common = os.path.commonpath([one.parent, other.parent])
    shared = len(Path(common).parts)
    return len(one.parent.parts) + len(other.parent.parts) - 2 * shared
