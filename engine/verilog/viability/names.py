"""Follow the names of one module while it is being written: which are declared, which may come next.

One pass over the lexemes, with a state small enough to copy for every candidate. What it does not
understand makes it `lenient` (names are no longer judged) or `off` (nothing is): typedefs, imports,
conditional compilation and macros from elsewhere may declare whatever they like.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from engine.verilog.lexer import Lexeme
from engine.verilog.viability import words
from engine.verilog.viability.scopes import Scopes, What

Place = Literal[
    "unit",  # outside of every module
    "title",  # after `module`
    "head",  # between its name and its lists
    "item",  # where an item of the module begins
    "statement",  # where a procedural statement begins
    "label",  # in front of the `:` of a case item
    "control",  # after `if`, `for`, `case`, `@` and the like, before the parenthesis
    "target",  # left of a procedural assignment
    "driven",  # left of the `=` of an `assign`
    "value",  # in an expression
    "declare",  # where a declared name is to come
    "declared",  # right after one
    "instance",  # where the name of an instance is to come
    "connect",  # right after one
    "block",  # after `begin :`
    "ended",  # after `end :`
    "free",  # anything goes
]


class Names:
    """The state after the lexemes taken so far.

    `complete`: a statement or item has just ended. `fresh`: the last lexeme began an item, so that a
    parser need not see what was before it; `within`: that item is one of a module's body.
    """

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        self.place: Place = "unit"
        self.scopes = Scopes()
        # (what opened it, whether it is procedural), innermost last
        self.blocks: list[tuple[str, bool]] = []
        # (the bracket, the place after it is closed, the place after a comma within)
        self.brackets: list[tuple[str, Place, Place]] = []
        self.last = Lexeme("mark", ";", 0, 0)
        self.lead = ""  # the word that began the statement
        self.what: What = "net"
        self.direction = ""
        self.procedural = self.complete = self.fresh = self.within = False
        self.lenient = self.off = False
        self.known = known
        self.macros: frozenset[str] = frozenset()
        self.nettype = True  # a name in a port connection may declare a net

    def copy(self) -> Names:
        new = object.__new__(Names)
        new.__dict__.update(self.__dict__)
        new.scopes, new.blocks, new.brackets = self.scopes.copy(), [*self.blocks], [*self.brackets]
        return new

    @property
    def ended(self) -> bool:
        """Whether an item has just ended; only an `else` could go on with it."""
        return self.complete and not self.blocks

    def opened(self) -> Iterator[str]:
        """What is to be closed: `module` and the words that opened the blocks."""
        yield "module"
        yield from (word for word, _ in self.blocks)

    @property
    def titled(self) -> bool:
        """Whether the name to come is that of a function, whose own scope is open already."""
        return self.what == "routine" and self.place == "declare"

    @property
    def looping(self) -> bool:
        """Whether between the parentheses of a `for`."""
        return bool(self.brackets) and self.brackets[-1][0] == "for"

    def take(self, lexeme: Lexeme) -> None:
        """Go on past a complete lexeme, blanks excepted."""
        if self.off:
            return
        match lexeme.kind:
            case "directive":
                self._directive(lexeme.source)
                return
            case "keyword":
                self._keyword(lexeme.source)
            case "name":
                self._name(lexeme.source)
            case "mark":
                self._mark(lexeme.source)
            case "macro":
                if self.place in ("item", "statement"):
                    self.off = True  # it may hold any number of them
                self.lenient = self.lenient or lexeme.source[1:] not in self.macros
                self._operand()
            case _:
                self._operand()
        if self.place == "label" and lexeme.kind != "mark":
            self.lead = ""
        self.last = lexeme

    def settle(self, source: str) -> None:
        """Be ready for a lexeme that is or begins with `source`: what follows a complete statement is
        another one, unless it is an `else` or a label."""
        self.fresh = False
        if not self.complete:
            return
        self.complete = False
        if source == ":":
            self.place = "ended"
        elif source != "else":
            self.procedural = self.blocks[-1][1] if self.blocks else False
            self.fresh = not self.blocks
            self._begin()
            if self.fresh:
                self.within = self.place != "unit"

    def _begin(self) -> None:
        """Be where a statement, an item or a case item begins."""
        self.lead, self.direction = "", ""
        if self.place == "unit" or not self.scopes.in_module:
            self.place = "unit"
        elif self.blocks and self.blocks[-1][0] == "case":
            self.place = "label"
        else:
            self._body()

    def _body(self) -> None:
        self.lead = ""
        self.place = "statement" if self.procedural else "item"

    def _operand(self) -> None:
        if self.place == "statement" and self.last.source != "#":
            self.place = "value"

    def _directive(self, source: str) -> None:
        word, *rest = source[1:].split(None, 2)
        if word == "define" and rest:
            self.macros |= {rest[0].partition("(")[0]}
        elif word == "default_nettype":
            self.nettype = rest[:1] != ["none"]
        elif word in ("include", "ifdef", "ifndef", "elsif", "else", "endif"):
            self.lenient = True

    def _keyword(self, word: str) -> None:
        if self.place == "unit":
            if word in ("module", "macromodule"):
                self.place = "title"
                self.scopes.enter()
            else:
                self.off = word in words.OFF
            return
        if word == "endmodule":
            self.place = "unit"
            self.scopes.end_module()
            self.blocks, self.brackets = [], []
            self.procedural = self.lenient = False
            self.complete = True
        elif word in words.OFF:
            self.off = True
        elif word == "import" and self.place == "head":
            self.lenient, self.lead = True, word
        elif word in words.LENIENT:
            self.lenient, self.place = True, "free"
        elif word in words.ENDS:
            self._end(words.ENDS[word])
        elif word in words.DIRECTIONS or word in words.TYPES or word in words.CONSTANTS:
            self._type(word)
        elif word in words.PROCESSES:
            self.procedural, self.place = True, "statement"
        elif word in ("begin", "fork", "generate"):
            self._enter(word)
            self._body()
        elif word in ("function", "task"):
            self._enter(word)
            self.procedural, self.lead = True, word
            self.place, self.what, self.direction = "declare", "routine", ""
        elif word in words.CASES:
            self._enter("case")
            self.lead, self.place = word, "control"
        elif word in words.CONTROLS:
            self.lead, self.place = word, "control"
        elif word in ("else", "forever", "do"):
            self._body()
        elif word == "default":
            self.place = "label"
        elif word == "assign" and not self.procedural:
            self.lead, self.place = word, "driven"
        elif word in words.GATES and self.place == "item":
            self.lead, self.place = "instance", "instance"
        elif word in words.UNNAMED:
            self.place = "free"

    def _type(self, word: str) -> None:
        within = self.brackets[-1][0] if self.brackets else ""
        if self.place in ("value", "label", "target", "free") and within not in ("for", "list"):
            return  # a cast
        if word in words.DIRECTIONS:
            self.direction, self.what = word, "port"
        elif word in words.CONSTANTS:
            self.what = "constant"
        elif self.place == "declare" and self.what in ("constant", "routine"):
            return  # the type of a parameter or of a function
        elif self.direction in ("input", "inout", "ref"):
            # Nobody assigns to it, except in a function.
            self.what = "reg" if self.scopes.in_block else "net"
        else:
            self.what = (
                "net" if word in words.NETS else "variable" if word in words.VARIABLES else "reg"
            )
            if within == "list" and not self.direction:
                self.direction = "input"
        if not self.lead:
            self.lead = "declare"
        self.place = "declare"

    def _enter(self, word: str) -> None:
        self.blocks.append((word, self.procedural or word in ("function", "task")))
        if word in words.SCOPES:
            self.scopes.enter()

    def _end(self, opener: str) -> None:
        while self.blocks:
            word, _ = self.blocks.pop()
            if word in words.SCOPES:
                self.scopes.leave()
            if word == opener:
                break
        self.brackets.clear()
        self.complete = True

    def _name(self, name: str) -> None:
        if self.last.source in (".", "::", "#", "@", "'"):
            return
        match self.place:
            case "title":
                self.scopes.imply(name, "instance", outer=True)  # for $dumpvars
                self.place = "head"
            case "declare":
                self.scopes.declare(name, self._declared(), self.titled)
                self.place = "declared"
            case "declared":
                self.lenient = True  # what was taken for a name was a type
            case "instance":
                self.scopes.imply(name, "instance")
                self.place = "connect"
            case "block":
                self.scopes.imply(name, "instance", outer=True)
                self._body()
            case "item":
                self.lead, self.place = "instance", "instance"
            case "statement":
                self.place = "target"
            case "control":
                self.place = "free"
            case "ended":
                self.complete = True
            case "driven":
                self.scopes.imply(name, "implied")
            case "free":
                if self.lead == "instance":
                    self.scopes.imply(name, "implied")

    def _declared(self) -> What:
        """What the name being declared is. An argument is a variable."""
        argument = self.what == "port" and self.direction != "output" and self.scopes.in_block
        return "reg" if argument else self.what

    def _mark(self, mark: str) -> None:
        match mark:
            case "(" | "[" | "{" | "'{":
                self._open(mark[-1])
            case ")" | "]" | "}":
                if self.brackets:
                    _, self.place, _ = self.brackets.pop()
                    if self.place in ("statement", "item"):
                        self.lead = ""
            case ";":
                if self.looping:
                    self.place = "value"
                    return
                self.brackets.clear()
                if self.place == "head" and self.lead == "import":
                    self.lead = ""
                else:
                    self.complete = self.place != "unit"
            case ",":
                self._comma()
            case ":":
                if self.last.source in ("begin", "fork", "generate"):
                    self.place = "block"
                elif not self.brackets and self.place == "label":
                    self._body()
            case "." | "'":
                pass
            case _ if mark.startswith("@"):
                if "(" in mark and not mark.endswith(")"):
                    self._open("(", waits=True)
            case "::":
                self.lenient = True
            case "#":
                if self.lead == "instance":
                    self.place = "instance"
            case "=":
                if self.place in ("declared", "target", "driven", "declare", "statement"):
                    self.place = "value"
            case _:
                if self.place in ("target", "statement", "declared"):
                    self.place = "value"

    def _open(self, mark: str, waits: bool = False) -> None:
        place, last = self.place, self.last.source
        inner: Place = "value"
        after: Place = place
        comma: Place = "value"
        kind = mark
        if mark == "[":
            inner = comma = "free" if place in ("free", "unit") else "value"
            if place == "statement":
                after = "target"
        elif mark == "{":
            inner = place if place in ("target", "driven", "free") else "value"
            if place == "statement":
                inner = after = "target"
            comma = inner
        elif last == "#" and place in ("head", "instance"):
            kind = "list" if place == "head" else mark
            inner = comma = "declare" if place == "head" else "free"
            self.what, self.direction = "constant", ""
        elif last == "#" or waits:
            pass
        elif place == "head":
            kind, inner, comma = "list", "declare", "declare"
            self.what, self.direction = "listed", ""
        elif place == "declared" and self.what == "routine":
            kind, inner, comma = "list", "declare", "declare"
            self.what, self.direction = "port", "input"
        elif place == "control":
            kind = "for" if self.lead == "for" else mark
            after = (
                "label" if self.lead in words.CASES else "statement" if self.procedural else "item"
            )
        elif place in ("instance", "connect"):
            inner = comma = "free" if self.nettype else "value"
            after = "connect" if place == "connect" else "instance"
        elif place in ("free", "item", "unit"):
            inner = comma = "free"
        elif place in ("target", "statement"):
            after = "value"
        self.brackets.append((kind, after, comma))
        self.place = inner

    def _comma(self) -> None:
        if self.brackets:
            self.place = self.brackets[-1][2]
        elif self.lead == "declare":
            self.place = "declare"
        elif self.lead == "assign":
            self.place = "driven"
        elif self.place == "connect":
            self.place = "instance"
