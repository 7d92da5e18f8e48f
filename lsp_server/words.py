"""The words of the language that the menu offers, by where they can stand."""

from __future__ import annotations

from lsp_server.cursor import Place


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TYPES = _words("wire reg logic integer real signed unsigned bit byte int enum struct tri")
_IN_ROUTINES = _words("input output inout automatic")
_ALWAYS = _words("always always_comb always_ff always_latch initial final")
_GATES = _words("and or not nand nor xor xnor buf")
_GENERATE = _words("generate endgenerate genvar for if else case default begin end endcase")

KEYWORDS: dict[Place, frozenset[str]] = {
    "file": _words(
        "module endmodule interface endinterface package endpackage primitive endprimitive program "
        "endprogram class endclass import typedef function task localparam parameter bind macromodule"
    ),
    "parameters": _TYPES | _words("parameter localparam type"),
    "ports": _TYPES | _words("input output inout ref supply0 supply1 interface"),
    "item": _TYPES
    | _ALWAYS
    | _GATES
    | _GENERATE
    | _words(
        "assign parameter localparam defparam specify endspecify function endfunction task endtask "
        "input output inout endmodule endinterface endpackage endclass event time supply0 supply1 "
        "typedef import modport assert property sequence cover clocking"
    ),
    "statement": _TYPES
    | _IN_ROUTINES
    | _words(
        "begin end if else case casex casez endcase default for forever while repeat do fork join "
        "join_any join_none wait force release assign deassign disable return break continue foreach "
        "unique priority assert event time endfunction endtask localparam"
    ),
    "event": _words("posedge negedge or"),
    "list": frozenset(),
    "expression": _TYPES | _words("inside posedge negedge or"),
}
"""What can stand in each place. An expression is also what follows a first word, as in
`output reg`, so the types are there too."""

DIRECTIVES = _words(
    "celldefine default_nettype define else elsif endcelldefine endif ifdef ifndef include line "
    "nounconnected_drive resetall timescale unconnected_drive undef begin_keywords end_keywords"
)
SYSTEM_TASKS = _words(
    "bits ceil clog2 display dumpfile dumpoff dumpon dumpvars error fatal fclose fdisplay feof "
    "ferror fflush fgetc fgets finish floor fopen fread fscanf fstrobe fwrite info itor monitor "
    "onehot onehot0 past pow random readmemb readmemh realtime rose fell stable rtoi signed sscanf "
    "stime stop strobe swrite time timeformat unsigned urandom urandom_range value$plusargs "
    "test$plusargs warning write writememb writememh countones isunknown sformatf size left right"
)
