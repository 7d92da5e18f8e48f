"""File lists (`.f`, `verible.filelist`) and the arguments of simulators: what belongs to a design.

A list is words: sources, and options that most tools share. Understood are

    FILE                    a source, in the order of compilation
    -f LIST, -F LIST        another list, read in place
    -v FILE, -l FILE        a library file: only modules that are missing come from it
    -y DIR                  a library folder: one module a file, named like it
    +libext+.v+.sv, -Y.sv   the suffixes of files in library folders
    +incdir+DIR+DIR, -I DIR folders for `include
    +define+A=1+B, -D A=1   macros
    -s MODULE, -top MODULE, --top-module MODULE
    -sv, -sverilog, -g2012 and the like

`//`, `#` and `/* */` are comments, `"a b"` is one word, `$VAR`, `${VAR}` and `$(VAR)` come from the
environment, and `\\` in a path is `/`. Everything else becomes a note and is skipped; nothing here
raises for what a list says.

**Relative paths.** Tools differ on whether paths are relative to the list or to where the tool is
started. Here the first of these that exists counts: for a list that was asked for, or that `-F` names,
its own folder, then `start`; for one that `-f` names, where its parent's paths start, then its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

MAX_DEPTH = 20  # lists within lists
MAX_SIZE = 1 << 20  # bytes; Fortran has files called *.f, too


@dataclass(frozen=True)
class Note:
    """Something in `file` that is wrong or not understood. `line` counts from 1."""

    file: Path
    line: int
    text: str


@dataclass(frozen=True)
class FileList:
    """What belongs to a design. Paths are absolute; `read` are the files that this was read from."""

    sources: tuple[Path, ...] = ()
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    library_files: tuple[Path, ...] = ()
    library_dirs: tuple[Path, ...] = ()
    library_extensions: tuple[str, ...] = ()
    top: tuple[str, ...] = ()
    standard: str = ""
    arguments: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    read: tuple[Path, ...] = ()

    def joined(self, other: FileList) -> FileList:
        """Both, this one first; the standard is the first that is given."""
        return FileList(
            sources=_once(self.sources + other.sources),
            include_dirs=_once(self.include_dirs + other.include_dirs),
            defines=_once(self.defines + other.defines),
            library_files=_once(self.library_files + other.library_files),
            library_dirs=_once(self.library_dirs + other.library_dirs),
            library_extensions=_once(self.library_extensions + other.library_extensions),
            top=_once(self.top + other.top),
            standard=self.standard or other.standard,
            arguments=self.arguments + other.arguments,
            notes=_once(self.notes + other.notes),
            read=_once(self.read + other.read),
        )


def read_list(path: Path, start: Path) -> FileList:
    """Read the list at `path`; `start` is the folder that a tool would be started in."""
    return _List(path, (path.parent, start), ()).read()


def read_arguments(words: Sequence[str], start: Path) -> FileList:
    """Read command-line arguments for iverilog. Those that a list does not have stay `arguments`; `-v`,
    which makes iverilog talk, is left out."""
    reader = _List(start, (start,), ())
    reader.take([_Word(word, 1) for word in words if word != "-v"])
    return replace(reader.found, arguments=tuple(reader.unknown), notes=(), read=())


def real_path(text: str) -> Path:
    """The path that `text` means, whichever way its slashes lean."""
    return Path(text.replace("\\", "/")).expanduser()


@dataclass(frozen=True)
class _Word:
    text: str
    line: int


_TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*.*?(?:\*/|\Z)|\\\r?\n)"
    r'|(?P<comment>\#[^\n]*)|(?P<word>(?:"[^"\n]*"?|\\(?!\r?\n)|[^\s"\\])+)',
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")
_STANDARD = re.compile(r"-g(1995|2001|2005-sv|2005|2009|2012)")
_LANGUAGE = {"-sv": "2012", "-sverilog": "2012", "+v2k": "2001"}
# Options followed by a word. Those without a meaning here are listed to skip that word too.
_FOLLOWED = ("-f", "-F", "-v", "-l", "-y", "-Y", "-I", "-D", "-s", "-top", "--top-module", "--top")
_SKIPPED = ("-o", "-work", "-L", "-timescale", "-t", "-m", "-M", "-N", "-p", "-T", "-B", "-c")
# Of these the value may follow without a blank, as for iverilog.
_GLUED = ("-I", "-D", "-y", "-Y")


class _List:
    """One list as it is read. Paths are looked for below `bases`, the first that has them."""

    def __init__(self, path: Path, bases: tuple[Path, ...], parents: tuple[Path, ...]) -> None:
        self.path = path
        self.bases = bases
        self.parents = parents
        self.found = FileList(read=(path,))
        self.notes: list[Note] = []
        self.unknown: list[str] = []

    def read(self) -> FileList:
        text = ""
        try:
            if self.path.stat().st_size <= MAX_SIZE:
                text = self.path.read_text("utf-8", "replace")
            else:
                self._note(
                    1, f"this is larger than {MAX_SIZE} bytes, so it is not read as a file list"
                )
        except OSError as error:
            self._note(1, f"this file list can't be read: {error.strerror}")
        self.take(list(self._words(text)))
        own = sorted(self.notes, key=lambda note: note.line)
        return replace(self.found, notes=(*own, *self.found.notes))

    def take(self, words: list[_Word]) -> None:
        """Follow the words in order."""
        waiting = iter(words)
        for word in waiting:
            option, value = _split(word.text)
            if value is None:
                following = next(waiting, None)
                if following is None:
                    self._note(word.line, f"{word.text} names nothing, so it is ignored")
                    continue
                value = following.text
            self._option(option, value, word)

    def _option(self, option: str, value: str, word: _Word) -> None:
        found = self.found
        match option:
            case "":
                self.found = replace(found, sources=(*found.sources, self._path(value, word)))
            case "-f" | "-F":
                self._nested(option, self._path(value, word), word)
            case "-v" | "-l":
                files = (*found.library_files, self._path(value, word))
                self.found = replace(found, library_files=files)
            case "-y":
                folders = (*found.library_dirs, self._path(value, word))
                self.found = replace(found, library_dirs=folders)
            case "-Y" | "+libext":
                extensions = (*found.library_extensions, *_parts(value))
                self.found = replace(found, library_extensions=extensions)
            case "-I" | "+incdir":
                folders = tuple(self._path(folder, word) for folder in _parts(value))
                self.found = replace(found, include_dirs=(*found.include_dirs, *folders))
            case "-D" | "+define":
                self.found = replace(found, defines=(*found.defines, *_parts(value)))
            case "-s" | "-top" | "--top-module" | "--top":
                self.found = replace(found, top=(*found.top, value))
            case "-g":
                self.found = replace(found, standard=value)
            case _:
                self.unknown += [word.text, value] if value else [word.text]
                self._note(word.line, f"{word.text} is not supported, so it is ignored")

    def _nested(self, option: str, path: Path, word: _Word) -> None:
        if path in (*self.parents, self.path) or len(self.parents) >= MAX_DEPTH:
            self._note(word.line, f"{path.name} includes itself, so it is not read again")
            return
        own, outer = path.parent, self.bases[0]
        bases = (own, outer) if option == "-F" else (outer, own)
        nested = _List(path, bases, (*self.parents, self.path))
        if path.is_file():  # `_path` has noted it otherwise
            self.found = self.found.joined(nested.read())

    def _path(self, text: str, word: _Word) -> Path:
        path = real_path(text)
        places = [Path(os.path.normpath(base.absolute() / path)) for base in self.bases]
        there = next((place for place in places if place.exists()), None)
        if there is None:
            self._note(word.line, f"{text} is not there")
        return there or places[0]

    def _words(self, text: str) -> Iterator[_Word]:
        for token in _TOKEN.finditer(text):
            if token["word"]:
                line = text.count("\n", 0, token.start()) + 1
                word = token["word"].replace('"', "")
                yield _Word(_VARIABLE.sub(partial(self._variable, line=line), word), line)

    def _variable(self, name: re.Match[str], *, line: int) -> str:
        value = os.environ.get(name[1] or name[2] or name[3])
        if value is None:
            self._note(line, f"{name[0]} is not set in the environment of the server")
        return name[0] if value is None else value

    def _note(self, line: int, text: str) -> None:
        self.notes.append(Note(self.path, line, text))


def _split(word: str) -> tuple[str, str | None]:
    """Cut a word into its option and that option's value; None where the next word is the value."""
    if word in _FOLLOWED or word in _SKIPPED:
        return word, None
    if word in _LANGUAGE:
        return "-g", _LANGUAGE[word]
    if standard := _STANDARD.fullmatch(word):
        return "-g", standard[1]
    if plus := re.match(r"(\+(?:libext|incdir|define))\+", word):
        return plus[1], word[plus.end() :]
    if word[:2] in _GLUED:
        return word[:2], word[2:]
    return (word, "") if word.startswith(("-", "+")) else ("", word)


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part for part in value.split("+") if part)


def _once(items: tuple) -> tuple:
    return tuple(dict.fromkeys(items))
