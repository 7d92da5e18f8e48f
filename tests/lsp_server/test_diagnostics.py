"""Diagnostics as they come and go: when a document is checked, with what, and what is published.

iverilog is really started; verilator is a script.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import pytest

from engine.verilog import tools
from engine.verilog.icarus import Icarus
from lsp_server import diagnostics
from lsp_server.checking import Context
from lsp_server.diagnostics import Diagnoser, Snapshot
from lsp_server.project import Projects
from lsp_server.settings import Settings
from lsp_server.workspace import Index


@pytest.fixture(scope="module", autouse=True)
def _iverilog():
    if shutil.which("iverilog") is None:
        pytest.fail("these tests need iverilog: apt-get install iverilog")


def characters(line, column):
    return column


# -- runs ------------------------------------------------------------------------------------------


class Editor:
    """The documents of an editor, and what a Diagnoser told it."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.texts = {}
        self.versions = {}
        self.published = []
        self.told = []
        self.settings = Settings(**{"diagnostics_delay": 10, **settings})
        self.index = Index()
        self.index.scan([folder])
        self.projects = Projects()
        self.diagnoser = Diagnoser(
            get=self.snapshot,
            publish=lambda *published: self.published.append(published),
            notify=self.told.append,
            settings=lambda: self.settings,
            context=self.context,
        )

    def context(self, path):
        listing = self.projects.find(path, [self.folder])
        return Context(self.index, Icarus(path=self.settings.iverilog_path), listing)

    def snapshot(self, name):
        if name not in self.texts:
            return None
        return Snapshot(self.texts[name], self.versions[name], self.folder / name, characters)

    def type(self, name, text):
        self.texts[name] = text
        self.versions[name] = self.versions.get(name, 0) + 1
        self.index.update(self.folder / name, text)
        self.diagnoser.check(name, changed=True)

    def close(self, name):
        del self.texts[name]
        self.index.close(self.folder / name)
        self.diagnoser.close(name)

    async def rest(self):
        """Wait until nothing is being checked."""
        while self.diagnoser._runs:
            await asyncio.wait(list(self.diagnoser._runs.values()))
            await asyncio.sleep(0)

    def seen(self, name):
        """The messages last published for a document."""
        (last,) = [found for uri, _, found in self.published if uri == name][-1:]
        return [one.message for one in last]

    def closed(self, name):
        """The lines and messages that a file that is not open shows; None if it never had any."""
        uri = (self.folder / name).as_uri()
        shown = [found for one, _, found in self.published if one == uri]
        return [(one.range.start.line, one.message) for one in shown[-1]] if shown else None


@pytest.fixture
async def editor(tmp_path):
    made = []

    def make(**settings):
        made.append(Editor(tmp_path, **settings))
        return made[-1]

    yield make
    for one in made:
        one.diagnoser.stop()


GOOD = "module m(input a, output b);\n  assign b = a;\nendmodule\n"
BAD = GOOD.replace("= a", "= nn")


async def test_only_the_last_of_many_changes_is_checked(editor):
    window = editor()
    for text in (BAD, GOOD, BAD, GOOD):
        window.type("m.v", text)
    await window.rest()
    assert window.published == [("m.v", 4, [])]


async def test_an_error_comes_and_goes(editor):
    window = editor()
    window.type("m.v", BAD)
    await window.rest()
    assert "nn" in window.seen("m.v")[0]
    window.type("m.v", GOOD)
    await window.rest()
    assert window.seen("m.v") == []
    assert [version for _, version, _ in window.published] == [1, 2]


async def test_a_newer_check_kills_the_older(editor, monkeypatch):
    killed = []
    kill = tools.kill
    monkeypatch.setattr(tools, "kill", lambda pid: (killed.append(pid), kill(pid)))
    window = editor()
    window.type(
        "m.v",
        "module m; genvar i; generate for (i = 0; i < 100000000; i = i + 1) begin wire w; end\n"
        "endgenerate endmodule\n",
    )
    await asyncio.sleep(0.3)
    assert window.published == []
    window.type("m.v", GOOD)
    await window.rest()
    assert len(killed) == 1
    assert window.published == [("m.v", 2, [])]


async def test_closing_clears_and_nothing_comes_after(editor):
    window = editor()
    window.type("m.v", BAD)
    await window.rest()
    window.type("m.v", BAD)
    window.close("m.v")
    await window.rest()
    assert window.published[-1] == ("m.v", None, [])
    assert len(window.published) == 2


async def test_documents_do_not_disturb_each_other(editor):
    window = editor()
    window.type("m.v", BAD)
    window.type("n.v", GOOD)
    await window.rest()
    assert {name: bool(found) for name, _, found in window.published} == {"m.v": True, "n.v": False}


async def test_modules_in_other_files_are_known(editor, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sub.v").write_text("module sub(input x);\nendmodule\n")
    window = editor()
    top = "module top(input a);\n  sub u0 (.x(a));\nendmodule\n"
    window.type("top.v", top)
    await window.rest()
    assert window.seen("top.v") == []
    # Now the port is renamed in a buffer that is not saved.
    window.type("lib/sub.v", "module sub(input y);\nendmodule\n")
    await window.rest()
    assert any("``x'' is not a port" in message for message in window.seen("top.v"))


async def test_instances_that_only_the_preprocessor_sees(editor, tmp_path):
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "config.vh").write_text("`define HAS_RAM\n")
    (tmp_path / "ram.v").write_text(
        "module ram;\n`ifdef HAS_RAM\n  cell_ u();\n`endif\nendmodule\n"
    )
    (tmp_path / "cell.v").write_text("module cell_;\nendmodule\n")
    window = editor()
    window.type(
        "top.v",
        '`include "config.vh"\nmodule top;\n`ifdef HAS_RAM\n  ram u();\n  gone v();\n`endif\nendmodule\n',
    )
    await window.rest()
    assert window.seen("top.v") == ["Unknown module type: gone"]


async def test_an_error_in_another_file_does_not_hide_ones_own(editor, tmp_path):
    (tmp_path / "sub.v").write_text("module sub(input x);\n  assign = ;\nendmodule\n")
    window = editor()
    window.type("top.v", "module top(input a);\n  sub u0 (.x(a));\n  wire b = nn;\nendmodule\n")
    await window.rest()
    (message,) = window.seen("top.v")
    assert message.startswith("Unable to bind wire/reg/memory `nn'")


async def test_diagnostics_can_be_turned_off(editor):
    window = editor(diagnostics_enabled=False)
    window.type("m.v", BAD)
    await window.rest()
    assert window.published == [("m.v", 1, [])]


async def test_a_missing_iverilog_is_told_once_and_slang_takes_over(editor):
    window = editor(iverilog_path="no-such-iverilog")
    for text in (GOOD, GOOD.replace("= a", "= "), GOOD.replace("= a", "= ")):
        window.type("m.v", text)
        await window.rest()
    assert len(window.told) == 1
    assert "apt-get install iverilog" in window.told[0]
    assert window.seen("m.v") == ["syntax error: expected expression"]
    window.settings = replace(window.settings, iverilog_path="no-such-either")
    window.type("m.v", GOOD)
    await window.rest()
    assert len(window.told) == 2


async def test_a_header_of_macros_or_ports_is_left_alone(editor):
    window = editor()
    window.type("ports.vh", "input clk,\ninput rst\n")
    await window.rest()
    assert window.seen("ports.vh") == []


async def test_binary_noise_gives_one_message(editor):
    window = editor()
    window.type("m.v", "\x7fELF\x00" + "".join(chr(i * 7919 % 256) for i in range(10_000)))
    await window.rest()
    (message,) = window.seen("m.v")
    assert "not text" in message


async def test_a_large_netlist_waits_for_a_longer_pause_and_is_checked(editor, monkeypatch):
    monkeypatch.setattr(diagnostics, "LARGE", 100_000)
    monkeypatch.setattr(diagnostics, "LARGE_DELAY", 0.2)
    cells = "".join(f"  nand u{i} (n{i + 2}, n{i}, n{i + 1});\n" for i in range(5_000))
    wires = "".join(f"  wire n{i};\n" for i in range(5_002))
    window = editor(diagnostics_delay=0)
    window.type("netlist.v", f"module netlist;\n{wires}{cells}  assign n0 = nn;\nendmodule\n")
    await asyncio.sleep(0.1)
    assert window.diagnoser._runs and window.published == []
    await window.rest()
    assert any("nn" in message for message in window.seen("netlist.v"))


# -- other files -----------------------------------------------------------------------------------

USER = "module top(input a);\n  sub u0 (.x(a));\nendmodule\n"
WRONG = "module sub(input x);\n  assign y = nn;\nendmodule\n"


async def test_an_error_in_a_closed_file_is_shown_there_until_it_is_gone(editor, tmp_path):
    (tmp_path / "sub.v").write_text(WRONG)
    window = editor()
    window.type("top.v", USER)
    await window.rest()
    assert window.seen("top.v") == []
    assert window.closed("sub.v") == [(1, "Unable to bind wire/reg/memory `nn'")]
    window.type("top.v", USER.replace("sub u0 (.x(a));", ""))
    await window.rest()
    assert window.closed("sub.v") == []


async def test_an_error_that_two_documents_meet_is_shown_once_and_leaves_with_the_last(
    editor, tmp_path
):
    (tmp_path / "sub.v").write_text(WRONG)
    window = editor()
    window.type("top.v", USER)
    window.type("other.v", USER.replace("top", "other"))
    await window.rest()
    assert len(window.closed("sub.v")) == 1
    window.close("other.v")
    assert len(window.closed("sub.v")) == 1
    window.close("top.v")
    assert window.closed("sub.v") == []


async def test_packages_of_other_files_are_compiled_before(editor, tmp_path):
    (tmp_path / "base.sv").write_text("package base;\n  parameter W = 4;\nendpackage\n")
    (tmp_path / "types.sv").write_text(
        "package kinds;\n  typedef logic [base::W-1:0] word_t;\nendpackage\n"
    )
    window = editor()
    text = "module top import kinds::*; (input word_t a, output b);\n  assign b = a[base::W-1];\nendmodule\n"
    window.type("top.sv", text)
    await window.rest()
    assert window.seen("top.sv") == []


async def test_an_unsaved_header_counts_where_it_is_included(editor, tmp_path):
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "sizes.vh").write_text("`define SIZE 1\n")
    window = editor()
    text = '`include "sizes.vh"\nmodule m(output b);\n  assign b = `SIZE;\nendmodule\n'
    window.type("m.v", text)
    await window.rest()
    assert window.seen("m.v") == []
    window.type("inc/sizes.vh", "`define SIZE nn\n")
    await window.rest()
    assert window.seen("m.v") == ["Unable to bind wire/reg/memory `nn'"]


async def test_a_header_is_checked_as_part_of_a_file_that_includes_it(editor, tmp_path):
    (tmp_path / "m.v").write_text('module m(input a);\n`include "body.vh"\nendmodule\n')
    window = editor()
    window.type("body.vh", "wire b;\nassign b = a & nn;\n")
    await window.rest()
    assert window.seen("body.vh") == ["Unable to bind wire/reg/memory `nn'"]
    window.type("body.vh", "wire b;\nassign b = a;\n")
    await window.rest()
    assert window.seen("body.vh") == []


# -- projects --------------------------------------------------------------------------------------


async def test_a_project_says_what_belongs_together(editor, tmp_path):
    for folder, port in (("fpga", "x"), ("asic", "z")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sub.v").write_text(f"module sub(input {port});\nendmodule\n")
    (tmp_path / "macros.v").write_text("`define FROM_LIST 1\n")
    (tmp_path / "top.v").write_text(USER)
    (tmp_path / "verifrag.toml").write_text(
        'sources = ["macros.v", "top.v", "asic/*.v"]\ndefines = ["GIVEN=2"]\n'
    )
    window = editor()
    window.type("top.v", USER.replace("endmodule", "wire [`GIVEN:`FROM_LIST] w; endmodule"))
    await window.rest()
    assert "port ``x'' is not a port of u0." in window.seen("top.v")


async def test_a_module_that_the_project_forgot_is_found_by_the_index(editor, tmp_path):
    (tmp_path / "sub.v").write_text("module sub(input x);\nendmodule\n")
    (tmp_path / "verifrag.toml").write_text('sources = ["top.v"]\n')
    (tmp_path / "top.v").write_text(USER)
    window = editor()
    window.type("top.v", USER)
    await window.rest()
    assert window.seen("top.v") == []


async def test_what_is_wrong_in_a_project_file_is_shown_on_it(editor, tmp_path):
    project = tmp_path / "verifrag.toml"
    project.write_text('defines = ["A"]\ninclude_dir = ["inc"]\n')
    window = editor()
    window.type("m.v", GOOD)
    await window.rest()
    said = "include_dir: there is no such key, so it is ignored; did you mean include_dirs?"
    assert window.closed("verifrag.toml") == [(1, said)]
    project.write_text('defines = ["A"]\n')
    window.type("m.v", GOOD)
    await window.rest()
    assert window.closed("verifrag.toml") == []


async def test_a_broken_file_of_the_project_does_not_hide_ones_own(editor, tmp_path):
    (tmp_path / "broken.v").write_text("module broken;\n  assign = ;\nendmodule\n")
    (tmp_path / "macros.v").write_text("`define ONE 1\n")
    (tmp_path / "m.v").write_text(GOOD)
    (tmp_path / "verifrag.toml").write_text('sources = ["macros.v", "broken.v", "m.v"]\n')
    window = editor()
    window.type("m.v", GOOD.replace("= a", "= nn & `ONE"))
    await window.rest()
    assert window.seen("m.v") == ["Unable to bind wire/reg/memory `nn'"]
    assert [line for line, _ in window.closed("broken.v")] == [1]


# -- generations and pulling -------------------------------------------------------------------------


async def test_a_report_is_that_of_the_newest_text(editor):
    window = editor()
    window.type("m.v", BAD)
    pulled = asyncio.create_task(window.diagnoser.report("m.v"))
    await asyncio.sleep(0)
    window.type("m.v", GOOD)
    report = await pulled
    assert report.own == []
    assert (await window.diagnoser.report("m.v")).generation == report.generation
    window.type("m.v", BAD)
    newer = await window.diagnoser.report("m.v")
    assert newer.generation > report.generation and newer.own


async def test_a_report_waits_for_what_the_document_uses(editor, tmp_path):
    window = editor()
    window.type("sub.v", "module sub(input x);\nendmodule\n")
    window.type("top.v", USER)
    assert (await window.diagnoser.report("top.v")).own == []
    window.type("sub.v", "module sub(input y);\nendmodule\n")
    found = await window.diagnoser.report("top.v")
    assert "unknown-port" in [one.code for one in found.own]


# -- verilator -------------------------------------------------------------------------------------

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
