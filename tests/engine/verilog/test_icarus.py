"""iverilog, really started: what comes in, what is understood of what it says, what is killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from engine.verilog import tools
from engine.verilog.icarus import (
    Icarus,
    IcarusMissing,
    Message,
    Related,
    check,
    check_now,
    check_untrusted,
    check_untrusted_now,
    parse,
)

ICARUS = Icarus()
ENDLESS = (
    "module m; genvar i; generate for (i = 0; i < 100000000; i = i + 1) begin wire w; end\n"
    "endgenerate endmodule\n"
)


@pytest.fixture(scope="module", autouse=True)
def _iverilog():
    if shutil.which("iverilog") is None:
        pytest.fail("these tests need iverilog: apt-get install iverilog")


def lines(messages):
    return [(message.line, message.severity, message.text) for message in messages]


# -- one file --------------------------------------------------------------------------------------


def test_good_text_says_nothing(tmp_path):
    good = "module m(input a, output b);\n  assign b = a;\nendmodule\n"
    assert check_now(ICARUS, good, str(tmp_path / "m.v")) == []


@pytest.mark.parametrize("text", ["", "// nothing yet\n", "`define WIDTH 8\n"])
def test_a_file_without_a_module_is_fine(text):
    assert check_now(ICARUS, text, "m.v") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "module m(input a, output b);\n  assign b = c;\nendmodule\n",
            [
                (2, "error", "Unable to bind wire/reg/memory `c' in `m'"),
                (2, "error", "Unable to elaborate r-value: c"),
            ],
        ),
        (
            "module m(input a);\n  assign = 1;\nendmodule\n",
            [(2, "error", "syntax error")],
        ),
        (
            "module m(input a);\n  assign q = a;\nendmodule\n",
            [(2, "warning", "implicit definition of wire 'q'.")],
        ),
        (
            "module m;\n  sub u();\nendmodule\n",
            [(2, "error", "Unknown module type: sub")],
        ),
        (
            '`include "nowhere.vh"\nmodule m; endmodule\n',
            [(2, "error", "Include file nowhere.vh not found")],
        ),
    ],
)
def test_messages(text, expected, tmp_path):
    messages = check_now(ICARUS, text, str(tmp_path / "m.v"))
    assert set(expected) <= set(lines(messages))
    assert {message.file for message in messages} == {str(tmp_path / "m.v")}


async def test_both_ways_to_check_say_the_same():
    text = "module m(input a);\n  assign q = b;\n  sub u();\nendmodule\n"
    assert await check(ICARUS, text, "m.v") == check_now(ICARUS, text, "m.v")


def test_timescales_are_not_mentioned(tmp_path):
    other = tmp_path / "sub.v"
    other.write_text("module sub(input a);\nendmodule\n")
    text = "`timescale 1ns/1ps\nmodule m(input a);\n  sub u(.a(a));\nendmodule\n"
    assert check_now(ICARUS, text, str(tmp_path / "m.v"), [other]) == []


@pytest.mark.parametrize(
    ("name", "text", "errors"),
    [
        ("m.v", "module m; integer do; reg bit; endmodule\n", 0),
        ("m.sv", "module m; integer do; reg bit; endmodule\n", 2),
        ("m.v", "module m; logic a; always_comb a = 1; endmodule\n", 0),
        ("m.sv", "module m; logic a; always_comb a = 1; endmodule\n", 0),
        # Verilog's most common mistake, which SystemVerilog allows.
        ("m.v", "module m; reg a; assign a = 1; endmodule\n", 1),
        ("m.sv", "module m; logic a; assign a = 1; endmodule\n", 0),
    ],
)
def test_the_language_follows_suffix_and_text(name, text, errors):
    found = [one for one in check_now(ICARUS, text, name) if one.severity == "error"]
    assert bool(found) is bool(errors)


# -- files, folders and settings -------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["plain", "with space", "设计 é", "quo'te"])
def test_includes_and_other_files_in_any_folder(folder, tmp_path):
    rtl = tmp_path / folder
    rtl.mkdir()
    (rtl / "width.vh").write_text("`define WIDTH 8\n")
    (rtl / "sub.v").write_text("module sub(input [7:0] a);\nendmodule\n")
    text = '`include "width.vh"\nmodule m(input [`WIDTH-1:0] a);\n  sub u(.a(a));\nendmodule\n'
    assert check_now(ICARUS, text, str(rtl / "m.v"), [rtl / "sub.v"]) == []


def test_another_file_includes_from_its_own_folder(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "local.vh").write_text("`define ONE 1\n")
    other = tmp_path / "lib" / "sub.v"
    other.write_text('`include "local.vh"\nmodule sub;\n  wire a = `ONE;\nendmodule\n')
    assert (
        check_now(ICARUS, "module m;\n  sub u();\nendmodule\n", str(tmp_path / "m.v"), [other])
        == []
    )


def test_unsaved_text_counts_instead_of_the_file(tmp_path):
    other = tmp_path / "sub.v"
    other.write_text("module sub(input old);\nendmodule\n")
    text = "module m(input a);\n  sub u(.fresh(a));\nendmodule\n"
    saved = check_now(ICARUS, text, str(tmp_path / "m.v"), [other])
    assert (2, "error", "port ``fresh'' is not a port of u.") in lines(saved)
    unsaved = {other: "module sub(input fresh);\n  wire b = nothing;\nendmodule\n"}
    messages = check_now(ICARUS, text, str(tmp_path / "m.v"), [other], unsaved=unsaved)
    assert {(message.file, message.line) for message in messages} == {(str(other), 2)}


def test_an_unsaved_header_counts_wherever_it_is_included(tmp_path):
    (tmp_path / "inc" / "deep").mkdir(parents=True)
    (tmp_path / "rtl").mkdir()
    for name in ("inc/width.vh", "inc/deep/more.vh", "rtl/beside.vh"):
        (tmp_path / name).write_text("`error_on_disk(\n")
    unsaved = {
        tmp_path / "inc" / "width.vh": '`define WIDTH 8\n`include "deep/more.vh"\n',
        tmp_path / "inc" / "deep" / "more.vh": "`define MORE 1\n",
        tmp_path / "rtl" / "beside.vh": "wire c = `MORE;\nwire d = oops;\n",
    }
    text = '`include "../inc/width.vh"\nmodule m(input [`WIDTH-1:0] a);\n`include "beside.vh"\nendmodule\n'
    icarus = Icarus(include_dirs=(str(tmp_path / "inc"),))
    messages = check_now(icarus, text, str(tmp_path / "rtl" / "m.v"), unsaved=unsaved)
    assert {(one.file, one.line) for one in messages} == {(str(tmp_path / "rtl" / "beside.vh"), 2)}


def test_files_before_the_text_are_compiled_before_it(tmp_path):
    package = tmp_path / "p.sv"
    package.write_text("package p;\n  parameter W = 4;\nendpackage\n")
    text = "module m;\n  wire [p::W-1:0] a;\nendmodule\n"
    assert check_now(ICARUS, text, str(tmp_path / "m.sv"), before=[package]) == []
    assert check_now(ICARUS, text, str(tmp_path / "m.sv"), [package]) != []


def test_an_ifdef_that_is_open_in_one_buffer_is_told_there(tmp_path):
    other = tmp_path / "sub.v"
    other.write_text("module sub;\nendmodule\n")
    edited = {other: "module sub;\nendmodule\n`ifdef NEVER\n"}
    last = tmp_path / "last.v"
    last.write_text("module last;\nendmodule\n")
    messages = check_now(
        ICARUS,
        "module m;\n  sub u();\nendmodule\n",
        str(tmp_path / "m.v"),
        [other, last],
        10,
        edited,
    )
    assert [(one.file, one.line, one.text) for one in messages] == [
        (str(other), 3, "This `ifdef lacks an `endif.")
    ]


def test_library_files_give_only_what_is_missing(tmp_path):
    library = tmp_path / "cells.v"
    library.write_text("module used; endmodule\nmodule unused; wire a = oops; endmodule\n")
    text = "module m;\n  used u();\nendmodule\n"
    icarus = Icarus(library_files=(str(library),))
    assert check_now(icarus, text, str(tmp_path / "m.v")) == []


def test_an_error_in_an_included_file_names_that_file(tmp_path):
    (tmp_path / "bad.vh").write_text("\n)\n")
    (message, *_) = check_now(
        ICARUS, '`include "bad.vh"\nmodule m; endmodule\n', str(tmp_path / "m.v")
    )
    assert (message.file, message.line) == (str(tmp_path / "bad.vh"), 2)


def test_settings_reach_iverilog(tmp_path):
    for folder in ("include", "cells"):
        (tmp_path / folder).mkdir()
    (tmp_path / "include" / "far.vh").write_text("")
    (tmp_path / "cells" / "leaf.v").write_text("module leaf; endmodule\n")
    (tmp_path / "library.v").write_text("module part; endmodule\n")
    text = (
        '`include "far.vh"\nmodule m;\n  leaf u0();\n  part u1();\n'
        "  wire [`SIZE-1:0] a;\n`ifndef FLAG\n  oops\n`endif\n  logic b;\nendmodule\n"
    )
    settings = Icarus(
        include_dirs=(str(tmp_path / "include"),),
        defines=("SIZE=4", "FLAG"),
        library_files=(str(tmp_path / "library.v"),),
        library_dirs=(str(tmp_path / "cells"),),
        arguments=("-g2012",),
    )
    assert check_now(settings, text, str(tmp_path / "m.v")) == []
    assert check_now(ICARUS, text, str(tmp_path / "m.v")) != []


def test_a_bad_argument_is_reported():
    messages = check_now(Icarus(arguments=("-Z",)), "module m; endmodule\n", "m.v")
    assert lines(messages) == [(1, "error", "iverilog: invalid option -- 'Z'")]


def test_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_now(ICARUS, "module m; endmodule\n", str(tmp_path / "m.v"))
    assert list(tmp_path.iterdir()) == []


# -- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["no-such-iverilog", "/"])
async def test_a_missing_iverilog_says_what_to_do(path):
    for ask in (lambda: check_now(Icarus(path), "", "m.v"), None):
        with pytest.raises(
            IcarusMissing, match=r"apt-get install iverilog.*verifrag\.iverilog\.path"
        ):
            if ask:
                ask()
            else:
                await check(Icarus(path), "", "m.v")


async def test_too_long_a_run_is_stopped_with_a_message():
    expected = [(1, "warning", "not checked: iverilog took longer than 0.5 s and was stopped")]
    assert lines(await check(ICARUS, ENDLESS, "m.v", timeout_s=0.5)) == expected
    assert lines(check_now(ICARUS, ENDLESS, "m.v", timeout_s=0.5)) == expected


async def test_cancelling_kills_the_whole_group(monkeypatch):
    killed = []

    def kill(pid):
        killed.append(pid)
        original(pid)

    original = tools.kill
    monkeypatch.setattr(tools, "kill", kill)
    running = asyncio.create_task(check(ICARUS, ENDLESS, "m.v"))
    await asyncio.sleep(0.3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await _gone(killed[0])


async def _gone(group, seconds=20):
    """Whether no process of `group` is left; a dead one may take a moment to give back memory."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        await asyncio.sleep(0.1)
    return False


def test_output_is_bounded(monkeypatch):
    monkeypatch.setattr(tools, "MAX_OUTPUT", 2000)
    many = "".join(f"  assign q{i} = a;\n" for i in range(1000))
    messages = check_now(ICARUS, f"module m(input a);\n{many}endmodule\n", "m.v")
    assert 10 < len(messages) < 100


@pytest.mark.parametrize(
    "text",
    [
        bytes(i * 7919 % 256 for i in range(100_000)).decode("latin-1"),
        "module m; \ud800 endmodule",
        "`" * 1000,
        "module m;\n`ifdef A\n",
    ],
)
def test_noise_gives_messages_and_no_exception(text):
    assert check_now(ICARUS, text, "m.v")


# -- what iverilog says ----------------------------------------------------------------------------


def test_parse_folds_drops_and_sorts_out():
    output = (
        "a.v:3: error: 'z' has already been declared in this scope.\n"
        "a.v:2:      : It was declared here as a variable.\n"
        "a.v:9: warning: some timing\n"
        "a.v:9: warning: some timing\n"
        "C:\\my designs\\b.v:1: sorry: not yet\n"
        "a.v:4: Include file x.vh not found\n"
        "2 error(s) during elaboration.\n"
        "*** These modules were missing:\n"
        "        sub referenced 1 times.\n"
        "***\n"
    )
    assert parse(output, "a.v") == [
        Message(
            "a.v",
            3,
            "error",
            "'z' has already been declared in this scope.",
            (Related("a.v", 2, "It was declared here as a variable."),),
        ),
        Message("a.v", 9, "warning", "some timing"),
        Message("C:\\my designs\\b.v", 1, "warning", "sorry: not yet"),
        Message("a.v", 4, "error", "Include file x.vh not found"),
    ]


def test_parse_keeps_a_line_without_a_place_if_it_is_all_there_is():
    assert parse("x.v: No such file or directory\n", "a.v") == [
        Message("a.v", 1, "error", "x.v: No such file or directory")
    ]
    assert parse("a.v:1: syntax error\nI give up.\n", "a.v") == [
        Message("a.v", 1, "error", "syntax error")
    ]


# -- text that a model wrote -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        '`include "secret"\n',
        '` include "secret"\n',
        '`define M(x) `x "secret"\n`M(include)\n',
        '`define M(x) `/**/x "secret"\n`M(include)\n',
    ],
)
async def test_untrusted_text_includes_nothing(attack, tmp_path):
    (tmp_path / "secret").write_text("password 1234\n")
    text = f"module m; endmodule\n{attack}"
    (message,) = await check_untrusted(ICARUS, text, str(tmp_path / "m.v"))
    assert message == check_untrusted_now(ICARUS, text, str(tmp_path / "m.v"))[0]
    assert message.severity == "error"
    assert "`include is not compiled" in message.text
    assert message.line >= 2


async def test_untrusted_text_is_otherwise_checked_as_any():
    text = "// these signals include a clock\n`timescale 1ns/1ps\nmodule m; wire a = b; endmodule\n"
    assert await check_untrusted(ICARUS, text, "m.v") == check_now(ICARUS, text, "m.v")


def test_paths_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sub.v").write_text("module sub; endmodule\n")
    text = "module m;\n  sub u();\n  oops o();\nendmodule\n"
    assert lines(check_now(ICARUS, text, "m.v", [Path("sub.v")])) == [
        (3, "error", "Unknown module type: oops")
    ]
