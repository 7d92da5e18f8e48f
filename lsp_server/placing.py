"""From what a tool says to diagnostics: each message once, with a code, at the token it is about.

Icarus knows lines only; columns are found by the names that its messages quote, and for syntax errors
by slang, whose messages also take the place of Icarus' bare `syntax error`. Everything here is pure:
messages and text in, diagnostics out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsprotocol import types

from engine.verilog.icarus import Message, Related
from engine.verilog.reading import OPAQUE
from engine.verilog.syntax import SyntaxProblem, problems
from lsp_server.workspace import INCLUDE

STATEMENT_LINES = 50  # how far below the line that iverilog names its token is searched

Encode = Callable[[str, int], int]
"""The column `column` (in characters) of a line, in the units agreed on with the client."""

SYNTAX = "syntax"

# What iverilog's messages are about: a code to show and to tie quick fixes to, and the name to look
# for in the line. The first pattern that fits counts.
KINDS = [
    (code, re.compile(pattern))
    for code, pattern in [
        (SYNTAX, r"syntax error"),
        ("undeclared", r"Unable to bind (?:wire/reg/memory|parameter) `(?P<name>[\w$.]+)"),
        ("undeclared", r"Could not find variable `+(?P<name>[\w$.]+)"),
        ("undeclared", r"Net (?P<name>[\w$]+)\S* is not defined in this context"),
        ("undeclared", r"no wire/reg (?P<name>[\w$]+) in module"),
        ("implicit-net", r"implicit definition of wire '(?P<name>[^']+)'"),
        ("unknown-module", r"Unknown module type: (?P<name>\S+)"),
        ("unknown-port", r"port `+(?P<name>[^']+)'+ is not a port of"),
        ("unknown-parameter", r"parameter (?P<name>[\w$]+) not found in"),
        ("unknown-task", r"Enable of unknown task `+(?P<name>[^']+)'"),
        ("unknown-function", r"No function named `(?P<name>[^']+)'"),
        ("unconnected-port", r"Instantiating module (?P<name>\S+) with dangling input port"),
        ("port-count", r"Wrong number of ports"),
        ("port-width", r"Port \d+ \((?P<name>[\w$]+)\) of \S+ expects"),
        ("not-a-variable", r"(?P<name>[\w$]+)\S* is not a valid l-value"),
        ("not-a-net", r"reg (?P<name>[\w$]+); cannot be driven"),
        ("duplicate", r"'(?P<name>[^']+)' has already been declared"),
        ("duplicate", r"(?P<name>[\w$]+) definition conflicts with"),
        ("include", r"Include file (?P<name>.+) not found"),
        ("undefined-macro", r"macro (?P<name>[\w$]+) undefined"),
        ("out-of-range", r"Index (?P<name>[\w$]+)\S* is out of range"),
        ("out-of-range", r"Constant \w+ select .* vector (?P<name>[\w$]+)"),
        ("never-triggers", r"@\* found no sensitivities"),
        ("unsupported", r"sorry: "),
    ]
]


def to_diagnostics(
    messages: Sequence[Message], text: str, path: Path, encode: Encode, source: str = "iverilog"
) -> list[types.Diagnostic]:
    """The diagnostics of the document `path`, which holds `text`, from the messages of a tool.

    Of messages about other files only errors in a file that this one includes are kept, one for each
    `include. After a syntax error warnings are left out, as the error may be their only cause; so is
    what merely follows from another message of the same line. What falls on the same place becomes
    one diagnostic.
    """
    page = _Page(text, encode, path)
    own = [_without_scope(message) for message in messages if message.file == str(path)]
    placed = [page.place(message) for message in own if not _follows(message, own)]
    if source == "iverilog" and any(one.code == SYNTAX for one in placed):
        placed = page.syntax_errors(placed)
    placed += page.included([message for message in messages if message.file != str(path)])
    merged: dict[tuple[int, int], _Placed] = {}
    for one in placed:
        before = merged.get((one.start, one.end))
        merged[one.start, one.end] = before.joined(one) if before else one
    return [page.diagnostic(one, source) for one in sorted(merged.values(), key=_by_place)]


def syntax_diagnostics(text: str, path: Path, encode: Encode) -> list[types.Diagnostic]:
    """slang's syntax errors, for when there is no iverilog to ask."""
    page = _Page(text, encode, path)
    return [page.diagnostic(one, "slang") for one in page.problems()]


def not_text(text: str, path: Path, encode: Encode) -> types.Diagnostic:
    """What is said of a document with NUL characters."""
    page = _Page(text[: text.index("\0")], encode, path)
    said = "this is not text (it has NUL characters), so it is not checked"
    end = len(page.text)
    return page.diagnostic(_Placed(end, end, "warning", said, "not-text"), "verifrag")


def in_words(diagnostic: types.Diagnostic) -> types.Diagnostic:
    """`diagnostic` for a client that does not show related information: it is told in the message."""
    if not diagnostic.related_information:
        return diagnostic
    told = [diagnostic.message]
    for one in diagnostic.related_information:
        file = one.location.uri.rpartition("/")[2]
        told.append(f"{one.message} ({file}:{one.location.range.start.line + 1})")
    return types.Diagnostic(
        range=diagnostic.range,
        severity=diagnostic.severity,
        code=diagnostic.code,
        source=diagnostic.source,
        message="\n".join(told),
    )


_LINE_END = re.compile(r"\r\n|\n|\r")
_NAMED = re.compile(
    r"`+([^`']+)'+"  # `foo', ``foo''
    r"|'([^']+)'"
    r"|: ([A-Za-z_][\w$.]*)\.?$"
    r"|\b(?:parameter|reg|variable|module|task|function) ([A-Za-z_][\w$]*)\b"
)
_OPAQUE = re.compile(OPAQUE, re.DOTALL)
# The scope says which of several instances iverilog was in: the same would be said for each.
_SCOPE = re.compile(r" in `+[\w$.\[\]]+'+$")
_CONSEQUENCE = re.compile(
    r"Unable to elaborate|no wire/reg \S+ in module|Concatenation/replication may not have zero width"
)
# What iverilog's parser says while it looks for a place to go on after a syntax error.
_RECOVERY = re.compile(
    r"invalid module|malformed|errors? in|syntax error|not a valid module", re.IGNORECASE
)


def _without_scope(message: Message) -> Message:
    return replace(message, text=_SCOPE.sub("", message.text))


def _follows(message: Message, all_of_them: Sequence[Message]) -> bool:
    """Whether `message` only says that something cannot be elaborated, and another says why."""
    return bool(_CONSEQUENCE.match(message.text)) and any(
        other.line == message.line and not _CONSEQUENCE.match(other.text) for other in all_of_them
    )


@dataclass(frozen=True)
class _Placed:
    """A message and the part of the text that it is about."""

    start: int
    end: int
    severity: str
    text: str
    code: str
    related: tuple[Related, ...] = ()

    def joined(self, other: _Placed) -> _Placed:
        first, second = sorted((self, other), key=lambda one: one.severity)  # "error", "warning"
        lines = dict.fromkeys([*first.text.splitlines(), *second.text.splitlines()])
        related = tuple(dict.fromkeys(first.related + second.related))
        return replace(first, text="\n".join(lines), related=related)


def _by_place(placed: _Placed) -> tuple[int, int]:
    return placed.start, placed.end


class _Page:
    """A text by lines, and what is found in it."""

    def __init__(self, text: str, encode: Encode, path: Path) -> None:
        self.text = text
        self.encode = encode
        self.path = path
        self.starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
        self.code = _OPAQUE.sub(_blanked, text)

    def place(self, message: Message) -> _Placed:
        """Find what a message of this file is about."""
        number = min(max(message.line, 1), len(self.starts)) - 1
        first_line = message.text.splitlines()[0]
        kind, found = message.code, None
        if message.column:
            found = self._word(self.starts[number] + message.column - 1, number)
        else:
            kind, name = _kind(first_line)
            if kind == "include":
                found = self._include(name, number)
            else:
                found = self._token([name] if name else _names(first_line), number)
        start, end = found or self._line(number)
        return _Placed(start, end, message.severity, message.text, kind, message.related)

    def syntax_errors(self, placed: list[_Placed]) -> list[_Placed]:
        """What to show of a text that iverilog can't parse: slang's problems, where it has one at or
        above the line that iverilog stumbled on; else that line, before slang's problems. Warnings,
        and what the parsers say while they find their feet again, are left out."""
        first = min((one for one in placed if one.code == SYNTAX), key=_by_place)
        macros = [one for one in placed if one.code == "undefined-macro"]
        errors = [one for one in placed if one.severity == "error"]
        others = [one for one in errors if not _RECOVERY.match(one.text)] + macros
        better = self.problems()
        if not better and any(one.start <= first.end for one in macros):
            return others  # a macro that is not there leaves a hole in the text
        if better and better[0].start <= first.end:
            return [*others, *better]
        return [first, *others, *better]

    def problems(self) -> list[_Placed]:
        """slang's syntax errors, the first of each line: what follows it is mostly its echo."""
        by_line: dict[int, _Placed] = {}
        for problem in problems(self.text):
            one = self._problem(problem)
            by_line.setdefault(bisect_right(self.starts, one.start), one)
        return list(by_line.values())

    def included(self, messages: Sequence[Message]) -> Iterator[_Placed]:
        """The first error in each file that is included here, at the `include."""
        errors = [message for message in messages if message.severity == "error"]
        for directive in INCLUDE.finditer(self.text):
            name = Path(directive[1]).name
            error = next((one for one in errors if Path(one.file).name == name), None)
            if error is not None:
                text = f"this file has an error in line {error.line}: {error.text}"
                there = (Related(error.file, error.line, error.text),)
                yield _Placed(*directive.span(1), "error", text, "include", there)

    def _problem(self, problem: SyntaxProblem) -> _Placed:
        """A problem of slang's; one without an extent covers the word there or the one before."""
        start, end = problem.offset, problem.end
        if start == end:
            word = re.compile(r"[\w$]+|\S").match(self.text, start)
            start_of_line = self.starts[bisect_right(self.starts, start) - 1]
            before = re.search(r"(?:[\w$]+|[^\w\s])$", self.text[start_of_line:start].rstrip())
            if before and problem.message.startswith("expected '"):
                start, end = start_of_line + before.start(), start_of_line + before.end()
            elif word:
                start, end = word.span()
            elif before:
                start, end = start_of_line + before.start(), start_of_line + before.end()
        return _Placed(start, end, "error", f"syntax error: {problem.message}", SYNTAX)

    def diagnostic(self, placed: _Placed, source: str) -> types.Diagnostic:
        severity = types.DiagnosticSeverity
        return types.Diagnostic(
            range=types.Range(self._position(placed.start), self._position(placed.end)),
            severity=severity.Error if placed.severity == "error" else severity.Warning,
            code=placed.code or None,
            source=source,
            message=placed.text,
            related_information=[self._related(one) for one in placed.related] or None,
        )

    def _related(self, related: Related) -> types.DiagnosticRelatedInformation:
        """A place in this file is as exact as its diagnostics are; in another it is the line."""
        start = end = types.Position(max(related.line - 1, 0), 0)
        if related.file == str(self.path):
            place = self.place(Message(related.file, related.line, "error", related.text))
            start, end = self._position(place.start), self._position(place.end)
        location = types.Location(Path(related.file).as_uri(), types.Range(start, end))
        return types.DiagnosticRelatedInformation(location, related.text)

    def _position(self, offset: int) -> types.Position:
        number = bisect_right(self.starts, offset) - 1
        start = self.starts[number]
        line = self.text[start : self._stop(number)]
        return types.Position(number, self.encode(line, min(offset - start, len(line))))

    def _stop(self, number: int) -> int:
        """Where line `number` ends, its line end not counted."""
        if number + 1 == len(self.starts):
            return len(self.text)
        return self.starts[number] + len(
            self.text[self.starts[number] : self.starts[number + 1]].rstrip("\r\n")
        )

    def _line(self, number: int) -> tuple[int, int]:
        """Line `number` from its first to its last character that is not blank."""
        start, stop = self.starts[number], self._stop(number)
        line = self.text[start:stop]
        return start + len(line) - len(line.lstrip()), start + len(line.rstrip())

    def _word(self, offset: int, number: int) -> tuple[int, int] | None:
        word = re.compile(r"[\w$]+|\S").match(self.text, offset, self._stop(number))
        return word.span() if word else None

    def _token(self, names: Sequence[str], number: int) -> tuple[int, int] | None:
        """The first of `names` that the statement at line `number` has, its last part where it is a
        path through the hierarchy."""
        start = self.starts[number]
        last = min(number + STATEMENT_LINES, len(self.starts) - 1)
        semicolon = self.code.find(";", self._stop(number), self._stop(last))
        stop = self._stop(number) if semicolon < 0 else semicolon
        for name in names:
            word = re.compile(rf"(?<![\w$]){re.escape(name.rpartition('.')[2])}(?![\w$])")
            if found := word.search(self.code, start, stop):
                return found.span()
        return None

    def _include(self, name: str, number: int) -> tuple[int, int] | None:
        """The `include of `name` at line `number` or before: iverilog reports one line late."""
        named = [
            one for one in INCLUDE.finditer(self.text, 0, self._stop(number)) if one[1] == name
        ]
        return named[-1].span(1) if named else None


def _kind(message: str) -> tuple[str, str]:
    """The code of a message of iverilog's, and the name that it is about; empty where unknown."""
    for code, pattern in KINDS:
        if found := pattern.match(message):
            return code, found.groupdict().get("name") or ""
    return "", ""


def _names(message: str) -> list[str]:
    """The names that a message quotes."""
    return [next(filter(None, names)) for names in _NAMED.findall(message)]


def _blanked(token: re.Match[str]) -> str:
    if token.group().startswith("\\"):  # an escaped identifier is code
        return token.group()
    return re.sub(r"[^\r\n]", " ", token.group())
