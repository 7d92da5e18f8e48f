"""Diagnostics of a second linter; verilator is a script."""

from __future__ import annotations

import pytest

BAD = "module m(input a, output b);\n  assign b = nn;\nendmodule\n"

VERILATOR = r"""#!/bin/sh
for file; do :; done
echo "%Warning-UNUSEDSIGNAL: $file:1:16: Signal is not used: 'a'"
echo "                      ... For warning description see https://verilator.org/warn/UNUSEDSIGNAL"
echo "    1 | module m(input a, output b);"
echo "%Error: $file:2:14: Can't find definition of variable: 'nn'"
echo "%Error: Exiting due to 1 error(s)"
exit 1
"""


@pytest.fixture
def verilator(tmp_path):
    script = tmp_path / "verilator"
    script.write_text(VERILATOR)
    script.chmod(0o755)
    return str(script)


async def test_verilator_adds_what_iverilog_has_not_said(editor, verilator):
    window = editor(verilator_enabled=True, verilator_path=verilator)
    window.type("m.v", BAD)
    await window.rest()
    (_, _, found) = window.published[-1]
    assert [(one.source, one.code, one.range.start.character) for one in found] == [
        ("iverilog", "undeclared", 13),
        ("verilator", "UNUSEDSIGNAL", 15),
    ]


async def test_a_missing_verilator_is_told_once_and_iverilog_goes_on(editor):
    window = editor(verilator_enabled=True, verilator_path="no-such-verilator")
    for _ in range(2):
        window.type("m.v", BAD)
        await window.rest()
    assert len(window.told) == 1 and "verifrag.verilator.enabled" in window.told[0]
    assert window.seen("m.v") == ["Unable to bind wire/reg/memory `nn'"]
