"""One text and what is known of it: tokens, lists, declarations, modules, each made when first asked
for and then kept. Whoever holds a `Source` shares its parse. Safe to use from several threads."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import pairwise

from engine.verilog.assignments import in_processes
from engine.verilog.declarations import Declaration
from engine.verilog.outline import outline
from engine.verilog.syntax import Module, modules_of
from engine.verilog.tokens import OPENS, List, Token, lists, tokens

TAKES_A_MACRO = frozenset({"ifdef", "ifndef", "elsif", "undef"})


class Source:
    """What is known of `text`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tokens(self) -> list[Token]:
        """All of the text but its comments, in order."""
        return tokens(self.text)

    @cached_property
    def lists(self) -> list[List]:
        """Connections, parameters and arguments, in the order in which they begin."""
        return lists(self.tokens, len(self.text))

    @cached_property
    def outline(self) -> Declaration:
        """What the text declares, its macros included."""
        root = outline(self.text)
        root.children = sorted([*root.children, *self.macros], key=lambda one: one.start)
        return root

    @cached_property
    def modules(self) -> list[Module]:
        """The modules that the text declares, in order."""
        return modules_of(self.text, self.outline)

    @cached_property
    def macros(self) -> list[Declaration]:
        """The macros that the text defines, in order, those in `ifdef branches included."""
        found = (token for token in self.tokens if token.kind == "define")
        return [_macro(self.text, token) for token in found]

    @cached_property
    def assigned(self) -> list[tuple[int, str]]:
        """Where processes assign names, and which."""
        return in_processes(self.text)

    @cached_property
    def includes(self) -> list[str]:
        """The names of the files that the text includes, as written, each once."""
        found = (token.text for number, token in enumerate(self.tokens) if self.is_include(number))
        return list(dict.fromkeys(found))

    @cached_property
    def imports(self) -> list[str]:
        """The names before `::`, each once: packages, and classes."""
        after = ((self.tokens[number - 1], one) for number, one in enumerate(self.tokens) if number)
        found = (name.text for name, one in after if one.text == "::" and name.kind == "name")
        return list(dict.fromkeys(found))

    @cached_property
    def names(self) -> dict[int, Declaration]:
        """By the place of its name each declaration that has one in the text."""
        return {one.name_start: one for one in self.outline.walk() if one.name and one.written}

    @cached_property
    def _connections(self) -> dict[int, List]:
        return {name.start: one for one in self.lists for name in one.names}

    @cached_property
    def shorthands(self) -> frozenset[int]:
        """Where the names stand that are connected without a value, as in `.clk,`."""
        followed = {one.start: after for one, after in pairwise(self.tokens)}
        names = (name for one in self.lists if one.kind == "ports" for name in one.names)
        after = ((name, followed.get(name.start)) for name in names)
        return frozenset(name.start for name, next_ in after if next_ is None or next_.text != "(")

    def is_include(self, number: int) -> bool:
        """Whether token `number` is the file name of an include."""
        return self.tokens[number].kind == "string" and self._follows(number, {"include"})

    def is_macro(self, number: int) -> bool:
        """Whether token `number` uses, defines or asks for a macro."""
        token = self.tokens[number]
        if token.kind == "name":
            return self._follows(number, TAKES_A_MACRO)
        return token.kind in ("macro", "define")

    def _follows(self, number: int, directives: set[str] | frozenset[str]) -> bool:
        before = self.tokens[number - 1] if number else None
        return before is not None and before.kind == "macro" and before.text in directives

    def before(self, number: int) -> str:
        """The text of the token before token `number`; empty before the first."""
        return self.tokens[number - 1].text if number else ""

    def connected(self, number: int) -> List | None:
        """The list that token `number` is a name of, as in `.clk(`."""
        return self._connections.get(self.tokens[number].start)

    def opening(self, number: int) -> int:
        """The number of the bracket that the closing one at `number` belongs to; -1 without one."""
        closing, depth = self.tokens[number].text, 0
        for before in range(number, -1, -1):
            text = self.tokens[before].text
            depth += (text == closing) - (text == OPENS[closing])
            if depth == 0:
                return before
        return -1

    def number_at(self, offset: int) -> int:
        """The number of the last token that begins at or before `offset`; -1 if none does."""
        return bisect_right(self.tokens, offset, key=lambda token: token.start) - 1

    def word_at(self, offset: int) -> int | None:
        """The number of the word, macro or string that `offset` is in or right behind."""
        last = self.number_at(offset)
        for number in (last, last - 1):
            if number >= 0 and self.tokens[number].kind != "mark":
                token = self.tokens[number]
                if token.start <= offset <= _word_end(token, self.text):
                    return number
        return None

    def list_at(self, offset: int) -> List | None:
        """The innermost list that `offset` lies in."""
        around = [one for one in self.lists if one.start <= offset <= one.end]
        return around[-1] if around else None


def name_span(token: Token, text: str) -> tuple[int, int]:
    """Where the name in a token is: without the backtick or the backslash before it."""
    start = text.index(token.text, token.start) if token.text else token.start
    if token.kind == "define":
        start = text.index(token.text, token.start + len("`define"))
    return start, start + len(token.text)


def _word_end(token: Token, text: str) -> int:
    """Of a definition only its head counts as a word: in its body other words may be meant."""
    return name_span(token, text)[1] if token.kind == "define" else token.end


def _macro(text: str, token: Token) -> Declaration:
    start, end = name_span(token, text)
    return Declaration(token.text, "macro", token.start, token.end, start, end)
