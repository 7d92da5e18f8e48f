"""The names that are declared, scope within scope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

What = Literal[
    "implied",  # by an `assign` or a connection; may still be declared
    "listed",  # in an old header, where nothing but the name of a port stands
    "port",  # has a direction, but no type yet
    "net",
    "reg",
    "variable",  # of SystemVerilog's types
    "constant",
    "instance",  # of a module, or a block: what one can look into
    "routine",
]
_WRITABLE = frozenset(("reg", "variable", "instance", "routine"))


class Scopes:
    """A stack of scopes: what is outside of all modules, the module, and those within it."""

    __slots__ = ("stack",)

    def __init__(self) -> None:
        self.stack: list[dict[str, What]] = [{}]

    def copy(self) -> Scopes:
        new = Scopes()
        new.stack = [*map(dict, self.stack)]
        return new

    def enter(self) -> None:
        self.stack.append({})

    def leave(self) -> None:
        self.stack.pop()

    def end_module(self) -> None:
        del self.stack[1:]

    @property
    def in_module(self) -> bool:
        return len(self.stack) > 1

    @property
    def in_block(self) -> bool:
        """Whether within a function or a block of a module."""
        return len(self.stack) > 2

    def find(self, name: str) -> What | None:
        return next((scope[name] for scope in reversed(self.stack) if name in scope), None)

    def visible(self) -> Iterator[str]:
        """All names that may be used."""
        for scope in self.stack:
            yield from scope

    def writable(self) -> Iterator[str]:
        """All names that a procedural assignment may begin with."""
        for scope in self.stack:
            yield from (name for name, what in scope.items() if what in _WRITABLE)

    def is_writable(self, name: str) -> bool:
        return self.find(name) in _WRITABLE

    def may_declare(self, name: str, what: What, directed: bool, outer: bool = False) -> bool:
        """Whether `name` may be declared as `what` in the innermost scope, or with `outer` in the one
        around it. Only a port is declared again: for its direction, then for its type."""
        match self.stack[-2 if outer else -1].get(name):
            case None | "implied":
                return True
            case "listed":
                return what in ("port", "net", "reg", "variable")
            case "port":
                return what in ("net", "reg", "variable") and not directed
        return False

    def declare(self, name: str, what: What, outer: bool = False) -> None:
        self.stack[-2 if outer and len(self.stack) > 1 else -1][name] = what

    def imply(self, name: str, what: What, outer: bool = False) -> None:
        """Declare `name` if it is not."""
        self.stack[-2 if outer and len(self.stack) > 1 else -1].setdefault(name, what)
