"""What the name at a place means, and where else that is meant: definition, references, highlights.

The declarations come from each file's parse, the uses from its tokens, so names are also followed in
text that does not parse. Nothing is elaborated: of several files that declare a name, the nearest
counts. A place is a path and an offset into its text. All functions may take as long as it takes to
read the files they need, so call them on a thread.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.verilog.declarations import UNITS, Declaration, Kind
from engine.verilog.source import Source, name_span
from engine.verilog.tokens import List
from lsp_server.files import nearest
from lsp_server.workspace import Index

GLOBAL_KINDS: frozenset[Kind] = UNITS | {
    *("function", "task", "typedef", "enumerator", "parameter", "localparam", "signal")
}
# How long a chain `a.b.c` of names, types and packages is followed.
LONGEST_CHAIN = 30


@dataclass(frozen=True)
class Target:
    """What a name means: a declaration, and the file it is in. Two are equal if their places are."""

    path: Path
    name: str
    start: int
    declaration: Declaration = field(compare=False)
    source: Source = field(compare=False)

    @property
    def described(self) -> str:
        """The declaration as one reads it."""
        return self.declaration.described(self.source.text)


@dataclass(frozen=True)
class Use:
    """A place where a name stands. `.clk` without a value names both a port and the signal that is
    connected to it: there `shorthand` says which of them is meant."""

    path: Path
    start: int
    end: int
    shorthand: Literal["port", "value"] | None = None


def target_at(index: Index, path: Path, offset: int) -> Target | None:
    """What the word at `offset` means; None where it is no name, or nobody declares it."""
    source = index.source(path)
    number = source.word_at(offset)
    return None if number is None else resolve(index, path, source, number)


def resolve(
    index: Index, path: Path, source: Source, number: int, chain: int = LONGEST_CHAIN
) -> Target | None:
    """What token `number` of `source`, the text of `path`, means."""
    token = source.tokens[number]
    if source.is_include(number):
        file = index.include(token.text, path)
        return file and _target(file, index.source(file), index.source(file).outline)
    if source.is_macro(number):
        return _macro(index, path, source, token.text, token.start)
    if token.kind != "name" or chain == 0:
        return None
    if token.start in source.names:
        return _target(path, source, source.names[token.start])
    if one := source.connected(number):
        return connected(index, path, source, one, token.text, chain)
    if source.before(number) in (".", "::"):
        return _member(index, path, source, number, chain)
    return visible(index, path, source, token.text, token.start)


def visible(index: Index, path: Path, source: Source, name: str, offset: int) -> Target | None:
    """What `name`, standing alone, means at `offset`."""
    for scope in source.outline.innermost(offset).scopes():
        if name in scope.members:
            return _target(path, source, scope.members[name])
        for package, imported in scope.imports:
            if imported in ("*", name) and (
                found := _of_package(index, path, source, package, name)
            ):
                return found
    for included in index.included(source.text, path):
        other = index.source(included)
        if name in other.outline.members:
            return _target(included, other, other.outline.members[name])
    return declared(index, path, name, GLOBAL_KINDS)


def declared(index: Index, path: Path, name: str, kinds: Collection[Kind]) -> Target | None:
    """What other files declare as `name`, the one nearest to `path`."""
    for other in nearest(index.defining(name, kinds), path):
        source = index.source(other)
        if name in source.outline.members:
            return _target(other, source, source.outline.members[name])
    return None


def connected(
    index: Index, path: Path, source: Source, one: List, name: str, chain: int = LONGEST_CHAIN
) -> Target | None:
    """The port, parameter or argument `name` of what the list is for."""
    owner = owner_of(index, path, source, one, chain)
    found = owner and owner.declaration.members.get(name)
    return _target(owner.path, owner.source, found) if found else None


def owner_of(
    index: Index, path: Path, source: Source, one: List, chain: int = LONGEST_CHAIN
) -> Target | None:
    """The module, class or subroutine that a list is for."""
    return resolve(index, path, source, source.number_at(one.owner.start), chain - 1)


def references(index: Index, path: Path, target: Target) -> list[Use]:
    """Where in the file `path` the target is meant, its declaration included, in order."""
    if not may_mention(index.text(path), path, target):
        return []
    source = index.source(path)
    uses = []
    for number, token in enumerate(source.tokens):
        if token.text != target.name:
            continue
        short = token.start in source.shorthands
        place = name_span(token, source.text)
        if resolve(index, path, source, number) == target:
            uses.append(Use(path, *place, "port" if short else None))
        elif short and visible(index, path, source, token.text, token.start) == target:
            uses.append(Use(path, *place, "value"))
    return uses


def may_mention(text: str, path: Path, target: Target) -> bool:
    """Whether a file needs to be read for uses of `target`; quick, and rather true than false."""
    name = re.escape(target.name)
    if path != target.path and is_inner(target.declaration):
        # From another file it is reached only as a connection or as a part of something.
        return re.search(rf"[.:]\s*\\?{name}\b", text) is not None
    return re.search(rf"{name}\b", text) is not None


def is_inner(declaration: Declaration) -> bool:
    """Whether other files can't use the name as it is."""
    around = declaration.parent
    return around is not None and around.kind not in ("file", "package")


def _target(path: Path, source: Source, one: Declaration) -> Target:
    return Target(path, one.name, one.name_start, one, source)


def _macro(index: Index, path: Path, source: Source, name: str, offset: int) -> Target | None:
    """The last definition of a macro before `offset`, else one of an included file, else any."""
    own = [one for one in source.macros if one.name == name]
    if own:
        before = [one for one in own if one.start <= offset]
        return _target(path, source, (before or own)[-1 if before else 0])
    others = [*index.included(source.text, path), *nearest(index.defining(name, {"macro"}), path)]
    for other in others:
        for one in index.source(other).macros:
            if one.name == name:
                return _target(other, index.source(other), one)
    return None


def _of_package(index: Index, path: Path, source: Source, package: str, name: str) -> Target | None:
    own = source.outline.members.get(package)
    holder = _target(path, source, own) if own else declared(index, path, package, {"package"})
    found = holder and holder.declaration.members.get(name)
    return _target(holder.path, holder.source, found) if found else None


def _member(index: Index, path: Path, source: Source, number: int, chain: int) -> Target | None:
    """What the name behind a dot or `::` means: a part of what stands before it."""
    base = number - 2
    if base >= 0 and source.tokens[base].text == "]":
        base = source.opening(base) - 1
    if base < 0:
        return None
    whole = resolve(index, path, source, base, chain - 1)
    scope = whole and _inside(index, whole, chain - 1)
    found = scope and scope.declaration.members.get(source.tokens[number].text)
    return _target(scope.path, scope.source, found) if found else None


def _inside(index: Index, target: Target | None, chain: int) -> Target | None:
    """The scope that is reached through `target`: itself, or what its type is declared as."""
    for _ in range(chain):
        if target is None or target.declaration.kind in _REACHED or target.declaration.members:
            return target
        if target.declaration.type_at is None:
            return None
        number = target.source.number_at(target.declaration.type_at)
        target = resolve(index, target.path, target.source, number, chain - 1)
    return None


_REACHED: frozenset[Kind] = UNITS | {"block", "function", "task"}
