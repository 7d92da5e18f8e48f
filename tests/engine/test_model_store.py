"""What the setting `verifrag.model` means."""

from __future__ import annotations

import pytest

from engine import model_store


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path / "home"))


def test_nothing_means_the_model_that_ships_or_the_last_round():
    assert model_store.resolve("") == str(model_store.EMBEDDED)
    folder = model_store.models_dir() / "round-0001"
    folder.mkdir(parents=True)
    model_store.publish(folder)
    assert model_store.resolve("") == str(folder)


def test_a_relative_folder_is_looked_for_in_the_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "project" / "model").mkdir(parents=True)
    resolved = model_store.resolve("model", tmp_path / "project")
    assert resolved == str(tmp_path / "project" / "model")
    assert model_store.resolve("../project/model", tmp_path / "project") == resolved


def test_an_absolute_folder_and_one_of_the_user_s_home_stay_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    for setting in ("~/mine", str(tmp_path / "mine")):
        assert model_store.resolve(setting, tmp_path / "elsewhere") == str(tmp_path / "mine")


def test_what_is_no_folder_is_passed_on():
    assert model_store.resolve("someone/verilog-model") == "someone/verilog-model"
