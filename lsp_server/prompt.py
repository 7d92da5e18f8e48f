"""From a document and a cursor to the engine's `Prompt`, and what the text says about the cursor.

Everything here works on text that is being typed and may be huge or no Verilog at all, so it looks
only at a bounded stretch around the cursor and uses words, not a parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from engine.api import Prompt, Stop

# More than any model here reads; the engine cuts further, to the window of its model.
PREFIX_CHARACTERS = 16_000
SUFFIX_CHARACTERS = 6_000
CONTEXT_CHARACTERS = 1_500
# How far from the cursor a module's name still makes its header worth knowing.
NEAR_BEFORE = 3_000
NEAR_AFTER = 500

IDENTIFIER = re.compile(r"[A-Za-z_][\w$]*")
MODULE_START = re.compile(r"\b(?:macro)?module\s+(?:automatic\s+)?([A-Za-z_][\w$]*)")
MODULE_END = "endmodule"
COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)

Header = Callable[[str], str | None]
"""The header of the module of that name, if the workspace has one."""


def build(text: str, offset: int, header: Header) -> Prompt:
    """The fill-in-the-middle prompt at `offset`."""
    prefix = text[max(0, offset - PREFIX_CHARACTERS) : offset]
    suffix = text[offset : offset + SUFFIX_CHARACTERS]
    near = [*_identifiers(prefix[-NEAR_BEFORE:])[::-1], *_identifiers(suffix[:NEAR_AFTER])]
    # What the prompt shows anyway needs no header, above all the module being written.
    seen = set(MODULE_START.findall(prefix)) | set(MODULE_START.findall(suffix))
    return Prompt(prefix, suffix, headers(near, header, seen))


def instruct(comment: str) -> Prompt:
    """The comment-to-module prompt for the text of a comment, markers removed.

    Without headers of other modules: the model has been trained on descriptions alone, and with a
    header before it goes on with that module's body instead.
    """
    return Prompt("", instruction=comment)


def headers(names: Iterable[str], header: Header, seen: Iterable[str] = ()) -> str:
    """The headers of the modules among `names`, in that order, as far as they fit."""
    chosen: list[str] = []
    room = CONTEXT_CHARACTERS
    for name in dict.fromkeys(names):
        found = None if name in seen else header(name)
        if found and len(found) + 1 <= room:
            chosen.append(found + "\n")
            room -= len(found) + 1
    return "".join(chosen)


def enclosing(text: str, offset: int) -> tuple[int, int]:
    """Start and end of the stretch between two modules' ends that `offset` lies in: the module
    around the cursor with what stands before it."""
    before = text.rfind(MODULE_END, 0, offset)
    after = text.find(MODULE_END, offset)
    start = 0 if before < 0 else before + len(MODULE_END)
    end = len(text) if after < 0 else after + len(MODULE_END)
    return min(start, offset), end


def inside_module(text: str, offset: int) -> bool:
    start, _ = enclosing(text, offset)
    # Comments speak of modules too.
    return MODULE_START.search(COMMENT.sub("", text[start:offset])) is not None


def stop_policy(text: str, offset: int) -> Stop:
    """How far ghost text may go: a block from an empty line in a module, else the line's rest."""
    line_start = text.rfind("\n", 0, offset) + 1
    line_end = text.find("\n", offset)
    line = text[line_start : len(text) if line_end < 0 else line_end]
    return "block" if not line.strip() and inside_module(text, offset) else "line"


def _identifiers(text: str) -> list[str]:
    return IDENTIFIER.findall(text)
