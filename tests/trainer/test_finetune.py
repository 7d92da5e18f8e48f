"""Training end to end on the CPU: it learns, resumes exactly, and writes a model that decodes."""

import json
import os
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_data import LENGTH, OPTIONS, write_data
from tiny_model import VERILOG, tiny_model, tiny_tokenizer

from engine import model as models
from engine import prompts
from engine.api import DecodingOptions, Prompt
from engine.decoding import decode
from trainer import finetune
from trainer.evaluate.sampling import fingerprint
from trainer.finetune import command, loop


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), tiny_tokenizer())


def train(data, folder, *arguments):
    command = [
        data,
        folder / "model",
        "--run",
        folder / "run",
        *OPTIONS,
        "--no-compile",
        *arguments,
    ]
    return finetune.main([str(word) for word in command])


def log(folder):
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def steps(folder):
    return [record for record in log(folder) if "base_loss" in record]


def checkpoints(folder):
    return sorted(path.name for path in (folder / "run").glob("checkpoint-*"))


def same_models(one, other):
    """Whether all weights are the same, bit by bit; the order of a file's metadata may differ."""
    files = ("model.safetensors", "medusa_heads.safetensors")
    pairs = [[load_file(folder / "model" / file) for folder in (one, other)] for file in files]
    return all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a) for a, b in pairs
    )


def test_training_lowers_both_losses_and_writes_a_model_that_decodes(data, tmp_path):
    assert train(data, tmp_path, "--steps", 30, "--evaluate-every", 10) == 0
    record = steps(tmp_path)
    assert record[-1]["base_loss"] < record[0]["base_loss"] - 0.5
    assert record[-1]["head_loss"] < record[0]["head_loss"]
    assert record[-1]["elapsed"] > record[0]["elapsed"]
    measured = [each["held_out"] for each in log(tmp_path) if "held_out" in each]
    assert len(measured) == 3
    assert measured[-1]["held_out"] < measured[0]["held_out"]
    assert measured[-1]["textbook_held_out"] < measured[0]["textbook_held_out"]
    assert (tmp_path / "run" / "loss.png").read_bytes().startswith(b"\x89PNG")
    model = models.load(tmp_path / "model")
    assert len(model.card.tree) == 5
    ids = prompts.encode(model.tokenizer, Prompt("module counter"), 100)
    assert sum(step.accepted for step in decode(model, ids, DecodingOptions(max_tokens=10))) == 10
    assert model.card.training["held_out"]["base_loss"] < 6
    assert len(model.card.training["held_out"]["head_losses"]) == 3
    assert model.card.training["config"]["steps"] == 30


@pytest.mark.parametrize("options", [[], ["--optimizer", "adamw", "--heads-from", 0.5]])
def test_an_interrupted_run_equals_an_uninterrupted_one(data, tmp_path, options):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    assert train(data, whole, "--steps", 6, *options) == 0
    results = [train(data, pieces, "--steps", 6, "--minutes", 0, *options) for _ in range(6)]
    assert results == [3, 3, 3, 3, 3, 0]
    figures = ("step", "base_loss", "head_loss", "norm", "lr")
    assert [[r.get(key) for key in figures] for r in steps(pieces)] == [
        [r.get(key) for key in figures] for r in steps(whole)
    ]
    assert same_models(whole, pieces)
    last = "run/checkpoint-0000006.safetensors"
    expected, got = load_file(whole / last), load_file(pieces / last)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_micro_batches_do_not_change_a_step(data, tmp_path):
    """Rows of a step have different numbers of labels; each label counts the same."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, size in ((one, 4), (two, 2)):
        options = ("--steps", 1, "--micro-rows", size, "--method", "ntp")
        assert train(data, folder, *options) == 0
    assert steps(one)[0]["base_loss"] == pytest.approx(steps(two)[0]["base_loss"], abs=2e-3)
    assert steps(one)[0]["norm"] == pytest.approx(steps(two)[0]["norm"], rel=0.02)


def test_rows_of_several_data_sets_are_mixed(data, tmp_path, capsys):
    more = write_data(tmp_path / "more", tiny_tokenizer())
    own = load_file(more / "train.safetensors")["ids"][:4].flip(0).contiguous()
    save_file({"ids": own}, more / "train.safetensors")
    for name in ("held_out", "textbook_held_out"):
        (more / f"{name}.safetensors").unlink()
    mixed = command._load([more, data], torch.device("cpu"))
    assert torch.equal(mixed.train[:4], own.int())
    assert torch.equal(mixed.train[4:], load_file(data / "train.safetensors")["ids"].int())
    assert set(mixed.held_out) == {"held_out", "textbook_held_out"}
    assert train(more, tmp_path, "--steps", 1, "--method", "ntp") == 0
    words = [str(word) for word in (more, data, tmp_path / "other", "--run", tmp_path / "run")]
    assert finetune.main([*words, *OPTIONS, "--steps", "1", "--method", "ntp"]) == 1
    assert "another configuration (data)" in capsys.readouterr().err


def test_what_one_data_set_holds_out_no_other_may_train_on(data, tmp_path, capsys):
    folders = [write_data(tmp_path / name, tiny_tokenizer()) for name in ("one", "other")]
    for folder in folders:
        manifest = {"held_out_repositories": [f"owner/{folder.name}"]}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    words = [*folders, tmp_path / "model", "--run", tmp_path / "run", *OPTIONS]
    assert finetune.main([str(word) for word in words]) == 1
    assert "hold out different repositories" in capsys.readouterr().err


def test_data_sets_of_different_rows_do_not_fit_together(data, tmp_path, capsys):
    other = write_data(tmp_path / "other", tiny_tokenizer())
    shorter = load_file(other / "train.safetensors")["ids"][:, :-1].contiguous()
    save_file({"ids": shorter}, other / "train.safetensors")
    words = [data, other, tmp_path / "model", "--run", tmp_path / "run", *OPTIONS]
    assert finetune.main([str(word) for word in words]) == 1
    assert "do not fit together" in capsys.readouterr().err


def test_every_pass_takes_each_row_once_in_another_order():
    config = finetune.Config(rows=4, micro_rows=4)
    order = torch.cat([loop.step_rows(6, step, config) for step in range(3)])
    assert sorted(order[:6].tolist()) == sorted(order[6:].tolist()) == list(range(6))
    assert order[:6].tolist() != order[6:].tolist()


def test_weights_become_bfloat16_and_rotary_frequencies_stay_exact():
    model = tiny_model()
    frequencies = model.backbone.model.rotary_emb.inv_freq.clone()
    optimizer = finetune.Optimizer(model, finetune.Config())
    assert all(p.dtype == torch.bfloat16 for p in model.parameters())
    assert all(master.dtype == torch.float32 for master in optimizer.masters.values())
    assert torch.equal(model.backbone.model.rotary_emb.inv_freq, frequencies)


@pytest.mark.parametrize("algorithm", ["adamw", "muon"])
def test_updates_too_small_for_bfloat16_add_up(algorithm):
    model = tiny_model().requires_grad_(True)
    weight = model.backbone.model.layers[0].mlp.up_proj.weight
    optimizer = finetune.Optimizer(model, finetune.Config(lr=1e-6, optimizer=algorithm))
    before = weight.detach().clone()
    for _ in range(300):
        weight.grad = torch.ones_like(weight)
        optimizer.step(1.0)
    assert not torch.equal(weight, before)


def test_rates_warm_up_and_fall_and_late_heads_have_their_own_warm_up():
    config = finetune.Config(steps=100, warmup=10, warmdown=0.4, heads_from=0.5)
    assert [config.rate(step) for step in (0, 4, 9, 59)] == [0.1, 0.5, 1, 1]
    assert config.rate(80) == pytest.approx(0.05 + 0.95 * 0.5)
    assert [config.head_rate(step) for step in (0, 49, 50, 59)] == [0, 0, 0.1, 1]
    assert config.head_rate(80) == config.rate(80)
    assert [config.head_progress(step) for step in (50, 75, 100)] == [0, 0.5, 1]


def test_heads_come_late(data, tmp_path):
    assert train(data, tmp_path, "--steps", 10, "--heads-from", 0.6, "--minutes", 0) == 3
    assert not any(
        name.startswith("exp_avg/heads")
        for name in load_file(tmp_path / "run" / checkpoints(tmp_path)[-1])
    )
    assert train(data, tmp_path, "--steps", 10, "--heads-from", 0.6) == 0
    assert ["head_loss" in record for record in steps(tmp_path)] == [False] * 6 + [True] * 4
    assert models.load(tmp_path / "model").heads.weight.any()


def test_freeze_trains_the_heads_alone(data, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(data, first, "--steps", 4, "--method", "ntp") == 0
    assert train(data, second, "--steps", 4, "--init", first / "model", "--freeze") == 0
    before, after = models.load(first / "model"), models.load(second / "model")
    old = before.backbone.state_dict()
    assert all(torch.equal(old[name], w) for name, w in after.backbone.state_dict().items())
    assert before.heads.count == 0
    assert after.heads.count == 3
    assert after.heads.weight.any()
    assert len(after.card.tree) == 5


def test_a_model_names_its_parent_and_no_folder(data, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(data, first, "--steps", 1, "--name", "parent") == 0
    assert train(data, second, "--steps", 1, "--init", first / "model") == 0
    told = models.load(second / "model").card.training
    assert told["parent"] == {"name": "parent", "fingerprint": fingerprint(first / "model")}
    assert str(tmp_path) not in json.dumps(told)
    assert "parent" not in models.load(first / "model").card.training


def test_adapters_are_merged_and_their_runs_resume_exactly(data, tmp_path):
    first, whole, pieces = tmp_path / "first", tmp_path / "whole", tmp_path / "pieces"
    assert train(data, first, "--steps", 2) == 0
    options = ("--init", first / "model", "--lora", 4, "--steps", 3)
    assert train(data, whole, *options) == 0
    assert [train(data, pieces, *options, "--minutes", 0) for _ in range(3)] == [3, 3, 0]
    assert same_models(whole, pieces)
    before, after = models.load(first / "model"), models.load(whole / "model")
    old, new = before.backbone.state_dict(), after.backbone.state_dict()
    assert old.keys() == new.keys()
    assert not torch.equal(*(each["model.layers.0.mlp.up_proj.weight"] for each in (old, new)))


def test_steps_lost_after_the_last_checkpoint_are_not_logged_twice(data, tmp_path):
    assert train(data, tmp_path, "--steps", 3, "--minutes", 0) == 3
    with (tmp_path / "run" / "log.jsonl").open("a") as file:
        file.write('{"step": 2, "base_loss": 99, "elapsed": 1}\n{"step": 3, "ba')  # then killed
    assert train(data, tmp_path, "--steps", 3) == 0
    assert [record["step"] for record in steps(tmp_path)] == [1, 2, 3]
    assert steps(tmp_path)[1]["base_loss"] < 99


def test_the_last_two_checkpoints_are_kept_and_a_damaged_one_is_passed_over(data, tmp_path, capsys):
    for _ in range(4):
        train(data, tmp_path, "--steps", 6, "--minutes", 0)
    assert checkpoints(tmp_path) == [
        "checkpoint-0000003.safetensors",
        "checkpoint-0000004.safetensors",
    ]
    (tmp_path / "run" / "checkpoint-0000004.safetensors").write_bytes(b"cut off")
    assert train(data, tmp_path, "--steps", 6) == 0
    assert "trying the one before" in capsys.readouterr().out
    assert [record["step"] for record in steps(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_a_full_disk_leaves_the_last_checkpoint(data, tmp_path, capsys, monkeypatch):
    assert train(data, tmp_path, "--steps", 6, "--minutes", 0) == 3

    def full(tensors, path, metadata=None):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(finetune.checkpoint, "save_file", full)
        assert train(data, tmp_path, "--steps", 6) == 1
    assert "No space left on device" in (told := capsys.readouterr().err)
    assert "goes on from step 1" in told
    assert checkpoints(tmp_path) == ["checkpoint-0000001.safetensors"]
    assert train(data, tmp_path, "--steps", 6) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_and_leaves_a_checkpoint(data, tmp_path, number, monkeypatch):
    step = loop.train_step

    def interrupted(*arguments):
        os.kill(os.getpid(), number)
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", interrupted)
        assert train(data, tmp_path, "--steps", 3) == 3
    assert checkpoints(tmp_path) == ["checkpoint-0000001.safetensors"]
    assert train(data, tmp_path, "--steps", 3) == 0


def test_a_finished_run_writes_its_model_again(data, tmp_path):
    assert train(data, tmp_path, "--steps", 2) == 0
    written = (tmp_path / "model" / "model.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "model")
    assert train(data, tmp_path, "--steps", 2) == 0
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == written


def test_an_unfinished_run_can_be_made_a_model_of(data, tmp_path, capsys):
    assert train(data, tmp_path, "--steps", 3, "--write-now") == 1
    assert "no checkpoint yet" in capsys.readouterr().err
    assert train(data, tmp_path, "--steps", 3, "--minutes", 0) == 3
    assert train(data, tmp_path, "--steps", 3, "--write-now") == 0
    model = models.load(tmp_path / "model")
    assert model.card.training["config"]["steps_done"] == 1
    last = load_file(tmp_path / "run" / checkpoints(tmp_path)[-1])
    master = last["master/backbone.model.layers.0.mlp.up_proj.weight"]
    up = model.backbone.model.layers[0].mlp.up_proj.weight
    assert torch.equal(up, master.bfloat16().float())


def test_another_configuration_or_other_data_does_not_continue_a_run(data, tmp_path, capsys):
    assert train(data, tmp_path, "--steps", 6, "--minutes", 0) == 3
    assert train(data, tmp_path, "--steps", 7) == 1
    assert "another configuration (steps)" in capsys.readouterr().err
    other = write_data(tmp_path / "other", tiny_tokenizer())
    save_file({"ids": torch.zeros(4, LENGTH, dtype=torch.int16)}, other / "train.safetensors")
    assert train(other, tmp_path, "--steps", 6) == 1
    assert "another configuration (data)" in capsys.readouterr().err


def test_a_run_begun_before_an_option_was_there_goes_on(data, tmp_path):
    assert train(data, tmp_path, "--steps", 2, "--minutes", 0) == 3
    path = tmp_path / "run" / "config.json"
    kept = json.loads(path.read_text())
    del kept["own_unembedding"]
    path.write_text(json.dumps(kept))
    assert train(data, tmp_path, "--steps", 2) == 0


def test_heads_train_an_unembedding_of_their_own(data, tmp_path):
    assert train(data, tmp_path, "--steps", 3, "--own-unembedding") == 0
    model = models.load(tmp_path / "model")
    first, second, _ = model.heads.unembedding
    assert first.shape == model.backbone.get_output_embeddings().weight.shape
    assert not torch.equal(first, second)
    ids = prompts.encode(model.tokenizer, Prompt("module counter"), 100)
    assert (
        sum(
            step.accepted
            for step in decode(model, ids, DecodingOptions(max_tokens=5, lookup=False))
        )
        == 5
    )


def test_next_token_training_has_no_heads_and_still_decodes(data, tmp_path):
    assert train(data, tmp_path, "--steps", 2, "--method", "ntp") == 0
    model = models.load(tmp_path / "model")
    assert model.heads.count == 0
    ids = prompts.encode(model.tokenizer, Prompt("module counter"), 100)
    assert all(
        step.accepted == 1
        for step in decode(model, ids, DecodingOptions(max_tokens=5, lookup=False))
    )


def test_a_loss_that_is_not_finite_stops_with_its_step_and_data_named(data, tmp_path, capsys):
    assert train(data, tmp_path, "--steps", 50, "--lr", 1e18, "--clip", 1e30) == 1
    failure = json.loads((tmp_path / "run" / "failure.json").read_text())
    assert f"at step {failure['step']}" in capsys.readouterr().err
    assert len(failure["rows"]) == 4
    assert all(text in VERILOG for text in (row[:5] for row in failure["rows"].values()))
    assert len(steps(tmp_path)) < failure["step"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", 5], "multiple of --micro-rows"),
        (["--heads-from", 1], "less than 1"),
        (["--warmup", 0], "at least 1"),
        (["--head-positions", 2], "at most 1"),
        (["--freeze", "--method", "ntp"], "nothing to train"),
        (["--lora", 4], "--init"),
    ],
)
def test_options_that_contradict_each_other_are_refused(data, tmp_path, capsys, options, message):
    with pytest.raises(SystemExit):
        train(data, tmp_path, *options)
    assert message in capsys.readouterr().err
