"""The completion menu, without a model: modules, ports, signals, macros, keywords.

What is offered depends on what stands before the cursor: after "`" directives and macros, after "$"
system tasks, after "." in an instance its ports or parameters, after "::" what a package has, else
the names that can be seen there and the keywords that can stand there. Entries carry in `data` where
they were asked for; `resolve` finds their declaration with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from engine.verilog.declarations import Declaration
from engine.verilog.syntax import Module, Parameter, Port
from lsp_server import hover, navigation
from lsp_server.cursor import LONGEST_WORD, Place, half_word, place, surroundings, without_comments
from lsp_server.positions import LineIndex
from lsp_server.words import DIRECTIVES, KEYWORDS, SYSTEM_TASKS
from lsp_server.workspace import Index

# How far on either side the ends of a connection list are looked for, in characters.
LONGEST_INSTANCE = 5_000
# More modules than these are not sent at once; the menu is asked for again as one types.
MOST_MODULES = 200

_CONNECTED = re.compile(r"\.\s*([A-Za-z_][\w$]*)")
_ARGUMENTS = re.compile(r"`define\s+\w+\(([^)]*)\)")

_Kind = types.CompletionItemKind
_KINDS = {
    "port": _Kind.Field,
    "parameter": _Kind.Constant,
    "localparam": _Kind.Constant,
    "enumerator": _Kind.EnumMember,
    "signal": _Kind.Variable,
    "genvar": _Kind.Variable,
    "argument": _Kind.Variable,
    "typedef": _Kind.Struct,
    "class": _Kind.Class,
    "function": _Kind.Function,
    "task": _Kind.Function,
}
# Where names are used; where new ones are declared they are of no help.
_NAMES_IN: set[Place] = {"item", "statement", "event", "list", "expression", "ports", "parameters"}


@dataclass(frozen=True)
class Asked:
    """Where the menu is asked for: at `offset` of the document at `path`; whether the editor knows
    snippets."""

    lines: LineIndex
    offset: int
    path: Path
    snippets: bool

    @property
    def text(self) -> str:
        return self.lines.text

    @property
    def goes_on(self) -> str:
        """What follows the word at the cursor on its line."""
        end = re.compile(r"[\w$]*").match(self.text, self.offset).end()
        return self.text[end:].split("\n", 1)[0].strip()


def menu(asked: Asked, workspace: Index) -> types.CompletionList:
    """What fits there; nothing in comments and strings."""
    text, offset = asked.text, asked.offset
    line = text[max(text.rfind("\n", 0, offset) + 1, offset - LONGEST_WORD) : offset]
    if surroundings(text, offset) != "code" or re.search(r"\d?'\w*\Z", line):
        return _list([])
    if re.search(r"`\w*\Z", line):
        return _list(_macros(asked, workspace), DIRECTIVES)
    if word := re.search(r"\$[\w$]*\Z", line):
        replaced = asked.lines.range(offset - len(word[0]), offset)
        return _list(_system_task(f"${name}", replaced) for name in sorted(SYSTEM_TASKS))
    if re.search(r"\.\s*[\w$]*\Z", line):
        return _list(connections(asked, workspace))
    if package := re.search(r"([A-Za-z_]\w*)::\w*\Z", line):
        return _list(_of_package(asked, workspace, package[1]))
    return _words(asked, workspace)


def resolve(item: types.CompletionItem, workspace: Index) -> types.CompletionItem:
    """`item` with its declaration, and the comment beside it, as documentation."""
    if not isinstance(item.data, dict):
        return item
    path, offset, name = Path(item.data["path"]), item.data["offset"], item.data["name"]
    source = workspace.source(path)
    if owner := item.data.get("of"):
        found = navigation.declared(workspace, path, owner, navigation.GLOBAL_KINDS)
        source, path = (found.source, found.path) if found else (source, path)
        offset = found.declaration.end - 1 if found else offset
    target = navigation.visible(workspace, path, source, name, offset)
    if target is not None:
        markdown = hover.shown(workspace, target, Path(item.data["path"]))
        item.documentation = types.MarkupContent(types.MarkupKind.Markdown, markdown)
    return item


def connections(asked: Asked, workspace: Index) -> Iterator[types.CompletionItem]:
    """The ports (or, in `#(...)`, the parameters) that the instance around the cursor has left."""
    code = without_comments(asked.text)
    opening = _unmatched(code, asked.offset)
    if opening is None:
        return
    in_parameters, name = _instantiated(code, opening)
    module = workspace.module(name) if name else None
    if module is None:
        return
    half = asked.offset - len(half_word(code, asked.offset))
    taken = {
        *_CONNECTED.findall(code[opening : code.rfind(".", 0, half + 1)]),
        *_CONNECTED.findall(code[asked.offset : _closing(code, asked.offset)]),
    }
    for one in module.parameters if in_parameters else module.ports:
        if one.name not in taken:
            yield _connection(one, asked, module)


def _connection(one: Port | Parameter, asked: Asked, module: Module) -> types.CompletionItem:
    if isinstance(one, Port):
        item = _item(one.name, _Kind.Field, f"{one.direction} {one.type_text}".strip())
        value = one.name
    else:
        item = _item(one.name, _Kind.Constant, one.default)
        value = one.default or one.name
    item.data = {**_data(one.name, asked), "of": module.name}
    if asked.snippets and not asked.goes_on.startswith("("):
        _snippet(item, f"{_escape(one.name)}(${{1:{_escape(value)}}})")
    return item


def _words(asked: Asked, workspace: Index) -> types.CompletionList:
    here = place(asked.text, asked.offset)
    items = list(_names(asked, workspace)) if here in _NAMES_IN else []
    cut = False
    if here == "item":
        half = half_word(asked.text, asked.offset).lower()
        modules = [name for name in workspace.names() if _spells(half, name.lower())]
        cut = len(modules) > MOST_MODULES
        items += (_instance(name, asked, workspace) for name in modules[:MOST_MODULES])
    found = _list(items, KEYWORDS[here])
    found.is_incomplete = cut
    return found


def _spells(half: str, name: str) -> bool:
    """Whether `half` has letters of `name` in their order, as editors match."""
    rest = iter(name)
    return all(letter in rest for letter in half)


def _names(asked: Asked, workspace: Index) -> Iterator[types.CompletionItem]:
    """The names that can be seen from the cursor, the nearest first."""
    source = workspace.source(asked.path)
    seen: set[str] = set()
    for scope in source.outline.innermost(asked.offset).scopes():
        for name, one in scope.members.items():
            if one.kind in _KINDS and name not in seen:
                seen.add(name)
                yield _declared(one, source.text, asked)


def _declared(one: Declaration, text: str, asked: Asked) -> types.CompletionItem:
    item = _item(one.name, _KINDS[one.kind], " ".join(one.described(text).split()))
    item.sort_text = f"0{one.name}"
    item.data = _data(one.name, asked)
    return item


def _data(name: str, asked: Asked) -> dict[str, str | int]:
    return {"name": name, "path": str(asked.path), "offset": asked.offset}


def _of_package(asked: Asked, workspace: Index, name: str) -> Iterator[types.CompletionItem]:
    package = navigation.declared(workspace, asked.path, name, {"package", "class"})
    for one in package.declaration.children if package else ():
        if one.kind in _KINDS and one.name:
            item = _declared(one, package.source.text, asked)
            item.data = {**_data(one.name, asked), "of": name}
            yield item


def _macros(asked: Asked, workspace: Index) -> Iterator[types.CompletionItem]:
    """The macros of the document and of what it includes."""
    for name, definition in sorted(workspace.macros(asked.text, asked.path).items()):
        item = _item(name, _Kind.Constant, definition.split("\n", 1)[0])
        item.documentation = types.MarkupContent(
            types.MarkupKind.Markdown, f"```verilog\n{definition}\n```"
        )
        arguments = _ARGUMENTS.match(definition)
        if arguments and asked.snippets and not asked.goes_on.startswith("("):
            names = [one.partition("=")[0].strip() for one in arguments[1].split(",")]
            stops = (f"${{{n}:{_escape(one)}}}" for n, one in enumerate(names, start=1))
            _snippet(item, f"{name}({', '.join(stops)})")
        yield item


def _instance(name: str, asked: Asked, workspace: Index) -> types.CompletionItem:
    item = _item(name, _Kind.Module, "module")
    item.sort_text = f"1{name}"
    item.data = _data(name, asked)
    module = workspace.module(name)
    if asked.snippets and module and module.ports and not asked.goes_on:
        _snippet(item, instantiation(module))
        item.detail = "instance with every port"
    return item


def instantiation(module: Module) -> str:
    """A snippet: an instance of `module` with all parameters and ports by name."""
    stops = iter(range(1, 2 + len(module.parameters) + len(module.ports)))

    def connected(names: Iterable[tuple[str, str]]) -> str:
        lines = (f"\t.{_escape(name)}(${{{next(stops)}:{_escape(to)}}})" for name, to in names)
        return "(\n" + ",\n".join(lines) + "\n)"

    name = _escape(module.name)
    parameters = ""
    if module.parameters:
        values = [(one.name, one.default or one.name) for one in module.parameters]
        parameters = f"#{connected(values)} "
    instance = f"${{{next(stops)}:u_{name}}}"
    return f"{name} {parameters}{instance} {connected((p.name, p.name) for p in module.ports)};"


def _snippet(item: types.CompletionItem, text: str) -> None:
    item.insert_text = text
    item.insert_text_format = types.InsertTextFormat.Snippet


def _escape(name: str) -> str:
    """`name` for use in a snippet, where "$", "}" and "\\" have a meaning."""
    return re.sub(r"[$}\\]", r"\\\g<0>", name)


def _unmatched(text: str, offset: int) -> int | None:
    """The offset of the "(" that is open at `offset`."""
    depth = 0
    for position in range(offset - 1, max(-1, offset - LONGEST_INSTANCE), -1):
        if text[position] == ")":
            depth += 1
        elif text[position] == "(":
            if depth == 0:
                return position
            depth -= 1
        elif text[position] == ";":
            return None
    return None


def _closing(text: str, offset: int) -> int:
    """Where the list that is open at `offset` ends: at its ")", or before the next ";"."""
    depth = 0
    for match in re.finditer(r"[();]", text[offset : offset + LONGEST_INSTANCE]):
        if match[0] == "(":
            depth += 1
        elif match[0] == ";" or depth == 0:
            return offset + match.start()
        else:
            depth -= 1
    return offset


def _instantiated(text: str, opening: int) -> tuple[bool, str | None]:
    """Whether the list that opens at `opening` is one of parameters, and the module it is for."""
    before = text[:opening].rstrip()
    if before.endswith("#"):
        return True, _last_word(before[:-1])
    instance = _last_word(before)
    if instance is None:
        return False, None
    before = before[: -len(instance)].rstrip()
    if before.endswith(")"):
        values = _unmatched(text, len(before) - 1)
        before = "" if values is None else text[:values].rstrip().removesuffix("#")
    return False, _last_word(before)


def _last_word(text: str) -> str | None:
    found = re.search(r"[A-Za-z_][\w$]*\s*\Z", text[-200:])
    return found[0].strip() if found else None


def _system_task(name: str, replaced: types.Range) -> types.CompletionItem:
    # Editors differ in whether "$" belongs to the word being typed, so the range is given.
    item = _item(name, _Kind.Function, "system task or function")
    item.text_edit = types.TextEdit(replaced, name)
    return item


def _list(
    items: Iterable[types.CompletionItem], keywords: Iterable[str] = ()
) -> types.CompletionList:
    words = [_item(word, _Kind.Keyword) for word in sorted(keywords)]
    for word in words:
        word.sort_text = f"2{word.label}"
    return types.CompletionList(is_incomplete=False, items=[*items, *words])


def _item(
    label: str, kind: types.CompletionItemKind, detail: str | None = None
) -> types.CompletionItem:
    return types.CompletionItem(label=label, kind=kind, detail=detail)
