"""Where completions end: `<stop>` marks the place in each text."""

import pytest

from engine import stops

CASES = [
    ("line", "a = b;<stop>\n  c = d;\n"),
    ("line", "\n    a = b;<stop>\n"),
    ("line", "a = b;"),
    ("module", "module m;\nendmodule<stop>\nmodule n;"),
    ("module", "module m;\nendmodule : m<stop>\n"),
    ("module", "module m; wire endmodules;"),
    ("block", "begin\n  a <= b;\n  c <= d;<stop>\nend\n"),
    ("block", "a <= b;\n  c <= d;<stop>\n\n  e <= f;"),
    ("block", "a <= b;\n  c <= d;\n  e"),
    ("end", "  a <= b;\nend<stop>\nelse begin\n"),
    ("end", "  if (a) begin\n    b <= {c, d};\n  end\nend : named<stop>\nc <= d;"),
    ("end", "a + (b << 1))<stop>;"),
    ("end", '  2\'d0: a = b; // end\n  default: a = "end";\nendcase<stop>\n'),
    ("end", "a = b[0];\nbegin\nend\nend_of_line = 1;"),
    ("none", "endmodule\n\n\n"),
]


@pytest.mark.parametrize(("stop", "marked"), CASES)
def test_find(stop, marked):
    text = marked.replace("<stop>", "")
    expected = marked.index("<stop>") if "<stop>" in marked else None
    assert stops.find(text, 0, stop) == expected
