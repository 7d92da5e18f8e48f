"""Training end to end on the CPU: it learns, resumes exactly, and writes a model that decodes."""

import json
import random

import pytest
import torch
from safetensors.torch import save_file
from tiny_model import VERILOG, tiny_tokenizer

from engine import model as models
from engine import prompts
from engine.api import DecodingOptions, EngineError, Prompt
from engine.decoding import decode
from trainer import dataset, finetune, vocabulary
from trainer.corpus import Item

SMALL = [
    *(
        "--layers",
        "1",
        "--hidden",
        "32",
        "--attention-heads",
        "2",
        "--kv-heads",
        "1",
        "--inner",
        "48",
    ),
    *("--heads", "3", "--rows", "4", "--micro-rows", "2", "--warmup", "2", "--lr", "1e-2"),
    *("--tree-nodes", "6", "--no-compile"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tokenizer = tiny_tokenizer()
    tokenizer.save(folder)
    items = [Item(VERILOG, "an 8-bit counter", "", "", "", "MIT")]
    for name, passes in (("train", 20), ("held_out", 4)):
        rng = random.Random(name)
        samples = dataset.samples(items, tokenizer, passes, 192, rng)
        rows = dataset.pack(samples, tokenizer, 192, rng)
        save_file({"ids": rows.to(torch.int16)}, folder / f"{name}.safetensors")
    return folder


def train(data, folder, *arguments):
    command = [str(data), str(folder / "model"), "--run", str(folder / "run"), *SMALL, *arguments]
    return finetune.main(command)


def log(folder):
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_training_lowers_both_losses_and_writes_a_model_that_decodes(data, tmp_path):
    assert train(data, tmp_path, "--steps", "30") == 0
    record = log(tmp_path)
    assert record[-1]["base_loss"] < record[0]["base_loss"] - 0.5
    assert record[-1]["head_loss"] < record[0]["head_loss"]
    model = models.load(tmp_path / "model")
    assert len(model.card.tree) == 5
    ids = prompts.encode(model.tokenizer, Prompt("module counter"), 100)
    assert sum(step.accepted for step in decode(model, ids, DecodingOptions(max_tokens=10))) == 10
    figures = model.card.training["held_out"]
    assert figures["base_loss"] < 6
    assert len(figures["head_losses"]) == 3


def test_an_interrupted_run_equals_an_uninterrupted_one(data, tmp_path):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    assert train(data, whole, "--steps", "6") == 0
    results = [train(data, pieces, "--steps", "6", "--minutes", "0") for _ in range(6)]
    assert results == [3, 3, 3, 3, 3, 0]
    expected, got = log(whole), log(pieces)
    assert [(r["step"], r["base_loss"]) for r in got] == [
        (r["step"], r["base_loss"]) for r in expected
    ]
    for file in ("model.safetensors", "medusa_heads.safetensors"):
        assert (whole / "model" / file).read_bytes() == (pieces / "model" / file).read_bytes()


def test_steps_lost_after_the_last_checkpoint_are_not_logged_twice(data, tmp_path):
    assert train(data, tmp_path, "--steps", "3", "--minutes", "0") == 3
    with (tmp_path / "run" / "log.jsonl").open("a") as file:
        file.write('{"step": 2, "base_loss": 99}\n')  # logged, then interrupted
    assert train(data, tmp_path, "--steps", "3") == 0
    assert [record["step"] for record in log(tmp_path)] == [1, 2, 3]
    assert log(tmp_path)[1]["base_loss"] < 99


def test_training_goes_on_from_a_model(data, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(data, first, "--steps", "10") == 0
    assert (
        train(data, second, "--steps", "2", "--init", str(first / "model"), "--name", "next") == 0
    )
    assert log(second)[0]["base_loss"] < log(first)[0]["base_loss"] - 0.3
    assert models.load(second / "model").card.name == "next"


def test_a_model_with_another_vocabulary_is_refused(data, tmp_path):
    assert train(data, tmp_path / "first", "--steps", "1") == 0
    other = tmp_path / "other"
    other.mkdir()
    for file in data.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    vocabulary.train([VERILOG[:200]], 300).save(other)
    with pytest.raises(EngineError, match="another vocabulary"):
        train(other, tmp_path / "second", "--init", str(tmp_path / "first" / "model"))


def test_another_configuration_does_not_continue_a_run(data, tmp_path, capsys):
    assert train(data, tmp_path, "--steps", "6", "--minutes", "0") == 3
    with pytest.raises(SystemExit):
        train(data, tmp_path, "--steps", "7")
    assert "another configuration" in capsys.readouterr().err


def test_next_token_training_has_no_heads_and_still_decodes(data, tmp_path):
    assert train(data, tmp_path, "--steps", "2", "--method", "ntp") == 0
    model = models.load(tmp_path / "model")
    assert model.heads.count == 0
    ids = prompts.encode(model.tokenizer, Prompt("module counter"), 100)
    assert all(step.accepted == 1 for step in decode(model, ids, DecodingOptions(max_tokens=5)))


def test_a_loss_that_is_not_finite_stops_with_its_step_named(data, tmp_path):
    with pytest.raises(FloatingPointError, match="at step"):
        train(data, tmp_path, "--steps", "50", "--lr", "1e18", "--clip", "1e30")
