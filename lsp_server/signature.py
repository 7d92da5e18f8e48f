"""Signature help: the ports of an instance, its parameters, or the arguments of a call, and which of
them the cursor is at. Works by position and by name, on lists that are not closed yet, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.verilog.declarations import Kind
from engine.verilog.tokens import List
from lsp_server import navigation
from lsp_server.hover import documentation
from lsp_server.workspace import Index

_TAKEN: dict[str, tuple[Kind, ...]] = {
    "ports": ("port",),
    "parameters": ("parameter",),
    "call": ("argument",),
}


@dataclass(frozen=True)
class Signature:
    """`label` shows all of it; `parts` are where in it each port stands; `active` is the number of the
    one at the cursor, if there is one."""

    label: str
    parts: tuple[tuple[int, int], ...]
    active: int | None
    documentation: str


def signature(index: Index, path: Path, offset: int) -> Signature | None:
    """The signature for the list that `offset` is in."""
    source = index.source(path)
    one = source.list_at(offset)
    owner = navigation.owner_of(index, path, source, one) if one else None
    if one is None or owner is None:
        return None
    taken = [each for each in owner.declaration.children if each.kind in _TAKEN[one.kind]]
    if not taken:
        return None
    label = f"{owner.name} {'#' if one.kind == 'parameters' else ''}("
    parts = []
    for number, each in enumerate(taken):
        label += ", " if number else ""
        parts.append(
            (len(label), len(label := label + each.described(owner.source.text).split("\n")[0]))
        )
    names = [each.name for each in taken]
    return Signature(label + ")", tuple(parts), _active(one, offset, names), documentation(owner))


def _active(one: List, offset: int, names: list[str]) -> int | None:
    """By name, or else by position; where the next is to be named, the first that is not yet."""
    named = one.name(offset)
    if named is not None and named.text in names:
        return names.index(named.text)
    if one.names or one.everything:
        connected = {name.text for name in one.names}
        return next((n for n, name in enumerate(names) if name not in connected), None)
    position = one.position(offset)
    return position if position < len(names) else None
