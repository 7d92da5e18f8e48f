"""One parse of a text by slang, made safe for whatever an editor or a model hands in.

Left alone, slang opens the files a text includes, expands macros however large they grow, and
overflows the stack on blocks nested thousands deep. `read` keeps it from all three. slang counts
UTF-8 bytes; everything that leaves this module counts characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import pyslang
from pyslang import syntax

MAX_NESTING = 1000
"""Deepest nesting of blocks that is parsed. slang recurses on some constructs without a limit of its
own; at about eight times this it would overflow the stack and take the process along."""

MAX_PROBLEMS = 200
"""As many problems of one text are told; nobody reads more of a file that is no Verilog at all."""

# What looks like code and is none: comments (an unfinished one takes the rest), strings, and escaped
# identifiers, which may hold quotes.
OPAQUE = r'//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|\\\S+'


@dataclass(frozen=True)
class SyntaxProblem:
    """One syntax error: where it is, `offset <= end`, and what slang says about it."""

    offset: int
    end: int
    message: str


@lru_cache(maxsize=4)
def read(text: str) -> Reading | None:
    """The reading of `text`, as SystemVerilog or as Verilog-2005, that has fewer problems.

    None where blocks nest deeper than `MAX_NESTING`. The last few are kept: what is asked of a text
    one thing after the other costs one parse.
    """
    if _nesting(text) > MAX_NESTING:
        return None
    reading = Reading(text)
    if not reading.problems:
        return reading
    return min((reading, Reading(text, _VERILOG_KEYWORDS)), key=lambda one: len(one.problems))


def needs_system_verilog(text: str) -> bool:
    """Whether `text` uses keywords that only SystemVerilog has, such as `logic` or `always_ff`, and
    not as the names that they are in Verilog-2005."""
    words = {token.group() for token in _WORDS.finditer(text)}
    if words.isdisjoint(_SYSTEM_VERILOG) or _nesting(text) > MAX_NESTING:
        return False
    return len(Reading(text).problems) <= len(Reading(text, _VERILOG_KEYWORDS).problems)


class Reading:
    """A parse: its tree, its problems, and the way from slang's places to offsets in the text."""

    def __init__(self, text: str, prefix: str = "") -> None:
        # A lone surrogate has no UTF-8: it becomes one `?`, so that offsets stay as they are.
        self.text = text.encode("utf-8", "replace").decode("utf-8")
        self._prefix = len(prefix)
        self._wide = _wide_characters(self.text)
        self._manager = pyslang.SourceManager()
        self._tree = syntax.SyntaxTree.fromFileInMemory(
            prefix + _DIRECTIVES.sub(_harmless, self.text), self._manager, "text", ""
        )
        self.root = self._tree.root
        self.problems = self._problems()

    def offset(self, location: pyslang.SourceLocation) -> int:
        """Where `location` is in the text; within a macro, where the macro is used."""
        byte = self._manager.getFullyExpandedLoc(location).offset - self._prefix
        ends, extra = self._wide
        if ends:
            byte -= extra[bisect_right(ends, byte)]
        return min(max(byte, 0), len(self.text))

    def span(self, range_: pyslang.SourceRange) -> tuple[int, int]:
        """The part of the text that `range_` covers, with the whole of a macro's use."""
        last = range_.end
        if self._manager.isMacroLoc(last):
            last = self._manager.getExpansionRange(last).end
        start = self.offset(range_.start)
        return start, max(start, self.offset(last))

    def source(self, node: syntax.SyntaxNode | None) -> str:
        """The source text of `node`, each run of white space as one blank."""
        if node is None:
            return ""
        start, end = self.span(node.sourceRange)
        return " ".join(self.text[start:end].split())

    def preprocessed(self) -> str:
        """The text without directives, its macros expanded as far as they are known."""
        printer = syntax.SyntaxPrinter(self._manager)
        return printer.setIncludeDirectives(False).setExpandMacros(True).print(self._tree).str()

    def _problems(self) -> list[SyntaxProblem]:
        unknown = [directive.start() for directive in re.finditer(r"`include\b", self.text)]
        found = set()
        engine = pyslang.DiagnosticEngine(self._manager)
        for diagnostic in islice(self._tree.diagnostics, _MAX_DIAGNOSTICS):
            code = str(diagnostic.code)[len("DiagCode(") : -1]
            offset = self.offset(diagnostic.location)
            if code == "UnknownDirective":
                unknown.append(offset)
            elif diagnostic.isError() and code not in _NOT_SYNTAX and len(found) < MAX_PROBLEMS:
                spans = [self.span(range_) for range_ in diagnostic.ranges]
                end = max((end for start, end in spans if start == offset), default=offset)
                found.add((offset, end, engine.formatMessage(diagnostic)))
        unknown.sort()
        return [SyntaxProblem(*one) for one in sorted(found) if not self._beside(one[0], unknown)]

    def _beside(self, offset: int, unknown: list[int]) -> bool:
        """Whether an unknown macro or include is in the same statement, at most a line away."""
        index = bisect_right(unknown, offset)
        nearest = unknown[max(index - 1, 0) : index + 1]
        gaps = (self.text[min(offset, at) : max(offset, at)] for at in nearest)
        return any(_BESIDE.fullmatch(gap) for gap in gaps)


_VERILOG_KEYWORDS = '`begin_keywords "1364-2005"\n'

# Diagnostics of the parser that are no error of syntax in a single file.
_NOT_SYNTAX = {"DirectiveInsideDesignElement", "RecursiveMacro", "NewlineEOF"}
_MAX_DIAGNOSTICS = 10_000
# What may stand between an unknown macro and an error that it may have caused.
_BESIDE = re.compile(r"[^;\n]*\n?[^;\n]*")

_WORDS = re.compile(rf"{OPAQUE}|[`$]?\w+", re.DOTALL)
_SYSTEM_VERILOG = frozenset(
    """
    always_comb always_ff always_latch assert assume bit break byte class const continue do enum
    final foreach import int interface local logic longint modport package packed priority program
    return shortint static string struct timeprecision timeunit typedef union unique var void
    """.split()  # noqa: SIM905 - forty quoted names read worse
)

_DIRECTIVES = re.compile(
    rf"{OPAQUE}|(?P<directive>`(?:include\b[^\n]*|define\b(?:\\\r?\n|[^\n])*))", re.DOTALL
)
_SIMPLE_DEFINE = re.compile(r"`define[ \t]+\w+(?:[ \t][^`\n\\]{0,100})?")


def _harmless(token: re.Match[str]) -> str:
    """Blanks for an include, and for a macro that has arguments, uses other macros or is long. Other
    macros stay, because `ifdef asks for them and constants are better known."""
    text = token.group()
    if not token["directive"] or _SIMPLE_DEFINE.fullmatch(text.rstrip()):
        return text
    return re.sub(r"[^\r\n]", lambda blanked: " " * len(blanked.group().encode()), text)


def _wide_characters(text: str) -> tuple[list[int], list[int]]:
    """Where each character of several bytes ends, in bytes; and `extra`: after the first `n` such
    characters, bytes outnumber characters by `extra[n]`."""
    ends: list[int] = []
    extra = [0]
    for match in re.finditer(r"[^\x00-\x7f]", text):
        extra.append(extra[-1] + len(match.group().encode()) - 1)
        ends.append(match.end() + extra[-1])
    return ends, extra


_NESTING = re.compile(
    rf"{OPAQUE}|(?P<reset>\bendmodule\b)"
    r"|(?P<open>\b(?:begin|case[xz]?|fork|generate|(?:macro)?module|interface|program|package|class"
    r"|checker|covergroup|struct|union)\b|\{)"
    r"|(?P<close>\b(?:end|endcase|endgenerate|endinterface|endprogram|endpackage|endclass|endchecker"
    r"|endgroup|join|join_any|join_none)\b|\})"
    r"|(?P<chain>\b(?:if|else|for|foreach|not)\b|->)|(?P<stop>;)",
    re.DOTALL,
)
_OPENING = (
    *("begin", "case", "fork", "generate", "module", "interface", "program", "package", "class"),
    *("checker", "covergroup", "struct", "union", "{", "if", "else", "for", "not", "->"),
)
_PARENTHESES = re.compile(rf"(?:\([\s!~]*){{{MAX_NESTING}}}")


def _nesting(text: str) -> int:
    """How deep blocks nest at most, roughly and rather too deep than not deep enough.

    `if`, `for` and the like nest without a closing word, in chains; a chain is over after a `;` or
    an `end` that no `else` follows. Of parentheses only long runs count: within expressions slang
    has a limit of its own.
    """
    if _PARENTHESES.search(text):
        return MAX_NESTING + 1
    openings = sum(map(text.count, _OPENING))
    if openings <= MAX_NESTING:  # most texts, and netlists of any size
        return openings
    depth = chain = deepest = 0
    stopped = False
    for token in _NESTING.finditer(text):
        kind = token.lastgroup
        if stopped and token.group() != "else":
            chain = 0
        stopped = kind in ("stop", "close")
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "reset":
            depth = 0
        elif kind == "chain":
            chain += 1
        deepest = max(deepest, depth + chain)
    return deepest
