"""File lists: what is read out of them, where their paths start, what is told of the rest."""

from __future__ import annotations

import pytest

from engine.verilog.filelist import FileList, read_arguments, read_list


@pytest.fixture
def tree(tmp_path):
    """A folder with files, made as they are named: `tree("rtl/a.v", "files.f", text="...")`."""

    def make(*names, text=""):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def told(listing):
    return [(note.file.name, note.line, note.text) for note in listing.notes]


def test_everything_that_is_understood(tree):
    top = tree("rtl/a.v", "rtl/b.sv", "inc/x.vh", "cells/c.v", "lib/all.v")
    tree(
        "files.f",
        text="""
        // sources
        rtl/a.v  rtl/b.sv   # both
        /* folders
           rtl/gone.v */
        +incdir+inc+rtl -I cells
        +define+SIM+WIDTH=8 -DDEPTH=4
        -y cells +libext+.v+.sv
        -v lib/all.v
        -sv -top a
        """,
    )
    assert read_list(top / "files.f", top) == FileList(
        sources=(top / "rtl/a.v", top / "rtl/b.sv"),
        include_dirs=(top / "inc", top / "rtl", top / "cells"),
        defines=("SIM", "WIDTH=8", "DEPTH=4"),
        library_files=(top / "lib/all.v",),
        library_dirs=(top / "cells",),
        library_extensions=(".v", ".sv"),
        top=("a",),
        standard="2012",
        read=(top / "files.f",),
    )


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ('"with space/a.v"', "with space/a.v"),
        ("设计/顶层.v", "设计/顶层.v"),
        (r"rtl\deep\a.v", "rtl/deep/a.v"),
        (".\\rtl\\a.v", "rtl/a.v"),
        ("$RTL_FOLDER/a.v", "rtl/a.v"),
        ("${RTL_FOLDER}/a.v", "rtl/a.v"),
        ("$(RTL_FOLDER)/a.v", "rtl/a.v"),
    ],
)
def test_paths_of_every_kind(tree, monkeypatch, written, file):
    monkeypatch.setenv("RTL_FOLDER", "rtl")
    top = tree(file)
    tree("files.f", text=f"{written}\n")
    listing = read_list(top / "files.f", top)
    assert (listing.sources, listing.notes) == ((top / file,), ())


def test_a_line_may_go_on_in_the_next(tree):
    top = tree("a.v")
    tree("files.f", text="+define+A \\\n  a.v\n")
    assert read_list(top / "files.f", top).sources == (top / "a.v",)


def test_paths_start_at_the_list_or_else_where_a_tool_is_started(tree):
    top = tree("sim/near.v", "rtl/far.v")
    tree("sim/files.f", text="near.v rtl/far.v\n")
    assert read_list(top / "sim/files.f", top).sources == (top / "sim/near.v", top / "rtl/far.v")


def test_the_two_ways_to_name_another_list(tree):
    """`-f` goes on with the paths of the list it is in, `-F` starts at the other list."""
    top = tree("a.v", "ip/a.v")
    tree("ip/list.f", text="a.v\n")
    for option, expected in (("-f", top / "a.v"), ("-F", top / "ip/a.v")):
        tree("files.f", text=f"{option} ip/list.f\n")
        listing = read_list(top / "files.f", top)
        assert (listing.sources, listing.notes) == ((expected,), ())
        assert listing.read == (top / "files.f", top / "ip/list.f")


def test_a_list_that_includes_itself_ends(tree):
    top = tree("a.v")
    tree("one.f", text="-f two.f\n")
    tree("two.f", text="a.v\n-f one.f\n")
    listing = read_list(top / "one.f", top)
    assert listing.sources == (top / "a.v",)
    assert told(listing) == [("two.f", 2, "one.f includes itself, so it is not read again")]


def test_what_is_not_understood_is_told_and_the_rest_is_read(tree):
    top = tree("a.v")
    tree("files.f", text="-work lib +acc\na.v\ngone.v\n$NOT_SET_ANYWHERE/b.v\n-y\n")
    listing = read_list(top / "files.f", top)
    assert listing.sources[0] == top / "a.v"
    assert told(listing) == [
        ("files.f", 1, "-work is not supported, so it is ignored"),
        ("files.f", 1, "+acc is not supported, so it is ignored"),
        ("files.f", 3, "gone.v is not there"),
        ("files.f", 4, "$NOT_SET_ANYWHERE is not set in the environment of the server"),
        ("files.f", 4, "$NOT_SET_ANYWHERE/b.v is not there"),
        ("files.f", 5, "-y names nothing, so it is ignored"),
    ]


def test_a_list_that_is_not_there_is_told(tree):
    top = tree("a.v")
    assert told(read_list(top / "gone.f", top)) == [
        ("gone.f", 1, "this file list can't be read: No such file or directory")
    ]


def test_noise_raises_nothing(tree):
    noise = bytes(number * 7919 % 256 for number in range(5_000)).decode("latin-1")
    top = tree("files.f", text=noise)
    assert read_list(top / "files.f", top).read == (top / "files.f",)


def test_arguments_of_iverilog(tree):
    top = tree("hdl/x.v", "lib/cells.v")
    words = [
        "-Wall",
        "-v",
        "-Y.sv",
        "-y",
        "./hdl",
        "-l",
        "lib/cells.v",
        "-g2012",
        "-I",
        "hdl",
        "-Tmin",
    ]
    assert read_arguments(words, top) == FileList(
        library_extensions=(".sv",),
        library_dirs=(top / "hdl",),
        library_files=(top / "lib/cells.v",),
        include_dirs=(top / "hdl",),
        standard="2012",
        arguments=("-Wall", "-Tmin"),
    )
