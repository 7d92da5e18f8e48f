"""What the engine process is asked that makes no sense: a clear answer, and it stays usable."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from other_models import FAMILIES
from tiny_model import VERILOG, tiny_model

from engine import model as models
from engine.card import CARD_FILE
from engine.process import Engine, Letter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny"
    models.save(tiny_model(), path)
    return path


class Talk:
    """An engine with a model, asked one thing at a time."""

    def __init__(self, folder):
        self.engine = Engine()
        self.said = []
        assert self.ask("load", model=str(folder))["event"] == "done"

    def peer(self, message):
        self.said.append(message)

    def send(self, line):
        """The last thing that the engine says to a line of bytes."""
        self.said.clear()
        self.engine.receive(Letter(self.peer, line))
        while self.engine.running:
            self.engine.turn()
        return self.said[-1] if self.said else None

    def ask(self, method, **params):
        return self.send(json.dumps({"id": 1, "method": method, "params": params}).encode())

    def complete(self, prefix="module m;\n", suffix="", **options):
        prompt = {"prefix": prefix, "suffix": suffix, "context": "", "instruction": ""}
        return self.ask("complete", prompt=prompt, options={"max_tokens": 8, **options})

    def refused(self, answer, *words):
        """The answer is an error with these words, and the next question is answered."""
        assert answer["event"] == "error"
        assert all(word in answer["message"] for word in words), answer["message"]
        assert "the engine failed" not in answer["message"]
        assert self.complete()["result"]["tokens"] == 8


@pytest.fixture(scope="module")
def talk(folder):
    return Talk(folder)


# ---- options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_tokens", -1),
        ("max_tokens", 2.5),
        ("max_tokens", "12"),
        ("max_tokens", None),
        ("max_seconds", -0.1),
        ("max_seconds", float("nan")),
        ("temperature", -1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", 1e-30),
        ("top_p", 0),
        ("top_p", 1.1),
        ("top_p", float("nan")),
        ("epsilon", -0.1),
        ("epsilon", 1.5),
        ("delta", -1),
        ("delta", float("nan")),
        ("seed", 0.5),
        ("seed", 1 << 64),
        ("stop", "never"),
        ("acceptance", None),
        ("alignment", ["hold"]),
        ("boundaries", "words"),
    ],
)
def test_an_option_out_of_range_is_named(talk, option, value):
    talk.refused(talk.complete(**{option: value}), f"{option} must be")


@pytest.mark.parametrize("samples", [0, -1, 1.5, "two", None, 10**9])
def test_a_number_of_samples_that_makes_no_sense_is_named(talk, samples):
    prompt = {"prefix": "module m;\n"}
    talk.refused(talk.ask("sample", prompt=prompt, options={}, samples=samples), "samples must be")


def test_a_budget_of_no_tokens_is_used_up(talk):
    result = talk.complete(max_tokens=0)["result"]
    assert (result["text"], result["finish"], result["tokens"]) == ("", "length", 0)


def test_a_budget_of_no_time_is_used_up_after_a_step(talk):
    result = talk.complete(max_seconds=0)["result"]
    assert (result["finish"], result["steps"]) in {("time", 1), ("end", 1)}


@pytest.mark.parametrize("value", [10**15, 10**400])
def test_a_budget_beyond_the_window_is_cut_to_it(talk, value):
    result = talk.complete(max_tokens=value)["result"]
    assert 0 < result["tokens"] <= 256


# ---- prompts


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "\x00",
        "alw",
        "wire \ud83d",
        "// \U0001f600 \ufffd é 中",
        "[FRAG][END][MIDDLE]",
        VERILOG * 2000,
        "x" * 2_000_000,
    ],
    ids=["empty", "nul", "half a word", "half a pair", "unicode", "markers", "long", "one line"],
)
def test_any_text_is_completed(talk, prefix):
    for temperature in (0, 1):
        answer = talk.complete(prefix, prefix[::-1], temperature=temperature, seed=1)
        assert answer["event"] == "done", answer
        assert 0 < answer["result"]["tokens"] <= 8


@pytest.mark.parametrize("part", ["prefix", "suffix", "context", "instruction"])
def test_a_part_of_a_prompt_that_is_no_text_is_named(talk, part):
    prompt = {"prefix": "", part: ["no text"]}
    talk.refused(talk.ask("complete", prompt=prompt, options={}), f"{part} must be a text")


def test_bytes_that_are_not_utf_8_are_read_as_an_editor_shows_them(talk):
    message = {"id": 1, "method": "complete", "params": {"prompt": {"prefix": "wire @;"}}}
    message["params"]["options"] = {"max_tokens": 8}
    line = json.dumps(message).encode()
    answer = talk.send(line.replace(b"@", b"\xff"))
    assert answer["result"]["text"] == talk.send(line.replace(b"@", b"\\ufffd"))["result"]["text"]


@pytest.mark.parametrize("line", [b"[" * 100_000, b"{" * 5000, b"\xff\xfe", b"1e999", b""])
def test_a_line_that_is_no_message_changes_nothing(talk, line, capsys):
    assert talk.send(line + b"\n") is None
    assert talk.complete()["event"] == "done"


# ---- models


@contextlib.contextmanager
def overwritten(parameter, value):
    """A weight that is `value` throughout, until it is put back."""
    kept = parameter.detach().clone()
    with torch.no_grad():
        parameter.fill_(value)
        yield
        parameter.copy_(kept)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0, 0.8])
@pytest.mark.parametrize("acceptance", ["lossless", "typical"])
def test_logits_that_are_not_numbers_are_an_error_and_leave_no_trace(
    folder, value, temperature, acceptance
):
    talk = Talk(folder)
    before = talk.complete(VERILOG)["result"]["text"]
    options = {"temperature": temperature, "seed": 1, "acceptance": acceptance}
    backbone = talk.engine.model.backbone
    for weight in (backbone.lm_head.weight, backbone.model.layers[0].self_attn.v_proj.weight):
        with overwritten(weight, value):
            answer = talk.complete(VERILOG, **options)
        talk.refused(answer, "logits are not numbers")
    assert talk.complete(VERILOG)["result"]["text"] == before


@pytest.fixture
def copy(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("file", "content", "word"),
    [
        ("medusa_heads.safetensors", b"\x10", "medusa_heads.safetensors"),
        ("model.safetensors", b"", "cannot load"),
        ("tokenizer.json", b"\xff", "tokenizer.json"),
        (CARD_FILE, b'{"format": 1, "name": "x", "heads": 4, "window": 0, "tree": []}', "window"),
        (CARD_FILE, b'{"format": 1, "name": "x", "heads": 9, "window": 99, "tree": []}', "holds"),
        ("config.json", b'{"model_type": "t5"}', "cannot load"),
        ("config.json", b'{"model_type": "llama", "hidden_size": "wide"}', "cannot load"),
    ],
)
def test_a_model_that_is_damaged_leaves_the_one_in_service(talk, copy, file, content, word):
    (copy / file).write_bytes(content)
    talk.refused(talk.ask("load", model=str(copy)), word)


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("VERIFRAG_DTYPE", "int8", "no dtype"),
        ("VERIFRAG_DEVICE", "abacus", "abacus"),
        ("VERIFRAG_DEVICE", "cuda:99", "cuda:99"),
    ],
)
def test_a_device_or_dtype_that_is_not_there_is_named(
    talk, copy, monkeypatch, variable, value, word
):
    monkeypatch.setenv(variable, value)
    talk.refused(talk.ask("load", model=str(copy)), word)


def test_a_model_that_is_not_ours_serves(tmp_path):
    talk = Talk(FAMILIES["Qwen2"].folder(tmp_path))
    info = talk.engine.info
    assert (info.name, info.heads, info.window) == ("tiny-qwen2", 0, 512)
    assert talk.complete(VERILOG[:100], VERILOG[100:])["result"]["tokens"]
    assert talk.ask("sample", prompt={"prefix": ""}, options={"max_tokens": 4}, samples=2)


@pytest.mark.slow
def test_a_real_process_answers_all_of_it_and_goes_on(folder, tmp_path):
    good = {"prompt": {"prefix": "module m;\n"}, "options": {"max_tokens": 4}}
    asked = [
        ("load", {"model": str(tmp_path / "nowhere")}),
        ("load", {"model": str(folder)}),
        ("complete", {"prompt": {"prefix": ""}, "options": {"temperature": float("nan")}}),
        ("complete", {"prompt": {"prefix": "\ud800"}, "options": {"max_tokens": 4}}),
        ("complete", {"prompt": {"prefix": 5}, "options": {}}),
        ("complete", {"options": {}}),
        ("complete", good),
    ]
    lines = [
        json.dumps({"id": number, "method": method, "params": params}).encode()
        for number, (method, params) in enumerate(asked)
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.process"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    ends = {}
    with process:
        for line in (*lines[:3], b"\xff{[", b"[" * 50_000, *lines[3:]):
            process.stdin.write(line + b"\n")
        process.stdin.flush()
        while len(ends) < len(asked):
            event = json.loads(process.stdout.readline())
            if event["event"] in ("done", "error"):
                ends[event["id"]] = event["event"]
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    expected = ["error", "done", "error", "done", "error", "error", "done"]
    assert [ends[number] for number in range(len(asked))] == expected
