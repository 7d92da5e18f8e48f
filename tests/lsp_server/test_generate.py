"""How modules are decoded."""

import pytest

from lsp_server.generate import options_after


@pytest.mark.parametrize(
    ("before", "wanted", "viability"),
    [
        ("", True, "names"),
        ("module a;\nendmodule\n", True, "names"),
        ("import types::*;\n", True, "syntax"),
        ('`include "names.vh"\n', True, "syntax"),
        ("import types::*;\n", False, "off"),
    ],
)
def test_names_from_elsewhere_may_be_written(before, wanted, viability):
    assert options_after(before, wanted).viability == viability
