"""The GGUF file: what is in it, and that llama.cpp would compute the same with it."""

import numpy as np
import pytest
from gguf import GGUFReader
from tiny_model import tiny_model
from transformers import GPT2Config, GPT2LMHeadModel

from engine.api import EngineError
from engine.bench import gguf_export


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def read(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    gguf_export.export(model.backbone, path, "tiny", 256)
    return GGUFReader(path)


def test_shape_of_the_model(model, read):
    said = {name: field.contents() for name, field in read.fields.items()}
    config = model.backbone.config
    assert said["general.architecture"] == "llama"
    assert said["llama.block_count"] == config.num_hidden_layers
    assert said["llama.attention.head_count_kv"] == config.num_key_value_heads
    assert said["llama.vocab_size"] == model.tokenizer.size
    assert said["llama.context_length"] == 256
    assert said["tokenizer.ggml.model"] == "none"


def test_every_weight_but_the_heads_is_there(model, read):
    stored = {tensor.name: tensor for tensor in read.tensors}
    assert len(stored) == len(model.backbone.state_dict())
    embedding = model.backbone.get_input_embeddings().weight.numpy()
    assert np.array_equal(stored["token_embd.weight"].data, embedding.astype(np.float16))
    down = model.backbone.model.layers[1].mlp.down_proj.weight.numpy()
    assert np.array_equal(stored["blk.1.ffn_down.weight"].data, down.astype(np.float16))
    assert stored["blk.0.attn_norm.weight"].data.dtype == np.float32
    assert stored["output.weight"].data.shape == embedding.shape  # this model's is not tied


def test_a_tied_unembedding_is_stored_once(tmp_path):
    model = tiny_model()
    model.backbone.config.tie_word_embeddings = True
    gguf_export.export(model.backbone, tmp_path / "tied.gguf", "tied", 256)
    names = {tensor.name for tensor in GGUFReader(tmp_path / "tied.gguf").tensors}
    assert "token_embd.weight" in names and "output.weight" not in names


def test_rotating_neighbours_is_rotating_halves():
    """Scores of rotated queries and keys are the same by transformers' rotation of the rows as they were
    and by llama.cpp's of those in its order."""
    heads, size, hidden = 2, 8, 5
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(2, heads * size, hidden))
    x = generator.normal(size=(2, hidden))
    angles = np.arange(1, size // 2 + 1) * np.array([[3.0], [7.0]])  # of two positions

    def by_halves(rows, angle):
        a, b = rows[:, : size // 2], rows[:, size // 2 :]
        cos, sin = np.cos(angle), np.sin(angle)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], 1)

    def by_neighbours(rows, angle):
        a, b = rows[:, 0::2], rows[:, 1::2]
        cos, sin = np.cos(angle), np.sin(angle)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], 1)

    def scores(rotate, q_weight, k_weight):
        q = rotate((q_weight @ x[0]).reshape(heads, size), angles[0])
        k = rotate((k_weight @ x[1]).reshape(heads, size), angles[1])
        return (q * k).sum(1)

    ordered = [gguf_export.rope_order(weight, heads) for weight in weights]
    assert not np.array_equal(ordered[0], weights[0])
    np.testing.assert_allclose(scores(by_neighbours, *ordered), scores(by_halves, *weights))


def test_another_architecture_is_refused(tmp_path):
    other = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=16))
    with pytest.raises(EngineError, match=r"gpt2.*--gguf"):
        gguf_export.export(other, tmp_path / "x.gguf", "x", 64)
    with pytest.raises(EngineError, match="bias"):
        gguf_export.tensor_name("model.layers.0.self_attn.bias_extra.bias")
