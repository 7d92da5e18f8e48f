"""Verilator: what it is given and what is understood of what it says. A script stands in for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.verilog.icarus import Icarus, Message, Related
from engine.verilog.verilator import Verilator, VerilatorMissing, lint, parse


def test_messages():
    output = (
        "%Warning-WIDTHTRUNC: m.v:3:12: Operator ASSIGNW expects 1 bits\n"
        "                             : ... note: In instance 'm'\n"
        "    3 |   assign b = a;\n"
        "      |            ^\n"
        "                     ... For warning description see https://verilator.org/warn/WIDTHTRUNC\n"
        "%Warning-VARHIDDEN: /rtl/m.v:9:7: Declaration of signal hides declaration: 'x'\n"
        "                    /rtl/m.v:2:7: ... Location of original declaration\n"
        "%Error: sub dir/n.v:1:1: syntax error, unexpected IDENTIFIER\n"
        "%Error: Exiting due to 1 error(s)\n"
    )
    original = Related("/rtl/m.v", 2, "Location of original declaration")
    assert parse(output, Path("/rtl")) == [
        Message("/rtl/m.v", 3, "warning", "Operator ASSIGNW expects 1 bits", (), 12, "WIDTHTRUNC"),
        Message(
            "/rtl/m.v",
            9,
            "warning",
            "Declaration of signal hides declaration: 'x'",
            (original,),
            7,
            "VARHIDDEN",
        ),
        Message("/rtl/sub dir/n.v", 1, "error", "syntax error, unexpected IDENTIFIER", (), 1, ""),
    ]


async def test_it_is_given_the_unsaved_texts_and_says_the_user_s_paths(tmp_path):
    script = tmp_path / "verilator"
    script.write_text(
        "#!/bin/sh\n"
        'for file; do :; done\necho "%Warning-SAID: $file:1:1: $(cat "$file")"\n'
        'echo "%Warning-GIVEN: $file:1:1: $*"\n'
    )
    script.chmod(0o755)
    path, other = tmp_path / "m.v", tmp_path / "saved.v"
    icarus = Icarus(defines=("A=1",), include_dirs=(str(tmp_path / "inc"),), top=("m",))
    verilator = Verilator(str(script), ("-Wall",))
    said, given = await lint(verilator, icarus, "module m;", path, before=[other])
    assert (said.file, said.text) == (str(path), "module m;")
    for part in (
        "--lint-only",
        "-DA=1",
        f"-I{tmp_path / 'inc'}",
        "--top-module m -Wall",
        str(other),
    ):
        assert part in given.text
    assert not path.exists()


async def test_a_missing_verilator_says_what_to_do(tmp_path):
    with pytest.raises(VerilatorMissing, match=r"verifrag\.verilator\.path"):
        await lint(Verilator("no-such-verilator"), Icarus(), "", tmp_path / "m.v")
