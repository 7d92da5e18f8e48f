"""Copies of benchmark problems are found, however they are dressed up."""

import json

import pytest
from corpus_texts import ADDER, BENCH, COUNTER

from trainer.corpus.decontaminate import documents, examine

SOLUTION = """module arbiter (input clk, input reset, input [3:0] req, output reg [3:0] grant);
  reg [3:0] mask;
  always @(posedge clk) begin
    if (reset) begin mask <= 4'b1111; grant <= 0; end
    else begin
      grant <= req & mask & -(req & mask);
      mask <= grant == 0 ? 4'b1111 : ~(grant | (grant - 1));
    end
  end
endmodule
"""


@pytest.fixture
def benchmark(tmp_path):
    """Two problems: one a folder of files, one a line of JSON with its solution in two parts."""
    folder = tmp_path / "bench"
    (folder / "arbiter").mkdir(parents=True)
    (folder / "arbiter" / "answer.v").write_text(SOLUTION)
    (folder / "arbiter" / "notes.md").write_text("not part of the problem")
    head, _, body = ADDER.partition("\n")
    row = {"task_id": "adder", "prompt": head, "canonical_solution": body, "test": BENCH}
    (folder / "problems.jsonl").write_text(json.dumps(row) + "\n")
    return folder


def renamed(text):
    names = {"arbiter": "chooser", "req": "wish", "grant": "got", "mask": "left", "clk": "c"}
    for old, new in names.items():
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SOLUTION, "arbiter"),
        (
            "// mine\n" + SOLUTION.replace("\n", "\n\n").replace("mask;", "mask; // a mask"),
            "arbiter",
        ),
        (renamed(SOLUTION), "arbiter"),
        (SOLUTION + COUNTER * 8, "arbiter"),  # within a much longer text
        (ADDER, "adder"),
    ],
)
def test_a_copy_is_found(benchmark, text, problem):
    [verdict] = examine([("mine", text)], [benchmark]).verdicts
    assert (verdict.id, verdict.benchmark, verdict.problem) == ("mine", "bench", problem)
    assert verdict.is_copy


def test_a_renamed_copy_shares_all_renamed_ngrams_and_few_as_they_are(benchmark):
    [verdict] = examine([("mine", renamed(SOLUTION))], [benchmark]).verdicts
    assert verdict.renamed == verdict.covered == 1.0
    assert verdict.exact < 0.25


@pytest.mark.parametrize("text", [COUNTER, "A counter that wraps at its parameter.", "", "x"])
def test_other_texts_are_no_copies(benchmark, text):
    assert examine([("mine", text)], [benchmark]).copies == set()


def test_english_is_compared_word_by_word(benchmark):
    (benchmark / "arbiter" / "prompt.txt").write_text(
        "Write an arbiter that grants the lowest of four requests and then turns to the next one above."
    )
    sentence = (
        "Build a filter that weighs the newest of eight samples and soon forgets the oldest ones."
    )
    copied = (benchmark / "arbiter" / "prompt.txt").read_text().replace("Write", "Please write")
    assert examine([("other", sentence), ("copied", copied)], [benchmark]).copies == {"copied"}


def test_the_report_names_the_nearest_text_of_every_problem(benchmark, tmp_path):
    near = SOLUTION.replace("~(grant | (grant - 1))", "{grant[2:0], 1'b1} ^ 4'b0101")
    report = examine([("near", near), ("far", COUNTER), ("copy", SOLUTION)], [benchmark])
    report.write(tmp_path)
    table = json.loads((tmp_path / "decontamination.json").read_text())
    assert table["problems"] == {"bench": 2}
    assert [row["id"] for row in table["left_out"]] == ["near", "copy"]
    assert {row["problem"]: row["id"] for row in table["nearest"]} == {
        "arbiter": "copy",
        "adder": "",
    }
    assert sum(table["kept"]["exact"].values()) == 1
    prose = (tmp_path / "decontamination.md").read_text()
    assert "| bench | arbiter | copy | 1.00 | 1.00 | 1.00 | left out |" in prose


def test_json_that_is_not_in_lines_is_read_as_text(tmp_path):
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"solution": "a few words"}, indent=1))
    (folder / "list.json").write_text(json.dumps([SOLUTION]))
    row = json.dumps({"task_id": "t", "text": "one\u2028two"}, ensure_ascii=False)
    (folder / "rows.jsonl").write_text(row + "\n\n", encoding="utf-8")
    found = {one.problem: one.text for one in documents(folder)}
    assert found.keys() == {"bench", "list:1", "t"}
    assert found["t"] == "one\u2028two"


def test_a_benchmark_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no benchmark folder"):
        examine([], [tmp_path / "nowhere"])
