"""From a document and a cursor to the engine's `Prompt`: what matters, within the model's window.

A model sees a few hundred tokens. What goes there: the lines around the cursor; the header of the
module it is in and the declarations of that module, even when they are far above; the headers of
the modules named near the cursor. The parts are measured in characters, a little less than would fit,
because the server has no tokenizer; what is still too long the engine cuts. Prompts have `\\n` line
ends whatever the file has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.api import Prompt
from engine.verilog import specification
from engine.verilog.syntax import Module
from engine.verilog.syntax import header as header_of
from lsp_server.cursor import MODULE_START, enclosing, without_comments

# Verilog has 2.8 characters a token on average; a little less, to be rather too short.
CHARACTERS_A_TOKEN = 2.5
# Looked at around the cursor, whatever the model's window.
PREFIX_CHARACTERS = 64_000
# How far before the cursor a module's name still makes its header worth knowing.
NEAR = 3_000
# A prefix that is cut loses this part of its room at once: while one types, it keeps its beginning,
# and the engine what it has read of it.
STRIDES = 6

IDENTIFIER = re.compile(r"[A-Za-z_][\w$]*")
_DECLARATION = re.compile(
    r"^[ \t]*(?:input|output|inout|wire|tri|wand|wor|reg|logic|bit|integer|genvar|parameter"
    r"|localparam|typedef|real|time|int)\b[^;\n]*;[^\n]*\n",
    re.MULTILINE,
)

Header = Callable[[str], str | None]
"""The header of the module of that name, if the workspace has one."""


@dataclass(frozen=True)
class Room:
    """How many characters the parts of a prompt may take. Without other headers, or much after the
    cursor, the text before it has their room."""

    whole: int

    @classmethod
    def of(cls, window: int, answer: int) -> Room:
        """For a model that sees `window` tokens, of which at most `answer` are to be written."""
        return cls(int(CHARACTERS_A_TOKEN * (window - min(answer, window // 2))))

    @property
    def suffix(self) -> int:
        return self.whole // 4

    @property
    def context(self) -> int:
        return self.whole // 4


def build(text: str, offset: int, header: Header, room: Room) -> Prompt:
    """The fill-in-the-middle prompt at `offset`."""
    before = text[max(0, offset - PREFIX_CHARACTERS) : offset].replace("\r\n", "\n")
    after = text[offset : offset + 2 * room.suffix].replace("\r\n", "\n")[: room.suffix]
    near = [*IDENTIFIER.findall(before[-NEAR:])[::-1], *IDENTIFIER.findall(after)]
    # What the prompt shows anyway needs no header, above all the module being written.
    seen = {*MODULE_START.findall(before[-room.whole :]), *MODULE_START.findall(after)}
    start = enclosing(before, len(before))[0]
    seen |= set(MODULE_START.findall(without_comments(before[start:])))
    context = headers(near, header, room.context, seen)
    prefix = _prefix(before, start, room.whole - len(after) - len(context))
    return Prompt(prefix, after, context)


def instruct(comment: str) -> Prompt:
    """The comment-to-module prompt for the text of a comment, markers removed. It begins with the header,
    if the comment spells that out.

    Without headers of other modules: the model has been trained on descriptions alone, and with a
    header before it goes on with that module's body instead.
    """
    return Prompt(specification.header(comment), instruction=comment)


def headers(names: Iterable[str], header: Header, room: int, seen: Iterable[str] = ()) -> str:
    """The headers of the modules among `names`, in that order, as far as they fit in `room`."""
    chosen: list[str] = []
    for name in dict.fromkeys(names):
        found = None if name in seen else header(name)
        found = found and found.replace("\r\n", "\n") + "\n"
        if found and len(found) <= room:
            chosen.append(found)
            room -= len(found)
    return "".join(chosen)


def _prefix(before: str, start: int, room: int) -> str:
    """The end of `before` in at most `room` characters. Where the module that begins after `start`
    must be cut, its header and what it declares come first."""
    if len(before) <= room:
        return before
    module = list(MODULE_START.finditer(without_comments(before[start:])))
    if not module:
        return before[_cut(before, 0, room) :]
    begin = start + module[-1].start()
    if len(before) - begin <= room:
        return before[_cut(before, 0, room) :]
    header = header_of(before, Module("", begin, len(before)))
    body = begin + len(header)
    if len(header) > room // 2:
        header = header[: header.rfind("\n", 0, room // 2) + 1]
    declared_room = (room - len(header)) // 3
    tail = _cut(before, body, room - len(header) - declared_room)
    line_start = before.rfind("\n") + 1  # within a line the choice stays
    used = set(IDENTIFIER.findall(before[tail:line_start]))
    declared = _declarations(before[body:tail], used, declared_room)
    return f"{header}\n{declared}{before[tail:]}"


def _cut(text: str, start: int, room: int) -> int:
    """The start of a line from which at most `room` characters of `text` remain, if they do at all.
    It moves in strides counted from `start`."""
    stride = max(1, room // STRIDES)
    cut = start + -(-(len(text) - start - room) // stride) * stride
    line = text.find("\n", cut) + 1
    return line if 0 < line < len(text) else min(cut, len(text))


def _declarations(text: str, used: set[str], room: int) -> str:
    """The lines of `text` that declare names, those in `used` before the others if not all fit; in
    the order they have in `text`."""
    lines = [match.group() for match in _DECLARATION.finditer(text)]
    lines.sort(key=lambda line: used.isdisjoint(IDENTIFIER.findall(line)))  # stable
    kept: set[str] = set()
    for line in lines:
        if len(line) <= room:
            kept.add(line)
            room -= len(line)
    return "".join(match.group() for match in _DECLARATION.finditer(text) if match.group() in kept)
