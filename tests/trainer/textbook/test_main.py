"""The whole textbook from the command's functions, with three families."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trainer.textbook import __main__ as textbook
from trainer.textbook import lots, store, wordings
from trainer.textbook.families import FAMILIES

FEW = {name: FAMILIES[name] for name in ("up_counter", "down_counter", "mux2")}


@pytest.fixture(autouse=True)
def few_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textbook, "FAMILIES", FEW)
    monkeypatch.setattr(textbook, "HELD_OUT", frozenset({"mux2"}))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of lots that the tests share, so that each is drawn once."""
    return tmp_path_factory.mktemp("lots")


def write(out: Path, work: Path, items: int = 60, benchmarks: tuple[Path, ...] = ()) -> None:
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as pool:
        textbook.write(out, work, items, 1, benchmarks, pool)


def test_a_textbook_holds_out_families_and_wordings(tmp_path: Path, drawn: Path) -> None:
    write(tmp_path, drawn)
    items, exam = list(store.read(tmp_path)), store.read_exam(tmp_path)
    assert len(items) >= 60
    assert {item.family for item in items} == {"up_counter", "down_counter"}
    assert {question.family for question in exam} == set(FEW)
    assert {question.held_out for question in exam if question.family == "mux2"} == {"family"}

    trained = {item.id for item in items}
    assert not trained & {question.id for question in exam}
    said = {description["wording"] for item in items for description in item.descriptions}
    assert not said & wordings.HELD_OUT
    asked = {p["wording"] for q in exam if q.held_out == "wording" for p in q.prompts}
    assert asked == wordings.HELD_OUT - wordings.SHORT


def test_items_are_all_different_and_spread_over_the_families(tmp_path: Path, drawn: Path) -> None:
    write(tmp_path, drawn, 80)
    items = list(store.read(tmp_path))
    assert len({item.id for item in items}) == len(items)
    counters = sum(item.family == "up_counter" for item in items)
    assert 0.3 < counters / len(items) < 0.7


def test_a_copy_of_a_benchmark_does_not_get_in(tmp_path: Path, drawn: Path) -> None:
    write(tmp_path / "first", drawn)
    stolen = next(store.read(tmp_path / "first"))
    bench = tmp_path / "bench" / "problem"
    bench.mkdir(parents=True)
    (bench / "answer.v").write_text(stolen.text)
    write(tmp_path / "second", drawn, benchmarks=(tmp_path / "bench",))
    assert stolen.id not in {item.id for item in store.read(tmp_path / "second")}
    report = json.loads((tmp_path / "second" / "decontamination.json").read_text())
    assert stolen.id in {verdict["id"] for verdict in report["left_out"]}


def test_a_stopped_run_goes_on_with_the_lots_it_has(
    tmp_path: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "whole", drawn)
    draw, work = lots.draw, tmp_path / "work"

    def stopping(lot: lots.Lot, folder: Path) -> list[lots.Entry]:
        if lot.family == "up_counter" and lot.number:
            raise KeyboardInterrupt
        return draw(lot, folder)

    monkeypatch.setattr(lots, "draw", stopping)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "stopped", work)
    assert not (tmp_path / "stopped" / "manifest.json").exists()
    monkeypatch.setattr(lots, "draw", draw)
    before = {path.name: path.stat().st_mtime_ns for path in work.iterdir()}
    assert before
    write(tmp_path / "stopped", work)
    after = {path.name: path.stat().st_mtime_ns for path in work.iterdir()}
    assert before.items() <= after.items()
    assert list(store.read(tmp_path / "stopped")) == list(store.read(tmp_path / "whole"))


def test_a_new_textbook_replaces_all_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [store.Item(str(n), "f", "m", "module m; endmodule\n", "", []) for n in range(5)]
    monkeypatch.setattr(store, "SHARD", 2)
    store.write(tmp_path, items, [], {})
    assert list(store.read(tmp_path)) == items
    store.write(tmp_path, items[:1], [], {})
    assert list(store.read(tmp_path)) == items[:1]


def test_a_textbook_that_was_changed_is_not_read(tmp_path: Path) -> None:
    store.write(tmp_path, [store.Item("1", "f", "m", "module m; endmodule\n", "", [])], [], {})
    with (tmp_path / "items-00000.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(ValueError, match="not as the manifest has it"):
        list(store.read(tmp_path))


def test_an_unfinished_textbook_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no finished textbook"):
        next(store.read(tmp_path))
