"""Modules from comments and bodies of modules, through the real server with the fake engine."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from lsprotocol import types

pytestmark = pytest.mark.slow

MODULE = "Verifrag: generate module from comment"
BODY = "Verifrag: write the body of this module"


def told(editor) -> list[str]:
    """What the progress bars said."""
    reports = (report for bar in editor.progress_reports.values() for report in bar)
    return [report.message for report in reports if report.kind == "report"]


GENERATED = (
    "module blink(input clk, output reg led);\n  always @(posedge clk) led <= ~led;\nendmodule"
)


def describe(answers: list[str]) -> str:
    return (
        f"// A blinking light.\n// engine: answers {json.dumps(answers)}|\n\nmodule a;\nendmodule\n"
    )


async def test_a_candidate_that_compiles_is_inserted_below_the_comment(start):
    editor = await start()
    await editor.ready()
    broken, undeclared = "module blink(;", "module blink;\n  assign led = nothing.here;\nendmodule"
    uri, cursor = editor.open("blink.v", describe([broken, undeclared, GENERATED]))
    text = editor.texts[uri]
    assert await editor.act(uri, cursor, MODULE) is True
    comment, rest = text.split("\n\n", 1)
    assert editor.texts[uri] == f"{comment}\n{GENERATED}\n\n{rest}"
    assert any(
        re.fullmatch(r"\d+ characters, \d+ of 24 candidates checked", m) for m in told(editor)
    )
    assert len(editor.edits) == 1  # one step to undo
    assert not (
        editor.folder.parent / "home" / "references.sqlite3"
    ).exists()  # no one has accepted


async def test_where_no_candidate_compiles_nothing_is_inserted(start):
    editor = await start(settings={"generate": {"samples": 2}})
    await editor.ready()
    uri, cursor = editor.open("blink.v", describe(["module blink(;"]))
    assert await editor.act(uri, cursor, MODULE) is False
    assert editor.edits == []
    assert any("none of 2 generated modules compiles" in message for message in editor.told)


async def test_where_none_compiles_the_best_that_parses_is_inserted_with_a_note(start):
    editor = await start(settings={"generate": {"samples": 3}})
    await editor.ready()
    undeclared = "module blink(output led);\n  assign led = nothing.here;\nendmodule"
    uri, cursor = editor.open("blink.v", describe(["module blink(;", undeclared]))
    assert await editor.act(uri, cursor, MODULE) is True
    assert undeclared in editor.texts[uri]
    (note,) = editor.told
    assert "none of 3 candidates compiles" in note
    assert "iverilog says" in note


async def test_the_body_of_a_module_is_written_in_its_place(start):
    editor = await start()
    await editor.ready()
    undeclared = "\n  assign q = other_clock;\nendmodule"
    good = "\n  always @(posedge clk)\n    q <= q + `STEP;\nendmodule"
    said = json.dumps([undeclared, good])
    text = "`define STEP 2\n// engine: answers %s\nmodule count(input clk, output reg [3:0] q);|\n"
    uri, cursor = editor.open("count.v", (text % said) + "endmodule\n")
    assert await editor.act(uri, cursor, BODY) is True
    written = editor.texts[uri].partition("q);")[2]
    assert written == "\n  always @(posedge clk)\n    q <= q + `STEP;\nendmodule\n"
    assert editor.told == []


async def test_generation_can_be_cancelled_from_its_progress_bar(start, fake_engine, tmp_path):
    received = tmp_path / "received.jsonl"
    editor = await start(engine=fake_engine("--log", str(received)))
    await editor.ready()
    uri, cursor = editor.open("blink.v", "// engine: forever|\n")
    generation = asyncio.ensure_future(editor.act(uri, cursor, MODULE))

    def bar():
        for token, reports in editor.progress_reports.items():
            if any("of 24 candidates" in (report.message or "") for report in reports[1:]):
                return token
        return None

    token = await editor.until(bar, "generation")
    editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
    assert await generation is False
    await editor.until(lambda: '"cancel"' in received.read_text(), "cancellation in the engine")
    assert editor.edits == []


async def test_a_module_lands_below_its_comment_though_the_document_changed(start, fake_engine):
    editor = await start(engine=fake_engine("--delay", "0.05"))
    await editor.ready()
    uri, cursor = editor.open("blink.v", describe([GENERATED]))
    generation = asyncio.ensure_future(editor.act(uri, cursor, MODULE))
    await editor.until(lambda: len(editor.progress_reports) == 2, "generation")
    editor.change(uri, "`timescale 1ns/1ps\n" + editor.texts[uri])
    assert await generation is True
    assert editor.texts[uri].index("answers") < editor.texts[uri].index(
        "posedge clk) led <= ~led;\nendmodule\n"
    )
