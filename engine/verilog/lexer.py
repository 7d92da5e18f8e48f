"""Verilog lexed while it is being written: what is complete of a text whose end is still to come."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from engine.verilog.tokens import KEYWORDS

Kind = Literal[
    "blank", "directive", "name", "keyword", "system", "macro", "string", "number", "mark"
]


class Lexeme(NamedTuple):
    """`text[start:end]` is its source; comments, attributes and white space are `blank`."""

    kind: Kind
    source: str
    start: int
    end: int


_LEXEME = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*\n?|/\*.*?(?:\*/|\Z)|\(\*(?!\s*\)).*?(?:\*\)|\Z))
    |(?P<directive>`(?:timescale|default_nettype|resetall|celldefine|endcelldefine|include|define|undef
        |ifdef|ifndef|elsif|else|endif|line|pragma|begin_keywords|end_keywords)\b(?:\\\r?\n|[^\n])*)
    |(?P<string>"(?:\\.|[^"\\\n])*"?)
    |(?P<macro>`\w*)
    |\\(?P<escaped>\S*)
    |(?P<name>[A-Za-z_][\w$]*)
    |(?P<system>\$\w*)
    |(?P<number>\d[\w.]*(?:\s*'(?:[sS]?(?:[bBoOdDhH]\s*[\w?]*)?)?)?|'[sS]?[bBoOdDhH]\s*[\w?]*|'[01xXzZ]\b)
    |(?P<mark>@(?:\s*\((?:\s*\*(?:\s*\))?)?|\s*\*)?|<<<=|>>>=|===|!==|==\?|!=\?|<<<|>>>|<<=|>>=|&&&|\|->|\|=>|<->|\*\*|<=|>=|==|!=|&&|\|\||<<|>>
        |\+\+|--|[-+*/%&|^]=|~[&|^]|\^~|->|::|[-+]:|=>|'\{|.)
    """,
    re.DOTALL | re.VERBOSE,
)
_WHOLE = tuple(";,)]}[{")  # what ends marks that nothing which follows can change


def lexemes(text: str) -> tuple[list[Lexeme], Lexeme | None]:
    """What is complete of `text`, and the lexeme at its end that more text could change, or None."""
    found = []
    for match in _LEXEME.finditer(text):
        kind, source = match.lastgroup, match.group()
        if kind == "escaped":
            kind = "name"
        elif kind == "name" and source in KEYWORDS:
            kind = "keyword"
        found.append(Lexeme(kind, source, match.start(), match.end()))
    if not found or _closed(found[-1]):
        return found, None
    return found, found.pop()


def _closed(last: Lexeme) -> bool:
    if last.kind == "mark":
        return last.source.endswith(_WHOLE)
    if last.kind == "string":
        return len(last.source) > 1 and last.source.endswith('"') and last.source[-2] != "\\"
    return last.kind == "blank" and (
        last.source.isspace() or (last.source[:2], last.source[-1:]) == ("//", "\n")
    )
