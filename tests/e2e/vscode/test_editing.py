"""A day in VS Code: real keys in a real window, the packaged extension, the fake engine."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import expect

# The first test pays for installing VS Code where it is not there yet.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STAGE = """\
// One stage of a delay line.
module stage #(
    parameter WIDTH = 8
) (
    input  wire             clk,
    input  wire [WIDTH-1:0] d,
    output reg  [WIDTH-1:0] q
);
    always @(posedge clk)
        q <= d;
endmodule
"""


def module(name: str, body: str) -> str:
    ports = "    input  wire a,\n    input  wire b,\n    output wire y"
    return f"module {name} (\n{ports}\n);\n{body}\nendmodule\n"


@pytest.fixture(scope="module", autouse=True)
def project(workbench):
    """A module in a file that no test opens, for the others to instantiate."""
    workbench.write("rtl/stage.v", STAGE)


def test_the_status_bar_says_that_it_is_ready_and_with_which_model(window):
    window.open("rtl/ready.v", module("ready", "    assign y = a;|"))
    window.until_status("Ready")
    window.until_status("round 0")
    window.until_status("MiB")


@pytest.mark.parametrize(("suffix", "language"), [("v", "Verilog"), ("sv", "SystemVerilog")])
def test_the_language_is_known_without_another_extension(window, suffix, language):
    window.open(f"rtl/language.{suffix}", module("language", "    assign y = a;|"))
    shown = window.page.locator(".statusbar-item[id='status.editor.mode']")
    expect(shown).to_have_text(language)


def test_keywords_are_coloured_without_another_extension(window):
    """The file says nothing of colours to VS Code: they are the server's tokens."""
    window.open("rtl/colours.v", module("colours", "    reg| q;"))
    word = window.page.locator(".editor-instance .view-line span", has_text="reg").last
    name = window.page.locator(".editor-instance .view-line span", has_text="q").last

    def colour(part) -> str:
        return part.evaluate("part => getComputedStyle(part).color")

    window.until(lambda: colour(word) != colour(name), "a colour of its own for reg")


def test_squiggles_appear_and_vanish_with_the_text_not_with_the_file(window):
    window.open("rtl/squiggles.v", module("squiggles", "    assign y = |a_typo;"))
    expect(window.errors.first).to_be_attached()
    window.shoot("diagnostics")
    window.press("Control+Shift+ArrowRight")
    window.type("a")
    expect(window.errors).to_have_count(0)


def test_a_module_of_another_file_is_known(window):
    body = "    stage #(.WIDTH(1)) first (.clk(a), .d(b), .q(y));\n    assign y = |nowhere;"
    window.open("rtl/other.v", module("other", body))
    expect(window.errors.first).to_be_attached()  # so the check has run
    window.press("Control+Shift+ArrowRight")
    window.type("a")
    expect(window.errors).to_have_count(0)


def test_ghost_text_is_taken_whole_with_tab_and_stored(window):
    before = len(window.stored())
    window.open("rtl/whole.v", module("whole", "    assign y =|"))
    window.type(" ")
    window.until_ghost("a & b;")
    window.shoot("ghost-text")
    window.press("Tab")
    window.until_line("assign y = a & b;")
    (stored,) = window.until_stored(before + 1)[before:]
    assert (stored.kind, stored.accepted) == ("fill", "a & b;")


def test_ghost_text_is_taken_word_by_word_and_stored_at_the_end(window):
    before = len(window.stored())
    window.open("rtl/words.v", module("words", "    // by words\n    assign y =|"))
    window.type(" ")
    window.until_ghost("a & b;")
    window.press("Control+ArrowRight")
    window.until_ghost("& b;")
    while left := window.ghost_text():
        window.press("Control+ArrowRight")
        window.until(lambda left=left: window.ghost_text() != left, f"a word of {left!r} taken")
    window.until_line("assign y = a & b;")
    (stored,) = window.until_stored(before + 1)[before:]
    assert stored.accepted == "a & b;"


def test_ghost_text_that_is_typed_through_stays(window):
    window.open("rtl/through.v", module("through", "    assign y =|"))
    window.type(" ")
    window.until_ghost("a & b;")
    window.type("a ")
    window.until_ghost("& b;")
    window.press("Escape")


def test_candidates_are_cycled(window):
    answers = '    // engine: answers ["a & b;", "a ^ b;", "a ~^ b;"]\n'
    window.open("rtl/cycle.v", module("cycle", f"{answers}    assign y = |"))
    window.command("Trigger Inline Suggestion")
    window.until_ghost("a & b;")
    window.press("Alt+]")
    window.until_ghost("a ^ b;")
    window.press("Tab")
    window.until_line("assign y = a ^ b;")


def test_an_instantiation_is_completed_with_its_ports(window):
    window.open("rtl/instance.v", module("instance", "    |"))
    window.type("stag")
    window.press("Escape", "Control+Space")
    window.menu.filter(has_text="stage").first.wait_for()
    window.shoot("instance")
    window.press("Enter", "Escape", "Escape")
    text = "\n".join(window.lines())
    assert ".WIDTH(" in text
    assert all(f".{port}(" in text for port in ("clk", "d", "q"))


def test_a_module_is_generated_from_its_comment_and_undone_in_one_step(window):
    window.open("rtl/generated.v", "// A module with a clock|\n")
    window.press("Control+.")
    action = window.page.locator(".action-widget .monaco-list-row", has_text="generate module")
    action.first.wait_for()
    window.shoot("generate")
    window.press("Enter")
    window.until_line("module from_comment (")
    window.press("Control+z")
    expect(window.page.locator(".view-line", has_text="from_comment")).to_have_count(0)
    window.until_line("// A module with a clock")


def test_the_body_of_a_module_is_completed_by_a_command(window):
    answer = '// engine: answer "    assign y = a ^ b;\\nendmodule\\n"\n'
    window.open("rtl/body.v", answer + module("body", "    |"))
    window.command("Verifrag: Write the Body of This Module")
    window.until_line("assign y = a ^ b;")
    assert [line.strip() for line in window.lines()].count("endmodule") == 1


def test_a_setting_is_changed_live(window):
    window.open("rtl/setting.v", module("setting", "    assign y = |missing;"))
    expect(window.errors.first).to_be_attached()
    window.set(diagnostics_enabled=False)
    expect(window.errors).to_have_count(0)
    window.set()
    expect(window.errors.first).to_be_attached()


def test_a_missing_iverilog_is_told_with_what_to_do_and_logged(window):
    window.open("rtl/tool.v", module("tool", "    assign y = a |b;"))
    window.set(iverilog_path="/no/such/iverilog")
    told = window.page.locator(".notification-toast", has_text="/no/such/iverilog")
    expect(told.first).to_contain_text("Install it")
    expect(window.errors.first).to_be_attached()  # slang has found the syntax error
    assert "/no/such/iverilog" in window.log()
    window.set()
    window.command("Notifications: Clear All Notifications")
    expect(told).to_have_count(0)


def test_ghost_text_only_on_request_if_that_is_wanted(window):
    window.open("rtl/request.v", module("request", "    assign y =|"))
    window.set(completion_automatic=False)
    window.until_settings("completion.automatic", there=True)
    window.type(" ")
    window.command("Trigger Inline Suggestion")
    window.until_ghost("a & b;")
    window.press("Escape")
    window.set()
    window.until_settings("completion.automatic", there=False)


def test_ghost_text_is_turned_off_in_one_file_from_the_status_bar(window):
    window.open("rtl/off.v", module("off", "    assign y =|"))
    window.status.click()
    window.page.locator(".quick-input-list .monaco-list-row").first.wait_for()
    window.shoot("status")
    window.page.locator(".monaco-list-row", has_text="off in this file").click()
    window.until_status("Ghost text is off in this file")
    window.type(" ")
    window.page.wait_for_timeout(1500)
    expect(window.ghost).to_have_count(0)
    window.open("rtl/on.v", module("on", "    assign y =|"))
    window.type(" ")
    window.until_ghost("a & b;")
    window.press("Escape")


def test_an_engine_that_is_killed_comes_back(window):
    window.open("rtl/killed.v", module("killed", "    assign y =|"))
    window.until_status("Ready")
    (killed,) = window.engine_processes()
    os.kill(killed, signal.SIGKILL)
    window.until(lambda: killed not in window.engine_processes(), "the engine's death")
    window.type(" ")
    window.until(window.engine_processes, "the engine's return")
    window.until_status("Ready")
    window.command("Trigger Inline Suggestion")
    window.until_ghost("a & b;")


def test_what_was_collected_is_shown(window):
    window.command("Verifrag: Show What Was Collected")
    expect(window.page.locator(".view-line", has_text="reference(s) in").first).to_be_visible()


def test_the_doctors_report_is_shown(window):
    window.command("Verifrag: Doctor")
    expect(window.page.locator(".view-line", has_text="iverilog").first).to_be_visible()


def test_nothing_of_all_this_was_an_error_in_the_log(window):
    assert [line for line in window.log().splitlines() if "[error]" in line] == []


def test_a_server_that_is_killed_comes_back_and_takes_no_focus(window):
    window.open("rtl/server.v", module("server", "    assign y =|"))
    window.until_status("Ready")
    (killed,) = window.server_processes()
    loads = window.log().count("engine ready")
    os.kill(killed, signal.SIGKILL)
    window.until(lambda: window.log().count("engine ready") > loads, "another server's engine")
    assert window.server_processes() != [killed]
    window.type(" ")  # still goes into the editor
    window.until_ghost("a & b;")
    window.press("Escape")
