"""Diagnostics: where they are put, and when they are published. iverilog is really started."""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.verilog import icarus as icarus_module
from engine.verilog.icarus import Icarus, Message, check_now
from lsp_server import diagnostics
from lsp_server.diagnostics import Diagnoser, Snapshot, syntax_diagnostics, to_diagnostics
from lsp_server.settings import Settings
from lsp_server.workspace import Index


@pytest.fixture(scope="module", autouse=True)
def _iverilog():
    if shutil.which("iverilog") is None:
        pytest.fail("these tests need iverilog: apt-get install iverilog")


def utf16(line, column):
    return len(line[:column].encode("utf-16-le")) // 2


def characters(line, column):
    return column


def marked(text, found):
    """`text` with what each diagnostic covers in brackets (columns in characters)."""
    lines = text.split("\n")
    for one in reversed(found):
        start, end = one.range.start, one.range.end
        lines[end.line] = lines[end.line][: end.character] + "]" + lines[end.line][end.character :]
        line = lines[start.line]
        lines[start.line] = line[: start.character] + "[" + line[start.character :]
    return "\n".join(lines)


def checked(text, path="/designs/m.v"):
    """What the user would see in a file of its own."""
    return to_diagnostics(check_now(Icarus(), text, path), text, Path(path), characters)


# -- places ----------------------------------------------------------------------------------------

# A file with what is underlined in brackets, and a part of the message expected there.
GOLDEN = {
    "an undeclared name": (
        "module m(input a, output b);\n  assign b = a & [foo]; // foo\nendmodule\n",
        "Unable to bind wire/reg/memory `foo'",
    ),
    "only whole words": (
        "module m(input a, output b);\n  wire foo_bar;\n  assign b = foo_bar & [foo];\nendmodule\n",
        "`foo'",
    ),
    "an unknown module": (
        "module m(input a);\n  [missing] u0 (.a(a));\nendmodule\n",
        "Unknown module type: missing",
    ),
    "a port that is not there, some lines down": (
        "module m(input a);\n  sub u0 (\n    .x(a),\n    .[zz](a)\n  );\nendmodule\n"
        "module sub(input x);\nendmodule\n",
        "``zz'' is not a port",
    ),
    "an implicit wire": (
        "module m(input a);\n  assign [q] = a;\nendmodule\n",
        "implicit definition of wire 'q'",
    ),
    "a register driven by an assign": (
        "module m;\n  reg r;\n  assign [r] = 1;\nendmodule\n",
        "cannot be driven",
    ),
    "a name declared twice": (
        "module m;\n  reg z;\n  reg [z];\nendmodule\n",
        "already been declared",
    ),
    "an include that is not there": (
        'module m;\n`include "[nowhere.vh]"\nendmodule\n',
        "Include file nowhere.vh not found",
    ),
    "a missing semicolon, noticed a line later": (
        "module m(input a);\n  wire [b]\n\n  // a comment\n  wire c;\nendmodule\n",
        "syntax error: expected ';'",
    ),
    "a missing value": (
        "module m(input a, output b);\n  assign b = [;]\nendmodule\n",
        "syntax error: expected expression",
    ),
    "a path through the hierarchy": (
        "module m(output b);\n  assign b = u0.[inner];\n  sub u0();\nendmodule\n"
        "module sub;\nendmodule\n",
        "`u0.inner'",
    ),
    "characters of several bytes": (
        "module m(output b);\n  /* 中文 😀 */ assign b = [no_no];\nendmodule\n",
        "`no_no'",
    ),
}


@pytest.mark.parametrize(("golden", "message"), GOLDEN.values(), ids=GOLDEN)
def test_a_message_is_put_at_the_token_it_names(golden, message):
    text = re.sub(r"\[(?!\d)([^\]]*)\]", r"\1", golden)
    found = [one for one in checked(text) if message in one.message]
    assert marked(text, found) == golden
    assert all(one.source == "iverilog" for one in found)


def test_a_message_without_a_name_takes_the_line():
    message = Message("/m.v", 2, "error", "Something is wrong.")
    text = "module m;\n   wire a;  \nendmodule\n"
    found = to_diagnostics([message], text, Path("/m.v"), characters)
    assert marked(text, found) == "module m;\n   [wire a;]  \nendmodule\n"


@pytest.mark.parametrize("line", [0, 99])
def test_a_line_that_is_not_there_is_the_nearest(line):
    message = Message("/m.v", line, "error", "Something is wrong.")
    (found,) = to_diagnostics([message], "a\nb", Path("/m.v"), characters)
    assert found.range.start.line == (0 if line == 0 else 1)


def test_columns_are_in_the_clients_units():
    text = "module m(output b);\n/* 😀 */ assign b = nn;\nendmodule\n"
    messages = check_now(Icarus(), text, "/m.v")
    (wide,) = to_diagnostics(messages, text, Path("/m.v"), utf16)
    (plain,) = to_diagnostics(messages, text, Path("/m.v"), characters)
    assert wide.range.start.character == plain.range.start.character + 1


def test_consequences_are_not_shown():
    text = "module m(input a\noutput b);\n  assign c = a;\nendmodule\n"
    assert all("implicit" not in one.message for one in checked(text))
    (one,) = checked("module m(output b);\n  assign b = nn;\nendmodule\n")
    assert one.message == "Unable to bind wire/reg/memory `nn' in `m'"


def test_an_error_in_an_included_file_is_shown_at_the_include(tmp_path):
    (tmp_path / "bad.vh").write_text("wire a = ;\nwire b = ;\n")
    text = 'module m;\n`include "bad.vh"\nendmodule\n'
    path = tmp_path / "m.v"
    found = to_diagnostics(check_now(Icarus(), text, str(path)), text, path, characters)
    assert marked(text, found) == 'module m;\n`include "[bad.vh]"\nendmodule\n'
    assert f"in {tmp_path / 'bad.vh'}, line 1: " in found[0].message


def test_messages_about_other_files_are_dropped():
    messages = [
        Message("/other.v", 1, "error", "syntax error"),
        Message("/x.vh", 1, "warning", "unused"),
    ]
    text = '`include "x.vh"\nmodule m; endmodule\n'
    assert to_diagnostics(messages, text, Path("/m.v"), characters) == []


def test_slangs_own_diagnostics():
    text = "module m(input a);\n  wire b\n  assign c = ;\nendmodule\n"
    found = syntax_diagnostics(text, characters)
    assert marked(text, found) == text.replace("wire b", "wire [b]").replace("= ;", "= [;]")
    assert {one.source for one in found} == {"slang"}


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
        self.diagnoser = Diagnoser(
            get=self.snapshot,
            publish=lambda *published: self.published.append(published),
            notify=self.told.append,
            settings=lambda: self.settings,
            icarus=lambda: Icarus(path=self.settings.iverilog_path),
            index=self.index,
        )

    def snapshot(self, name):
        if name not in self.texts:
            return None
        return Snapshot(self.texts[name], self.versions[name], self.folder / name, characters)

    def type(self, name, text):
        self.texts[name] = text
        self.versions[name] = self.versions.get(name, 0) + 1
        self.index.update(self.folder / name, text)
        self.diagnoser.check(name)

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
    kill = icarus_module._kill
    monkeypatch.setattr(icarus_module, "_kill", lambda pid: (killed.append(pid), kill(pid)))
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
    window.type("top.v", top)
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
    assert window.seen("m.v") == ["expected expression"]
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


def test_the_cause_of_a_syntax_error_is_shown_where_it_is():
    """iverilog reports line 2 only, although the `;` is missing on line 1."""
    found = checked("module bad(input a, output b)\n  assign b = foo(a;\nendmodule\n")
    assert [(one.range.start.line, one.message) for one in found] == [
        (0, "syntax error: expected ';'"),
        (1, "syntax error: expected ')'"),
    ]
