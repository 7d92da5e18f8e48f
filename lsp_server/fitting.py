"""Trim what a model wrote to what belongs at the cursor: never what follows it already, in the file's
own indentation. Pure functions of text with `\\n` line ends; whether the result parses is for
`lsp_server.screen`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import gcd

from lsp_server.cursor import MODULE_END, MODULE_START, OPAQUE, without_comments

LEXEME = re.compile(r"[\w$`]+|[^\w\s]")
CLOSERS = {
    *";)]},",
    *("end", "endcase", "endfunction", "endgenerate", "endmodule", "endspecify", "endtask", "join"),
}
# How much of the text before the cursor is asked for the file's habits, in characters.
HABITS = 16_000
UNITS = (2, 3, 4, 8)

_OPAQUE = re.compile(OPAQUE, re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_REST = re.compile(r"[ \t]*([)\]};,][)\]};, \t]*)?$", re.MULTILINE)
_OPENS = re.compile(r"(?:\b(?:begin|fork|else|case[xz]?\b.*\))|[()])\s*\Z")


@dataclass(frozen=True)
class Fitted:
    """What to insert, and how many characters after the cursor it stands for as well: closing marks
    on the cursor's line, which an editor has put there and which the text goes beyond."""

    text: str
    replaced: int = 0


def fit(before: str, after: str, text: str) -> Fitted:
    """`text` as it fits between `before` and `after`; empty where nothing of it does."""
    text = _within_module(before, _first_line_fits(before, text))
    text = _without_repetition(before, _without_next_line(text, after)).rstrip()
    fitted = _against_closers(_indented(before, text), after)
    closed = _closed(fitted.text, after[fitted.replaced :]).rstrip()
    return fitted if closed == fitted.text else _against_closers(closed, after)


def prose(kind: str, before: str, text: str) -> str:
    """What of `text` goes on with the comment or the string, as `kind` says, that `before` ends in:
    the rest of its line."""
    line = text.split("\n", 1)[0]
    end = re.search(r'(?<!\\)"' if kind == "string" else r"\*/", line)
    line = line[: end.start()] if end else line
    return (line.lstrip() if before.endswith((" ", "\t")) else line).rstrip()


def without_overlap(text: str, after: str) -> str:
    """Cut from the end of `text` what `after` begins with, if that is closers or a whole line."""
    said = list(LEXEME.finditer(text))
    follows = LEXEME.findall(after[:1000])
    first_line = len(LEXEME.findall(after.lstrip().split("\n", 1)[0]))
    for size in range(min(len(said), len(follows)), 0, -1):
        overlap = follows[:size]
        if [lexeme[0] for lexeme in said[-size:]] != overlap:
            continue
        if size >= first_line or set(overlap) <= CLOSERS:
            return text[: said[-size].start()].rstrip()
    return text


def _first_line_fits(before: str, text: str) -> str:
    """No second blank, no empty line in an empty line, no indentation twice."""
    line = before.rpartition("\n")[2]
    if not line.strip():
        text = re.sub(r"\A(?:[ \t]*\n)+", "", text)
    if line.endswith((" ", "\t")):
        text = text.lstrip(" \t")
    return text


def _within_module(before: str, text: str) -> str:
    """Up to the end of the module that the cursor is in: what comes after is another matter."""
    end = MODULE_END.search(without_comments(text))
    inside = MODULE_START.search(without_comments(before))
    return text[: end.end()] if end and inside else text


def _without_next_line(text: str, after: str) -> str:
    """Cut `text` where it begins to repeat the first line that follows the cursor's own."""
    following = next((line.strip() for line in after.split("\n")[1:] if line.strip()), "")
    if not following or set(LEXEME.findall(following)) <= CLOSERS:
        return text
    lines = text.split("\n")
    first = 1 if after.split("\n", 1)[0].strip() else 0
    for number, line in enumerate(lines[first:], start=first):
        if line.strip() == following:
            return "\n".join(lines[:number])
    return text


def _without_repetition(before: str, text: str) -> str:
    """Cut `text` before the first line that says what the line above it says: a model that repeats
    itself has lost its way. Lines of closers alone may recur."""
    above, _, line = before[-HABITS:].rpartition("\n")
    lines = text.split("\n")
    previous = [] if line.strip() else LEXEME.findall(above.rstrip().rpartition("\n")[2])
    for number, one in enumerate(lines):
        said = LEXEME.findall(one)
        if said and said == previous and not set(said) <= CLOSERS:
            return "\n".join(lines[:number])
        previous = said
    return text


def _closed(text: str, after: str) -> str:
    """Cut `text` before a comment or a string in it that would swallow what follows the cursor."""
    rest = after.split("\n", 1)[0]
    for match in _OPAQUE.finditer(text):
        said = match.group()
        if match.end() < len(text.rstrip("\n")) or match.lastgroup == "escaped":
            continue
        swallows = (
            (said.startswith("//") and rest.strip())
            or (said.startswith("/*") and (len(said) < 4 or not said.endswith("*/")))
            or (said.startswith('"') and (len(said) < 2 or not said.endswith('"')))
        )
        if swallows:
            return text[: match.start()]
    return text


def _against_closers(text: str, after: str) -> Fitted:
    """Settle who closes what is open before the cursor, where the rest of its line does nothing but
    close, such as the `)` that an editor adds to a `(`.

    Text that says the same and goes on takes the place of that rest; text that differs is cut.
    """
    rest = _REST.match(after)
    marks = re.sub(r"\s", "", rest[1] or "") if rest else ""
    start = _first_unmatched(text, marks[:1]) if marks else None
    if start is None:
        return Fitted(text)
    end, wanted = start, list(marks)
    while wanted and end < len(text) and (text[end] == wanted[0] or text[end] in " \t"):
        if text[end] == wanted[0]:
            wanted.pop(0)
        end += 1
    if wanted or not text[end:].strip():
        return Fitted(text[:start].rstrip())
    return Fitted(text, len(rest[0].rstrip()))


def _first_unmatched(text: str, mark: str) -> int | None:
    """Where `text` has the first `mark` that nothing in it has opened."""
    open_: list[str] = []
    for offset, character in enumerate(without_comments(text)):
        if not open_ and character == mark:
            return offset
        if character in _PAIRS.values():
            open_.append(character)
        elif open_ and _PAIRS.get(character) == open_[-1]:
            open_.pop()
    return None


def _indented(before: str, text: str) -> str:
    """The later lines of `text` indented as the file is: with tabs, or with its number of blanks."""
    first, *later = text.split("\n")
    own = _own_unit(before)
    steps = [len(_leading(line)) for line in later if line.strip() and "\t" not in _leading(line)]
    tabs = [line for line in later if line.startswith("\t")]
    if not own or not later or (own == "\t" and not steps) or (own != "\t" and tabs and steps):
        return text
    if own != "\t" and tabs:  # one tab is one step
        return "\n".join([first, *(_again(line, "\t", own) for line in later)])
    line = before.rpartition("\n")[2]
    level = len(_leading(line + "x")) // len(own)
    deeper = 1 if _OPENS.search(without_comments(line + first)) else 0
    unit = _written_unit(steps, level + deeper)
    if not unit or (own != "\t" and unit % len(own) == 0):
        return text
    return "\n".join([first, *(_again(line, " " * unit, own) for line in later)])


def _leading(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _again(line: str, written: str, own: str) -> str:
    """`line` with each whole step of its indentation as `own` has it."""
    indentation = _leading(line)
    steps = 0
    while indentation.startswith(written, steps * len(written)):
        steps += 1
    return own * steps + line[steps * len(written) :]


def _own_unit(before: str) -> str:
    """One step of the file's indentation, or "" where it shows none."""
    lines = [line for line in before[-HABITS:].split("\n")[1:] if line.strip()]
    tabs = sum(line.startswith("\t") for line in lines)
    if tabs * 2 > sum(line.startswith(("\t", " ")) for line in lines):
        return "\t"
    widths = [len(_leading(line)) for line in lines]
    steps = Counter(b - a for a, b in pairwise([0, *widths]) if b - a in UNITS)
    return " " * steps.most_common(1)[0][0] if steps else ""


def _written_unit(widths: list[int], level: int) -> int:
    """The blanks of one step in text whose lines have these indentations, of which the least is
    taken to be `level` steps; 0 where that cannot be told."""
    steps = [width for width in widths if width]
    common = gcd(*steps)
    far = {unit: abs(min(steps) // unit - level) for unit in UNITS if steps and common % unit == 0}
    unit = min(far, key=far.__getitem__, default=0)
    return unit if unit and far[unit] <= 1 else 0  # lines that are aligned follow no unit
