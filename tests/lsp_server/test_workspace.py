"""The index: which file defines which module, and what has to be compiled along."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path

import pytest

from lsp_server import workspace
from lsp_server.files import MAX_FILE_SIZE, read_text
from lsp_server.workspace import Index


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def module(name, *instances):
    body = "".join(f"  {one} u_{one}();\n" for one in instances)
    return f"module {name};\n{body}endmodule\n"


@pytest.fixture
def design(tmp_path):
    """A folder of files, scanned: design({"a.v": text, ...}) -> Index."""

    def make(files):
        write(tmp_path, files)
        index = Index()
        index.scan([tmp_path])
        return index

    return make


def needs(index, folder, text, name="top.v"):
    """The dependencies of `text` as names relative to `folder`."""
    found = index.dependencies(text, folder / name)
    return [path.relative_to(folder).as_posix() for path in found]


# -- scanning --------------------------------------------------------------------------------------


def test_modules_of_all_suffixes_are_found(design, tmp_path):
    index = design({f"rtl/{n}.{n}": module(f"m_{n}") for n in ("v", "vh", "sv", "svh", "txt")})
    assert index.names() == ["m_sv", "m_svh", "m_v", "m_vh"]
    path, found = index.definition("m_v")
    assert (path, found.name) == (tmp_path / "rtl/v.v", "m_v")
    assert index.header("m_v") == "module m_v;"
    assert index.definition("nothing") is index.module("nothing") is index.header("nothing") is None


def test_hidden_and_generated_folders_are_skipped(design):
    folders = (".git", "node_modules", "build", "rtl/.cache")
    index = design({f"{folder}/m.v": module("m") for folder in folders})
    assert index.names() == []


def test_links_are_followed_once(design, tmp_path):
    index = design({"rtl/m.v": module("m")})
    (tmp_path / "rtl" / "loop").symlink_to(tmp_path)
    (tmp_path / "dead.v").symlink_to(tmp_path / "gone.v")
    outside = tmp_path / ".outside"
    write(outside, {"far.v": module("far")})
    (tmp_path / "linked").symlink_to(outside)
    index.scan([tmp_path])
    assert index.names() == ["far", "m"]


def test_the_number_of_files_is_bounded(design, tmp_path, caplog):
    index = design({f"m{i}.v": module(f"m{i}") for i in range(5)})
    index.scan([tmp_path], limit=3)
    assert len(index.names()) == 3
    assert "only the first 3" in caplog.text


def test_large_files_and_what_is_no_file_define_nothing(design, tmp_path):
    index = design({"large.v": module("large") + " " * MAX_FILE_SIZE})
    os.mkfifo(tmp_path / "pipe.v")
    (tmp_path / "folder.v").mkdir()
    index.scan([tmp_path])
    index.update(tmp_path / "open.v", module("open") + " " * MAX_FILE_SIZE)
    assert index.names() == []
    assert index.source(tmp_path / "open.v").tokens == []


def test_a_file_that_is_not_utf8_is_read_and_logged(tmp_path, caplog):
    path = tmp_path / "latin.v"
    path.write_bytes("// gr\xf6\xdfe\nmodule m; endmodule\n".encode("latin-1"))
    assert read_text(path) == "// gr\ufffd\ufffde\nmodule m; endmodule\n"
    assert "latin.v is not UTF-8" in caplog.text
    index = Index()
    index.scan([tmp_path])
    assert index.names() == ["m"]


# -- changes ---------------------------------------------------------------------------------------


def test_open_text_counts_until_it_is_closed(design, tmp_path):
    index = design({"m.v": module("saved")})
    path = tmp_path / "m.v"
    index.update(path, module("typed"))
    assert index.names() == ["typed"]
    assert index.edited() == {path: module("typed")}
    index.update(path, module("typed_more"))
    assert index.names() == ["typed_more"]
    index.close(path)
    assert index.names() == ["saved"]
    assert index.edited() == {}


def test_files_that_come_change_and_go(design, tmp_path):
    index = design({})
    path = tmp_path / "m.v"
    for text, names in ((module("a"), ["a"]), (module("b"), ["b"])):
        path.write_text(text)
        index.refresh(path)
        assert index.names() == names
    path.unlink()
    index.refresh(path)
    assert index.names() == []
    (tmp_path / "notes.txt").write_text(module("c"))
    index.refresh(tmp_path / "notes.txt")
    assert index.names() == []


def test_a_scan_reads_only_what_has_changed(design, tmp_path):
    index = design({"a.v": module("a"), "b.v": module("b")})
    before = index.symbols()
    write(tmp_path, {"b.v": module("longer"), "c.v": module("c")})
    index.scan([tmp_path])
    assert index.names() == ["a", "c", "longer"]
    (tmp_path / "c.v").unlink()
    index.scan([tmp_path])
    assert index.names() == ["a", "longer"]
    assert index.symbols()[0][1] is before[0][1]


def test_what_is_left_out(design, tmp_path):
    files = ("rtl/a.v", "sim/b.v", "ip/x/sim/c.v", "ip/x/d.v", "e_netlist.v", "rtl/gen/f.v")
    index = design({name: module(Path(name).stem) for name in files})
    for exclude, names in (
        ((), ["a", "b", "c", "d", "e_netlist", "f"]),
        (("sim",), ["a", "d", "e_netlist", "f"]),
        (("ip/*/sim", "*_netlist.v"), ["a", "b", "d", "f"]),
        (("**/gen/**", "./ip/"), ["a", "b", "e_netlist"]),
    ):
        index.scan([tmp_path], exclude)
        assert index.names() == names
        (tmp_path / "ip" / "x" / "sim" / "late.v").write_text(module("late"))
        index.refresh(tmp_path / "ip" / "x" / "sim" / "late.v")
        assert ("late" in index.names()) is ("c" in names)


def test_a_folder_that_goes_takes_its_files_along(design, tmp_path):
    index = design({"ip/x/a.v": module("a"), "b.v": module("b")})
    shutil.rmtree(tmp_path / "ip")
    index.refresh(tmp_path / "ip")
    assert index.names() == ["b"]


def test_a_scan_can_be_stopped_and_keeps_what_it_has_read(design, tmp_path):
    index = design({})
    write(tmp_path, {f"m{number}.v": module(f"m{number}") for number in range(5)})
    stopped = threading.Event()
    told = []

    def report(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            stopped.set()

    index.scan([tmp_path], report=report, stopped=stopped)
    assert told == [(1, 5), (2, 5)]
    assert index.names() == ["m0", "m1"]


def test_macros_that_a_text_sees(design, tmp_path):
    index = design({"defs.vh": "`define WIDTH 8\n`define MAX(a, b) \\\n  a\n"})
    text = '`include "defs.vh"\n`define WIDTH 9\n'
    assert index.macros(text, tmp_path / "top.v") == {
        "WIDTH": "`define WIDTH 9",
        "MAX": "`define MAX(a, b) \\\n  a",
    }


def test_one_file_is_parsed_once_and_few_are_kept(design, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "KEPT_SOURCES", 2)
    index = design({f"m{number}.v": module(f"m{number}") for number in range(3)})
    paths = [tmp_path / f"m{number}.v" for number in range(3)]
    first = index.source(paths[0])
    assert index.source(paths[0]) is first
    assert index.source(paths[1]) and index.source(paths[2])
    assert index.source(paths[0]) is not first


# -- dependencies ----------------------------------------------------------------------------------


def test_what_is_instantiated_is_followed_all_the_way(design, tmp_path):
    index = design(
        {
            "a.v": module("a", "b", "missing"),
            "b.v": module("b", "c", "a"),
            "c.v": module("c"),
            "unused.v": module("unused"),
        }
    )
    assert sorted(needs(index, tmp_path, module("top", "a"))) == ["a.v", "b.v", "c.v"]
    assert needs(index, tmp_path, module("top")) == []


def test_the_nearest_of_several_definitions_is_taken(design, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    index = design(
        {
            "old/sub.v": module("sub"),
            "chip/core/sub.v": module("sub"),
            "chip/core/deep/sub.v": module("sub"),
        }
    )
    for _ in range(2):
        assert needs(index, tmp_path, module("t", "sub"), "chip/core/top.v") == ["chip/core/sub.v"]
    assert caplog.text.count("also defined in") == 1
    assert needs(index, tmp_path, module("t", "sub"), "old/top.v") == ["old/sub.v"]


def test_nothing_is_defined_twice(design, tmp_path):
    index = design(
        {
            "top.v": module("top", "sub"),  # the file being edited, as saved
            "copy.v": module("top") + module("sub"),
            "pair.v": module("a") + module("b"),
            "b.v": module("b"),
        }
    )
    assert needs(index, tmp_path, module("top", "sub")) == []
    assert needs(index, tmp_path, module("top", "b", "a")) in (["b.v"], ["pair.v"])
    assert needs(index, tmp_path, module("top", "sub") + module("sub")) == []


def test_an_included_file_is_not_compiled_along(design, tmp_path):
    index = design({"sub.v": module("sub", "leaf"), "leaf.v": module("leaf")})
    text = '`include "sub.v"\n' + module("top", "sub")
    assert needs(index, tmp_path, text) == ["leaf.v"]


def test_includes_are_found_in_the_nearest_folder_that_has_them(design, tmp_path):
    index = design(
        {
            "chip/include/defs.vh": '`include "widths.vh"\n',
            "chip/common/widths.vh": "",
            "other/include/defs.vh": "",
        }
    )
    text = '`include "defs.vh"\n`include "nowhere.vh"\n' + module("top")
    found = index.included(text, tmp_path / "chip/rtl/top.v")
    assert found == [tmp_path / "chip/include/defs.vh", tmp_path / "chip/common/widths.vh"]


def test_each_file_s_includes_are_found_in_the_folders_of_its_own_project(tmp_path):
    folders = {}
    for name in ("one", "two"):
        (tmp_path / name / "inc").mkdir(parents=True)
        (tmp_path / name / "inc" / "defs.vh").write_text('`include "deep.vh"\n')
        (tmp_path / name / "more").mkdir()
        (tmp_path / name / "more" / "deep.vh").write_text("")
        folders[tmp_path / name / "top.v"] = [tmp_path / name / "inc", tmp_path / name / "more"]
    index = Index(lambda path: folders.get(path, ()))
    for top, (inc, more) in folders.items():
        assert index.included('`include "defs.vh"', top) == [inc / "defs.vh", more / "deep.vh"]


def test_the_nearest_header_with_a_macro(design, tmp_path):
    files = {"a/sizes.vh": "`define W 4\n", "b/more.vh": "`define W 8\n", "b/x.v": "`define X 1\n"}
    index = design(files)
    assert index.header_with("W", tmp_path / "b" / "top.v") == "more.vh"
    assert index.header_with("X", tmp_path / "b" / "top.v") is None


def test_library_files_are_given_already(design, tmp_path):
    index = design({"cells.v": module("nand2"), "copy.v": module("nand2")})
    top = module("top", "nand2")
    assert index.dependencies(top, tmp_path / "top.v", [tmp_path / "cells.v"]) == []


def test_unsaved_definitions_count(design, tmp_path):
    index = design({"sub.v": module("old_name")})
    index.update(tmp_path / "sub.v", module("new_name"))
    assert needs(index, tmp_path, module("top", "new_name")) == ["sub.v"]
    assert needs(index, tmp_path, module("top", "old_name")) == []


def test_packages_come_before_those_that_use_them(design, tmp_path):
    package = "package {0};\n{1}endpackage\n".format
    index = design(
        {
            "a_sub.v": module("sub"),
            "base.sv": package("base", "  localparam W = 8;\n"),
            "types.sv": package("types", "  localparam N = base::W;\n"),
        }
    )
    text = "module top;\n  import types::*;\n  sub u_sub();\nendmodule\n"
    assert needs(index, tmp_path, text) == ["base.sv", "types.sv", "a_sub.v"]
