"""What of a completion may be shown: never what the text after the cursor already says, never what
adds a syntax error, never mere whitespace. Pure functions.

Adding an error is judged by place, not by number: the errors of the buffer with the completion must
be errors that it has without. Only what is open at the cursor (`assign y = `) may stay open there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from engine.verilog.lexemes import KEYWORDS
from engine.verilog.syntax import SyntaxProblem, problems
from lsp_server.cursor import enclosing, half_word, surroundings, without_comments
from lsp_server.fitting import Fitted, fit, prose, without_overlap

# A module longer than this is not parsed for every keystroke, so nothing is shown in it.
LONGEST_MODULE = 200_000
# Fragments tried from the end until one prefix of the completion passes.
MOST_CUTS = 48
_HEAD = 10_000  # characters on either side that are asked for their line ends

_WORD = re.compile(r"[\w$]+")
_NAME_BEFORE = re.compile(r"(?<!['\w$])[\w$]+\Z")  # not the base of a number, as in 8'h
_BLOCK_END = re.compile(r"expected '(?:end|join)")
_NOTHING = re.compile(r"\s*")


@dataclass(frozen=True)
class Shown:
    """What may be shown in place of the `replaced` characters that follow the cursor. `fate` says
    whether the syntax took the completion as a whole, cut back, or not at all, or that it was cut
    before an undeclared name."""

    text: str
    replaced: int = 0
    fate: Literal["whole", "cut", "dropped", "undeclared"] = "whole"


def screen(prefix: str, suffix: str, fragments: Sequence[str]) -> Shown:
    """The longest prefix of `fragments` that may be shown between `prefix` and `suffix`.

    Its text is empty when none may. `prefix` and `suffix` are the whole text on either side of the
    cursor; the answer has their line ends.
    """
    line_end = "\r\n" if "\r\n" in prefix[:_HEAD] + suffix[:_HEAD] else "\n"
    prefix, suffix = prefix.replace("\r\n", "\n"), suffix.replace("\r\n", "\n")
    fragments = [fragment.replace("\r\n", "\n") for fragment in fragments]
    shown = _screen(prefix, suffix, fragments)
    return Shown(shown.text.replace("\n", line_end), shown.replaced, shown.fate)


def _screen(prefix: str, suffix: str, fragments: Sequence[str]) -> Shown:
    text = prefix + suffix
    start, end = enclosing(text, len(prefix))
    if end - start > LONGEST_MODULE:
        return Shown("", fate="dropped")
    kind = surroundings(text, len(prefix))
    if kind != "code":
        return Shown(prose(kind, prefix, "".join(fragments)))
    buffer = Buffer(prefix[start:], suffix[: end - len(prefix)])
    tried: set[Fitted] = set()
    for candidate in list(accumulate(fragments))[: -MOST_CUTS - 1 : -1]:
        fitted = _shorter_if_said(buffer, fit(buffer.before, buffer.after, candidate))
        if fitted in tried:
            continue
        fate = "cut" if tried else "whole"
        tried.add(fitted)
        if not fitted.text.strip() or not _fits_the_word(buffer, fitted.text):
            break
        if buffer.takes(fitted):
            return Shown(fitted.text, fitted.replaced, fate)
    return Shown("", fate="dropped")


class Buffer:
    """The text around the cursor and its syntax errors."""

    def __init__(self, before: str, after: str) -> None:
        self.before, self.after = before, after
        self.errors = problems(before + after)

    def takes(self, fitted: Fitted) -> bool:
        """Whether the buffer with `fitted` in it has only errors that it has without."""
        rest = self.after[fitted.replaced :]
        open_, was = _placed(self.errors, self.before, self.after, fitted.replaced)
        at, now = _placed(self.with_(fitted), self.before + fitted.text, rest, 0)
        if not now <= was:
            return False
        if ";" not in without_comments(fitted.text):
            return at.total() <= open_.total()
        # The statement that was open is closed: only the blocks around it may still be open.
        return at <= Counter({said: n for said, n in open_.items() if _BLOCK_END.match(said)})

    def with_(self, fitted: Fitted) -> list[SyntaxProblem]:
        """The syntax errors with `fitted` in the buffer."""
        return problems(self.before + fitted.text + self.after[fitted.replaced :])


def _placed(
    errors: list[SyntaxProblem], before: str, after: str, replaced: int
) -> tuple[Counter[str], Counter[tuple[int, str]]]:
    """The errors at the seam of `before` and `after`, and those elsewhere by their place: in `before`
    the offset, in `after` the distance from its end."""
    first = len(without_comments(before).rstrip())
    if half := half_word(before, len(before)):
        first = len(before) - len(half)
    last = len(before) + replaced + _NOTHING.match(without_comments(after[replaced:])).end()
    whole = len(before) + len(after)
    seam: Counter[str] = Counter()
    elsewhere: Counter[tuple[int, str]] = Counter()
    for error in errors:
        if first <= error.offset <= last:
            seam[error.message] += 1
        else:
            place = error.offset if error.offset < first else error.offset - whole - 1
            elsewhere[place, error.message] += 1
    return seam, elsewhere


def _shorter_if_said(buffer: Buffer, fitted: Fitted) -> Fitted:
    """Without what the text behind the cursor says already. `end` before `end` may be a repetition or
    the end of an inner block: the parser knows."""
    if fitted.replaced:
        return fitted
    shorter = Fitted(without_overlap(fitted.text, buffer.after))
    if shorter == fitted or len(buffer.with_(fitted)) < len(buffer.with_(shorter)):
        return fitted
    return shorter


def _fits_the_word(buffer: Buffer, shown: str) -> bool:
    """Whether `shown` may follow the word that the cursor is at the end of, if it is at one.

    A model that goes on with a new word forgets the blank: `count` and `endmodule` would be glued.
    And what follows a half-typed name is not worth showing before the name is whole. Within a word
    the three parts must make a known one.
    """
    half, end = _NAME_BEFORE.search(buffer.before), _WORD.match(buffer.after)
    names = [*_WORD.findall(buffer.before), *_WORD.findall(buffer.after)]
    left, right = (half.group() if half else ""), (end.group() if end else "")
    for typed in filter(None, (left, right)):  # is no name yet, unless it stands elsewhere too
        names.remove(typed)
    known = {*KEYWORDS, *names}
    words = _WORD.findall(left + shown + right)
    if right and half_word(shown, len(shown)) and words[-1] not in known:
        return False
    if _WORD.match(shown):
        return not left or words[0] in known
    return not left or left in known or not any(name.startswith(left) for name in known)
