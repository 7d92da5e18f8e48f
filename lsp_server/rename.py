"""Rename a name in every file of the workspace that means it, or say why that is not safe.

A rename is refused rather than done by halves: where a macro may use the name unseen, where the new
one is taken, where `.*` connects by name, where the declaration is not the workspace's to change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.verilog.declarations import UNITS, Declaration, Kind
from engine.verilog.source import Source, name_span
from engine.verilog.tokens import KEYWORDS
from lsp_server import navigation
from lsp_server.navigation import Target, Use
from lsp_server.workspace import Index

_IDENTIFIER = re.compile(r"[A-Za-z_][\w$]*")
_CONNECTS_ALL = re.compile(r"\.\s*\*")


class RenameError(ValueError):
    """Why a name can't be renamed, for the user to read."""


@dataclass(frozen=True)
class Edit:
    """Replace `text[start:end]` of a file."""

    start: int
    end: int
    text: str


def prepare(index: Index, path: Path, offset: int) -> tuple[Target, int, int]:
    """What would be renamed at `offset`, and the place of its name there. Raises RenameError."""
    source = index.source(path)
    number = source.word_at(offset)
    target = None if number is None else navigation.resolve(index, path, source, number)
    if target is None or target.declaration.kind == "file":
        raise RenameError("nothing that the workspace declares is named here")
    name, declaration = target.name, target.declaration
    if not declaration.written:
        raise RenameError(f"the name {name} comes out of a macro")
    if not index.is_ours(target.path):
        raise RenameError(f"{name} is declared outside of the workspace, in {target.path}")
    if _is_global(target) and len(_definitions(index, target)) > 1:
        raise RenameError(f"{name} is declared more than once")
    return target, *name_span(source.tokens[number], source.text)


def rename(index: Index, target: Target, new: str) -> dict[Path, list[Edit]]:
    """The edits that name `target` `new` wherever it is meant. Raises RenameError."""
    old = target.name
    if not _IDENTIFIER.fullmatch(new):
        raise RenameError(
            f"{new!r} is no name in Verilog: letters, digits, _ and $, no digit first"
        )
    if new in KEYWORDS and target.declaration.kind != "macro":
        raise RenameError(f"{new} is a keyword")
    if new == old:
        return {}
    if _is_global(target) and index.defining(new, _rivals(target)):
        raise RenameError(f"{new} is declared already")
    uses = {}
    for path in index.paths():
        if found := navigation.references(index, path, target):
            source = index.source(path)
            _check_hidden(index, path, source, target)
            _check_taken(path, source, found, new)
            uses[path] = found
    if target.declaration.kind in ("port", "signal"):
        _check_stars(index, target)
    return {path: [_edit(use, old, new) for use in found] for path, found in uses.items()}


def _edit(use: Use, old: str, new: str) -> Edit:
    """`.clk` alone becomes `.clk(new)` or `.new(clk)`, as it is the port or its value that changes."""
    match use.shorthand:
        case "port":
            return Edit(use.start, use.end, f"{new}({old})")
        case "value":
            return Edit(use.start, use.end, f"{old}({new})")
    return Edit(use.start, use.end, new)


def _is_global(target: Target) -> bool:
    parent = target.declaration.parent
    return parent is None or parent.kind == "file"


def _rivals(target: Target) -> frozenset[Kind]:
    """The kinds that share their names with the target: macros have names of their own."""
    return frozenset({"macro"}) if target.declaration.kind == "macro" else navigation.GLOBAL_KINDS


def _definitions(index: Index, target: Target) -> list[tuple[Path, int]]:
    """Where the workspace declares the name of a global target."""
    return [
        (path, one.name_start)
        for path in index.defining(target.name, _rivals(target))
        for one in index.source(path).outline.children
        if one.name == target.name and one.kind in _rivals(target)
    ]


def _check_hidden(index: Index, path: Path, source: Source, target: Target) -> None:
    """Refuse where a use can't be seen: in the body of a macro, or in a file that is included into
    the middle of a module."""
    name = target.name
    word = re.compile(rf"\b{re.escape(name)}\b")
    for other in (path, *index.included(source.text, path)):
        text = index.text(other)
        for macro in index.source(other).macros:
            if word.search(text, macro.name_end, macro.end):
                raise RenameError(f"{name} stands in the macro {macro.name}, in {other.name}")
    for other in index.included(source.text, path):
        fragment = index.source(other)
        for number, token in enumerate(fragment.tokens):
            if token.text != name or token.kind != "name":
                continue
            if navigation.resolve(index, other, fragment, number) is None:
                raise RenameError(f"{other.name}, which is included, uses {name}")


def _check_taken(path: Path, source: Source, uses: list[Use], new: str) -> None:
    """Refuse where the new name already means something beside a use: in its module or, outside of
    one, in its file."""
    numbers = {use.start: source.number_at(use.start) for use in uses}
    places = [start for start, number in numbers.items() if not _is_qualified(source, number)]
    units = {_unit(source.outline, start) for start in places}
    for number, token in enumerate(source.tokens):
        if token.text != new or token.kind != "name" or _is_qualified(source, number):
            continue
        if any(unit.start <= token.start <= unit.end for unit in units):
            raise RenameError(f"{new} is used already in {path.name}")


def _is_qualified(source: Source, number: int) -> bool:
    """Whether a name is looked up in something else than where it stands."""
    return source.before(number) in (".", "::")


def _unit(root: Declaration, offset: int) -> Declaration:
    around = root.innermost(offset).scopes()
    return next((scope for scope in around if scope.kind in UNITS), root)


def _check_stars(index: Index, target: Target) -> None:
    """Refuse where `.*` connects the port, or the signal, by its name."""
    home = _unit(target.source.outline, target.start)
    for path in index.paths():
        text = index.text(path)
        if not _CONNECTS_ALL.search(text) or (path != target.path and home.name not in text):
            continue
        source = index.source(path)
        for one in source.lists:
            inside = path == target.path and home.start <= one.owner.start <= home.end
            if one.everything and (inside or one.owner.text == home.name):
                raise RenameError(f"`.*` connects by name in {path.name}")
