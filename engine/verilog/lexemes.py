"""Verilog as a flat list of lexemes, for comparing texts; it never fails, whatever the text."""

from __future__ import annotations

import re

_LEXEME = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)|\"(?:\\.|[^\"\\\n])*\"|`?[A-Za-z_$][\w$]*|\d[\w']*|\S",
    re.DOTALL,
)


def lexemes(text: str) -> list[str]:
    """The lexemes of `text` without comments: names, numbers, strings, single punctuation marks."""
    return [match.group() for match in _LEXEME.finditer(text) if match.lastgroup != "comment"]
