"""What the processes of a text assign: `always`, `initial` and `final` blocks."""

from __future__ import annotations

from collections.abc import Iterator

from pyslang import syntax as slang

from engine.verilog.reading import Reading, read

_Kind = slang.SyntaxKind
_PROCESSES = frozenset(
    {
        _Kind.AlwaysBlock,
        _Kind.AlwaysCombBlock,
        _Kind.AlwaysFFBlock,
        _Kind.AlwaysLatchBlock,
        _Kind.FinalBlock,
        _Kind.InitialBlock,
    }
)
_NAMES = frozenset({_Kind.IdentifierName, _Kind.IdentifierSelectName})


def in_processes(text: str) -> list[tuple[int, str]]:
    """Each place where a process of `text` assigns a name, or a part of what it names, with that name.

    In a concatenation every name is assigned; in an index none is. Empty where the text can't be read.
    """
    reading = read(text)
    if reading is None:
        return []
    found: list[tuple[int, str]] = []

    def visit(node: object) -> object:
        if isinstance(node, slang.SyntaxNode) and node.kind in _PROCESSES:
            node.visit(lambda inner: _note(reading, inner, found))
        return None

    reading.root.visit(visit)
    return found


def _note(reading: Reading, node: object, found: list[tuple[int, str]]) -> None:
    """Add what `node`, if it is an assignment, assigns."""
    if isinstance(node, slang.BinaryExpressionSyntax) and "Assignment" in node.kind.name:
        for name in _targets(node.left):
            found.append((reading.offset(name.identifier.location), name.identifier.valueText))


def _targets(left: slang.SyntaxNode) -> Iterator[slang.SyntaxNode]:
    """The names that stand for a target of an assignment, without those in indices."""
    if left.kind in _NAMES:
        yield left
    elif left.kind == _Kind.ElementSelectExpression:
        yield from _targets(left.left)
    elif left.kind == _Kind.ConcatenationExpression:
        for part in left.expressions:
            if isinstance(part, slang.SyntaxNode):
                yield from _targets(part)
