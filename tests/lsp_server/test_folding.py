"""What can be folded, drawn as `first-last` lines, counted from 0."""

from __future__ import annotations

import pytest

from engine.verilog.source import Source
from lsp_server.folding import folding_ranges
from lsp_server.positions import LineIndex


def folds(text: str) -> list[str]:
    ranges = folding_ranges(Source(text), LineIndex(text))
    return [f"{one.start_line}-{one.end_line}{' comment' if one.kind else ''}" for one in ranges]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module m;\n  wire a;\nendmodule", ["0-1"]),
        ("module m(\n  input a,\n  input b\n);\nendmodule", ["0-3", "0-2"]),
        ("always @* begin\n  a = 1;\n  if (b) begin\n    c = 2;\n  end\nend", ["0-4", "2-3"]),
        ("case (s)\n  1: begin\n    a;\n  end\nendcase", ["0-3", "1-2"]),
        ("`ifdef A\nx\n`elsif B\ny\n`else\nz\n`endif", ["0-1", "2-3", "4-5"]),
        (
            "// one\n// two\n\n/* three\n*/\nwire a; // four\n// five\n",
            ["0-1 comment", "3-4 comment"],
        ),
        ("module m; endmodule", []),
        ("begin\n  begin\n  x\nendmodule\nend\nend\nend", ["0-4", "1-3"]),
        ('"begin" // begin\nend', []),
    ],
)
def test_folds(text, expected):
    assert folds(text) == expected
    assert folds(text.replace("\n", "\r\n")) == expected
