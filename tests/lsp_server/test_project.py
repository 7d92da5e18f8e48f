"""Which project a document belongs to, and what `verifrag.toml` says."""

from __future__ import annotations

import os

import pytest

from engine.verilog.filelist import FileList
from lsp_server.project import NAME, Projects, read_toml


@pytest.fixture
def tree(tmp_path):
    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def told(listing):
    return [(note.line, note.text) for note in listing.notes]


def test_everything_that_a_project_file_may_say(tree):
    top = tree(
        {
            NAME: """
sources = ["pkg/types.sv", "rtl/**/*.v"]
exclude = ["rtl\\\\old\\\\*.v"]
file_lists = ["ip/files.f"]
include_dirs = ["inc"]
defines = ["SYNTHESIS", "WIDTH=8"]
library_files = ["vendor/cells.v"]
library_dirs = ["vendor"]
library_extensions = [".v"]
top = ["soc"]
standard = "2005"
arguments = ["-Wno-implicit"]
""",
            "pkg/types.sv": "",
            "rtl/b.v": "",
            "rtl/a/a.v": "",
            "rtl/old/x.v": "",
            "ip/files.f": "ip.v +incdir+.",
            "ip/ip.v": "",
            "inc/x.vh": "",
            "vendor/cells.v": "",
        }
    )
    assert read_toml(top / NAME, top) == FileList(
        sources=(top / "pkg/types.sv", top / "rtl/a/a.v", top / "rtl/b.v", top / "ip/ip.v"),
        include_dirs=(top / "inc", top / "ip"),
        defines=("SYNTHESIS", "WIDTH=8"),
        library_files=(top / "vendor/cells.v",),
        library_dirs=(top / "vendor",),
        library_extensions=(".v",),
        top=("soc",),
        standard="2005",
        arguments=("-Wno-implicit",),
        read=(top / NAME, top / "ip/files.f"),
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("sources = [", 1, "not read: "),
        ("\nsources = 3", 2, "sources: expected a list of texts, not 3"),
        ('top = ["a"]\nstandart = "2012"', 2, "did you mean standard?"),
        ('standard = "2017"', 1, "standard: expected one of 1995, 2001"),
        ('sources = ["gone.v"]', 1, "sources: gone.v is not there"),
        ('include_dirs = ["gone"]', 1, "include_dirs: gone is not there"),
        # These would run a program or write a file.
        ('arguments = ["-B./bin"]', 1, "verifrag.iverilog.arguments"),
        ('arguments = ["-o", "x"]', 1, "verifrag.iverilog.arguments"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(tree, text, line, said):
    top = tree({NAME: text})
    listing = read_toml(top / NAME, top)
    where, what = told(listing)[0]
    assert said in what and where == line
    assert listing.arguments == ()


def test_the_nearest_project_file_counts(tree):
    top = tree({NAME: 'top = ["outer"]', f"ip/{NAME}": 'top = ["inner"]', "ip/rtl/m.v": ""})
    projects = Projects()
    assert projects.find(top / "ip/rtl/m.v", [top]).top == ("inner",)
    assert projects.find(top / "m.v", [top]).top == ("outer",)


def test_nothing_above_the_workspace_folder_is_read(tree):
    top = tree({NAME: 'top = ["outer"]', "work/m.v": ""})
    assert Projects().find(top / "work/m.v", [top / "work"]) == FileList()


def test_a_file_list_counts_for_what_it_names(tree):
    top = tree(
        {"a.f": "rtl/m.v +define+A", "rtl/m.v": "", "rtl/n.v": "", "verible.filelist": "rtl/n.v"}
    )
    projects = Projects()
    assert projects.find(top / "rtl/m.v", [top]).defines == ("A",)
    assert projects.find(top / "rtl/n.v", [top]).read == (top / "verible.filelist",)
    assert projects.find(top / "rtl/other.v", [top]) == FileList()


def test_the_lists_of_the_settings_count_for_everything(tree):
    top = tree({"sim/a.f": "+define+A", "sim/b.f": "+define+B", "m.v": ""})
    assert Projects().find(top / "m.v", [top], ["sim/a.f", "sim\\b.f"]).defines == ("A", "B")


def test_a_change_is_seen(tree):
    top = tree(
        {NAME: 'sources = ["*.v"]\nfile_lists = ["more.f"]', "m.v": "", "more.f": "+define+A"}
    )
    projects = Projects()
    assert projects.find(top / "m.v", [top]).defines == ("A",)
    (top / "more.f").write_text("+define+A+B")
    os.utime(top / "more.f", ns=(1, 1))
    assert projects.find(top / "m.v", [top]).defines == ("A", "B")
    tree({"n.v": ""})
    projects.forget()
    assert projects.find(top / "m.v", [top]).sources == (top / "m.v", top / "n.v")
