"""Model folders: what is written loads again, and what is wrong with one is said."""

import json

import pytest
import torch
from safetensors.torch import save_file
from tiny_model import tiny_model

from engine import model as models
from engine.api import EngineError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny"
    models.save(tiny_model(), path)
    return path


@pytest.fixture
def copy(folder, tmp_path):
    target = tmp_path / "copy"
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_a_saved_model_computes_the_same(folder):
    ids = torch.tensor([[1, 20, 30, 40]])
    original = tiny_model().to(torch.bfloat16).to(torch.float32)
    loaded = models.load(folder)
    hidden = loaded.hidden(ids)
    assert torch.allclose(hidden, original.hidden(ids), atol=1e-5)
    assert torch.allclose(loaded.heads(hidden), original.heads(hidden), atol=1e-5)
    assert loaded.card == original.card


def test_untrained_heads_repeat_the_backbone():
    heads = models.MedusaHeads(3, 8)
    hidden = torch.randn(2, 8)
    assert torch.equal(heads(hidden), hidden.unsqueeze(1).expand(2, 3, 8))


def test_a_folder_that_exists_is_never_overwritten(folder):
    with pytest.raises(FileExistsError):
        models.save(tiny_model(), folder)


def test_nothing_in_a_model_folder_is_a_pickle(folder):
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("verifrag.json", None, "is not a Verifrag model folder"),
        ("verifrag.json", b"{", "is damaged"),
        ("verifrag.json", b'{"name": "x"}', "is damaged"),
        ("model.safetensors", b"\x00" * 50, "cannot load the model"),
        ("model.safetensors", None, "cannot load the model"),
        ("medusa_heads.safetensors", b"junk", "cannot load the model"),
        ("tokenizer.json", b"{}", "cannot read"),
        ("config.json", b'{"model_type": "no-such-model"}', "cannot load the model"),
    ],
)
def test_a_damaged_folder_is_refused_with_its_reason(copy, file, content, message):
    if content is None:
        (copy / file).unlink()
    else:
        (copy / file).write_bytes(content)
    with pytest.raises(EngineError, match=message):
        models.load(copy)


def test_heads_of_another_shape_are_refused(copy):
    save_file({"weight": torch.zeros(1, 8, 8), "bias": torch.zeros(1, 8)}, copy / models.HEADS_FILE)
    with pytest.raises(EngineError, match="this model needs"):
        models.load(copy)


def test_a_newer_format_asks_for_an_update(copy):
    card = json.loads((copy / models.CARD_FILE).read_text())
    (copy / models.CARD_FILE).write_text(json.dumps(card | {"format": 99}))
    with pytest.raises(EngineError, match="update Verifrag"):
        models.load(copy)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineError, match="there is no model folder"):
        models.load(tmp_path / "nowhere")
