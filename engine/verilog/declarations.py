"""A declaration, and the tree that those of a text form; `outline` makes it.

Offsets are indices into the str that the tree was made of.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

# fmt: off
Kind = Literal[
    "file", "module", "interface", "program", "primitive", "package", "class",
    "port", "parameter", "localparam", "signal", "genvar", "instance", "modport",
    "function", "task", "argument", "typedef", "enumerator", "field", "property",
    "block", "process", "loop", "macro",
]
# fmt: on
UNITS = frozenset({"module", "interface", "program", "primitive", "package", "class"})

Span = tuple[int, int]


@dataclass(eq=False, slots=True)
class Declaration:
    """A name that is declared, or a scope without a name: a block, an `always`, a loop, the file.

    `text[start:end]` is the declaration itself, without the type that it shares with others of its
    statement; `head` is that type, or the header of what has one; `again` a second declaration of
    the same port, such as `reg q`. `type_at` is where the name of its type stands, if that is one of
    the user's: a module's for an instance. `written` says whether the name stands in the text, and
    does not come out of a macro.
    """

    name: str
    kind: Kind
    start: int
    end: int
    name_start: int
    name_end: int
    head: Span | None = None
    type_at: int | None = None
    parent: Declaration | None = None
    again: Span | None = None
    written: bool = True
    children: list[Declaration] = field(default_factory=list)
    inner: list[Declaration] = field(default_factory=list)  # those of the children that are scopes
    members: dict[str, Declaration] = field(default_factory=dict)
    imports: list[tuple[str, str]] = field(default_factory=list)  # (package, name or "*")

    def described(self, text: str) -> str:
        """The declaration as one reads it, in the text that it was made of."""
        if self.kind in ("typedef", "modport", "macro"):
            return text[self.start : self.end].rstrip()
        head = text[slice(*self.head)] if self.head else ""
        if self.kind in UNITS:
            return head.rstrip()
        own = "" if self.kind in ("function", "task", "process") else text[self.start : self.end]
        lines = [f"{head} {own}"]
        if self.again:
            lines.append(text[slice(*self.again)])
        return "\n".join(" ".join(line.split()) for line in lines)

    def declare_again(self, other: Declaration) -> None:
        """Take in another declaration of this port: its direction counts for more than the mere name
        in an old header, and `reg q` beside `output q` is kept as `again`."""
        if self.head is None:
            self.start, self.end, self.head = other.start, other.end, other.head
            self.name_start, self.name_end = other.name_start, other.name_end
            self.type_at, self.written = other.type_at, other.written
        elif self.again is None and other.head is not None:
            self.again = other.head[0], other.end

    def scopes(self) -> Iterator[Declaration]:
        """This one and those around it, from the inside out."""
        scope: Declaration | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def walk(self, apart: Collection[Kind] = ()) -> Iterator[Declaration]:
        """All that is declared within, in order; what is in those of the kinds `apart` is left out."""
        waiting = self.children[::-1]
        while waiting:
            one = waiting.pop()
            yield one
            if one.kind not in apart:
                waiting.extend(reversed(one.children))

    def add(self, one: Declaration) -> None:
        """Add a child, behind those that there are."""
        self.children.append(one)
        if one.kind in _SCOPES:
            self.inner.append(one)
        if not one.name:
            return
        self.members.setdefault(one.name, one)
        if one.kind == "block":  # its name is also seen from outside of the loop or the `always`
            for scope in self.scopes():
                scope.members.setdefault(one.name, one)
                if scope.kind not in ("process", "loop"):
                    break

    def innermost(self, offset: int) -> Declaration:
        """The innermost scope around `offset`."""
        scope = self
        while True:
            number = bisect_right(scope.inner, offset, key=lambda one: one.start) - 1
            if number < 0 or offset > scope.inner[number].end:
                return scope
            scope = scope.inner[number]


_SCOPES = frozenset({*UNITS, "function", "task", "block", "process", "loop"})
