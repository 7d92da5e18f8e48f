"""Verilog as tokens with their places, and the lists of connections and arguments among them.

One pass of a regular expression and one over its tokens, so it is quick and works on any text, broken
or not. What a parser makes of the same text is in `outline`. Offsets are indices into the str.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["name", "keyword", "system", "macro", "define", "string", "number", "mark"]

KEYWORDS = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
    checker class clocking cmos config const constraint context continue cover covergroup coverpoint
    cross deassign default defparam design disable dist do edge else end endcase endchecker endclass
    endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
    endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually
    expect export extends extern final first_match for force foreach forever fork forkjoin function
    generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies
    import incdir include initial inout input inside instance int integer interconnect interface
    intersect join join_any join_none large let liblist library local localparam logic longint
    macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
    noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive
    priority program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect
    pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg reject_on
    release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually
    s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled signed small
    soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
    sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran
    tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned
    until until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0
    weak1 while wildcard wire with within wor xnor xor
    """.split()  # noqa: SIM905 - 250 quoted words read worse
)
"""The reserved words of SystemVerilog (IEEE 1800-2017, annex B), Verilog's among them."""


class Token(NamedTuple):
    """`text` of a name is without the backslash of an escaped one, of a macro or a `define` without
    the backtick, of a string without quotes. A `define` token is the whole directive, its `text` the
    name that it defines."""

    kind: Kind
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    |"(?P<string>(?:\\.|[^"\\\n])*)"
    |`define[ \t]+(?P<define>[A-Za-z_]\w*)(?:\\\r?\n|[^\n])*
    |`(?P<macro>[A-Za-z_][\w$]*)
    |\\(?P<escaped>\S+)
    |(?P<name>[A-Za-z_][\w$]*)
    |(?P<system>\$[A-Za-z_][\w$]*)
    |(?P<number>\d[\w.]*(?:'[sS]?[bBoOdDhH][\w?]*)?|'[sS]?[bBoOdDhH]\s*[\da-fA-FxXzZ?_]+)
    |(?P<mark>::|[^\w\s])
    """,
    re.DOTALL | re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """The tokens of `text` in order, without comments."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "comment":
            continue
        word = match[kind]
        if kind == "name" and word in KEYWORDS:
            kind = "keyword"
        found.append(Token("name" if kind == "escaped" else kind, word, *match.span()))
    return found


def comments(text: str) -> list[tuple[int, int]]:
    """Where the comments of `text` are."""
    return [match.span() for match in _TOKEN.finditer(text) if match.lastgroup == "comment"]


@dataclass
class List:
    """The connections of an instance, the parameters it overrides, or the arguments of a call.

    `owner` is the module or function it is for; the list lies between its parentheses, which are at
    `start - 1` and `end`. `names` are those after a dot at its own level, with whether a value in
    parentheses follows; `commas` the places of the commas of that level.
    """

    kind: Literal["ports", "parameters", "call"]
    owner: Token
    start: int
    end: int
    names: list[Token] = field(default_factory=list)
    commas: list[int] = field(default_factory=list)
    everything: bool = False  # holds a `.*`

    def position(self, offset: int) -> int:
        """Which element, from 0, `offset` is in."""
        return bisect_left(self.commas, offset)

    def name(self, offset: int) -> Token | None:
        """The name that the element at `offset` is connected by."""
        number = self.position(offset)
        first = self.commas[number - 1] if number else self.start
        within = (name for name in self.names if first <= name.start < offset)
        return next(within, None)


# What can stand in no list, so that one which is still open ends there.
_ENDS_LISTS = frozenset(
    """
    always always_comb always_ff always_latch assign begin end endcase endfunction endgenerate
    endinterface endmodule endpackage endtask generate initial localparam module
    """.split()  # noqa: SIM905
)
# For each closing bracket its opening one.
OPENS = {")": "(", "]": "[", "}": "{"}


def lists(found: list[Token], length: int) -> list[List]:
    """The lists among the tokens of a text of that length, in the order in which they begin. One that
    is not closed ends with its statement."""
    made: list[List] = []
    opened: list[tuple[str, List | None]] = []  # the brackets that are open
    closed: dict[int, List] = {}  # by the index of the parenthesis that closes it
    openings: dict[int, int] = {}  # index of a closing bracket -> index of its opening one
    open_at: list[int] = []

    def close(index: int) -> None:
        _, ended = opened.pop()
        openings[index] = open_at.pop()
        if ended is not None:
            ended.end = found[index].start
            closed[index] = ended

    for index, token in enumerate(found):
        if token.kind == "keyword" and token.text in _ENDS_LISTS:
            while opened:
                close(index)
        elif token.kind != "mark":
            continue
        elif token.text in "([{":
            one = _begun(found, index, closed, openings) if token.text == "(" else None
            if one is not None:
                made.append(one)
            opened.append((token.text, one))
            open_at.append(index)
        elif token.text in OPENS:
            if any(bracket == OPENS[token.text] for bracket, _ in opened):
                while opened[-1][0] != OPENS[token.text]:
                    close(index)
                close(index)
        elif token.text == ";":
            while any(one is not None and one.kind != "call" for _, one in opened):
                close(index)
        elif opened and opened[-1][1] is not None:
            if token.text == ",":
                opened[-1][1].commas.append(token.start)
            elif token.text == "." and found[index - 1].text in ("(", ","):
                _add_name(opened[-1][1], found, index + 1)
    for _, one in opened:
        if one is not None:
            one.end = length
    return made


def _add_name(one: List, found: list[Token], index: int) -> None:
    if index < len(found):
        if found[index].kind == "name":
            one.names.append(found[index])
        one.everything = one.everything or found[index].text == "*"


def _begun(
    found: list[Token], index: int, closed: dict[int, List], openings: dict[int, int]
) -> List | None:
    """The list that the parenthesis at `index` opens, if it is one of an instance or a call."""

    def at(number: int) -> Token:
        return found[number] if number >= 0 else Token("mark", "", 0, 0)

    start = end = found[index].end
    if at(index - 1).text == "#" and at(index - 2).kind == "name":
        declares = at(index - 3).text in ("module", "macromodule", "interface", "program", "class")
        return None if declares else List("parameters", at(index - 2), start, end)
    last = index - 1
    while at(last).text == "]" and last in openings:  # an array of instances
        last = openings[last] - 1
    name, before = at(last), at(last - 1)
    if name.kind != "name":
        return None
    if before.kind == "name":
        return List("ports", before, start, end)
    if last - 1 in closed and closed[last - 1].kind == "parameters":
        return List("ports", closed[last - 1].owner, start, end)
    if before.text == "," and last - 2 in closed and closed[last - 2].kind == "ports":
        return List("ports", closed[last - 2].owner, start, end)
    if before.text == "." or before.text in ("module", "macromodule", "interface", "program"):
        return None
    return List("call", name, start, end)
