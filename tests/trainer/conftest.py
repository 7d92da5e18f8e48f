"""A model small enough to train in seconds, and accepted edits for it to learn from."""

import pytest
import torch

from engine import model as models
from trainer import finetune, learn, references, vocabulary
from trainer.references import Reference

GATE = "module gate(input a, output y);\n  assign y = ~a;\nendmodule\n"

EDITS = [
    Reference(
        kind="fill",
        uri="file:///gate.v",
        prefix=GATE[: GATE.index("~a;")],
        suffix="\nendmodule\n",
        offered="~a;",
        accepted="~a;",
    ),
    Reference(
        kind="module",
        uri="file:///gate.v",
        prefix="",
        instruction="an inverter",
        offered=GATE,
        accepted=GATE,
    ),
]


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A tiny model folder, trained just enough that it writes fragments."""
    torch.set_num_threads(1)  # on tensors this small, threads would only wait for each other
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    config = finetune.Config(layers=1, hidden=32, attention_heads=2, inner=64, heads=2)
    model = finetune.build(config, vocabulary.train([GATE] * 3, 320), 128)
    examples = [learn.example(model, edit, [], []) for edit in EDITS]
    learn.train(model, examples, epochs=30, lr=8e-3, seed=1, log=folder / "log.jsonl")
    models.save(model, folder / "tiny")
    return folder / "tiny"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def edits(home):
    """Accepted edits in the store, with their ids."""
    with references.open_store() as store:
        for edit in EDITS:
            store.add(edit)
        return store.all()
