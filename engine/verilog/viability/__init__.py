"""Can the text so far still become valid Verilog? Asked of every token that a model would add.

    text = viability.begin(prefix, suffix)
    longer = text.after(" <=")  # None: no continuation would be valid

Two layers. *Syntax*: slang parses the item of the module that is being written, and an error that is not
at its end will not go away. *Names*: a name that is used must be, or begin like, one that is declared,
and none may be declared twice (`names`). When in doubt both let the text pass: what they reject is wrong
for Icarus Verilog too, but much that is wrong passes.

Verilog lets a module use a name before it declares it. Hardly any code does, and here it is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import pyslang
from pyslang import syntax

from engine.verilog.lexer import Lexeme, lexemes
from engine.verilog.tokens import KEYWORDS
from engine.verilog.viability import judging, words
from engine.verilog.viability.names import Names

LONGEST_ITEM = 6000
"""Characters of an item that is still parsed: for the time, and because slang recurses without a limit
that fewer could exceed (`reading.MAX_NESTING`)."""

# What slang says of a statement for want of its end.
_UNFINISHED = frozenset(
    """
    ExpectedContinuousAssignment CaseStatementEmpty CaseGenerateEmpty InvalidForInitializer
    ExpectedForInitializer InvalidGenvarIterExpression Delay3UdpNotAllowed
    """.split()  # noqa: SIM905
)
_NOT_SYNTAX = frozenset(("EndNameMismatch", "EndNameNotEmpty", "DirectiveInsideDesignElement"))
_SUPERFLUOUS = "MisplacedTrailingSeparator"  # a comma, for slang no more than a warning
_SPOILT = "`"  # an item with a macro or a directive is not parsed, nor one that is wrong already
_BODY = "module m;\n"
_VERILOG = '`begin_keywords "1364-2005"\n'
# What is parsed as soon as it is written, where it can hardly be the beginning of a name.
_BRACKETS = frozenset(("begin", "end", "else", "default"))
# What no name ends with, though a model may run it into one.
_LOUD = words.CLOSING | {"begin", "input", "output", "always", "assign", "module", "default"}
_BEGINNINGS = frozenset(word[:end] for word in KEYWORDS for end in range(1, len(word) + 1))
_MODULE_LINE = re.compile(r"^[ \t]*(?:macro)?module\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Text:
    """The text so far: what is known of its names, the item being written up to the last complete lexeme,
    and the lexeme that has no end yet. `parsed`: that one was parsed as if it had. `solid`: see
    `begin`."""

    names: Names
    by_name: bool
    solid: frozenset[str]
    item: str = ""
    rest: str = ""
    parsed: bool = False

    def after(self, piece: str) -> Text | None:
        """The text with `piece` added, or None if no continuation of that is valid."""
        return self._read(piece, judge=True)

    def despite(self, piece: str) -> Text:
        """The text with `piece` added although `after` rejects it. The item that it spoils is judged no
        longer."""
        text = self._read(piece, judge=False)
        return replace(text, item=text.item + _SPOILT)

    def ends(self) -> bool:
        """Whether the text is viable if its last lexeme is whole."""
        return not self.rest or self.after("\n") is not None

    @property
    def open(self) -> bool:
        """Whether the text ends within a module."""
        return self.names.scopes.in_module and not self.names.off

    def _read(self, piece: str, judge: bool) -> Text | None:
        """`after`, or with `judge` False just what comes of it."""
        if judge and self._runs_into(piece):
            return None
        found, rest = lexemes(self.rest + piece)
        names, item, grown = self.names, self.item, False
        if found:
            names = names.copy()
        for lexeme in found:
            if lexeme.kind == "blank":
                item += " "
                continue
            names.settle(lexeme.source)
            if judge and self.by_name and not _may_be(names, lexeme):
                return None
            names.take(lexeme)
            item = _add(item, names, lexeme)
            grown = not names.ended
            if judge and names.ended and not _sound(names, item, whole=True):
                return None
        word = rest.source if rest else ""
        solid = frozenset() if self.rest and not found else self.solid
        if judge and self.by_name and not _may_begin(names, rest, solid):
            return None
        parsed = rest is not None and self._unmistakable(names, rest)
        grown = grown or (parsed and not (self.parsed and not found))
        if judge and grown and not _sound(names, item + word * parsed, whole=False):
            return None
        return replace(self, names=names, item=item, rest=word, parsed=parsed)

    def _runs_into(self, piece: str) -> bool:
        """Whether `piece` is a keyword right at the end of a name."""
        if piece not in _LOUD:
            return False
        return self.rest[-1:].isalpha() and self.rest + piece not in _BEGINNINGS

    def _unmistakable(self, names: Names, rest: Lexeme) -> bool:
        """Whether a lexeme that has no end yet means the same to a parser with any end."""
        if rest.kind == "number" or rest.source in words.CLOSING:
            return True
        if rest.source in _BRACKETS:
            longer = {f"end{block}" for block in names.opened()} & words.CLOSING
            waits = rest.source == "end" and not longer <= self.solid
            return not waits and judging.must_be_keyword(names, rest.source)
        word = rest.kind == "name" and not rest.source.startswith("\\")
        return word and rest.source not in _BEGINNINGS


def begin(
    prefix: str,
    suffix: str = "",
    by_name: bool = True,
    solid: Iterable[str] = (),
) -> Text:
    """The text that a model goes on with after `prefix`; without `by_name` only its syntax is judged.

    `solid` are those of `words.JUDGED` that never come in several pieces: none of the others' beginnings
    can be told from a wrong name.

    What the rest of the module in `suffix` names may be used too. What is wrong with the prefix already
    is not held against what follows.
    """
    start = max((match.start() for match in _MODULE_LINE.finditer(prefix)), default=0)
    names = Names(frozenset(re.findall(r"[A-Za-z_][\w$]*", suffix.partition("endmodule")[0])))
    names.macros = frozenset(re.findall(r"`define[ \t]+(\w+)", prefix[:start]))
    names.nettype = re.search(r"`default_nettype[ \t]+none", prefix[:start]) is None
    text = Text(names, by_name, frozenset(solid))._read(prefix[start:], judge=False)
    return text if _sound(text.names, text.item, whole=False) else text.despite("")


def _may_be(names: Names, lexeme: Lexeme) -> bool:
    if lexeme.kind == "keyword":  # which in Verilog may be a name
        named = names.place == "statement" and lexeme.source not in words.STATEMENTS
        return not named or judging.may_be(names, lexeme.source)
    return lexeme.kind != "name" or judging.may_be(names, lexeme.source)


def _may_begin(names: Names, rest: Lexeme | None, solid: frozenset[str]) -> bool:
    if rest is None or rest.kind not in ("name", "keyword") or rest.source.startswith("\\"):
        return True
    return judging.may_begin(names, rest.source, solid)


def _add(item: str, names: Names, lexeme: Lexeme) -> str:
    """The item with a lexeme that `names` has taken."""
    before = "" if names.fresh else item
    if lexeme.kind != "directive":
        return before + lexeme.source
    return before + (_SPOILT if names.lenient else " ")


def _sound(names: Names, item: str, whole: bool) -> bool:
    """Whether slang has no complaint about `item` but that it has no end, or with `whole` none at all."""
    if names.off or _SPOILT in item or len(item) > LONGEST_ITEM or not item.strip():
        return True
    if names.lead == "instance" and not whole:
        return True  # slang must see the end of `#(...)` to know an instance
    text = (_BODY if names.within else "") + item.rstrip()
    return _parses(text, whole) or _parses(_VERILOG + text, whole)


@lru_cache(maxsize=256)  # the end of a fragment and the token after it often ask the same
def _parses(text: str, whole: bool) -> bool:
    tree = syntax.SyntaxTree.fromFileInMemory(text, pyslang.SourceManager(), "text", "")
    end = len(text.encode())
    for diagnostic in tree.diagnostics:
        code = str(diagnostic.code)[len("DiagCode(") : -1]
        if code == "TypoKeyword" and not whole:
            return True  # the type of an instance that looks like a keyword
        if code == _SUPERFLUOUS:
            wrong = not text.endswith(",")
        else:
            wrong = diagnostic.isError() and code not in _NOT_SYNTAX
        if wrong and diagnostic.location.offset < end and (whole or code not in _UNFINISHED):
            return False
    return True
