"""Where the fragments of an answer end: after [FRAG] tokens, or where a lexer sees it in the text.

Both take an answer token by token and return the fragments that have become whole.

The lexer cuts where `engine.verilog.fragments` does, as far as that can be told without a parse: after
`;`, `,` and closing brackets, after the operators that the parse would cut at, after block keywords, and
at line ends. It differs in that an opening parenthesis never ends a fragment and a closing one always
does. A line end is seen at once, all else when the next lexeme begins, for it may be more punctuation.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

from engine.api import DecodingOptions
from engine.tokenizer import TextTokenizer
from engine.verilog.lexer import Lexeme, lexemes


class Boundaries(Protocol):
    """Finds fragments. A copy (`copy.copy`) can look ahead."""

    def add(self, token: int) -> list[str]:
        """The fragments that are whole with `token`."""
        ...


def boundaries(tokenizer: TextTokenizer, options: DecodingOptions) -> Boundaries:
    """The source that the options ask for; a tokenizer without [FRAG] has the lexer only."""
    if tokenizer.frag is None or options.boundaries == "lexer":
        return LexerBoundaries(tokenizer)
    return TokenBoundaries(tokenizer)


class TokenBoundaries:
    """A fragment ends with a [FRAG] token or with the answer (paper 1, III-B)."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self.decode = tokenizer.decode
        self.ends = tokenizer.ends | {tokenizer.frag}
        self.held: tuple[int, ...] = ()

    def add(self, token: int) -> list[str]:
        if token not in self.ends:
            self.held += (token,)
            return []
        fragment, self.held = self.decode(self.held), ()
        return [fragment]


class LexerBoundaries:
    """A fragment ends where the text says so, or with the answer."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self.bytes_of = tokenizer.bytes_of
        self.ends = tokenizer.ends
        self.held = ""
        self.broken = b""  # of a character
        self.comment = ""  # what opened the one that `held` begins in

    def add(self, token: int) -> list[str]:
        over = token in self.ends
        bytes_ = self.broken + self.bytes_of(token)
        text, used = codecs.utf_8_decode(bytes_, "replace", over)
        self.broken = bytes_[used:]
        self.held += text
        if over:
            fragment, self.held = self.held, ""
            return [fragment]
        whole, start = [], 0
        for end, opened in list(self._cuts()):
            whole.append(self.held[start:end])
            start, self.comment = end, opened
        self.held = self.held[start:]
        return whole

    def _cuts(self) -> Iterator[tuple[int, str]]:
        """Where fragments of `held` end, and what of a comment's beginning then stands before the rest."""
        found, rest = lexemes(self.comment + self.held)
        before = len(self.comment)
        in_range = False
        for number, lexeme in enumerate(found):
            after = found[number + 1] if number + 1 < len(found) else rest
            if lexeme.source in ("[", "]"):
                in_range = lexeme.source == "["
            if _ends(lexeme, after) and not (in_range and lexeme.source == ":"):
                yield lexeme.end - before, ""
        if rest is not None and rest.source.startswith("/*"):
            line_end = rest.source.rfind("\n") + 1
            if line_end and rest.start + line_end > before:
                yield rest.start + line_end - before, "/*"


def _ends(lexeme: Lexeme, after: Lexeme | None) -> bool:
    """Whether a fragment ends after a complete lexeme, which `after` follows (None: nothing yet)."""
    if lexeme.kind == "blank":
        return "\n" in lexeme.source and not (after and after.source.isspace())
    if after is None or after.source in _CLOSING or after.source == ":" or _ends_line(after):
        return False  # but after that, perhaps
    return lexeme.source in _CLOSING or lexeme.source in _ENDING


def _ends_line(blank: Lexeme) -> bool:
    return blank.source.isspace() and "\n" in blank.source


_CLOSING = frozenset(";,)]}")
_ENDING = frozenset(
    """
    = <= ? : && || & | ^ == != === !== += -= *= /= %= &= |= ^= <<= >>=
    begin end else default fork join generate or
    endmodule endcase endfunction endtask endgenerate endinterface endpackage endspecify
    """.split()  # noqa: SIM905
)
