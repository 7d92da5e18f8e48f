"""Diagnostics as they come and go: when a document is checked, and what is published."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from engine.verilog import tools
from lsp_server import diagnostics

GOOD = "module m(input a, output b);\n  assign b = a;\nendmodule\n"
BAD = GOOD.replace("= a", "= nn")
USER = "module top(input a);\n  sub u0 (.x(a));\nendmodule\n"


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


async def test_warnings_can_be_turned_off(editor):
    window = editor(diagnostics_warnings=False)
    window.type("m.v", BAD.replace("endmodule", "assign implicit = a;\nendmodule"))
    await window.rest()
    assert window.seen("m.v") == ["Unable to bind wire/reg/memory `nn'"]


async def test_a_flood_of_warnings_hides_no_error(editor, monkeypatch):
    monkeypatch.setattr(diagnostics, "MAX_SHOWN", 3)
    window = editor()
    uses = "".join(f"  assign implicit{number} = a;\n" for number in range(5))
    window.type("m.v", BAD.replace("  assign b", uses + "  assign b"))
    await window.rest()
    assert "Unable to bind wire/reg/memory `nn'" in window.seen("m.v")


async def test_a_flood_of_problems_is_cut_and_says_so(editor, monkeypatch):
    monkeypatch.setattr(diagnostics, "MAX_SHOWN", 3)
    window = editor()
    uses = "".join(f"  assign b = nn{number};\n" for number in range(5))
    window.type("m.v", GOOD.replace("  assign b = a;\n", uses))
    await window.rest()
    (*_, last) = seen = window.seen("m.v")
    assert [one[-4:] for one in seen[:-1]] == ["nn0'", "nn1'"]
    assert last == "3 more problems follow and are not shown"


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
