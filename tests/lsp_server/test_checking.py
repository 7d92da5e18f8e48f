"""What a document is compiled with. Nothing is compiled here."""

from __future__ import annotations

import pytest

from engine.verilog.filelist import FileList
from engine.verilog.icarus import Icarus
from lsp_server.checking import Context, checked_unit, configured
from lsp_server.workspace import Index


@pytest.fixture
def unit_of(tmp_path):
    """The unit of a document among `files`, with relative paths in place of whole ones."""

    def find(name, files, listing=None):
        for one, text in files.items():
            path = tmp_path / one
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        index = Index()
        index.scan([tmp_path])
        listing = listing(tmp_path) if listing else FileList()
        unit = checked_unit(files[name], tmp_path / name, Context(index, Icarus(), listing))
        if unit is None:
            return None

        def relative(paths):
            return [str(path.relative_to(tmp_path)) for path in paths]

        return relative(unit.before), str(unit.path.relative_to(tmp_path)), relative(unit.others)

    return find


def test_packages_come_first_each_after_those_it_needs(unit_of):
    files = {
        "top.sv": "module top;\n  wire [b::W:0] x;\n  wire [a::W:0] y;\n  sub u();\nendmodule\n",
        "sub.sv": "module sub;\nendmodule\n",
        "a.sv": "package a;\n  parameter W = b::W + c::W;\nendpackage\n",
        "b.sv": "package b;\n  parameter W = c::W;\nendpackage\n",
        "c.sv": "package c;\n  parameter W = 1;\nendpackage\n",
    }
    before, path, others = unit_of("top.sv", files)
    assert (before, path, others) == (["c.sv", "b.sv", "a.sv"], "top.sv", ["sub.sv"])


def test_packages_that_need_each_other_are_no_endless_loop(unit_of):
    files = {
        "a.sv": "package a;\n  parameter W = b::W;\nendpackage\n",
        "b.sv": "package b;\n  parameter W = a::W;\nendpackage\n",
        "top.sv": "module top;\n  wire [a::W:0] x;\nendmodule\n",
    }
    before, _, _ = unit_of("top.sv", files)
    assert sorted(before) == ["a.sv", "b.sv"]


def test_a_project_s_sources_keep_their_order(unit_of):
    names = ["macros.v", "one.v", "two.v"]
    files = {name: f"module {name[:-2]};\nendmodule\n" for name in names}
    found = unit_of("one.v", files, lambda top: FileList(tuple(top / name for name in names)))
    assert found == (["macros.v"], "one.v", ["two.v"])


def test_a_header_stands_in_a_file_that_includes_it_through_others(unit_of):
    files = {
        "rtl/top.v": '`include "outer.vh"\nmodule top;\nendmodule\n',
        "inc/outer.vh": '`include "inner.vh"\n',
        "inc/inner.vh": "`define A 1\n",
    }
    assert unit_of("inc/inner.vh", files) == ([], "rtl/top.v", [])


def test_a_header_that_nobody_includes_is_not_checked(unit_of):
    assert unit_of("ports.vh", {"ports.vh": "input clk,\n"}) is None


def test_headers_that_include_each_other_are_no_endless_loop(unit_of):
    files = {"a.vh": '`include "b.vh"\n', "b.vh": '`include "a.vh"\n'}
    assert unit_of("a.vh", files) is None


def test_what_the_project_says_comes_before_the_settings(tmp_path):
    settings = Icarus(include_dirs=("/s",), defines=("A=1",), top=("s",), standard="2005")
    listing = FileList(include_dirs=(tmp_path,), defines=("A=2",), top=("p",))
    found = configured(settings, listing)
    assert found.include_dirs == (str(tmp_path), "/s")
    assert (found.defines, found.top, found.standard) == (("A=2", "A=1"), ("p",), "2005")
