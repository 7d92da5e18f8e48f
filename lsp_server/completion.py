"""The completion menu, without a model: modules, ports, signals, macros, keywords.

What is offered depends on the characters before the cursor: after "`" directives and macros, after
"$" system tasks, after "." in an instance its ports or parameters, else names and keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsprotocol import types

from engine.verilog.lexemes import KEYWORDS
from engine.verilog.syntax import Module, Parameter, Port, Signal, modules
from lsp_server.positions import LineIndex
from lsp_server.prompt import enclosing
from lsp_server.workspace import Index

# How far back the start of a connection list is looked for, in characters.
LONGEST_INSTANCE = 5_000
# A longer stretch is not parsed for a menu; keywords and module names are still offered.
LONGEST_MODULE = 200_000

MACRO = re.compile(r"^[ \t]*`define[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
CONNECTED = re.compile(r"\.\s*([A-Za-z_][\w$]*)")

DIRECTIVES = (
    "celldefine default_nettype define else elsif endcelldefine endif ifdef ifndef include line "
    "nounconnected_drive resetall timescale unconnected_drive undef"
)
SYSTEM_TASKS = (
    "bits ceil clog2 display dumpfile dumpoff dumpon dumpvars error fatal fclose fdisplay feof "
    "ferror fflush fgetc fgets finish floor fopen fread fscanf fstrobe fwrite info itor monitor "
    "pow random readmemb readmemh realtime rtoi signed sscanf stime stop strobe swrite time "
    "timeformat unsigned urandom urandom_range value$plusargs test$plusargs warning write "
    "writememb writememh"
)


def menu(
    index: LineIndex, offset: int, workspace: Index, snippets: bool
) -> list[types.CompletionItem]:
    """What fits at `offset`; instances come with their ports where the editor knows snippets."""
    text = index.text
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    if re.search(r"`\w*\Z", line):
        macros = _items(set(MACRO.findall(text)), types.CompletionItemKind.Constant)
        return macros + _items(DIRECTIVES.split(), types.CompletionItemKind.Keyword)
    if word := re.search(r"\$[\w$]*\Z", line):
        replaced = index.range(offset - len(word[0]), offset)
        return [_system_task(f"${name}", replaced) for name in SYSTEM_TASKS.split()]
    if re.search(r"\.\s*[\w$]*\Z", line):
        return connections(text, offset, workspace)
    return [
        *_own_names(text, offset),
        *(_instance(name, workspace.module(name), snippets) for name in workspace.names()),
        *_items(KEYWORDS, types.CompletionItemKind.Keyword),
    ]


def connections(text: str, offset: int, workspace: Index) -> list[types.CompletionItem]:
    """The ports (or, in `#(...)`, the parameters) that the instance around `offset` has left."""
    opening = _unmatched(text, offset)
    if opening is None:
        return []
    in_parameters, name = _instantiated(text, opening)
    module = workspace.module(name) if name else None
    if module is None:
        return []
    taken = set(CONNECTED.findall(text[opening : text.rfind(".", 0, offset)]))
    items = map(_parameter, module.parameters) if in_parameters else map(_port, module.ports)
    return [item for item in items if item.label not in taken]


def _own_names(text: str, offset: int) -> list[types.CompletionItem]:
    """The signals, ports and parameters of the module that is being written."""
    start, end = enclosing(text, offset)
    if end - start > LONGEST_MODULE:
        return []
    items: list[types.CompletionItem] = []
    for module in modules(text[start:end]):
        if module.start <= offset - start <= module.end:
            items += map(_port, module.ports)
            items += map(_parameter, module.parameters)
            items += map(_signal, module.signals)
    # A port may be declared again in the body.
    return list({item.label: item for item in reversed(items)}.values())[::-1]


def _port(port: Port) -> types.CompletionItem:
    detail = f"{port.direction} {port.type_text}".strip()
    return _item(port.name, types.CompletionItemKind.Field, detail)


def _parameter(parameter: Parameter) -> types.CompletionItem:
    return _item(parameter.name, types.CompletionItemKind.Constant, parameter.default)


def _signal(signal: Signal) -> types.CompletionItem:
    return _item(signal.name, types.CompletionItemKind.Variable, signal.declaration_text)


def _instance(name: str, module: Module | None, snippets: bool) -> types.CompletionItem:
    item = _item(name, types.CompletionItemKind.Module, "module")
    if snippets and module is not None and module.ports:
        ports = ",\n".join(
            f"  .{_escape(port.name)}(${{{number}:{_escape(port.name)}}})"
            for number, port in enumerate(module.ports, start=2)
        )
        item.insert_text = f"{_escape(name)} ${{1:u_{_escape(name)}}} (\n{ports}\n);"
        item.insert_text_format = types.InsertTextFormat.Snippet
        item.detail = "instance with every port"
    return item


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
    item = _item(name, types.CompletionItemKind.Function, "system task or function")
    item.text_edit = types.TextEdit(replaced, name)
    return item


def _items(
    labels: Iterable[str], kind: types.CompletionItemKind, detail: str | None = None
) -> list[types.CompletionItem]:
    return [_item(label, kind, detail) for label in sorted(labels)]


def _item(
    label: str, kind: types.CompletionItemKind, detail: str | None = None
) -> types.CompletionItem:
    return types.CompletionItem(label=label, kind=kind, detail=detail)
