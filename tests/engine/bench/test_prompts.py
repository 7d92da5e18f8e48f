"""Where the bench's prompts come from."""

from pathlib import Path

import pytest
from tiny_model import VERILOG, tiny_model

from engine.api import EngineError, Prompt
from engine.bench import prompts

BOX = """// Counts.
// Wraps around.
module box (input a, output y);
    assign y = ~a;

    always @(posedge a) begin
        q <= y;
    end
endmodule
"""


def benchmarks(folder: Path) -> Path:
    """A folder of benchmarks as upstream lays them out."""
    texts = {
        "vgen/prompts-and-testbenches/basic1/prompt1_wire.v": "// a wire\nmodule w(",
        "vgen/prompts-and-testbenches/basic1/prompt2_wire.v": "// a wire, in words\nmodule w(",
        "vgen/prompts-and-testbenches/basic1/answer_wire.v": BOX,
        "vgen/prompts-and-testbenches/solved/prompt3_x.v": "module x;\nendmodule",
        "rtllm_v1.1/adder/design_description.txt": "Please write an adder.\n",
        "rtllm_v1.1/adder/verified_adder.v": VERILOG,
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_vgen_goes_on_from_comment_and_header(tmp_path):
    found = prompts.vgen(benchmarks(tmp_path))
    assert [one.id for one in found] == [
        "basic1/1",
        "basic1/2",
    ]  # not the one that is solved already
    assert found[0].prompt == Prompt("// a wire\nmodule w(\n")


def test_rtllm_asks_by_description(tmp_path):
    (found,) = prompts.rtllm(benchmarks(tmp_path))
    assert found.prompt == Prompt("", instruction="Please write an adder.")


def test_a_described_module_is_asked_for_by_its_comment():
    (found,) = prompts.comments("box", BOX)
    assert found.prompt.instruction == "Counts.\nWraps around."
    assert list(prompts.comments("bare", VERILOG)) == []


def test_holes_leave_out_whole_lines_of_a_body():
    found = list(prompts.holes("box", BOX))
    assert [one.id for one in found] == ["box:4", "box:6", "box:7", "box:8"]
    for one, out in zip(found, (1, 8, 1, 4), strict=True):
        line = int(one.id.split(":")[1]) - 1
        lines = BOX.splitlines(keepends=True)
        assert one.prompt.prefix.rstrip(" ") == "".join(lines[:line])
        assert one.prompt.suffix == "\n" + "".join(lines[line + out :])


def test_suites_share_and_the_small_ones_leave_room_to_the_large(tmp_path):
    data = benchmarks(tmp_path / "data")
    found = prompts.collect(8, data, [])
    count = [
        sum(one.suite == suite for one in found) for suite in ("vgen", "rtllm", "comment", "hole")
    ]
    assert count == [2, 1, 1, 4]
    everything = prompts.collect(575, data, [])
    assert len(everything) == len({(one.suite, one.id) for one in everything}) > 8


def test_files_and_folders_are_sources(tmp_path):
    (tmp_path / "box.v").write_text(BOX)
    assert prompts.collect(9, None, [tmp_path]) == prompts.collect(9, None, [tmp_path / "box.v"])


def test_nothing_to_ask_is_said(tmp_path):
    with pytest.raises(EngineError, match="--sources"):
        prompts.collect(4, None, [])
    with pytest.raises(EngineError, match="nowhere"):
        prompts.collect(4, None, [tmp_path / "nowhere"])
    with pytest.raises(EngineError, match="--data"):
        prompts.collect(4, tmp_path, [])


def test_prompts_leave_room_for_the_answer():
    model = tiny_model()
    ids = prompts.encode(model, Prompt(VERILOG * 9), 100)
    assert len(ids) <= model.card.window - 100
    with pytest.raises(EngineError, match="--tokens"):
        prompts.encode(model, Prompt(VERILOG), 250)
