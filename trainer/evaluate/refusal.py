"""Why a candidate is not run: what it could use to speak for itself instead of being tested.

A module under test shares a simulation with its judge. It could end it, read the judge's secret from a
file, reach up into the bench and change its counts, or call the bench's own model of the right answer.
Each of these is found in the tokens that slang's lexer makes of the text after Icarus' own preprocessor,
so neither comments, strings nor macros hide anything.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pyslang
from pyslang.parsing import Lexer, TokenKind

HARMLESS = frozenset(
    """
    $signed $unsigned $clog2 $bits $size $left $right $low $high $increment $dimensions
    $countones $countbits $onehot $onehot0 $isunknown $cast
    $rtoi $itor $realtobits $bitstoreal $shortrealtobits $bitstoshortreal
    $abs $min $max $ceil $floor $sqrt $pow $exp $ln $log10 $hypot
    $sin $cos $tan $asin $acos $atan $atan2 $sinh $cosh $tanh
    $display $displayb $displayh $displayo $write $writeb $writeh $writeo $strobe $monitor
    $time $stime $realtime $error $warning $info
    """.split()  # noqa: SIM905 - sixty quoted names read worse
)
"""Functions of nothing but their arguments or the time, and printing: the bench's word carries a secret,
so what else is printed proves nothing."""

_NAMING = {"`define", "`undef", "`ifdef", "`ifndef", "`elsif"}
_DIRECTIVES = frozenset(
    """
    begin_keywords celldefine default_nettype define else elsif end_keywords endcelldefine endif ifdef
    ifndef include line nounconnected_drive pragma resetall timescale unconnected_drive undef
    """.split()  # noqa: SIM905 - twenty quoted words read worse
)
_DEFINITIONS = {
    TokenKind.ModuleKeyword,
    TokenKind.MacromoduleKeyword,
    TokenKind.PrimitiveKeyword,
    TokenKind.InterfaceKeyword,
    TokenKind.ProgramKeyword,
    TokenKind.PackageKeyword,
    TokenKind.ClassKeyword,
}
_SYSTEM_NAMES = {
    TokenKind.SystemIdentifier,
    TokenKind.RootSystemName,
    TokenKind.UnitSystemName,
}
_SUBROUTINES = {TokenKind.TaskKeyword, TokenKind.FunctionKeyword}
_HEADING_ENDS = {TokenKind.Semicolon, TokenKind.OpenParenthesis}
_BRACKETS = {TokenKind.OpenBracket: 1, TokenKind.CloseBracket: -1}
_BEFORE_A_PORT = {TokenKind.OpenParenthesis, TokenKind.Comma}


def before_preprocessing(candidate: str, bench: str) -> str | None:
    """The reason to refuse the text as written, or None: what its directives do."""
    for word in words(candidate):
        if word.kind == TokenKind.Directive and word.text in ("`include", "`undefineall"):
            return word.text
    common = _macros(candidate) & _macros(bench)
    return f"macro of the bench: {min(common)}" if common else None


def after_preprocessing(candidate: str, bench: str) -> str | None:
    """The reason to refuse the preprocessed text, or None."""
    ours, theirs = words(candidate), words(bench)
    for word in ours:
        if word.kind in _SYSTEM_NAMES and word.text not in HARMLESS:
            return word.text
    again = _defined(ours) & _defined(theirs)
    if again:
        return f"module of the bench: {min(again)}"
    reached = _owners(ours) & _names(theirs)
    if reached:
        return f"hierarchical name into the bench: {min(reached)}"
    called = (_names(ours) - _subroutines(ours)) & _subroutines(theirs)
    if called:
        return f"subroutine of the bench: {min(called)}"
    return None


class Word(NamedTuple):
    """A token: its kind, its text, and the name it stands for (`a` for an escaped `\\a`)."""

    kind: TokenKind
    text: str
    name: str


def words(text: str) -> list[Word]:
    """The tokens of `text` as slang reads them; directives and macros stay what they are."""
    manager = pyslang.SourceManager()
    source = manager.assignText("text", text.encode("utf-8", "replace").decode("utf-8"))
    allocator = pyslang.BumpAllocator()  # owns the tokens
    lexer = Lexer(source, allocator, pyslang.Diagnostics(), manager)
    found = []
    while (token := lexer.lex()).kind != TokenKind.EndOfFile:
        # The value of a string may be no Unicode.
        name = token.valueText if token.kind == TokenKind.Identifier else token.rawText
        found.append(Word(token.kind, token.rawText, name))
    return found


def _macros(text: str) -> set[str]:
    """Names of the macros that `text` uses, defines, undefines or asks for."""
    found, before = set(), ""
    for word in words(text):
        if before in _NAMING:
            found.add(word.name)
        elif word.kind == TokenKind.Directive:
            found.add(word.text.removeprefix("`"))
        before = word.text
    return found - _DIRECTIVES


def _names(of: list[Word]) -> set[str]:
    return {word.name for word in of if word.kind == TokenKind.Identifier}


def _defined(of: list[Word]) -> set[str]:
    """Names of the modules and the like that are defined there."""
    return {name.name for word, name in pairwise(of) if word.kind in _DEFINITIONS}


def _subroutines(of: list[Word]) -> set[str]:
    """Names of the tasks and functions that are defined there."""
    found, name, heading, depth = set(), "", False, 0
    for word in of:
        depth += _BRACKETS.get(word.kind, 0)
        if word.kind in _SUBROUTINES:
            heading, depth = True, 0
        elif heading and depth == 0 and word.kind in _HEADING_ENDS:
            # The last one before: `function signed [$clog2(W):0] name;`, `task name(`.
            found.add(name)
            heading = False
        elif depth == 0 and word.kind == TokenKind.Identifier:
            name = word.name
    return found


def _owners(of: list[Word]) -> set[str]:
    """The names that something hangs on, `a` and `b` in `a[i].b.c`, and what `disable` ends. `.port`
    of a connection hangs on nothing."""
    found = set()
    for index, (before, word) in enumerate(pairwise(of)):
        if before.kind == TokenKind.DisableKeyword:
            found.add(word.name)
        elif word.kind == TokenKind.Dot and before.kind not in _BEFORE_A_PORT:
            found.add(of[_before_brackets(of, index)].name)
    return found


def _before_brackets(of: list[Word], index: int) -> int:
    """The place of `a` in `a[i][j]`, for that of its end."""
    depth = 0
    while index > 0:
        depth += _BRACKETS.get(of[index].kind, 0)
        if depth == 0 and of[index].kind != TokenKind.OpenBracket:
            break
        index -= 1
    return index
