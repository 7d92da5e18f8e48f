import itertools
import json
import os
from dataclasses import replace

import pytest
import torch

from engine import model as models
from engine import model_store
from trainer import finetune, iterate, learn, references
from trainer.rounds import Round


@pytest.fixture
def canned(monkeypatch):
    """Responses as a model might have sampled them, for tests of what comes after."""

    def sample(_model, used, *_):
        for edit in used:
            for number, fragments in enumerate([["a;"], ["~", "b;"], ["oops ("]]):
                row = {"reference": edit.id, "sample": number, "fragments": fragments}
                yield {**row, "finish": "stop"}

    monkeypatch.setattr(iterate, "sample", sample)


@pytest.fixture
def quick(canned, monkeypatch):
    """Canned responses, and a training that says it helped: for tests of what is around it."""
    monkeypatch.setattr(learn, "train", lambda *_: {"before": 2.0, "after": 1.5})


def run(base, *options):
    return iterate.main(["--model", str(base), "--epochs", "8", "--lr", "1e-3", *options])


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def weights(folder):
    return models.load(folder).state_dict()


def test_a_round_learns_the_references_and_publishes_the_model(base, edits, home):
    assert run(base) == 0

    folder = home / "rounds" / "round-0001"
    samples, scores = rows(folder / "samples.jsonl"), rows(folder / "scores.jsonl")
    assert [(row["reference"], row["sample"]) for row in samples] == [
        (edit.id, number) for edit in edits for number in range(3)
    ]
    assert len(scores) == len(samples)
    assert all(0 <= row["z"] <= 1 for row in scores)
    steps = rows(folder / "log.jsonl")
    assert [step["step"] for step in steps] == list(range(1, 17))  # 8 epochs of 2 references
    assert all(step["heads"] > 0 for step in steps)
    result = json.loads((folder / "result.json").read_text())
    assert result["promoted"]
    assert result["reference_loss"]["after"] < result["reference_loss"]["before"]

    published = model_store.current()
    assert published == home / "models" / "round-0001"
    card = models.read_card(published)
    assert card.round == 1
    assert card.training["model"] == str(base)
    assert card.training["references"] == [edit.id for edit in edits]
    old, new = weights(base), weights(published)
    assert not torch.equal(old["heads.weight"], new["heads.weight"])


def test_each_round_starts_from_the_model_of_the_last(base, edits, quick, home):
    assert run(base, "--rounds", "2") == 0
    second = models.read_card(model_store.current())
    assert second.round == 2
    assert second.training["model"] == str(home / "models" / "round-0001")


def test_an_interrupted_round_is_gone_on_with_and_gives_the_same_model(
    base, edits, canned, home, tmp_path, monkeypatch, capsys
):
    assert run(base, "--out", str(tmp_path / "uninterrupted")) == 0

    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path / "again"))
    store = ("--references", str(home / "references.sqlite3"))
    with monkeypatch.context() as patch:
        patch.setattr(finetune.Optimizer, "step", _interrupt)
        assert run(base, *store) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "again" / "models").exists()

    with monkeypatch.context() as patch:
        patch.setattr(iterate, "sample", _interrupt)  # is not called: samples.jsonl is there
        assert run(base, *store) == 0
    resumed = weights(tmp_path / "again" / "models" / "round-0001")
    whole = weights(tmp_path / "uninterrupted" / "round-0001")
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def _interrupt(*_):
    raise KeyboardInterrupt


def test_a_round_stopped_while_sampling_leaves_no_half_written_file(base, edits, home, monkeypatch):
    def one_then_stop(*_):
        yield {"reference": 1, "sample": 0, "fragments": [], "finish": "end"}
        raise KeyboardInterrupt

    monkeypatch.setattr(iterate, "sample", one_then_stop)
    assert run(base) == 130
    folder = home / "rounds" / "round-0001"
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]


def test_responses_sampled_before_an_interruption_are_not_sampled_again(
    base, edits, home, monkeypatch
):
    model, options = models.load(base), iterate.Options(samples=3)
    home.mkdir(exist_ok=True)
    for name in ("uninterrupted", "interrupted"):
        (home / name).mkdir()
    expected = list(iterate.sample(model, edits, options, Round(1, home / "uninterrupted", [])))

    current = Round(1, home / "interrupted", [])
    decode_many = iterate.decode_many
    asked = []

    def two_then_stop(model, requests, **keywords):
        asked.append(len(requests))
        yield from itertools.islice(decode_many(model, requests, **keywords), 2)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(iterate, "decode_many", two_then_stop)
        list(iterate.sample(model, edits, options, current))
    with (current.folder / iterate.SAMPLING).open("a") as file:
        file.write('{"reference": 1, "sam')  # as if killed while writing
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(iterate, "decode_many", two_then_stop)
        list(iterate.sample(model, edits, options, current))
    assert asked == [6, 4]
    assert list(iterate.sample(model, edits, options, current)) == expected


def test_two_processes_do_not_work_on_rounds_of_one_home(base, edits, quick, home, capsys):
    with iterate._alone(home):
        assert run(base) == 1
    error = capsys.readouterr().err
    assert f"process {os.getpid()} is training a round" in error
    assert len(error.splitlines()) == 1
    assert run(base) == 0


@pytest.mark.parametrize("change", ["other options", "a deleted reference"])
def test_an_unfinished_round_of_other_inputs_is_left_and_a_new_one_begins(
    base, edits, quick, home, monkeypatch, change
):
    with monkeypatch.context() as patch:
        patch.setattr(learn, "train", _interrupt)
        run(base)
    if change == "other options":
        assert run(base, "--seed", "9") == 0
    else:
        with references.open_store() as store:
            store.delete([edits[0].id])
        assert run(base) == 0
    assert not (home / "rounds" / "round-0001" / "result.json").exists()
    assert model_store.current().name == "round-0002"


@pytest.mark.parametrize("after", [2.5, float("nan")])
def test_a_model_that_is_worse_on_the_references_is_not_promoted(
    base, edits, canned, home, monkeypatch, capsys, after
):
    monkeypatch.setattr(learn, "train", lambda *_: {"before": 2.0, "after": after})
    assert run(base) == 0
    assert "not promoted" in capsys.readouterr().out
    assert model_store.current() == model_store.EMBEDDED
    assert not (home / "models").exists()
    result = json.loads((home / "rounds" / "round-0001" / "result.json").read_text())
    assert result["promoted"] is False


def test_out_writes_elsewhere_and_publishes_nothing(base, edits, quick, tmp_path):
    assert run(base, "--out", str(tmp_path / "out")) == 0
    assert models.read_card(tmp_path / "out" / "round-0001").round == 1
    assert model_store.current() == model_store.EMBEDDED


def test_without_references_it_says_what_to_do(base, home, capsys):
    assert run(base) == 2
    assert "accept some completions" in capsys.readouterr().err
    assert not home.exists()


def test_a_model_that_cannot_be_loaded_is_one_clear_message(edits, tmp_path, capsys):
    assert run(tmp_path / "nowhere") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_samples_can_be_repeated_and_differ_from_round_to_round(base, edits, tmp_path):
    model, options = models.load(base), iterate.Options(samples=4)

    def sampled(number, folder):
        (tmp_path / folder).mkdir()
        return list(iterate.sample(model, edits[:1], options, Round(number, tmp_path / folder, [])))

    first, again, later = sampled(1, "a"), sampled(1, "b"), sampled(2, "c")
    assert first == again
    assert [row["fragments"] for row in first] != [row["fragments"] for row in later]


def test_a_response_ends_where_answers_of_its_shape_end(edits):
    whole_line = replace(edits[0], accepted="~a;\n")
    block = replace(edits[0], accepted="~a;\n  assign z = a;")
    stops = [iterate.stop_for(edit) for edit in (edits[0], whole_line, block, edits[-1])]
    assert stops == ["line", "line", "block", "module"]
