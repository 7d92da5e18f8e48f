"""The words of Verilog by what they mean for the names that follow them."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DIRECTIONS = _words("input output inout ref")
NETS = _words("wire tri tri0 tri1 wand wor triand trior trireg supply0 supply1 uwire")
REGS = _words("reg integer time real realtime")
VARIABLES = _words("logic bit byte int shortint longint string chandle event shortreal")
TYPES = NETS | REGS | VARIABLES
CONSTANTS = _words("parameter localparam genvar specparam")
GATES = _words(
    """
    and nand or nor xor xnor not buf bufif0 bufif1 notif0 notif1 pullup pulldown tran tranif0 tranif1
    rtran rtranif0 rtranif1 nmos pmos cmos rnmos rpmos rcmos
    """
)
PROCESSES = _words("always always_ff always_comb always_latch initial final")
CONTROLS = _words("if for while repeat wait foreach")
CASES = _words("case casex casez")
UNNAMED = _words("assign deassign force release disable defparam return")  # not judged what follows
SCOPES = _words("begin fork function task")
ENDS = {
    "end": "begin",
    "endcase": "case",
    "join": "fork",
    "join_any": "fork",
    "join_none": "fork",
    "endfunction": "function",
    "endtask": "task",
    "endgenerate": "generate",
}

# What may declare names that do not stand in the text.
LENIENT = _words("typedef enum import assert assume cover restrict type nettype alias")
# What has a grammar of its own.
OFF = _words(
    """
    module macromodule interface program package class primitive config struct union covergroup property
    sequence clocking checker specify table randcase randsequence modport bind extern export let
    """
)

# Where a name is judged, the words that may stand there instead: of a statement, of an expression, and
# between the parentheses of a loop.
STATEMENTS = (
    _words(
        """
        assert assign assume automatic begin break case casex casez const continue cover deassign disable
        do else end endcase endfunction endtask expect for force foreach forever fork if join join_any
        join_none let priority release repeat return static super this typedef unique unique0 var void
        wait wait_order while
        """
    )
    | TYPES
    | DIRECTIONS
    | CONSTANTS
)
VALUES = _words("posedge negedge edge signed unsigned default endcase")
LOOPS = VALUES | TYPES | {"genvar"}
CLOSING = frozenset(("endmodule", "endcase", "endfunction", "endtask", "endgenerate"))
JUDGED = STATEMENTS | LOOPS | CLOSING
