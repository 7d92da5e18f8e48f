"""Diagnostics of several files: what a document is checked with, and where an error elsewhere is shown."""

from __future__ import annotations

GOOD = "module m(input a, output b);\n  assign b = a;\nendmodule\n"
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


async def test_the_log_says_what_a_file_is_checked_with(editor, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "sub.v").write_text("module sub(input x);\nendmodule\n")
    window = editor()
    for text in (USER, USER + "\n"):
        window.type("top.v", text)
        await window.rest()
    told = [line for line in caplog.messages if "is checked with" in line]
    assert told == [f"{tmp_path / 'top.v'} is checked with {tmp_path / 'sub.v'}"]


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


async def test_library_folders_may_be_missing(editor, tmp_path):
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "sub.v").write_text("module sub(input x);\nendmodule\n")
    (tmp_path / "verifrag.toml").write_text('library_dirs = ["no-such", "cells"]\n')
    window = editor()
    window.type("top.v", USER.replace("endmodule", "wire b = nn; endmodule"))
    await window.rest()
    assert window.seen("top.v") == ["Unable to bind wire/reg/memory `nn'"]


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
