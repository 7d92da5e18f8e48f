"""Twins by method and by part of the data: what is trained, on what, and that nothing is done twice."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tiny_data import OPTIONS, write_data
from tiny_model import tiny_tokenizer

from trainer.compare import command


class Calls:
    """The other commands, of which only the training is real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data: list[list[str]] = []
        self.exams: list[list[str]] = []
        monkeypatch.setattr(command.making, "main", self.make_data)
        monkeypatch.setattr(command.evaluate, "main", self.examine)

    def make_data(self, words: list[str]) -> int:
        self.data.append(words)
        write_data(Path(words[0]), tiny_tokenizer())
        return 0

    def examine(self, words: list[str]) -> int:
        self.exams.append(words)
        return 0


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def run(out: Path, *more: str) -> int:
    options = ["--textbook", "T", "--shares", "0.5", "1", "--steps", "4", "--no-compile"]
    options += ["--prompts", "1"]
    return command.main([str(out), *options, *OPTIONS, *more])


def test_twins_differ_in_method_and_in_part_of_the_data_alone(tmp_path: Path, calls: Calls) -> None:
    assert run(tmp_path, "--methods", "ntp", "fragment") == 0
    trained = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert trained == ["fragment-0.5", "fragment-1", "ntp-0.5", "ntp-1"]
    configs = {
        name: json.loads((tmp_path / "runs" / name / "config.json").read_text()) for name in trained
    }
    assert {name: config["steps"] for name, config in configs.items()} == {
        "fragment-0.5": 2,
        "fragment-1": 4,
        "ntp-0.5": 2,
        "ntp-1": 4,
    }
    differ = {key for key, value in configs["ntp-1"].items() if value != configs["fragment-1"][key]}
    assert differ == {"method", "name"}


def test_the_parts_are_written_in_the_vocabulary_of_the_whole(tmp_path: Path, calls: Calls) -> None:
    run(tmp_path, "--methods", "ntp")
    whole, half = calls.data
    assert whole[0].endswith("data-1") and "--tokenizer" not in whole
    assert half[half.index("--tokenizer") + 1] == whole[0]
    assert half[half.index("--share") + 1] == "0.5"


def test_a_second_call_only_examines(tmp_path: Path, calls: Calls) -> None:
    run(tmp_path, "--methods", "ntp")
    assert run(tmp_path, "--methods", "ntp") == 0
    assert len(calls.data) == 2 and len(calls.exams) == 2
    models = [str(tmp_path / "models" / name) for name in ("ntp-1", "ntp-0.5")]
    assert calls.exams[0][:2] == models


def test_a_comparison_in_pieces_comes_to_its_end(tmp_path: Path, calls: Calls) -> None:
    pieces = ["--methods", "ntp", "--minutes", "0"]  # a step of training each
    assert [run(tmp_path, *pieces) for _ in range(3)] == [3, 3, 3]
    assert not calls.exams
    assert run(tmp_path, "--methods", "ntp") == 0
    assert len(calls.exams) == 1


def test_time_that_is_up_ends_the_exam(tmp_path: Path, calls: Calls, monkeypatch) -> None:
    def endless(words: list[str]) -> int:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            return command.INTERRUPTED
        return 0

    assert run(tmp_path, "--methods", "ntp") == 0
    monkeypatch.setattr(command.evaluate, "main", endless)
    assert run(tmp_path, "--methods", "ntp", "--minutes", "0.001") == 3


def test_the_report_tells_the_speed_of_the_largest_part(tmp_path: Path, calls: Calls) -> None:
    assert run(tmp_path, "--methods", "ntp", "fragment") == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert {method: one["prompts"] for method, one in report["speed"].items()} == {
        "ntp": 1,
        "fragment": 1,
    }
    assert report["speed"]["ntp"]["tokens_per_step"] <= 1
    measured = (tmp_path / "speed.json").read_bytes()
    assert run(tmp_path, "--methods", "ntp", "fragment") == 0
    assert (tmp_path / "speed.json").read_bytes() == measured  # not measured again
