"""Blends of two models."""

import pytest
import torch
from tiny_model import tiny_model, tiny_tokenizer

from engine import model as models
from trainer import blend, finetune


@pytest.fixture
def folders(tmp_path):
    """Two models of one shape, the second's weights all 1 higher; and one of another shape."""
    first, second = tiny_model(), tiny_model()
    for parameter in second.backbone.parameters():
        parameter.data += 1
    for name, model in (("first", first), ("second", second)):
        models.save(model, tmp_path / name)
    return tmp_path


def tied_model():
    config = finetune.Config(
        layers=1, hidden=32, attention_heads=2, inner=48, heads=0, method="ntp"
    )
    torch.manual_seed(0)
    return finetune.build(config, tiny_tokenizer(), 64)


def weights(folder):
    return models.load_ours(folder).backbone.state_dict()


def test_each_weight_lies_between_those_of_the_two(folders):
    words = [str(folders / name) for name in ("first", "second", "out")]
    assert blend.main([*words, "--share", "0.75"]) == 0
    first, made = weights(folders / "first"), weights(folders / "out")
    for name, weight in made.items():
        torch.testing.assert_close(weight, first[name] + 0.75, rtol=0.02, atol=0.02)
    card = models.load_ours(folders / "out").card
    assert card.training["blend"]["share"] == 0.75
    assert len(card.training["blend"]["of"]) == 2


def test_a_weight_with_two_names_is_blended_once():
    first, second = tied_model(), tied_model()
    second.backbone.get_input_embeddings().weight.data += 1
    expected = first.backbone.get_input_embeddings().weight + 0.25
    made = blend.blend(first, second, 0.25)
    torch.testing.assert_close(made.backbone.get_input_embeddings().weight, expected)
    assert (
        made.backbone.get_output_embeddings().weight is made.backbone.get_input_embeddings().weight
    )


def test_what_cannot_be_blended_is_told(folders, capsys):
    words = [str(folders / name) for name in ("first", "nothing", "out")]
    assert blend.main(words) == 1
    assert "trainer.blend: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        blend.main([words[0], words[0], str(folders / "second")])


def test_shapes_must_agree():
    first, second = tiny_model(), tiny_model()
    second.backbone.resize_token_embeddings(second.tokenizer.size + 8)
    with pytest.raises(blend.EngineError, match="shapes"):
        blend.blend(first, second, 0.5)
