"""What the text says about the cursor: which module, code or comment, and what can stand there.

Everything here works on text that is being typed and may be huge or no Verilog at all. So it looks at
a bounded stretch around the cursor and reads lexemes, not a parse.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from engine.api import Stop

# How far from the cursor the ends of its module are looked for, in characters.
REACH = 250_000
LONGEST_WORD = 500

Surroundings = Literal["code", "comment", "string"]
Place = Literal["file", "parameters", "ports", "item", "statement", "event", "list", "expression"]
"""What can stand at a cursor: a declaration of the file, a parameter or a port of a module's header,
an item of a module, a statement, an event of `@(...)`, an entry of the list of an instance, or an
expression (also where nothing but a name can)."""

# What is no code: comments, strings (both may be unfinished) and escaped identifiers.
OPAQUE = (
    r"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"
    r'|(?P<string>"(?:\\.|[^"\\\n])*"?)|(?P<escaped>\\\S+)'
)
MODULE_START = re.compile(r"\b(?:macro)?module\s+(?:automatic\s+)?([A-Za-z_][\w$]*)")
MODULE_END = re.compile(r"\bendmodule\b(?:[ \t]*:[ \t]*\w+)?")

_FROM_ELSEWHERE = re.compile(r"`include\b|\bimport\b")
_OPAQUE = re.compile(OPAQUE, re.DOTALL)
_MODULE_ENDS = re.compile(rf"{OPAQUE}|(?P<end>{MODULE_END.pattern})", re.DOTALL)
_LEXEMES = re.compile(rf"{OPAQUE}|[`$]?[A-Za-z_][\w$]*|\d[\w']*|\S", re.DOTALL)
_HALF = re.compile(r"[\w$]*\Z")
# What a line ends with when a block of lines is to follow.
_OPENS_BLOCK = re.compile(
    r"(?:\b(?:begin|fork)\b(?:\s*:\s*\w+)?|\b(?:else|generate)"
    r"|\b(?:case[xz]?|always\w*|if|for|while|repeat)\b[^;]*\))\s*\Z"
)


def has_names_from_elsewhere(before: str) -> bool:
    """Whether the text `before` a place includes or imports something, which may declare any name."""
    return _FROM_ELSEWHERE.search(before) is not None


def enclosing(text: str, offset: int) -> tuple[int, int]:
    """Start and end of the stretch between two modules' ends that `offset` lies in: the module
    around the cursor with what stands before it."""
    start = text.rfind("\n", 0, max(0, offset - REACH)) + 1
    end = min(len(text), offset + REACH)
    ends = _module_ends(text, start, end)
    before = [one_end for _, one_end in ends if one_end <= offset]
    after = [one_end for one_start, one_end in ends if one_end > offset and one_start >= offset]
    return (before or [start])[-1], (after or [end])[0]


@lru_cache(maxsize=4)  # several questions are asked about one text
def _module_ends(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    found = _MODULE_ENDS.finditer(text, start, end)
    return tuple(match.span() for match in found if match.lastgroup == "end")


def inside_module(text: str, offset: int) -> bool:
    """Whether a module begins before `offset` that has not ended there."""
    start, _ = enclosing(text, offset)
    return MODULE_START.search(without_comments(text[start:offset])) is not None


def without_comments(text: str) -> str:
    """`text` with blanks for comments and strings; every offset stays."""
    return _OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def half_word(text: str, offset: int) -> str:
    """What of a word stands before `offset`; empty where none ends there."""
    # Bounded: a line may be a whole netlist, and this is asked for with each key.
    return _HALF.search(text, max(0, offset - LONGEST_WORD), offset).group()


def surroundings(text: str, offset: int) -> Surroundings:
    """Whether what is typed at `offset` becomes code, or part of a comment or a string."""
    start, _ = enclosing(text, offset)
    for match in _OPAQUE.finditer(text, start):
        if match.start() >= offset:
            break
        if offset < match.end() or (offset == match.end() and _unfinished(match)):
            return {"comment": "comment", "string": "string"}.get(match.lastgroup or "", "code")
    return "code"


def _unfinished(match: re.Match[str]) -> bool:
    """Whether text right behind `match` still belongs to it."""
    said = match.group()
    if said.startswith("/*"):
        return len(said) < 4 or not said.endswith("*/")
    if said.startswith('"'):
        return len(said) < 2 or not said.endswith('"')
    return True


def stop_policy(text: str, offset: int) -> Stop:
    """How far ghost text may go: a block on an empty line in a module and where a line has opened
    one (`begin`, `case (x)`, `always @(...)`, the `(` of ports or connections), else the line's rest."""
    line_start = text.rfind("\n", 0, offset) + 1
    line_end = text.find("\n", offset)
    before, after = text[line_start:offset], text[offset : line_end if line_end >= 0 else None]
    if after.strip() or surroundings(text, offset) != "code" or not inside_module(text, offset):
        return "line"
    if not before.strip() or _OPENS_BLOCK.search(before):
        return "block"
    lists = before.rstrip().endswith("(") and place(text, offset) in ("ports", "parameters", "list")
    return "block" if lists else "line"


def place(text: str, offset: int) -> Place:
    """What can stand at `offset`; the word that is being typed there does not count."""
    start, _ = enclosing(text, offset)
    scan = _Scan()
    for match in _LEXEMES.finditer(text, start, offset - len(half_word(text, offset))):
        if match.lastgroup != "comment":
            scan.read(match.group())
    return scan.place()


_DESIGN = {"module", "macromodule", "interface", "program", "package", "class"}
_PROCEDURAL = {"always", "always_ff", "always_comb", "always_latch", "initial", "final"}
_ROUTINES = {"function", "task"}
_CONTROL = {"if", "for", "while", "repeat", "foreach", "wait", "@"}
_OPENING = {"(": ")", "[": "]", "{": "}"}
_STARTS = {";", "begin", "fork", "else", "generate", "endcase", "join", "end"}
_STARTS |= {"endgenerate", "endfunction", "endtask", "do", "forever", *_PROCEDURAL}


class _Scan:
    """Reads code lexeme by lexeme and knows what is open.

    `open` holds what has been opened and not closed: `module`, `header` (until its `;`), `function`,
    `begin`, `do` (a `begin` of statements), `case`, and brackets by what they are.
    """

    def __init__(self) -> None:
        self.open: list[str] = []
        self.last = ""
        self.before_list = ""  # the lexeme before the bracket that has just been closed
        self.statement = False  # an `always` or `initial` waits for its statement
        self.ended_statement = False  # what ended last was a statement: an `else` goes on with it
        self.conditional = False  # a `?` has been read in this statement
        self.words: list[str] = []

    def read(self, lexeme: str) -> None:
        """Go past `lexeme`."""
        if lexeme in _DESIGN:
            self.open += ["module", "header"]
        elif lexeme in _ROUTINES:
            self.open.append("function")
        elif lexeme in _PROCEDURAL:
            self.statement = True
        elif lexeme == "else":
            self.statement = self.statement or self.ended_statement
        elif lexeme in ("begin", "fork"):
            self.open.append("do" if self._procedural() else "begin")
            self.statement = False
        elif lexeme in ("case", "casex", "casez"):
            self.open.append("case")
        elif lexeme in _OPENING:
            self.open.append(self._bracket(lexeme))
        elif lexeme in _OPENING.values():
            self._close_bracket()
        elif lexeme.startswith("end") or lexeme in ("join", "join_any", "join_none"):
            self._end(lexeme)
        elif lexeme == "?":
            self.conditional = True
        elif lexeme == ";":
            self._semicolon()
        self.words = [*self.words[-2:], lexeme]
        self.last = lexeme

    def place(self) -> Place:
        """What can stand here."""
        if not self.open:
            return "file"
        match self.open[-1].partition(" ")[0]:
            case "header" | "bracket":
                return "expression"
            case "parameters":
                return "parameters"
            case "ports":
                return "ports"
            case "event":
                return "event"
            case "list":
                return "list" if self.last in ("(", ",") else "expression"
        if not self._at_start():
            return "expression"
        return "statement" if self._procedural() else "item"

    def _procedural(self) -> bool:
        return self.statement or "do" in self.open or "function" in self.open

    def _at_start(self) -> bool:
        if self.last == ")":
            return self.before_list in _CONTROL or (
                self.open[-1] == "case" and self.before_list.startswith("case")
            )
        if self.last == ":":  # of a case item or of a label; else of a conditional expression
            return self.open[-1] == "case" and not self.conditional
        labelled = self.words[-2:-1] == [":"] and self.words[-3:-2] in (["begin"], ["end"])
        return self.last in _STARTS or labelled

    def _bracket(self, lexeme: str) -> str:
        if lexeme != "(":
            return "bracket"
        if self.open[-1:] == ["header"]:
            return "parameters" if self.last == "#" else "ports"
        if self.last == "@":
            return "event @"
        named = re.fullmatch(r"[A-Za-z_\\]\S*", self.last) and self.last not in _CONTROL
        instance = self.last == "#" or (named and self._after_type())
        return f"{'list' if instance else 'bracket'} {self.last}"

    def _after_type(self) -> bool:
        """Whether `type name (` or `type #(...) name (` has just been read: an instance."""
        if self._procedural() or len(self.words) < 2:
            return False
        return self.words[-2] == ")" or re.fullmatch(r"[A-Za-z_]\w*", self.words[-2]) is not None

    def _close_bracket(self) -> None:
        kinds = ("bracket", "event", "list", "ports", "parameters")
        if self.open and self.open[-1].partition(" ")[0] in kinds:
            self.before_list = self.open.pop().partition(" ")[2]

    def _semicolon(self) -> None:
        self.conditional = False
        if self.open[-1:] == ["header"]:
            self.open.pop()
        if self.open[-1:] in (["module"], ["begin"]):
            self.ended_statement, self.statement = self.statement, False

    def _end(self, lexeme: str) -> None:
        closes = {"end": ("begin", "do"), "endcase": ("case",)}.get(lexeme)
        if lexeme.startswith("join"):
            closes = ("do",)
        elif lexeme in ("endfunction", "endtask"):
            closes = ("function",)
        elif lexeme in {f"end{kind}" for kind in _DESIGN}:
            closes = ("module",)
        if closes and any(kind in closes for kind in self.open):
            while (closed := self.open.pop()) not in closes:
                pass
            self.ended_statement = closed == "do"
