import json
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from trainer import references
from trainer.references import Reference, StoreError, open_store

EDIT = Reference(
    kind="fill",
    uri="file:///design/counter.v",
    prefix="always @(posedge clk)\n  ",
    suffix="\nendmodule\n",
    offered="q <= q + 1;\nend",
    accepted="q <= q + 1;",
    model="embedded",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "references.sqlite3"


@pytest.fixture
def store(path):
    with open_store(path) as store:
        yield store


def test_what_is_added_comes_back_as_it_was(store):
    identifier = store.add(EDIT)
    assert store.all() == [replace(EDIT, id=identifier)]
    assert EDIT.created.endswith("+00:00")


def test_references_survive_closing_and_come_back_oldest_first(path):
    for accepted in ("a;", "b;"):
        with open_store(path) as store:
            store.add(replace(EDIT, accepted=accepted))
    with open_store(path) as store:
        assert [reference.accepted for reference in store.all()] == ["a;", "b;"]


def test_the_same_acceptance_is_kept_once(store):
    first = store.add(EDIT)
    assert (
        store.add(replace(EDIT, created="2030-01-01T00:00:00+00:00", model="round-0001")) == first
    )
    assert store.add(replace(EDIT, accepted="q <= q - 1;")) != first
    assert store.count() == 2


def test_only_the_text_near_the_cursor_is_stored(store):
    store.add(replace(EDIT, prefix="far " * 2000 + "near", suffix="near" + " far" * 2000))
    (stored,) = store.all()
    assert len(stored.prefix) == references.MAX_PREFIX
    assert stored.prefix.endswith("near")
    assert len(stored.suffix) == references.MAX_SUFFIX
    assert stored.suffix.startswith("near")


def test_a_lone_surrogate_from_an_editor_does_not_stop_the_store(store):
    store.add(replace(EDIT, prefix="// \ud83d"))
    assert store.all()[0].prefix == "// ?"


def test_delete_takes_the_named_ones_and_their_text_leaves_the_disk(store, path):
    secret = store.add(replace(EDIT, accepted="assign secret_key = 42;"))
    kept = store.add(EDIT)
    assert store.delete([secret, 999]) == 1
    assert [reference.id for reference in store.all()] == [kept]
    on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"secret_key" not in on_disk
    assert b"q <= q + 1;" in on_disk


def test_clear_empties_the_store_and_ids_are_not_used_again(store):
    first = store.add(EDIT)
    assert store.clear() == 1
    assert store.count() == 0
    assert store.add(EDIT) > first


def test_the_store_is_readable_by_its_owner_only(store, path):
    assert path.stat().st_mode & 0o077 == 0


def test_export_writes_json_lines(store, tmp_path):
    store.add(replace(EDIT, accepted="// número\n"))
    target = tmp_path / "edits.jsonl"
    assert store.export(target) == 1
    (line,) = target.read_text(encoding="utf-8").splitlines()
    assert Reference(**json.loads(line)) == store.all()[0]
    assert [file.name for file in tmp_path.glob(".*")] == []


def test_export_into_a_missing_folder_says_so(store, tmp_path):
    with pytest.raises(StoreError, match="No such file or directory"):
        store.export(tmp_path / "missing" / "edits.jsonl")


def test_a_store_of_a_newer_version_is_refused_untouched(path):
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer Verifrag \(schema 99.*update Verifrag"):
        open_store(path)


def test_a_file_that_is_not_a_database_is_named(path):
    path.parent.mkdir(parents=True)
    path.write_text("module top; endmodule\n" * 100)
    with pytest.raises(StoreError, match=r"references\.sqlite3 is damaged or not a store"):
        open_store(path)


WRITER = """
import sys
from pathlib import Path
from trainer.references import Reference, open_store

path, writer = sys.argv[1:]
with open_store(Path(path)) as store:
    for number in range(20):
        text = f"w{writer}n{number};"
        store.add(Reference(kind="fill", uri="", prefix="", offered=text, accepted=text))
"""


def test_several_processes_create_and_fill_one_store(path):
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    with open_store(path) as store:
        assert store.count() == 80


def test_importing_it_needs_neither_torch_nor_the_training_packages():
    code = "import sys, trainer.references; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers", "numpy", "rapidfuzz", "pyslang"} & set(loaded)


# --- the command line ----------------------------------------------------------------------------


def run(path, *arguments):
    return references.main(["--references", str(path), *arguments])


def test_list_shows_a_line_for_each_reference(store, path, capsys):
    store.add(replace(EDIT, accepted="q <=\n   q + 1;"))
    assert run(path, "list") == 0
    line, total = capsys.readouterr().out.splitlines()
    assert line.split() == ["1", EDIT.created, "fill", "counter.v", "q", "<=", "q", "+", "1;"]
    assert total == f"1 reference(s) in {path}"


def test_delete_all_needs_yes(store, path, capsys):
    store.add(EDIT)
    assert run(path, "delete", "--all") == 2
    assert "add --yes" in capsys.readouterr().err
    assert run(path, "delete", "--all", "--yes") == 0
    assert store.count() == 0


def test_delete_without_saying_what_is_refused(store, path, capsys):
    assert run(path, "delete") == 2
    assert "either ids" in capsys.readouterr().err


def test_deleting_what_is_not_there_says_so_and_deletes_the_rest(store, path, capsys):
    known = store.add(EDIT)
    assert run(path, "delete", str(known), "998", "999") == 1
    said = capsys.readouterr()
    assert said.out == "deleted 1 reference(s), 0 left\n"
    assert said.err == "there is no reference 998, 999 (see `list`)\n"


def test_path_and_export_from_the_shell(store, path, tmp_path):
    store.add(EDIT)
    command = [sys.executable, "-m", "trainer.references", "--references", str(path)]
    shown = subprocess.run([*command, "path"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{path}\n"
    subprocess.run([*command, "export", str(tmp_path / "out.jsonl")], check=True)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1


def test_errors_are_one_line_on_stderr(tmp_path, capsys):
    (tmp_path / "store").write_bytes(b"\x00not sqlite" * 200)
    assert run(tmp_path / "store", "list") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
