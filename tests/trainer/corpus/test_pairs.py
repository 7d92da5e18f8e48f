"""Published sets of descriptions with code, in their three shapes."""

import gzip
import json

import pytest
from corpus_texts import ADDER, COUNTER

from trainer.corpus import pairs

MODULE = COUNTER.partition("\n")[2]
HEADER, _, BODY = MODULE.partition(";\n")
LLAMA = "\n <s>[INST] <<SYS>>\n You only complete chats.\n <</SYS>>\n\n {} \n [/INST]\n"
PROMPT = (
    "Implement the Verilog module based on the following {} level description. Assume that signals are "
    "positive clock/clk edge triggered unless otherwise stated. \n{}\n\n Module header:\n\n "
    + HEADER
    + ";"
)
MG_VERILOG = {
    "code": BODY,
    "description": {
        "block_summary": LLAMA.format(PROMPT.format("block", "One always block.")),
        "detailed_global_summary": LLAMA.format(PROMPT.format("detailed", "It has a reset.")),
        "high_level_global_summary": LLAMA.format(PROMPT.format("high", "A counter.")),
    },
}
MG_VERILOG_AS_TEXT = MG_VERILOG | {"description": json.dumps(MG_VERILOG["description"])}
RTLCODER = {
    "Instruction": "Please write\n a counter.",
    "Input": HEADER,
    "Response": [MODULE, ADDER],
}
AUTOVCODER = {"problem": "A counter.", "verilog_code": f"```verilog\n{MODULE}```", "id": 7}


def read(tmp_path, *lines):
    """(shape, results) of a file with these lines; what is no text becomes JSON."""
    path = tmp_path / "set.jsonl.gz"
    with gzip.open(path, "wt") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    shape = pairs.shape_of(path)
    return shape, [pairs.of_row(row) for row in pairs.rows(path, shape, "pyslang", "MIT")]


@pytest.mark.parametrize(
    ("row", "shape", "description"),
    [
        (RTLCODER, "RTLCoder", "Please write a counter."),
        (AUTOVCODER, "AutoVCoder", "A counter."),
        (MG_VERILOG, "MG-Verilog", "It has a reset."),
        (MG_VERILOG_AS_TEXT, "MG-Verilog", "It has a reset."),
        ({"code": MODULE, "description": "A counter."}, "MG-Verilog", "A counter."),
    ],
)
def test_each_shape_gives_a_whole_module_and_its_description(tmp_path, row, shape, description):
    found, results = read(tmp_path, row)
    assert found == shape
    [[pair]] = [result.found for result in results]
    assert pair.text == MODULE
    assert (pair.description, pair.origin, pair.licence) == (description, "pair", "MIT")


def test_the_summaries_of_mg_verilog_take_turns(tmp_path):
    _, results = read(tmp_path, MG_VERILOG, MG_VERILOG, MG_VERILOG)
    descriptions = [result.found[0].description for result in results]
    assert descriptions == ["It has a reset.", "A counter.", "One always block."]


def test_bad_lines_are_counted_and_say_what_is_wrong(tmp_path):
    lines = ["not JSON", AUTOVCODER, '["a list"]', {"problem": "no code"}, '{"problem": "cut o', ""]
    _, results = read(tmp_path, *lines)
    bad = [result for result in results if result.counts["pairs dropped: bad line"]]
    assert len(bad) == 4
    assert all(result.problem for result in bad)
    assert sum(result.counts["pairs"] for result in results) == 5


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (AUTOVCODER | {"verilog_code": "assign y = a;"}, "without a module or a description"),
        (AUTOVCODER | {"problem": " "}, "without a module or a description"),
        (AUTOVCODER | {"verilog_code": MODULE.replace("<=", "<= <=")}, "syntax error"),
        (AUTOVCODER | {"verilog_code": "module m; endmodule"}, "too short or too long"),
    ],
)
def test_useless_pairs_are_counted_under_their_reason(tmp_path, row, reason):
    _, [result] = read(tmp_path, row)
    assert result.counts[f"pairs dropped: {reason}"] == 1


def test_an_unknown_shape_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"question, answer.*RTLCoder.*MG-Verilog.*AutoVCoder"):
        read(tmp_path, {"question": "?", "answer": "!"})


def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "MAX_LINE", 1000)
    _, [_, endless, _] = read(tmp_path, AUTOVCODER, '{"problem": "' + "x" * 5000, AUTOVCODER)
    assert endless.counts["pairs dropped: bad line"] == 1


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress(b"nothing that is JSON\n" * 5000)[:-20])
    with pytest.raises(ValueError, match=r"set\.jsonl\.gz is damaged"):
        pairs.shape_of(path)


def test_a_file_without_json_has_no_shape(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_bytes(b"\xff\xfe nothing\n")
    assert pairs.shape_of(path) is None
