"""What the index keeps of a file: enough to find it by what it declares, without its parse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from engine.verilog.declarations import UNITS, Declaration, Kind
from engine.verilog.source import Source
from engine.verilog.syntax import Module, header

# Listed besides what stands at the top of a file or in a package.
_LISTED_ANYWHERE = UNITS | {"function", "task"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A declaration as the index lists it: its name is at `start`; `container` is the name of what
    it is declared in, empty at the top of a file."""

    name: str
    kind: Kind
    container: str
    start: int

    @property
    def is_global(self) -> bool:
        """Whether other files can use the name as it is."""
        return not self.container


@dataclass(frozen=True)
class Summary:
    """What is known of one file. `includes` are the names of files, as written; `imports` the names
    used before `::`; `stamp` tells whether the file has changed since."""

    modules: tuple[Module, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    includes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    stamp: tuple[int, int] | None = None

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that may be defined only once in a design: modules and packages."""
        packages = (one.name for one in self.symbols if one.kind == "package")
        return frozenset((*(module.name for module in self.modules), *packages))

    @cached_property
    def globals(self) -> frozenset[str]:
        """All names that other files can use as they are."""
        return frozenset(one.name for one in self.symbols if one.is_global)

    @property
    def needs(self) -> list[str]:
        """The names of modules and, perhaps, packages that this file uses."""
        return [*self.imports, *(name for module in self.modules for name in module.instances)]

    @property
    def included_names(self) -> list[str]:
        """The names of the files it includes, without their folders."""
        return [PurePath(name).name for name in self.includes]


def summary(source: Source, stamp: tuple[int, int] | None = None) -> Summary:
    """Sum up `source`."""
    modules = tuple(source.modules)
    return Summary(
        modules=modules,
        headers={module.name: header(source.text, module) for module in modules},
        includes=tuple(source.includes),
        imports=tuple(source.imports),
        symbols=tuple(_symbols(source.outline, "")),
        stamp=stamp,
    )


def _symbols(scope: Declaration, container: str) -> Iterator[Symbol]:
    everything = scope.kind in ("file", "package")
    for one in scope.children:
        if one.name and (everything or one.kind in _LISTED_ANYWHERE):
            yield Symbol(one.name, one.kind, container, one.name_start)
        if one.kind in UNITS:
            yield from _symbols(one, one.name)
