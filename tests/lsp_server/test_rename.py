"""Renaming what the cursor, drawn as |, is on to `fresh`: the texts that come of it, or why not."""

from __future__ import annotations

import pytest
from drawn import FOLDER, opened

from lsp_server import rename
from lsp_server.rename import RenameError

SUB = "module sub(input clk, output q);\n  reg r;\n  assign q = r & clk;\nendmodule\n"


def renamed(files: dict[str, str], new: str = "fresh") -> dict[str, str]:
    """The files that change, as they are afterwards."""
    index, path, offset = opened(files)
    target, _, _ = rename.prepare(index, path, offset)
    after = {}
    for changed, edits in rename.rename(index, target, new).items():
        text = index.text(changed)
        for edit in reversed(edits):
            text = text[: edit.start] + edit.text + text[edit.end :]
        after[changed.name] = text
    return after


def test_a_signal_in_its_module_only():
    files = {"a.v": SUB.replace("r;", "r|;", 1) + "module b; reg r; endmodule // r\n"}
    after = SUB.replace("reg r", "reg fresh").replace("= r", "= fresh")
    assert renamed(files) == {"a.v": after + "module b; reg r; endmodule // r\n"}


def test_a_port_where_it_is_connected_too():
    files = {
        "sub.v": SUB,
        "top.v": "module top(input clk);\n  sub u0 (.c|lk(clk));\n  sub u1 (.clk);\nendmodule\n",
    }
    assert renamed(files) == {
        "sub.v": SUB.replace("clk", "fresh"),
        "top.v": "module top(input clk);\n  sub u0 (.fresh(clk));\n  sub u1 (.fresh(clk));\nendmodule\n",
    }


def test_a_signal_that_is_connected_by_its_name_alone():
    files = {"sub.v": SUB, "top.v": "module top(input c|lk);\n  sub u1 (.clk);\nendmodule\n"}
    assert renamed(files) == {
        "top.v": "module top(input fresh);\n  sub u1 (.clk(fresh));\nendmodule\n"
    }


def test_a_module_and_a_macro_in_all_files():
    files = {"sub.v": SUB, "top.v": "module top;\n  s|ub u0 ();\nendmodule\n"}
    assert renamed(files) == {
        "sub.v": SUB.replace("sub", "fresh"),
        "top.v": "module top;\n  fresh u0 ();\nendmodule\n",
    }
    files = {"a.v": "`define |W 8\n`ifdef W\n`endif\n", "b.v": "wire [`W:0] W;\n"}
    assert renamed(files) == {
        "a.v": "`define fresh 8\n`ifdef fresh\n`endif\n",
        "b.v": "wire [`fresh:0] W;\n",
    }


def test_an_old_port_at_all_of_its_declarations():
    text = "module m(q);\n  output q;\n  reg q;\n  always @* |q = 1;\nendmodule\n"
    assert renamed({"m.v": text}) == {"m.v": text.replace("|", "").replace("q", "fresh")}


@pytest.mark.parametrize(
    ("new", "reason"),
    [("begin", "keyword"), ("1x", "no name"), ("a b", "no name"), ("clk", "used already in a.v")],
)
def test_a_new_name_that_will_not_do(new, reason):
    with pytest.raises(RenameError, match=reason):
        renamed({"a.v": SUB.replace("reg r", "reg |r")}, new)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.v": "module m; // not|hing\nendmodule"}, "nothing that the workspace declares"),
        ({"a.v": '`include "b.v|"', "b.v": ""}, "nothing that the workspace declares"),
        ({"a.v": "module m; u|nknown u0 (); endmodule"}, "nothing that the workspace declares"),
        ({"a.v": "`define SUM r\nmodule m; reg |r;\nassign x = `SUM;\nendmodule"}, "the macro SUM"),
        ({"a.v": '`include "b.vh"\nmodule m; reg |r; endmodule', "b.vh": "`define S r"}, "macro S"),
        ({"a.v": 'module m; reg |r;\n`include "b.vh"\nendmodule', "b.vh": "assign r = 1;"}, "b.vh"),
        ({"sub.v": SUB, "a.v": "module m; wire |clk; sub u (.*); endmodule"}, "connects by name"),
        ({"sub.v": SUB.replace("clk", "|clk", 1), "a.v": "module m; sub u (.*); endmodule"}, "a.v"),
        ({"a.v": SUB.replace("sub", "|sub"), "b.v": SUB}, "declared more than once"),
        ({"a.v": SUB.replace("sub", "|sub"), "b.v": "module fresh; endmodule"}, "declared already"),
        ({"a.v": "`define V wire v;\nmodule m; `V assign |v = 1; endmodule"}, "out of a macro"),
    ],
)
def test_what_is_not_safe_is_refused(files, reason):
    with pytest.raises(RenameError, match=reason):
        renamed(files)


def test_files_outside_of_the_workspace_are_not_changed(tmp_path):
    (tmp_path / "far.vh").write_text("`define FAR 1\n")
    files = {"a.v": '`include "far.vh"\nwire [`F|AR:0] x;'}
    index, path, offset = opened(files, include_dirs=[tmp_path])
    with pytest.raises(RenameError, match=r"outside of the workspace"):
        rename.prepare(index, FOLDER / path, offset)
