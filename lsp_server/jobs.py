"""What there is to generate at a cursor, and where it goes: a module, or the body of one. Pure functions.

A job is found once more after the document has changed under it, by the text that it follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.api import Prompt
from engine.verilog.repairs import outputs_as_variables
from engine.verilog.syntax import Module, header, modules, problems
from lsp_server import prompt as prompts
from lsp_server.comment import Comment, comment_above, comment_at, line_at
from lsp_server.cursor import MODULE_END, enclosing, surroundings, without_comments
from lsp_server.screen import LONGEST_MODULE

_PORT_OR_SIGNAL = re.compile(r"^[ \t]*(?:input|output|inout|reg|wire|logic)\b[^;=]*;", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """Something to write at `offset`, the end of `anchor` in the document. Of the module it goes into,
    `before` and `after` stand on either side; both are empty where a whole module is to be written."""

    prompt: Prompt
    offset: int
    anchor: str
    before: str = ""
    after: str = ""

    def place(self, text: str) -> int | None:
        """The offset in `text`, which may have been edited meanwhile; None if the anchor is gone."""
        if text.startswith(self.anchor, self.offset - len(self.anchor)):
            return self.offset
        found = text.find(self.anchor)
        return None if found < 0 else found + len(self.anchor)

    def candidate(self, answer: str) -> str:
        """The model's `answer` without blanks at line ends and what `after` says already; a whole module
        with the header that the prompt gave it."""
        text = "\n".join(line.rstrip() for line in answer.rstrip().split("\n")).strip("\n")
        if not self.before:
            given = self.prompt.prefix
            return outputs_as_variables(given + text) if given else text.lstrip()
        end = MODULE_END.search(text)
        if end is not None:
            text = text[: end.start() if MODULE_END.search(self.after) else end.end()]
        return text.rstrip()

    def complaint(self, candidate: str, document: str) -> str | None:
        """Why `candidate` can't stand in `document`, as far as a parser can tell."""
        if not candidate.strip():
            return "it is empty"
        errors = problems(self.before + "\n" + candidate + self.after)
        if self.before:
            finished = MODULE_END.search(self.after)
            allowed = len(problems(self.before + self.after)) if finished else 0
            return errors[0].message if len(errors) > allowed else None
        if errors:
            return errors[0].message
        defined = {module.name for module in modules(candidate)}
        if not defined:
            return "it defines no module"
        twice = defined & {module.name for module in modules(document)}
        return f"it defines {', '.join(sorted(twice))} again" if twice else None

    def idle_outputs(self, candidate: str) -> list[str]:
        """The outputs of the module that its body never mentions."""
        text = without_comments(self.before + "\n" + candidate + self.after)
        idle = []
        for module in modules(text):
            body = text[module.start + len(header(text, module)) : module.end]
            said = set(re.findall(r"[A-Za-z_][\w$]*", _PORT_OR_SIGNAL.sub("", body)))
            outputs = (port.name for port in module.ports if port.direction == "output")
            idle += [name for name in outputs if name not in said]
        return idle

    def to_compile(self, candidate: str, document: str) -> tuple[str, range | None]:
        """The text to compile, and the lines of it whose errors count (None: all of them)."""
        offset = self.place(document)
        if not self.before or offset is None:
            return candidate, None
        start, end = offset - len(self.before), offset + len(self.after)
        module = self.before + "\n" + candidate + self.after
        first = document.count("\n", 0, start) + 1
        text = document[:start] + module + document[end:]
        return text, range(first, first + module.count("\n") + 1)

    def inserted(self, candidate: str, text: str, offset: int) -> str:
        """What to insert at `offset` of `text`: lines of its own, with the document's line ends."""
        _, line_end = line_at(text, offset)
        follows = text[offset:line_end].strip()
        if not self.before:  # a module stays apart from what comes next
            follows += text[line_end : line_end + 2].strip("\r\n")
        new = f"\n{candidate}\n" if follows else f"\n{candidate}"
        return new.replace("\n", "\r\n") if "\r\n" in text else new


def from_comment(text: str, offset: int) -> Job | None:
    """Write the module that the comment at `offset` describes, or the body of it where its header
    stands right below. None where there is no comment, or the module has its body."""
    comment = comment_at(text, offset)
    if comment is None:
        return None
    module = _module_below(text, comment)
    if module is None:
        return Job(prompts.instruct(comment.text), comment.end, comment.source)
    return _body(text, module, _header_end(text, module), comment) if _empty(text, module) else None


def from_module(text: str, offset: int, lookup: prompts.Header, room: prompts.Room) -> Job | None:
    """Write on in the body of the module around `offset`, as described by the comment above it or else
    by what stands in it already."""
    around = (one for one in _modules_near(text, offset) if one.start <= offset <= one.end)
    module = next(around, None)
    if module is None or surroundings(text, offset) != "code":
        return None
    after_header = _header_end(text, module)
    if offset <= after_header:
        offset = after_header
    else:  # behind the line, and behind `endmodule` nothing belongs to the body
        offset = line_at(text, offset)[1]
        if MODULE_END.search(without_comments(text[after_header:offset])):
            return None
    offset = max(after_header, len(text[:offset].rstrip()))
    comment = comment_above(text, module.start)
    if comment is not None and _empty(text, module):
        return _body(text, module, offset, comment)
    return _body(text, module, offset, None, prompts.build(text, offset, lookup, room))


def _body(
    text: str, module: Module, offset: int, comment: Comment | None, prompt: Prompt | None = None
) -> Job:
    before, after = text[module.start : offset], text[offset : module.end]
    if prompt is None:
        prompt = Prompt(before.replace("\r\n", "\n"), instruction=comment.text)
    return Job(prompt, offset, before, before, after)


def _module_below(text: str, comment: Comment) -> Module | None:
    """The module that begins on the line below `comment`."""
    for module in _modules_near(text, comment.end):
        if module.start >= comment.end:
            between = text[comment.end : module.start]
            return module if not between.strip() and between.count("\n") == 1 else None
    return None


def _modules_near(text: str, offset: int) -> list[Module]:
    """The modules from the end of the one before `offset` to that of the one around or behind it;
    none where that is too much to parse whenever a cursor moves."""
    start, end = enclosing(text, offset)
    if end - start > LONGEST_MODULE:
        return []
    found = modules(text[start:end])
    return [replace(one, start=one.start + start, end=one.end + start) for one in found]


def _header_end(text: str, module: Module) -> int:
    return module.start + len(header(text, module))


def _empty(text: str, module: Module) -> bool:
    """Whether the module has nothing but its header; `endmodule` may be there or not."""
    body = without_comments(text[_header_end(text, module) : module.end])
    return not MODULE_END.sub("", body).strip()
