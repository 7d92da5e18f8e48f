"""Verilog as a flat list of lexemes, for comparing texts; it never fails, whatever the text."""

from __future__ import annotations

import re

KEYWORDS = tuple(
    """
    always always_comb always_ff always_latch and assign automatic begin buf case casex casez
    default defparam disable else end endcase endfunction endgenerate endmodule endspecify endtask
    event for force forever fork function generate genvar if initial inout input integer join
    localparam logic module nand negedge nor not or output parameter posedge real reg release
    repeat signed specify supply0 supply1 task time tri unsigned wait while wire xnor xor
    """.split()  # noqa: SIM905 - sixty quoted words read worse
)
"""The keywords of Verilog-2001 that designs use, with SystemVerilog's commonest, sorted."""

_LEXEME = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)|\"(?:\\.|[^\"\\\n])*\"|`?[A-Za-z_$][\w$]*|\d[\w']*|\S",
    re.DOTALL,
)


def lexemes(text: str) -> list[str]:
    """The lexemes of `text` without comments: names, numbers, strings, single punctuation marks."""
    return [match.group() for match in _LEXEME.finditer(text) if match.lastgroup != "comment"]
