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


def write(out: Path, items: int = 60, benchmarks: tuple[Path, ...] = ()) -> None:
    (out / "work").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as pool:
        textbook.write(out, out / "work", items, 1, benchmarks, pool)


def test_a_textbook_holds_out_families_and_wordings(tmp_path: Path) -> None:
    write(tmp_path)
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


def test_items_are_all_different_and_spread_over_the_families(tmp_path: Path) -> None:
    write(tmp_path, 80)
    items = list(store.read(tmp_path))
    assert len({item.id for item in items}) == len(items)
    counters = sum(item.family == "up_counter" for item in items)
    assert 0.3 < counters / len(items) < 0.7


def test_a_copy_of_a_benchmark_does_not_get_in(tmp_path: Path) -> None:
    write(tmp_path / "first")
    stolen = next(store.read(tmp_path / "first"))
    bench = tmp_path / "bench" / "problem"
    bench.mkdir(parents=True)
    (bench / "answer.v").write_text(stolen.text)
    write(tmp_path / "second", benchmarks=(tmp_path / "bench",))
    assert stolen.id not in {item.id for item in store.read(tmp_path / "second")}
    report = json.loads((tmp_path / "second" / "decontamination.json").read_text())
    assert stolen.id in {verdict["id"] for verdict in report["left_out"]}


def test_a_stopped_run_goes_on_with_the_lots_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "whole")
    drawn = lots.draw

    def stopping(lot: lots.Lot, folder: Path) -> list[lots.Entry]:
        if lot.family == "up_counter" and lot.number:
            raise KeyboardInterrupt
        return drawn(lot, folder)

    monkeypatch.setattr(lots, "draw", stopping)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "manifest.json").exists()
    monkeypatch.setattr(lots, "draw", drawn)
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "stopped" / "work").iterdir()}
    write(tmp_path / "stopped")
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "stopped" / "work").iterdir()}
    assert before.items() <= after.items()
    assert list(store.read(tmp_path / "stopped")) == list(store.read(tmp_path / "whole"))


def test_an_unfinished_textbook_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no finished textbook"):
        next(store.read(tmp_path))
