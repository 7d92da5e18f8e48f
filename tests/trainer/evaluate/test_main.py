"""The whole command on a tiny model and benchmarks of one problem each."""

import json
from dataclasses import replace

import pytest
from tiny_model import tiny_model

from engine import model as models
from trainer.corpus import store
from trainer.corpus.store import Item
from trainer.evaluate import __main__ as command
from trainer.evaluate import judging, records, sampling
from trainer.evaluate.sandbox import SandboxMissing
from trainer.textbook import store as textbook


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    models.save(tiny_model(), folder)
    return folder


@pytest.fixture
def call(model_folder, benchmarks, exam, tmp_path):
    """Runs the command on VGen and the exam, into `out`; returns its status."""

    def run(out, *arguments, suites=("vgen", "textbook")):
        return command.main(
            [
                *(str(model_folder), "--out", str(tmp_path / out), "--suites", *suites),
                *("--data", str(benchmarks), "--textbook", str(exam), "--samples", "2"),
                *("--temperatures", "0.2", "0.8", "--max-tokens", "24", *arguments),
            ]
        )

    return run


def by_key(path):
    return {records.key(record): record for record in records.read(path)}


@pytest.fixture
def two_kinds(exam):
    """The exam's item once more, as one of held-out wordings."""
    [item] = textbook.read_exam(exam)
    textbook.write(exam, [], [item, replace(item, id="2", held_out="wording")], {})


def test_every_sample_gets_its_verdict(call, two_kinds, tmp_path, capsys):
    assert call("out") == 0
    samples, verdicts = (
        by_key(tmp_path / "out/samples.jsonl"),
        by_key(tmp_path / "out/verdicts.jsonl"),
    )
    assert samples.keys() == verdicts.keys()
    assert len(samples) == (1 + 2 + 2) * 2 * 2  # prompts, temperatures, samples
    scores = json.loads((tmp_path / "out/report.json").read_text())["scores"]
    assert [(score["suite"], score["temperature"]) for score in scores] == [
        (suite, temperature)
        for suite in ("textbook-family", "textbook-wording", "vgen")
        for temperature in (0.2, 0.8, None)
    ]
    assert "## pass@k" in capsys.readouterr().out


def test_a_stopped_evaluation_goes_on_as_if_it_had_not_been(call, tmp_path, monkeypatch, capsys):
    assert call("whole", suites=["vgen"]) == 0
    sample = sampling.sample

    def stopped_after_three(model, wanted, write, *rest):
        sample(model, wanted[:3], write, *rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sampling, "sample", stopped_after_three)
        assert call("parts", suites=["vgen"]) == 130
    assert "call again to go on" in capsys.readouterr().err
    assert len(by_key(tmp_path / "parts/samples.jsonl")) == 3
    assert call("parts", suites=["vgen"]) == 0
    for name in ("samples.jsonl", "verdicts.jsonl"):
        assert by_key(tmp_path / "parts" / name) == by_key(tmp_path / "whole" / name)


def test_samples_with_and_without_viability_are_kept_apart(call, tmp_path, monkeypatch):
    assert call("out", "--viability", "off", suites=["vgen"]) == 0
    plain = by_key(tmp_path / "out/samples.jsonl")
    assert call("out", "--viability", "off", "names", suites=["vgen"]) == 0
    samples = by_key(tmp_path / "out/samples.jsonl")
    vetoed = [record for key, record in samples.items() if key.model.endswith("+names")]
    assert len(vetoed) == len(plain) == len(samples) / 2
    assert {key: samples[key] for key in plain} == plain
    assert all(record["vetoes"] >= record["overruled"] for record in vetoed)
    scores = json.loads((tmp_path / "out/report.json").read_text())
    assert [name.endswith("(names)") for name in scores["models"].values()] == [False, True]


def test_fragments_by_the_lexer_are_a_way_of_their_own(call, tmp_path):
    assert call("out", "--boundaries", "tokens", "lexer", suites=["vgen"]) == 0
    labels = {key.model for key in by_key(tmp_path / "out/samples.jsonl")}
    (plain,) = {label.partition("+")[0] for label in labels}
    assert labels == {plain, f"{plain}+lexer"}


def test_nothing_is_done_twice(call, tmp_path, monkeypatch):
    assert call("out", suites=["vgen"]) == 0
    before = (tmp_path / "out/verdicts.jsonl").read_text()
    monkeypatch.setattr(models, "load", None)
    monkeypatch.setattr(judging, "judge", None)
    assert call("out", suites=["vgen"]) == 0
    assert (tmp_path / "out/verdicts.jsonl").read_text() == before


def test_samples_can_be_drawn_where_there_is_no_sandbox(call, tmp_path, monkeypatch, capsys):
    def missing(*_):
        raise SandboxMissing("untrusted Verilog can't be sandboxed here")

    with monkeypatch.context() as patch:
        patch.setattr(command.sandbox, "run", missing)
        assert call("out", suites=["vgen"]) == 1
        assert "can't be sandboxed here" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
        assert call("out", "--no-verdicts", suites=["vgen"]) == 0
    assert not (tmp_path / "out/verdicts.jsonl").exists()
    assert call("out", suites=["vgen"]) == 0
    assert len(by_key(tmp_path / "out/verdicts.jsonl")) == 4


def test_next_lines_come_from_the_repositories_held_out(call, tmp_path):
    folder, data = tmp_path / "corpus", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    (data / "manifest.json").write_text('{"held_out_repositories": ["o/held"]}')
    held = Item("module h;\n  wire a;\nendmodule\n", "", "o/held", "h.v", "c0ffee", "MIT")
    seen = replace(held, text="module s;\n  wire b;\nendmodule\n", source="o/seen")
    store.write(folder, [held, seen], {})
    arguments = ("--held-out", str(data), "--corpus", str(folder), "--places", "100")
    assert call("out", *arguments, suites=["fill"]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert [(one["form"], one["places"]) for one in report["next_lines"]] == [
        ("prefix", 2),
        ("prefix and suffix", 2),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fill"], "the suite fill needs --held-out DATA"),
        (["vgen", "--data", "nowhere"], "there is no problem of the suite vgen in nowhere"),
    ],
)
def test_what_is_missing_is_said(model_folder, tmp_path, capsys, arguments, message):
    out = ["--out", str(tmp_path / "out"), "--suites"]
    assert command.main([str(model_folder), *out, *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_model(tmp_path, capsys):
    assert command.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "is not a Verifrag model folder" in capsys.readouterr().err
