"""Which names may come next, by where one is and what is declared."""

from __future__ import annotations

from engine.verilog.viability import words
from engine.verilog.viability.names import Names

_CLOSED = (")", "]", "}")


def may_begin(names: Names, part: str, solid: frozenset[str] = frozenset()) -> bool:
    """Whether a name or keyword that begins with `part` may come next; one of `solid` only whole."""
    if names.complete and not "else".startswith(part):
        settled = names.copy()
        settled.settle(part)
        return may_begin(settled, part, solid)
    if names.complete or _unjudged(names):
        return True
    match names.place:
        case "statement":
            usable, keywords = names.scopes.writable(), words.STATEMENTS
        case "target":
            usable, keywords = names.scopes.writable(), frozenset()
        case "value" | "label":
            usable = names.scopes.visible()
            keywords = words.LOOPS if names.looping else words.VALUES
        case _:
            return True
    if part in keywords or any(word.startswith(part) for word in keywords - solid):
        return True
    return any(name.startswith(part) for group in (usable, names.known) for name in group)


def must_be_keyword(names: Names, part: str) -> bool:
    """Whether no name that begins with `part` may come next. Types of instances are not judged, so
    that is only likely where an item begins."""
    settled = names.copy()
    settled.settle(part)
    if settled.place == "statement":
        return not any(name.startswith(part) for name in (*settled.scopes.writable(), *names.known))
    return settled.place == "item" or _after_operand(settled)


def may_be(names: Names, name: str) -> bool:
    """Whether `name`, which is no keyword, may come next as it is."""
    if _unjudged(names):
        return True
    match names.place:
        case "statement" | "target":
            return name in names.known or names.scopes.is_writable(name)
        case "value" | "label":
            return name in names.known or names.scopes.find(name) is not None
        case "driven":
            return names.scopes.find(name) != "constant"
        case "declare" if names.looping:
            return True  # a scope of its own
        case "declare":
            directed = bool(names.direction)
            return names.scopes.may_declare(name, names.what, directed, names.titled)
        case "instance":
            return names.scopes.may_declare(name, "instance", False)
        case "block":
            return names.scopes.may_declare(name, "instance", False, outer=True)
    return True


def _unjudged(names: Names) -> bool:
    if names.lenient or names.off or names.last.source in (".", "::", "'", "#"):
        return True
    return _after_operand(names) and names.place in ("value", "label", "target")


def _after_operand(names: Names) -> bool:
    """Whether no name can come next."""
    if names.place == "label" and names.lead in words.CASES:
        return False  # that was the `)` of the `case`
    return names.last.kind in ("name", "number", "string") or names.last.source in _CLOSED
