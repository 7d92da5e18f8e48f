"""The index of the workspace: which file declares what.

Files are read once, by `scan`, and again when the editor says that they changed. The text of an open
document counts instead of its file, and is parsed only when somebody asks. Of a file that is not open
only a summary is kept, and the parse of the few that were asked for last. All methods may be called
from any thread.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path

from engine.verilog.declarations import UNITS, Kind
from engine.verilog.source import Source
from engine.verilog.syntax import Module
from lsp_server import files
from lsp_server.files import HEADERS, MAX_FILE_SIZE, Scope, nearest, normal
from lsp_server.summary import Summary, Symbol, summary

logger = logging.getLogger(__name__)

MAX_FILES = 5000
KEPT_SOURCES = 32
# After each file the scanning thread leaves the interpreter to others for this long, in seconds.
PAUSE = 0.001

INCLUDE = re.compile(r'`include\s+"([^"\n]+)"')

Report = Callable[[int, int], None]
"""Told while files are read: how many are done, and of how many."""
IncludeDirs = Callable[[Path], Iterable[Path]]


class Index:
    """Declarations by name, over the files of the workspace folders and the open documents.

    `include_dirs` tells the folders that are searched for what a file includes; they need not be in the
    workspace.
    """

    def __init__(self, include_dirs: IncludeDirs = lambda path: ()) -> None:
        self.scope = Scope()
        self._include_dirs = include_dirs
        self._lock = threading.RLock()
        self._saved: dict[Path, Summary] = {}
        self._defining: defaultdict[str, set[Path]] = defaultdict(set)  # global name -> saved files
        self._called: defaultdict[str, set[Path]] = defaultdict(set)  # file name -> saved files
        self._open: dict[Path, Source] = {}
        self._summaries: dict[Path, Summary] = {}  # of open documents, as far as asked for
        self._sources: OrderedDict[Path, Source] = OrderedDict()  # of saved files, the last used
        self._told: set[tuple[str, Path]] = set()

    # -- what changes ----------------------------------------------------------------------------

    def scan(
        self,
        folders: Sequence[Path],
        exclude: Sequence[str] = (),
        limit: int = MAX_FILES,
        report: Report = lambda done, total: None,
        stopped: threading.Event | None = None,
    ) -> None:
        """Read the Verilog files below `folders` that have changed since they were last read, and
        forget all others; of more than `limit` the first. What is read counts at once. Ends early
        when `stopped` is set."""
        stopped = stopped or threading.Event()
        self.scope = Scope(tuple(folders), tuple(exclude))
        paths = list(islice(self.scope.files(), limit + 1))
        if len(paths) > limit:
            logger.warning("only the first %d Verilog files are indexed (index.maxFiles)", limit)
            del paths[limit:]
        with self._lock:
            for path in self._saved.keys() - set(paths):
                self._store(path, None)
        for number, path in enumerate(paths):
            if stopped.wait(PAUSE):
                logger.info("indexing was cancelled after %d of %d files", number, len(paths))
                return
            self._read(path)
            report(number + 1, len(paths))

    def refresh(self, path: Path) -> None:
        """`path`, a file or a folder, was created, changed or deleted on disk."""
        path = normal(path)
        with self._lock:
            known = [one for one in self._saved if path in one.parents]
        if self.scope.holds(path):
            known.append(path)
        for one in known:
            self._read(one)

    def update(self, path: Path, text: str) -> None:
        """`path` is open in the editor and holds `text`."""
        with self._lock:
            self._open[normal(path)] = Source(text)
            self._summaries.pop(normal(path), None)

    def close(self, path: Path) -> None:
        """`path` is no longer open: the file on disk counts."""
        with self._lock:
            self._open.pop(normal(path), None)
            self._summaries.pop(normal(path), None)

    def _read(self, path: Path) -> None:
        """Read a saved file again if it has changed, or forget it if it is gone."""
        now = files.stamp(path)
        known = self._saved.get(path)
        if known is not None and now is not None and known.stamp == now:
            return
        text = None if now is None else files.indexable_text(path)
        found = summary(Source(text), now) if text is not None else None
        self._store(path, found)

    def _store(self, path: Path, found: Summary | None) -> None:
        with self._lock:
            self._sources.pop(path, None)
            before = self._saved.pop(path, None)
            for name in before.globals if before else ():
                self._defining[name].discard(path)
            self._called[path.name].discard(path)
            if found is not None:
                self._saved[path] = found
                self._called[path.name].add(path)
                for name in found.globals:
                    self._defining[name].add(path)

    def is_ours(self, path: Path) -> bool:
        """Whether a file belongs to the workspace or is open: what we may change."""
        return path in self._open or self.scope.holds(path)

    # -- texts -----------------------------------------------------------------------------------

    def paths(self) -> list[Path]:
        """Every file that is indexed or open, sorted."""
        with self._lock:
            return sorted(self._saved.keys() | self._open.keys())

    def text(self, path: Path) -> str:
        """The text of a file as the editor or else the disk has it; empty where neither does."""
        path = normal(path)
        with self._lock:
            if path in self._open:
                return self._open[path].text
            if path in self._sources:
                return self._sources[path].text
        return files.indexable_text(path) or ""

    def source(self, path: Path) -> Source:
        """The text of a file as in `text`, and what is known of it: nothing of one that is larger
        than `MAX_FILE_SIZE`, whose `Source` is empty."""
        path = normal(path)
        with self._lock:
            found = self._open.get(path)
        if found is None:
            return self._saved_source(path)
        return found if len(found.text) <= MAX_FILE_SIZE else Source("")

    def _saved_source(self, path: Path) -> Source:
        with self._lock:
            found = self._sources.get(path)
        if found is None:
            found = Source(files.indexable_text(path) or "")
        with self._lock:
            self._sources[path] = found
            self._sources.move_to_end(path)
            while len(self._sources) > KEPT_SOURCES:
                self._sources.popitem(last=False)
        return found

    def edited(self) -> dict[Path, str]:
        """The open documents that are not as on disk, with their texts."""
        with self._lock:
            texts = {path: source.text for path, source in self._open.items()}
        return {path: text for path, text in texts.items() if files.differs(path, text)}

    # -- declarations ----------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names of all modules, sorted."""
        with self._lock:
            paths = self._saved.keys() | self._open.keys()
            return sorted({module.name for path in paths for module in self._summary(path).modules})

    def definition(self, name: str) -> tuple[Path, Module] | None:
        """The file that defines module `name`, and the module; the first by path if several do."""
        for path in sorted(self.defining(name, UNITS)):
            for module in self._summary(path).modules:
                if module.name == name:
                    return path, module
        return None

    def module(self, name: str) -> Module | None:
        """The module called `name`."""
        found = self.definition(name)
        return found[1] if found else None

    def header(self, name: str) -> str | None:
        """The header of module `name`, as written."""
        found = self.definition(name)
        return self._summary(found[0]).headers[name] if found else None

    def defining(self, name: str, kinds: Collection[Kind]) -> list[Path]:
        """The files that declare `name`, as one of `kinds`, for other files to use."""
        with self._lock:
            paths = {path for path in self._defining.get(name, ()) if path not in self._open}
            candidates = (*paths, *self._open)
            return [
                path
                for path in candidates
                if name in (known := self._summary(path)).globals
                and any(
                    one.name == name and one.kind in kinds for one in known.symbols if one.is_global
                )
            ]

    def symbols(self) -> list[tuple[Path, Symbol]]:
        """What the workspace's symbols are searched in: units, subroutines, macros and what packages
        declare."""
        return [(path, one) for path in self.paths() for one in self._summary(path).symbols]

    def macros(self, text: str, path: Path) -> dict[str, str]:
        """The macros that `text`, the content of `path`, and the files it includes define: by name
        the text of the definition. A later definition of the text's own counts."""
        sources = [*map(self.source, self.included(text, path)), Source(text)]
        return {
            macro.name: macro.described(source.text)
            for source in sources
            for macro in source.macros
        }

    def header_with(self, macro: str, by: Path) -> str | None:
        """The name by which `by` includes the nearest header that defines `macro`, if one does."""
        headers = [one for one in self.defining(macro, {"macro"}) if one.suffix in HEADERS]
        return next((one.name for one in nearest(headers, normal(by))), None)

    # -- files that belong together ----------------------------------------------------------------

    def dependencies(
        self, text: str, path: Path, libraries: Iterable[Path] = (), also: Iterable[str] = ()
    ) -> list[Path]:
        """The files to compile along with `text`, the content of `path`: those with packages first, a
        package before those that use it, then the others in the order found.

        These define the modules it instantiates and the packages it uses and those called `also`,
        what these need, and so on. Where several files define a module, the nearest counts. No file
        is taken that defines again what the text, a file it includes, one of `libraries` or an
        earlier file defines.
        """
        path = normal(path)
        start = summary(Source(text))
        included = [start, *map(self._summary, self.included(text, path))]
        given = [*included, *map(self._summary, map(normal, libraries))]
        defined = {name for file in given for name in file.defined}
        names = deque([*(name for file in included for name in file.needs), *also])
        taken: list[Path] = []
        while names:
            chosen = self._nearest(names.popleft(), path, defined)
            if chosen is not None:
                taken.append(chosen)
                defined |= self._summary(chosen).defined
                names += self._summary(chosen).needs
        packages = self._ordered([one for one in taken if self.has_packages(one)])
        return packages + [one for one in taken if one not in packages]

    def included(self, text: str, path: Path) -> list[Path]:
        """The files that `text`, the content of `path`, includes, and those that they include."""
        names = deque((name, normal(path)) for name in INCLUDE.findall(text))
        folders = tuple(self._include_dirs(normal(path))) if names else ()
        found: dict[Path, None] = {}
        while names:
            name, by = names.popleft()
            one = self._include(name, by, folders)
            if one is not None and one not in found:
                found[one] = None
                names += ((inner, one) for inner in self._summary(one).includes)
        return list(found)

    def include(self, name: str, by: Path) -> Path | None:
        """The file that the file `by` includes as `name`: in its folder, in a folder to search, or
        else the nearest one of the workspace that is called so."""
        return self._include(name, normal(by), self._include_dirs(normal(by)))

    def _include(self, name: str, by: Path, folders: Iterable[Path]) -> Path | None:
        beside = normal(by.parent / name)
        with self._lock:
            called = set(self._called.get(beside.name, ()))
            called |= {path for path in self._open if path.name == beside.name}
        if beside in called:
            return beside
        found = files.find((by.parent, *folders), name)
        if found is None:
            return next(iter(nearest(called - {by}, by)), None)
        if not self.scope.holds(found):  # nobody watches it, nor has it been scanned
            self._read(found)
        return found

    def _ordered(self, paths: Sequence[Path]) -> list[Path]:
        """`paths`, each after those of them that define what it uses, unless they need each other."""
        definers = {name: path for path in paths for name in self._summary(path).defined}
        ordered: dict[Path, None] = {}
        waiting = list(reversed(paths))
        above: set[Path] = set()
        while waiting:
            path = waiting[-1]
            needed = {definers[name] for name in self._summary(path).needs if name in definers}
            needed -= {*ordered, *above, path}
            if path in ordered or not needed:
                ordered[waiting.pop()] = None
            else:
                above.add(path)
                waiting += sorted(needed, reverse=True)
        return list(ordered)

    def includer(self, path: Path) -> Path | None:
        """The nearest file with a module or package that includes `path`, itself or through others."""
        path = normal(path)
        names, waiting = {path.name}, [path.name]
        whole: set[Path] = set()
        while waiting:
            name = waiting.pop()
            for one in self.paths():
                known = self._summary(one)
                if name in known.included_names and one != path:
                    whole |= {one} if known.defined else set()
                    waiting += [one.name] if one.name not in names else []
                    names.add(one.name)
        return next(iter(nearest(whole, path)), None)

    def has_packages(self, path: Path) -> bool:
        """Whether a package is defined in a file."""
        return any(one.kind == "package" for one in self._summary(path).symbols)

    def _nearest(self, name: str, path: Path, defined: set[str]) -> Path | None:
        """Of the files that define `name`, the one nearest to `path` that defines nothing again."""
        if name in defined:
            return None
        candidates = self.defining(name, UNITS)
        free = [
            one for one in candidates if one != path and not self._summary(one).defined & defined
        ]
        free = nearest(free, path)
        if len(free) > 1 and (name, free[0]) not in self._told:
            self._told.add((name, free[0]))
            others = ", ".join(map(str, free[1:]))
            logger.info("module %s: using %s; also defined in %s", name, free[0], others)
        return free[0] if free else None

    def _summary(self, path: Path) -> Summary:
        with self._lock:
            if path not in self._open:
                return self._saved.get(path, Summary())
            if path not in self._summaries:
                self._summaries[path] = summary(self.source(path))
            return self._summaries[path]
