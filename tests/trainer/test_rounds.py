from pathlib import Path

import pytest

from trainer.rounds import open_round

MODELS = Path("no models yet")
INPUTS = {"model": "base", "options": {"seed": 1}}


def test_rounds_are_numbered_on_from_those_finished(tmp_path):
    first = open_round(tmp_path, INPUTS, [1, 2], MODELS)
    assert first.name == "round-0001"
    first.finish({"promoted": True})
    assert open_round(tmp_path, INPUTS, [1, 2], MODELS).name == "round-0002"


def test_an_unfinished_round_keeps_the_references_it_began_with(tmp_path):
    open_round(tmp_path, INPUTS, [1, 2], MODELS)
    again = open_round(tmp_path, INPUTS, [1, 2, 3], MODELS)
    assert (again.name, again.references) == ("round-0001", [1, 2])


def test_the_number_of_a_model_that_exists_is_not_taken(tmp_path):
    (tmp_path / "models" / "round-0007").mkdir(parents=True)
    opened = open_round(tmp_path / "rounds", INPUTS, [1], tmp_path / "models")
    assert opened.name == "round-0008"


def test_a_stage_is_done_once(tmp_path):
    opened = open_round(tmp_path, INPUTS, [1], MODELS)
    assert opened.stage("scores.jsonl", lambda: [{"z": 0.5}, {"z": 1.0}]) == [
        {"z": 0.5},
        {"z": 1.0},
    ]
    assert opened.stage("scores.jsonl", lambda: pytest.fail("done again")) == [
        {"z": 0.5},
        {"z": 1.0},
    ]
