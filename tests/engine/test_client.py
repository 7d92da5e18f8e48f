"""The engine client against a child that speaks the protocol, dies, babbles or says nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from engine.api import DecodingOptions, EngineError, Prompt
from engine.client import EngineClient

OPTIONS = DecodingOptions()


def prompt(directive: str) -> Prompt:
    return Prompt(prefix=f"// engine: {directive}\nassign y = ")


@pytest.fixture
async def clients():
    """Makes clients and stops them after the test."""
    made = []

    def make(*arguments, **options) -> EngineClient:
        made.append(EngineClient(*arguments, **options))
        return made[-1]

    yield make
    for client in made:
        await client.stop()


def child(script: str) -> list[str]:
    return [sys.executable, "-c", script]


async def test_loads_with_the_first_completion_and_streams_the_steps(clients, fake_engine):
    states, steps = [], []
    client = clients("/models/tiny", fake_engine(), on_state=states.append)
    completion = await client.complete(prompt('answer "a & b;"'), OPTIONS, steps.append)
    assert completion.text == "a & b;"
    assert [step.fragments for step in steps] == [("a",), (" &",), (" b",), (";",)]
    assert [state.kind for state in states] == ["loading", "loading", "ready"]
    assert states[1].fraction == 0.5
    assert states[2].info.name == "tiny"


async def test_several_completions_at_once_each_get_their_own_answer(clients, fake_engine):
    client = clients("tiny", fake_engine())
    answers = await asyncio.gather(
        *(client.complete(prompt(f'answer "x{n};"'), OPTIONS) for n in range(5))
    )
    assert [answer.text for answer in answers] == [f"x{n};" for n in range(5)]


async def test_cancelling_the_caller_cancels_the_decoder(clients, fake_engine, tmp_path):
    log = tmp_path / "received.jsonl"
    client = clients("tiny", fake_engine("--log", str(log)))
    started = asyncio.Event()
    task = asyncio.create_task(
        client.complete(prompt("forever"), OPTIONS, lambda step: started.set())
    )
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await client.complete(prompt('answer "z"'), OPTIONS)).text == "z"
    received = [json.loads(line) for line in log.read_text().splitlines()]
    decoding = next(m["id"] for m in received if m["method"] == "complete")
    assert {"method": "cancel", "params": {"id": decoding}} in received


async def test_an_error_fails_its_request_only(clients, fake_engine):
    client = clients("tiny", fake_engine())
    with pytest.raises(EngineError, match="out of memory"):
        await client.complete(prompt('error "out of memory"'), OPTIONS)
    assert (await client.complete(prompt('answer "z"'), OPTIONS)).text == "z"


async def test_a_death_fails_the_request_and_the_next_one_starts_a_new_child(clients, fake_engine):
    client = clients("tiny", fake_engine())
    with pytest.raises(EngineError, match=r"died.*exit code 3"):
        await client.complete(prompt("die"), OPTIONS)
    assert client.state.kind == "stopped"
    assert (await client.complete(prompt('answer "z"'), OPTIONS)).text == "z"


async def test_one_that_keeps_dying_is_not_started_at_once_again(clients, fake_engine):
    client = clients("tiny", fake_engine())
    for _ in range(2):
        with pytest.raises(EngineError, match="exit code 3"):
            await client.complete(prompt("die"), OPTIONS)
    with pytest.raises(EngineError, match="2 times in a row"):
        await client.complete(prompt('answer "z"'), OPTIONS)


async def test_a_model_that_does_not_load_is_a_failure_that_says_why(clients, fake_engine):
    client = clients("corrupt", fake_engine())
    with pytest.raises(EngineError, match=r"no config\.json"):
        await client.load()
    assert client.state.kind == "failed"
    assert (await client.load("good")).name == "good"


async def test_a_load_that_fails_leaves_the_model_in_service(clients, fake_engine):
    client = clients("good", fake_engine())
    await client.load()
    with pytest.raises(EngineError):
        await client.load("corrupt")
    assert client.state.info.name == "good"
    assert client.model == "good"


async def test_a_missing_extra_is_told_in_the_engine_s_own_words(clients, fake_engine):
    words = "install it with: pip install 'verifrag[engine]'"
    client = clients("tiny", fake_engine("--fatal", words))
    with pytest.raises(EngineError, match="pip install"):
        await client.load()
    assert client.state.kind == "failed"
    assert words in client.state.message


async def test_a_child_that_can_t_be_started_is_a_failure(clients):
    client = clients("tiny", ["/no/such/engine"])
    with pytest.raises(EngineError, match="could not be started"):
        await client.load()
    assert client.state.kind == "failed"


async def test_babble_is_logged_and_skipped(clients):
    script = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print("not json"); print("[1, 2]"); print('{"id": 99, "event": "step"}'); print("7")
    print(json.dumps({"id": request["id"], "event": "step", "step": {"what": 1}}))
    print(json.dumps({"id": request["id"], "event": "done", "result": {
        "name": "m", "path": "", "round": 0, "parameters": 1, "heads": 0, "device": "cpu",
        "dtype": "float32"}}), flush=True)
"""
    client = clients("tiny", child(script))
    assert (await client.load()).name == "m"
    with pytest.raises(EngineError, match="not a Completion"):
        await client.complete(Prompt("x"), OPTIONS)


async def test_stderr_goes_to_the_log(clients):
    lines = []
    client = clients("tiny", child("import sys; sys.exit('boom')"), on_log=lines.append)
    with pytest.raises(EngineError, match="boom"):
        await client.load()
    assert lines == ["boom"]


async def test_samples_come_as_they_end_and_the_text_is_counted(clients, fake_engine):
    client = clients("tiny", fake_engine())
    ended, characters = [], []
    asked = prompt('answers ["greedy", "one;", "two;", "three;"]')
    await client.sample(
        asked, OPTIONS, 4, lambda index, one: ended.append((index, one.text)), characters.append
    )
    assert ended == [(0, "one;"), (1, "two;"), (2, "three;"), (3, "three;")]
    assert sum(characters) == len("one;two;three;three;")


async def test_a_process_that_says_nothing_is_killed_and_the_next_one_serves(
    clients, fake_engine, tmp_path, monkeypatch
):
    """The first child swallows what it is asked; when it is gone the fake engine takes over."""
    monkeypatch.setattr("engine.client.LOAD_SILENCE", 0.3)
    fake, flag = fake_engine(), tmp_path / "second"
    script = f"""
import os, pathlib, sys
flag = pathlib.Path({str(flag)!r})
if flag.exists():
    os.execv({fake[0]!r}, {fake!r})
flag.touch()
for line in sys.stdin:
    pass
"""
    client = clients("tiny", child(script))
    with pytest.raises(EngineError, match=r"said nothing for 0\.3 s and was stopped"):
        await client.load()
    monkeypatch.undo()
    assert (await client.load()).name == "tiny"


async def test_half_a_line_before_the_death_is_no_message(clients):
    script = """
import sys
sys.stdin.readline()
sys.stdout.write('{"id": 1, "event": "done", "resu')
"""
    client = clients("tiny", child(script))
    with pytest.raises(EngineError, match=r"exit code 0"):
        await client.load()


async def test_a_request_of_many_megabytes_is_refused_here(clients, fake_engine):
    client = clients("tiny", fake_engine())
    with pytest.raises(EngineError, match="the request is too long"):
        await client.complete(Prompt("x" * (1 << 24)), OPTIONS)
    assert (await client.complete(prompt('answer "z"'), OPTIONS)).text == "z"


async def test_status_tells_which_process_serves(clients, fake_engine):
    client = clients("tiny", fake_engine())
    assert await client.status() is None
    await client.load()
    status = await client.status()
    assert status.rss == 1 << 20
    os.kill(status.pid, signal.SIGKILL)
    while client.state.kind != "stopped":
        await asyncio.sleep(0.01)
    assert (await client.complete(prompt('answer "z"'), OPTIONS)).text == "z"


async def test_a_restart_gives_a_new_process(clients, fake_engine):
    client = clients("tiny", fake_engine())
    await client.load()
    first = await client.status()
    assert (await client.restart()).name == "tiny"
    assert (await client.status()).pid != first.pid


async def test_a_model_that_is_replaced_finishes_what_it_is_decoding(clients, fake_engine):
    client = clients("/models/tiny", fake_engine("--delay", "0.03"))
    started = asyncio.Event()
    old = asyncio.create_task(
        client.complete(prompt('answer "a & b;"'), OPTIONS, lambda step: started.set())
    )
    await started.wait()
    assert (await client.load("/models/other")).name == "other"
    assert (await old).text == "a & b;"


async def test_stop_ends_even_a_child_that_does_not_listen(clients, tmp_path):
    flag = tmp_path / "up"
    script = f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(600)"
    client = clients("tiny", child(script))
    loading = asyncio.create_task(client.load())
    while not Path(flag).exists():
        await asyncio.sleep(0.01)
    await client.stop()
    with pytest.raises(EngineError, match="stopped"):
        await loading
    assert client.state.kind == "stopped"


async def test_a_load_while_the_old_child_is_still_ending_is_not_disturbed(clients, fake_engine):
    client = clients("/models/tiny", fake_engine())
    await client.load()
    stopping = asyncio.create_task(client.stop())
    await asyncio.sleep(0)
    info = await client.load("/models/other")
    await stopping
    assert (client.state.kind, info.name) == ("ready", "other")
    assert (await client.complete(prompt('answer "a;"'), OPTIONS)).text == "a;"
