"""Two processes make the model that one makes; a real signal stops a real run."""

import json
import signal
import subprocess
import sys
import time

import pytest
from tiny_data import OPTIONS, write_data
from tiny_model import tiny_tokenizer

PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), tiny_tokenizer())


def command(data, folder, *options):
    words = [data, folder / "model", "--run", folder / "run", *OPTIONS, "--no-compile", *options]
    return ["trainer.finetune", *map(str, words)]


def log(folder):
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if "base_loss" in record]


@pytest.mark.slow
def test_two_processes_equal_one(data, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    for folder, start in ((one, ["-m"]), (two, launcher)):
        words = [sys.executable, *start, *command(data, folder, "--steps", 5)]
        subprocess.run(words, check=True, timeout=PATIENCE)
    for key in ("base_loss", "head_loss", "norm"):
        expected = [record[key] for record in log(one)]
        assert [record[key] for record in log(two)] == pytest.approx(expected, rel=2e-3)
    assert (two / "model" / "verifrag.json").exists()


@pytest.mark.slow
def test_sigterm_leaves_a_run_that_goes_on(data, tmp_path):
    words = [sys.executable, "-m", *command(data, tmp_path, "--steps", 100_000)]
    process = subprocess.Popen(words)
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "run" / "log.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 3
    (checkpoint,) = (tmp_path / "run").glob("checkpoint-*")
    assert int(checkpoint.stem.partition("-")[2]) == log(tmp_path)[-1]["step"]
