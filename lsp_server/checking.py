"""What a document is compiled with, and what the tools then say about it and about other files.

A unit is made of the project's list where that names the document, else of what the index finds: the
files of the modules and packages that it uses, and theirs in turn. A header without a module is
checked as part of a file that includes it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.verilog.filelist import FileList, read_arguments, real_path
from engine.verilog.icarus import Icarus, Message, check
from engine.verilog.syntax import modules
from engine.verilog.verilator import Verilator, VerilatorMissing, lint
from lsp_server.files import HEADERS
from lsp_server.settings import Settings
from lsp_server.workspace import Index

logger = logging.getLogger(__name__)

TIME_LIMIT = 10.0  # seconds for one run of a tool
IGNORE_MISSING = "-i"  # iverilog's switch to be silent about unknown modules

_UNKNOWN_MODULE = re.compile(r"Unknown module type: (\S+)")
_OPEN_BRANCH = re.compile(r"This `\w+ lacks an `endif")
_PACKAGE = re.compile(r"^[ \t]*package\b", re.MULTILINE)


@dataclass(frozen=True)
class Context:
    """Where a unit is taken from: the index, the tools by the settings, and the project's list."""

    index: Index
    icarus: Icarus
    listing: FileList = field(default_factory=FileList)


def set_up(settings: Settings, root: Path) -> Icarus:
    """How to call iverilog by the settings, whose relative paths start at `root`."""
    given = read_arguments(settings.iverilog_arguments, root)

    def absolute(paths: tuple[str, ...], more: tuple[Path, ...]) -> tuple[str, ...]:
        return (*(str(root / real_path(path)) for path in paths), *map(str, more))

    return Icarus(
        path=settings.iverilog_path,
        include_dirs=absolute(settings.iverilog_include_path, given.include_dirs),
        defines=(*settings.iverilog_defines, *given.defines),
        library_files=absolute(settings.iverilog_library_files, given.library_files),
        library_dirs=absolute(settings.iverilog_library_dirs, given.library_dirs),
        library_extensions=given.library_extensions,
        top=settings.project_top_modules or given.top,
        standard=settings.iverilog_standard or given.standard,
        arguments=given.arguments,
    )


@dataclass(frozen=True)
class Unit:
    """Texts that are compiled together: `text`, the content of `path`, between other files."""

    text: str
    path: Path
    icarus: Icarus
    before: tuple[Path, ...]
    others: tuple[Path, ...]
    included: tuple[Path, ...]
    unsaved: Mapping[Path, str]

    @property
    def files(self) -> frozenset[Path]:
        """The files that its messages depend on."""
        return frozenset((self.path, *self.before, *self.others, *self.included))

    async def compile(self) -> list[Message]:
        """What iverilog says. Raises IcarusMissing."""
        return await check(
            self.icarus,
            self.text,
            str(self.path),
            self.others,
            TIME_LIMIT,
            self.unsaved,
            self.before,
        )

    async def lint(self, verilator: Verilator) -> list[Message]:
        """What verilator says. Raises VerilatorMissing."""
        return await lint(
            verilator,
            self.icarus,
            self.text,
            self.path,
            self.others,
            TIME_LIMIT,
            self.unsaved,
            self.before,
        )

    def without(self, files: Iterable[str]) -> Unit:
        """This unit without `files`; without any others if it has none of them."""
        given = set(files)
        before = tuple(path for path in self.before if str(path) not in given)
        others = tuple(path for path in self.others if str(path) not in given)
        if (before, others) == (self.before, self.others):
            before = others = ()
        arguments = (*self.icarus.arguments, IGNORE_MISSING)
        icarus = replace(self.icarus, library_files=(), arguments=arguments)
        return replace(self, icarus=icarus, before=before, others=others)


def configured(icarus: Icarus, listing: FileList) -> Icarus:
    """`icarus`, with what the project says before what the settings say."""
    return replace(
        icarus,
        include_dirs=(*map(str, listing.include_dirs), *icarus.include_dirs),
        defines=(*listing.defines, *icarus.defines),
        library_files=(*map(str, listing.library_files), *icarus.library_files),
        library_dirs=(*map(str, listing.library_dirs), *icarus.library_dirs),
        library_extensions=(*listing.library_extensions, *icarus.library_extensions),
        top=listing.top or icarus.top,
        standard=listing.standard or icarus.standard,
        arguments=(*listing.arguments, *icarus.arguments),
    )


def unit(text: str, path: Path, context: Context, wanted: frozenset[str] = frozenset()) -> Unit:
    """What `text`, the content of `path`, is compiled with; `wanted` are further modules to find.

    Reads and parses: not for the event loop.
    """
    index = context.index
    icarus = configured(context.icarus, context.listing)
    included = tuple(index.included(text, path))
    folders = dict.fromkeys(str(file.parent) for file in included)
    icarus = replace(icarus, include_dirs=(*icarus.include_dirs, *folders))
    libraries = list(map(Path, icarus.library_files))
    sources = context.listing.sources
    if path in sources:
        at = sources.index(path)
        before, after = sources[:at], sources[at + 1 :]
        found = index.dependencies("", path, [*libraries, *sources], wanted)
        others = (*after, *found)
    else:
        found = index.dependencies(text, path, libraries, wanted)
        before = tuple(one for one in found if index.has_packages(one))
        others = tuple(one for one in found if one not in before)
    edited = {file: content for file, content in index.edited().items() if file != path}
    return Unit(text, path, icarus, before, others, included, edited)


@dataclass(frozen=True)
class Said:
    """What the tools say about a document and the files it is compiled with. `missing` tells what to
    do about a verilator that can't be started."""

    icarus: list[Message]
    verilator: list[Message]
    missing: str = ""


def checked_unit(text: str, path: Path, context: Context) -> Unit | None:
    """What a document is checked with: its own unit, or that of a file that includes it; None for a
    header that no file includes. Not for the event loop."""
    standing = _standing(text, path, context.index)
    return unit(*standing, context) if standing else None


async def said(whole: Unit, path: Path, context: Context, verilator: Verilator | None) -> Said:
    """What the tools say of `whole`, the unit that the document `path` is checked with. `verilator` is
    None where it is not wanted.

    Raises IcarusMissing. Cancelling kills the tools.
    """
    if verilator is None:
        return Said(await _icarus(whole, path, context), [])
    linting = asyncio.create_task(whole.lint(verilator))
    try:
        compiled = await _icarus(whole, path, context)
        return Said(compiled, await linting)
    except VerilatorMissing as error:
        return Said(compiled, [], str(error))
    finally:
        linting.cancel()


async def _icarus(whole: Unit, path: Path, context: Context) -> list[Message]:
    wanted: frozenset[str] = frozenset()
    while True:
        messages = await whole.compile()
        # The index, which opens no include, may have missed an instance within an `ifdef.
        unknown = (_UNKNOWN_MODULE.match(one.text) for one in messages)
        missing = {found[1] for found in unknown if found} - wanted
        missing = {name for name in missing if context.index.module(name)}
        if not missing:
            break
        wanted |= missing
        whole = await asyncio.to_thread(unit, whole.text, whole.path, context, wanted)
    if any(_OPEN_BRANCH.search(one.text) for one in messages):
        # What follows it, the other files too, was not read.
        messages = [one for one in messages if not _UNKNOWN_MODULE.match(one.text)]
    errors = [message for message in messages if message.severity == "error"]
    alone = not (whole.before or whole.others or whole.icarus.library_files)
    if alone or not errors or any(one.file == str(path) for one in errors):
        return messages
    # An error elsewhere can keep iverilog from looking at this file: leave out what has one.
    logger.info("%s is checked again, because of %s", path, errors[0])
    again = await whole.without(one.file for one in errors).compile()
    elsewhere = [message for message in messages if message.file != str(path)]
    return [*(message for message in again if message.file == str(path)), *elsewhere]


def _standing(text: str, path: Path, index: Index) -> tuple[str, Path] | None:
    """The text and path to give to the tools for a document: its own, or those of a file that includes
    it; None for a header that no file includes."""
    if modules(text) or _PACKAGE.search(text):
        return text, path
    includer = index.includer(path)
    if includer is not None:
        return index.text(includer), includer
    return None if path.suffix in HEADERS else (text, path)
