"""What an editor shows of a name: its declaration, with the comment above or beside it."""

from __future__ import annotations

import re
from pathlib import Path

from engine.verilog.declarations import UNITS, Declaration
from engine.verilog.source import name_span
from lsp_server import navigation
from lsp_server.navigation import Target
from lsp_server.workspace import Index

MOST_LINES = 40

_BESIDE = re.compile(r"[ \t,;)]*(?://[/!<]*(?P<line>[^\n]*)|/\*[*!<]*(?P<block>[^\n]*?)\*/)")
_LINE_COMMENT = re.compile(r"\s*//[/!]*(.*)")
_STARS = re.compile(r"^[ \t]*\*?[ \t]?", re.MULTILINE)


def hover(index: Index, path: Path, offset: int) -> tuple[str, int, int] | None:
    """What to show for the word at `offset`, in Markdown, and the place of the word."""
    source = index.source(path)
    number = source.word_at(offset)
    target = navigation.resolve(index, path, source, number) if number is not None else None
    if target is None:
        return None
    return shown(index, target, path), *name_span(source.tokens[number], source.text)


def shown(index: Index, target: Target, seen_from: Path) -> str:
    """The declaration in Markdown, of an instance with the header of its module, and the comment."""
    if target.declaration.kind == "file":
        return f"`{target.path}`"
    blocks = [_code(target.described), documentation(target)]
    if module := _module_of(index, target):
        blocks += [_code(module.described), documentation(module)]
    blocks.append(_where(target, seen_from))
    return "\n\n".join(block for block in blocks if block)


def _module_of(index: Index, target: Target) -> Target | None:
    """The module that an instance is one of."""
    one = target.declaration
    if one.kind != "instance" or one.type_at is None:
        return None
    return navigation.target_at(index, target.path, one.type_at)


def documentation(target: Target) -> str:
    """The comment beside a declaration or, where there is none, the one right above it."""
    text, one = target.source.text, target.declaration
    if one.kind in UNITS | {"function", "task", "process", "block"}:
        return _above(text, one.start)
    return _beside(text, one) or _above(text, one.start)


def _code(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "// ..."]
    return "```systemverilog\n" + "\n".join(line.rstrip() for line in lines) + "\n```"


def _where(target: Target, seen_from: Path) -> str:
    parent = target.declaration.parent
    named = next((one for one in parent.scopes() if one.name), None) if parent else None
    inside = f"{named.kind} `{named.name}`" if named else ""
    file = "" if target.path == seen_from else f"`{target.path.name}`"
    return ", ".join(part for part in (inside, file) if part)


def _beside(text: str, one: Declaration) -> str:
    found = _BESIDE.match(text, one.end)
    return (found["line"] or found["block"] or "").strip() if found else ""


def _above(text: str, start: int) -> str:
    """The comment that ends on the line above the one of `start`, if nothing else is on its lines."""
    before = text[: text.rfind("\n", 0, start) + 1]
    if before.rstrip().endswith("*/"):
        opening = before.rfind("/*")
        alone = not before[before.rfind("\n", 0, opening) + 1 : opening].strip()
        adjoins = before.count("\n", before.rfind("*/")) == 1
        if not (alone and adjoins):
            return ""
        return _STARS.sub("", before[opening + 2 : before.rfind("*/")]).strip("*! \n")
    lines: list[str] = []
    for line in reversed(before.split("\n")[:-1]):
        comment = _LINE_COMMENT.match(line)
        if comment is None:
            break
        if re.search(r"\w", comment[1]):  # no mere ruler
            lines.append(comment[1].removeprefix(" ").rstrip())
    return "\n".join(reversed(lines))
