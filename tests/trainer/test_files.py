"""Files that appear whole or not at all, and JSON lines that a killed run leaves cut."""

import hashlib

import pytest

from trainer import files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_by_its_new_content(tmp_path):
    path = tmp_path / "file"
    for content in ("one →", "two"):
        files.write(path, content)
        assert path.read_text(encoding="utf-8") == content
    assert names(tmp_path) == ["file"]
    assert files.sha256(path) == hashlib.sha256(b"two").hexdigest()


def test_nothing_is_lost_or_left_when_the_disk_is_full(tmp_path):
    path = tmp_path / "file"
    files.write(path, "old")
    (tmp_path / ".file.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        files.write(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_an_interrupted_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    files.write_lines(path, [{"n": 1}])

    def rows():
        yield {"n": 2}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_lines(path, rows())
    assert files.read_lines(path) == [{"n": 1}]
    assert names(tmp_path) == ["rows.jsonl"]


def test_what_was_appended_is_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    for number in range(2):
        with files.appending(path) as write:
            write({"n": number, "text": "→ \n\u2028"})
            assert files.read_lines(path)[number]["n"] == number  # at once
    assert [row["text"] for row in files.read_lines(path)] == ["→ \n\u2028"] * 2
    assert files.read_lines(tmp_path / "none.jsonl") == []


def test_a_line_cut_short_is_dropped_and_written_over(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 0}\n{"n')
    assert files.read_lines(path) == [{"n": 0}]
    with files.appending(path) as write:
        write({"n": 1})
    assert path.read_text() == '{"n": 0}\n{"n": 1}\n'


def test_a_file_of_half_a_line_is_empty(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n')
    with files.appending(path):
        pass
    assert path.read_text() == ""


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 0}\n\nnonsense\n')
    with pytest.raises(ValueError, match=r"rows\.jsonl:3 is damaged: delete that line"):
        files.read_lines(path)


def test_text_that_utf_8_cannot_carry_is_made_to_fit(tmp_path):
    assert files.storable("a\ud800b") == "a?b"
    files.write_lines(tmp_path / "rows.jsonl", [{"text": "a\ud800b"}])
    assert files.read_lines(tmp_path / "rows.jsonl") == [{"text": "a?b"}]
