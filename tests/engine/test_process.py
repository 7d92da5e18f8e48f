"""The engine process on a tiny model: its protocol, turn-taking, cancelling, and failing loads."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_model import tiny_model

from engine import extras, memory, process
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
    return said("".join(json.dumps(message) + "\n" for message in messages).encode())


def said(text):
    stdout = io.BytesIO()
    serve(io.BytesIO(text), stdout)
    return [json.loads(line) for line in stdout.getvalue().splitlines()]


class Peer(list):
    """One who asks; what it is told is in the list."""

    __hash__ = object.__hash__

    def __call__(self, message):
        self.append(message)


@pytest.fixture
def peer():
    return Peer()


@pytest.fixture
def engine(folder, peer):
    """An engine with the tiny model loaded."""
    engine = Engine()
    engine.join(peer)
    engine.handle(peer, {"id": 1, "method": "load", "params": {"model": folder}})
    assert peer[-1]["event"] == "done"
    peer.clear()
    return engine


def finish(engine):
    while engine.running:
        engine.turn()


def test_load_reports_progress_and_answers_what_the_model_is(folder):
    sent = Peer()
    Engine().handle(sent, {"id": 1, "method": "load", "params": {"model": folder}})
    assert {event["event"] for event in sent[:-1]} == {"progress"}
    result = sent[-1]["result"]
    assert (result["heads"], result["path"], result["dtype"]) == (4, folder, "float32")


def test_a_completion_streams_its_steps_and_ends_with_the_text(engine, peer):
    engine.handle(peer, complete(2))
    finish(engine)
    *steps, done = peer
    assert done["event"] == "done"
    assert sum(event["step"]["accepted"] for event in steps) == done["result"]["tokens"]
    fragments = [f for event in steps for f in event["step"]["fragments"]]
    assert "".join(fragments) == done["result"]["text"]


def test_completions_in_flight_take_turns(engine, peer):
    engine.handle(peer, complete(2, tokens=30))
    engine.handle(peer, complete(3, tokens=30))
    finish(engine)
    steps = [event["id"] for event in peer if event["event"] == "step"]
    assert steps[:6] == [2, 3, 2, 3, 2, 3]


def test_a_cancelled_completion_stops_at_once_and_others_go_on(engine, peer):
    engine.handle(peer, complete(2, tokens=30))
    engine.handle(peer, complete(3, tokens=30))
    engine.turn()
    engine.handle(peer, {"method": "cancel", "params": {"id": 2}})
    peer.clear()
    finish(engine)
    assert {event["id"] for event in peer} == {3}


def test_cancelling_what_has_ended_says_nothing(engine, peer):
    engine.handle(peer, {"method": "cancel", "params": {"id": 99}})
    assert peer == []


def test_a_failed_load_leaves_the_model_in_service(engine, peer, tmp_path):
    engine.handle(peer, {"id": 2, "method": "load", "params": {"model": str(tmp_path / "missing")}})
    assert peer[-1]["event"] == "error"
    assert "there is no model folder" in peer[-1]["message"]
    engine.handle(peer, complete(3))
    finish(engine)
    assert peer[-1]["event"] == "done"


def test_a_model_that_is_loaded_already_is_not_loaded_again(engine, peer, folder):
    loaded = engine.model
    engine.handle(peer, {"id": 3, "method": "load", "params": {"model": folder}})
    assert engine.model is loaded
    assert [event["event"] for event in peer] == ["done"]


def sample(number, count, **options):
    prompt = {"prefix": "module m;\n", "suffix": "", "context": "", "instruction": ""}
    params = {"prompt": prompt, "options": {"max_tokens": 12, **options}, "samples": count}
    return {"id": number, "method": "sample", "params": params}


def test_samples_of_a_prompt_are_those_of_their_seeds_one_by_one(engine, peer):
    engine.handle(peer, sample(2, 3, temperature=0.9))
    finish(engine)
    assert peer[-1] == {"id": 2, "event": "done", "result": {}}
    ended = [one for event in peer[:-1] for one in event["ended"]]
    together = {one["index"]: one["completion"]["text"] for one in ended}
    assert sum(event["characters"] for event in peer[:-1]) == sum(map(len, together.values()))
    for index, text in together.items():
        peer.clear()
        engine.handle(peer, complete(3, temperature=0.9, seed=index + 1))
        finish(engine)
        assert peer[-1]["result"]["text"] == text
    assert len(together) == 3


def test_ghost_text_takes_turns_with_samples(engine, peer):
    engine.handle(peer, sample(2, 4, max_tokens=30, temperature=2.0))
    engine.handle(peer, complete(3, tokens=30))
    engine.turn()
    engine.turn()
    assert [event["id"] for event in peer] == [2, 3, 2, 3]


def test_a_peer_that_leaves_takes_its_requests_along_and_no_one_else_s(engine, peer):
    other = Peer()
    engine.join(other)
    engine.handle(peer, complete(2, tokens=30))
    engine.handle(other, complete(2, tokens=30))  # their numbers may well be the same
    engine.turn()
    engine.leave(peer)
    finish(engine)
    assert [event["event"] for event in peer] == ["step"]
    assert other[-1]["event"] == "done"


def test_what_takes_too_much_memory_goes_without_its_caches_then_ends(engine, peer, monkeypatch):
    engine.max_memory = 100
    used = iter([200, 50, 200, 200])
    monkeypatch.setattr(memory, "resident", lambda: next(used))
    engine.handle(peer, complete(2))
    finish(engine)
    assert (engine.caches.kept, engine.ending) == ([], "")
    engine.handle(peer, complete(3))
    finish(engine)
    assert "MB of memory" in engine.ending


def test_the_status_tells_process_memory_and_what_runs(engine, peer):
    engine.handle(peer, complete(2))
    engine.handle(peer, {"id": 3, "method": "status", "params": {}})
    status = peer[-1]["result"]
    assert (status["pid"], status["clients"], status["running"]) == (os.getpid(), 1, 1)
    assert status["rss"] > 1 << 20


@pytest.mark.parametrize(
    "message",
    [
        {"id": 5, "method": "no such method", "params": {}},
        {"id": 5, "method": "complete", "params": {"prompt": {}, "options": {}}},
        {"id": 5, "method": "complete", "params": {"prompt": {"prefix": ""}, "options": {"x": 1}}},
        {"id": 5, "method": "load"},
    ],
)
def test_a_wrong_message_is_answered_with_an_error(engine, peer, message):
    engine.handle(peer, message)
    finish(engine)
    assert [(e["id"], e["event"]) for e in peer] == [(5, "error")]


def test_completing_without_a_model_is_an_error():
    assert talk(complete(1))[-1] == {
        "id": 1,
        "event": "error",
        "message": "no model is loaded",
    }


def test_lines_that_are_no_message_are_skipped_and_end_of_input_ends_the_process(capsys):
    assert said(b"garbage\n[1]\n\xff\n") == []
    logged = capsys.readouterr().err
    assert ("not JSON" in logged, "no message" in logged) == (True, True)


def test_a_line_without_its_end_is_half_a_message_and_not_acted_upon():
    half = json.dumps({"id": 1, "method": "status", "params": {}}).encode()
    assert said(half) == []
    assert [event["event"] for event in said(half + b"\n")] == ["done"]


def test_a_line_of_many_megabytes_is_refused_without_being_kept(monkeypatch):
    monkeypatch.setattr(process, "LONGEST_LINE", 1000)
    (answer,) = said(b"x" * 5000 + b"\n")
    assert "more than 1000 bytes" in answer["message"]


def test_a_missing_torch_is_told_in_one_line(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    result = subprocess.run(
        [sys.executable, "-m", "engine.process"],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        input='{"id": 1, "method": "load", "params": {"model": "tiny"}}\n',
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0
    answer = json.loads(result.stdout.splitlines()[-1])
    assert answer["event"] == "error"
    assert f"pip install '{extras.CLONE}[engine]'" in answer["message"]
