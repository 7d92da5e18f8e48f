"""Model folders: what is written loads again, and what is wrong with one is said."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_model import VERILOG, tiny_model, tiny_tokenizer

from engine import model as models
from engine.api import EngineError
from trainer import vocabulary
from trainer.finetune import Config, build


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


def test_a_tied_weight_is_stored_once_and_in_bfloat16(tmp_path):
    config = Config(layers=1, hidden=32, attention_heads=2, inner=48, heads=2)
    models.save(build(config, tiny_tokenizer(), 64), tmp_path / "tied")
    stored = load_file(tmp_path / "tied" / "model.safetensors")
    assert not [name for name in stored if "lm_head" in name]
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "tied" / "config.json").read_text())["dtype"] == "bfloat16"
    assert models.load(tmp_path / "tied").backbone.config.tie_word_embeddings


def test_an_unembedding_of_the_heads_own_is_saved_with_them(tmp_path):
    model = tiny_model().to(torch.bfloat16).to(torch.float32)
    model.heads.own_unembedding(torch.randn(model.tokenizer.size, 64).bfloat16().float())
    models.save(model, tmp_path / "own")
    states = torch.randn(4, 64)
    loaded = models.load(tmp_path / "own")
    assert torch.allclose(loaded.head_logits(states), model.head_logits(states), atol=1e-5)
    assert not torch.allclose(loaded.head_logits(states), loaded.logits(states), atol=1e-1)
    assert torch.equal(loaded.head_logits(states[:2]), loaded.head_logits(states)[:2])


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
        ("config.json", None, "cannot load the model"),
        ("config.json", b"[]", "cannot load the model"),
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


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated_weights_are_refused(copy, share):
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(EngineError, match="cannot load the model"):
        models.load(copy)


def test_weights_that_are_missing_are_not_made_up(copy):
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError, match=r"1 weights are missing, model\.layers\.1\.mlp"):
        models.load(copy)


def test_weights_that_are_not_numbers_are_refused(copy):
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError, match="its logits are not numbers"):
        models.load(copy)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window": 257}, "but the model sees 256"),
        ({"tree": [[0], [100_000]]}, "its tree has rank 100000"),
        ({"format": 99}, "update Verifrag"),
    ],
)
def test_a_card_that_does_not_fit_the_model_is_refused(copy, fields, message):
    card = json.loads((copy / models.CARD_FILE).read_text())
    (copy / models.CARD_FILE).write_text(json.dumps(card | fields))
    with pytest.raises(EngineError, match=message):
        models.load(copy)


def test_a_tokenizer_with_more_entries_than_the_model_is_refused(copy):
    larger = vocabulary.train([VERILOG * 2, "other words in it"], size=340)
    larger.save(copy)
    with pytest.raises(EngineError, match="they do not belong together"):
        models.load(copy)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineError, match="there is no model folder"):
        models.load(tmp_path / "nowhere")
