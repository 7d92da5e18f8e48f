"""Fragments: where Verilog may be cut so that each piece is whole."""

import pytest

from engine.verilog.fragments import boundaries, fragments


def cut(text: str) -> str:
    return "|".join(fragments(text))


@pytest.mark.parametrize(
    "expected",
    [
        "assign y =| a;",
        "assign y =| (sel ==| 2'd1) ?| a :| b;",
        "module m| (\n  |input wire [7:0]| a,\n  |output reg q\n|);\n|endmodule",
        "module m;\n|wire [3:0]| a,| b;\n|endmodule",
        "module m;\nalways @(posedge clk or| negedge rst)| begin\n  |q <=| d;\n|end\n|endmodule".replace(
            "m;\n", "m;\n|"
        ),
        "module m;\n|sub| u0| (\n  |.clk(clk),\n  |.d({a,| b})\n|);\n|endmodule",
        "module m;\n|always @*\n|case (s)\n  |2'd0:| y =| a;\n  |default:| y =| b;\n|endcase\n|endmodule",
    ],
)
def test_golden(expected):
    assert cut(expected.replace("|", "")) == expected


def test_an_expression_is_cut_after_its_operators_not_inside_its_operands():
    assert cut("assign y = a[3:0] & b[WIDTH-1:0];") == "assign y =| a[3:0] &| b[WIDTH-1:0];"


def test_comments_and_directives_end_at_their_line():
    text = "// one\n/* two\n three */\n`ifdef X\nwire a; // why\n`endif\n"
    assert cut(text) == "// one\n|/* two\n |three */\n|`ifdef X\n|wire a;| // why\n|`endif\n"


def test_a_macro_is_not_expanded():
    assert cut("`define W 8\nassign y = `W + `F(a, b);\n").startswith("`define W 8\n|assign y =|")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\n\n",
        "begin begin ) ] } ;;; end",
        "module m (input a",
        'initial $display("| [FRAG] \\" ;',
        "// \u00e9\u4e2d\u6587\nmodule m; wire \\esc[0] ; // \U0001f600\nendmodule\n",
        "\x00\x01\xff\ud800 binary",
        "module m;\r\n  wire a;\r\nendmodule\r\n",
        '`include "/etc/passwd"\n`define A(x) x+ \\\n  1\n',
        "(" * 20000,
        "begin " * 20000,
    ],
)
def test_fragments_always_join_to_the_text(text):
    pieces = fragments(text)
    assert "".join(pieces) == text
    assert all(pieces)


def test_offsets_are_characters_not_bytes():
    plain, accented = "// e\nwire a, b;", "// \u4e2d\nwire a, b;"
    assert boundaries(plain) == boundaries(accented)
