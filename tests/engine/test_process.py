"""The engine process on a tiny model: its protocol, turn-taking, cancelling, and failing loads."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_model import tiny_model

from engine import model as models
from engine.process import Engine, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny"
    models.save(tiny_model(), path)
    return str(path)


def complete(number, tokens=12, **options):
    prompt = {"prefix": "module m;\n", "suffix": "", "context": "", "instruction": ""}
    params = {"prompt": prompt, "options": {"max_tokens": tokens, **options}}
    return {"id": number, "method": "complete", "params": params}


def talk(*messages):
    """Everything the process says to these messages."""
    stdin = io.StringIO("".join(json.dumps(message) + "\n" for message in messages))
    stdout = io.StringIO()
    serve(stdin, stdout)
    return [json.loads(line) for line in stdout.getvalue().splitlines()]


@pytest.fixture
def engine(folder):
    """An engine with the tiny model loaded; `sent` is what it has said since."""
    sent = []
    engine = Engine(sent.append)
    engine.handle({"id": 1, "method": "load", "params": {"model": folder}})
    assert sent[-1]["event"] == "done"
    sent.clear()
    engine.sent = sent
    return engine


def finish(engine):
    while engine.running:
        engine.turn()


def test_load_reports_progress_and_answers_what_the_model_is(folder):
    sent = []
    Engine(sent.append).handle({"id": 1, "method": "load", "params": {"model": folder}})
    assert {event["event"] for event in sent[:-1]} == {"progress"}
    result = sent[-1]["result"]
    assert (result["heads"], result["path"], result["dtype"]) == (4, folder, "float32")


def test_a_completion_streams_its_steps_and_ends_with_the_text(engine):
    engine.handle(complete(2))
    finish(engine)
    *steps, done = engine.sent
    assert done["event"] == "done"
    assert sum(event["step"]["accepted"] for event in steps) == done["result"]["tokens"]
    fragments = [f for event in steps for f in event["step"]["fragments"]]
    assert "".join(fragments) == done["result"]["text"]


def test_completions_in_flight_take_turns(engine):
    engine.handle(complete(2, tokens=30))
    engine.handle(complete(3, tokens=30))
    finish(engine)
    steps = [event["id"] for event in engine.sent if event["event"] == "step"]
    assert steps[:6] == [2, 3, 2, 3, 2, 3]


def test_a_cancelled_completion_stops_at_once_and_others_go_on(engine):
    engine.handle(complete(2, tokens=30))
    engine.handle(complete(3, tokens=30))
    engine.turn()
    engine.handle({"method": "cancel", "params": {"id": 2}})
    engine.sent.clear()
    finish(engine)
    assert {event["id"] for event in engine.sent} == {3}


def test_cancelling_what_has_ended_says_nothing(engine):
    engine.handle({"method": "cancel", "params": {"id": 99}})
    assert engine.sent == []


def test_a_failed_load_leaves_the_model_in_service(engine, tmp_path):
    engine.handle({"id": 2, "method": "load", "params": {"model": str(tmp_path / "missing")}})
    assert engine.sent[-1]["event"] == "error"
    assert "there is no model folder" in engine.sent[-1]["message"]
    engine.handle(complete(3))
    finish(engine)
    assert engine.sent[-1]["event"] == "done"


def test_a_load_lets_what_is_decoding_finish_on_the_old_model(engine, folder):
    engine.handle(complete(2))
    old = engine.model
    engine.handle({"id": 3, "method": "load", "params": {"model": folder}})
    assert engine.model is not old
    finish(engine)
    assert {e["id"] for e in engine.sent if e["event"] == "done"} == {2, 3}


@pytest.mark.parametrize(
    "message",
    [
        {"id": 5, "method": "no such method", "params": {}},
        {"id": 5, "method": "complete", "params": {"prompt": {}, "options": {}}},
        {"id": 5, "method": "complete", "params": {"prompt": {"prefix": ""}, "options": {"x": 1}}},
        {"id": 5, "method": "load"},
    ],
)
def test_a_wrong_message_is_answered_with_an_error(engine, message):
    engine.handle(message)
    finish(engine)
    assert [(e["id"], e["event"]) for e in engine.sent] == [(5, "error")]


def test_completing_without_a_model_is_an_error():
    assert talk(complete(1))[-1] == {
        "id": 1,
        "event": "error",
        "message": "no model is loaded",
    }


def test_lines_that_are_no_json_are_skipped_and_end_of_input_ends_the_process(capsys):
    stdout = io.StringIO()
    serve(io.StringIO("garbage\n"), stdout)
    assert stdout.getvalue() == ""
    assert "not JSON" in capsys.readouterr().err


def test_a_missing_torch_is_told_in_one_line(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    result = subprocess.run(
        [sys.executable, "-m", "engine.process"],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert result.returncode == 1
    assert "pip install 'verifrag[engine]'" in json.loads(result.stdout)["message"]
