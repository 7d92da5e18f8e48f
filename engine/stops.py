"""Where a completion ends early, found in its visible text."""

from __future__ import annotations

import re

from engine.api import Stop
from engine.verilog.reading import OPAQUE

_LABEL = r"(?:[ \t]*:[ \t]*\w+)?"
_MODULE_END = re.compile(rf"\bendmodule\b{_LABEL}")
_BRACKET = re.compile(
    rf"{OPAQUE}|(?P<open>\b(?:begin|case[xz]?|fork|function|task|generate|module)\b|[(\[{{])"
    rf"|(?P<close>\b(?:end(?:case|function|task|generate|module)?|join(?:_any|_none)?)\b{_LABEL}|[)\]}}])",
    re.DOTALL,
)
_TEXT_THEN_LINE_END = re.compile(r"\S[^\n]*(?=\n)")


def find(text: str, new: int, stop: Stop) -> int | None:
    """Offset at which `text`, whose part before `new` was checked already, is to be cut, or None.

    `line`: at the first line end after some text. `module`: after `endmodule`. `block`: at a blank
    line, or before the first line that is indented less than the completion's first whole line. `end`:
    after the `end`, the bracket or the like that closes what was open before the text.
    """
    if stop == "line":
        match = _TEXT_THEN_LINE_END.search(text)
        return match.end() if match else None
    if stop == "module":
        match = _MODULE_END.search(text, max(0, new - len("endmodule")))
        return match.end() if match else None
    if stop == "block":
        return _block_end(text)
    if stop == "end":
        return _balanced_end(text)
    return None


def _balanced_end(text: str) -> int | None:
    depth = 0
    for match in _BRACKET.finditer(text):
        if match["close"] and not depth:
            return match.end()
        depth += bool(match["open"]) - bool(match["close"])
    return None


def _block_end(text: str) -> int | None:
    lines = text.split("\n")
    offset = len(lines[0])
    first_indent: int | None = None
    for number, line in enumerate(lines[1:], 1):
        last = number == len(lines) - 1
        if not line.strip():
            if not last and "".join(lines[:number]).strip():
                return offset
        else:
            indent = len(line) - len(line.lstrip())
            if first_indent is None:
                first_indent = indent
            elif indent < first_indent:
                return offset
        offset += 1 + len(line)
    return None
