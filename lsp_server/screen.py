"""What of a completion may be shown: never what the text after the cursor already says, never
what adds a syntax error, never mere whitespace. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from engine.verilog.lexemes import KEYWORDS
from engine.verilog.syntax import problems
from lsp_server.prompt import enclosing

# A module longer than this is not parsed for every keystroke, so nothing is shown in it.
LONGEST_MODULE = 200_000
# Fragments tried from the end until one prefix of the completion passes.
MOST_CUTS = 48

LEXEME = re.compile(r"[\w$`]+|[^\w\s]")
_WORD = re.compile(r"[\w$]+")
_WORD_BEFORE = re.compile(r"[\w$]+\Z")
CLOSERS = {
    *";)]},",
    *("end", "endcase", "endfunction", "endgenerate", "endmodule", "endspecify", "endtask", "join"),
}


def screen(prefix: str, suffix: str, fragments: Sequence[str]) -> str:
    """The longest prefix of `fragments` that may be shown between `prefix` and `suffix`.

    Empty when none may. `prefix` and `suffix` are the whole text on either side of the cursor.
    """
    text = prefix + suffix
    start, end = enclosing(text, len(prefix))
    if end - start > LONGEST_MODULE:
        return ""
    before, after = prefix[start:], suffix[: end - len(prefix)]
    allowed = len(problems(before + after))
    tried = set()
    for candidate in list(accumulate(fragments))[: -MOST_CUTS - 1 : -1]:
        shown = _trim(before, after, candidate)
        if shown in tried:
            continue
        tried.add(shown)
        if not shown.strip() or not _fits_the_word(before, after, shown):
            return ""
        if len(problems(before + shown + after)) <= allowed:
            return shown
    return ""


def _fits_the_word(prefix: str, suffix: str, shown: str) -> bool:
    """Whether `shown` may follow the word that the cursor is at the end of, if it is at one.

    A model that goes on with a new word forgets the blank: `count` and `endmodule` would be glued.
    And what follows a half-typed name is not worth showing before the name is whole.
    """
    half = _WORD_BEFORE.search(prefix)
    if half is None:
        return True
    word = half.group()
    known = {*KEYWORDS, *_WORD.findall(prefix[: half.start()]), *_WORD.findall(suffix)}
    if _WORD.match(shown):
        return word + _WORD.match(shown).group() in known
    return word in known or not any(name.startswith(word) for name in known)


def _trim(prefix: str, suffix: str, text: str) -> str:
    if prefix.endswith((" ", "\t")):
        text = text.lstrip(" \t")
    shown = _without_repetition(_without_next_line(text, suffix)).rstrip()
    shorter = _without_overlap(shown, suffix)
    if shorter == shown:
        return shown
    # `end` before `end` may be a repetition or the end of an inner block: the parser knows.
    needed = len(problems(prefix + shown + suffix)) < len(problems(prefix + shorter + suffix))
    return shown if needed else shorter


def _without_next_line(text: str, suffix: str) -> str:
    """Cut `text` where it begins to repeat the first line that follows the cursor's own."""
    following = next((line.strip() for line in suffix.split("\n")[1:] if line.strip()), "")
    if not following or set(LEXEME.findall(following)) <= CLOSERS:
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == following:
            return "\n".join(lines[:number])
    return text


def _without_repetition(text: str) -> str:
    """Cut `text` before the first line that says what the line above it says: a model that repeats
    itself has lost its way. Lines of closers alone may recur."""
    lines = text.split("\n")
    before: list[str] = []
    for number, line in enumerate(lines):
        said = LEXEME.findall(line)
        if said and said == before and not set(said) <= CLOSERS:
            return "\n".join(lines[:number])
        before = said
    return text


def _without_overlap(text: str, suffix: str) -> str:
    """Cut from the end of `text` what `suffix` begins with, if that is closers or a whole line."""
    said = list(LEXEME.finditer(text))
    follows = LEXEME.findall(suffix[:1000])
    first_line = len(LEXEME.findall(suffix.lstrip().split("\n", 1)[0]))
    for size in range(min(len(said), len(follows)), 0, -1):
        overlap = follows[:size]
        if [lexeme[0] for lexeme in said[-size:]] != overlap:
            continue
        if size >= first_line or set(overlap) <= CLOSERS:
            return text[: said[-size].start()].rstrip()
    return text
