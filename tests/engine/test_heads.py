"""Medusa heads: what they compute, and what of a file is taken, refused, or an older format."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import heads as medusa
from engine.api import EngineError
from engine.heads import HEADS_FILE, MedusaHeads


def random_heads(count=3, own=False):
    heads = MedusaHeads(count, 8)
    torch.nn.init.normal_(heads.weight)
    if own:
        heads.own_unembedding(torch.randn(20, 8))
    return heads


def test_untrained_heads_repeat_the_backbone():
    heads = MedusaHeads(3, 8)
    hidden = torch.randn(2, 8)
    assert torch.equal(heads(hidden), hidden.unsqueeze(1).expand(2, 3, 8))


def test_the_first_heads_say_what_they_say_among_all():
    heads, hidden = random_heads(), torch.randn(2, 8)
    assert torch.equal(heads(hidden, 2), heads(hidden)[:, :2])


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_saved_is_loaded(tmp_path, count, own):
    heads = random_heads(count, own)
    medusa.save(heads, tmp_path)
    loaded = medusa.load(tmp_path, count, 8, 20).state_dict()
    assert loaded.keys() == heads.state_dict().keys()
    for name, tensor in heads.state_dict().items():
        assert torch.equal(loaded[name], tensor.bfloat16().float())


def test_a_file_without_a_version_is_of_the_first_format(tmp_path):
    state = random_heads().state_dict()
    save_file(state, tmp_path / HEADS_FILE, metadata={"format": "pt"})
    assert torch.equal(medusa.load(tmp_path, 3, 8, 20).weight, state["weight"])


def test_a_newer_format_asks_for_an_update(tmp_path):
    save_file(random_heads().state_dict(), tmp_path / HEADS_FILE, metadata={"version": "3"})
    with pytest.raises(EngineError, match="update Verifrag"):
        medusa.load(tmp_path, 3, 8, 20)


@pytest.mark.parametrize(("count", "hidden", "vocabulary"), [(2, 8, 20), (3, 16, 20), (3, 8, 21)])
def test_heads_of_another_backbone_are_refused(tmp_path, count, hidden, vocabulary):
    medusa.save(random_heads(own=True), tmp_path)
    with pytest.raises(EngineError, match="trained for another backbone"):
        medusa.load(tmp_path, count, hidden, vocabulary)


def test_tensors_that_are_none_of_heads_are_refused(tmp_path):
    medusa.save(random_heads(), tmp_path)
    state = load_file(tmp_path / HEADS_FILE)
    save_file({**state, "surplus": torch.zeros(1)}, tmp_path / HEADS_FILE)
    with pytest.raises(EngineError, match="surplus"):
        medusa.load(tmp_path, 3, 8, 20)


@pytest.mark.parametrize("share", [0, 0.05, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, share):
    medusa.save(random_heads(), tmp_path)
    content = (tmp_path / HEADS_FILE).read_bytes()
    (tmp_path / HEADS_FILE).write_bytes(content[: int(share * len(content))])
    with pytest.raises(EngineError, match="cannot load the model"):
        medusa.load(tmp_path, 3, 8, 20)


def test_no_heads_need_no_file(tmp_path):
    assert medusa.load(tmp_path, 0, 8, 20).count == 0
    with pytest.raises(EngineError, match="cannot load the model"):
        medusa.load(tmp_path, 1, 8, 20)
