import pytest

from trainer.evaluate import records
from trainer.evaluate.records import Key


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "records.jsonl"
    for number in range(2):
        with records.appending(path) as write:
            write({"sample": number, "text": "→ \n"})
    assert records.read(path) == [{"sample": 0, "text": "→ \n"}, {"sample": 1, "text": "→ \n"}]
    assert records.read(tmp_path / "none.jsonl") == []


def test_a_line_cut_short_is_dropped_and_written_over(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"sample": 0}\n{"sam')
    assert records.read(path) == [{"sample": 0}]
    with records.appending(path) as write:
        write({"sample": 1})
    assert path.read_text() == '{"sample": 0}\n{"sample": 1}\n'


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"sample": 0}\nnonsense\n')
    with pytest.raises(ValueError, match=r"records\.jsonl:2 is damaged"):
        records.read(path)


def test_keys():
    record = {
        "text": "",
        "sample": 3,
        "model": "m",
        "suite": "s",
        "problem": "p",
        "temperature": 0.2,
    }
    assert records.key(record) == Key("m", "s", "p", 0.2, 3)
