"""The model a run starts with: what is taken over from a folder, what is added, what is refused."""

import pytest
import torch
from tiny_model import VERILOG, tiny_model, tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from engine import model as model_folder
from engine.api import EngineError
from trainer import loss, vocabulary
from trainer.finetune import Config, Optimizer, start
from trainer.finetune.optimizer import trained_weights

IDS = torch.arange(20, 60)[None]


@pytest.fixture
def ours(tmp_path):
    """A model folder of ours: window 256, 4 heads."""
    model_folder.save(tiny_model(), tmp_path / "ours")
    return tmp_path / "ours"


@pytest.fixture
def ordinary(tmp_path):
    """A Llama of transformers that knows nothing of our tokens, with a few rows too many."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        [VERILOG], trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet)
    )
    PreTrainedTokenizerFast(tokenizer_object=backend).save_pretrained(tmp_path / "ordinary")
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=304,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=48,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(shape).save_pretrained(tmp_path / "ordinary")
    return tmp_path / "ordinary"


def logits(model, ids=IDS):
    with torch.no_grad():
        return model.logits(model.hidden(ids))


def test_a_model_of_ours_goes_on_with_a_wider_window(ours):
    before = model_folder.load(ours)
    config = Config(init=str(ours), name="next")
    model = start.go_on(config, tiny_tokenizer(), 1024)
    assert (model.card.name, model.card.window, model.heads.count) == ("next", 1024, 4)
    assert model.backbone.config.max_position_embeddings == 1024
    assert torch.equal(logits(model), logits(before))
    assert start.shaped_like_init(config).heads == 4


def test_the_method_decides_about_heads(ours, tmp_path):
    plain = start.go_on(Config(init=str(ours), method="ntp"), tiny_tokenizer(), 256)
    assert plain.heads.count == 0
    model_folder.save(plain.eval(), tmp_path / "plain")
    config = Config(init=str(tmp_path / "plain"), heads=7)
    assert start.shaped_like_init(config).heads == 7
    model = start.go_on(config, tiny_tokenizer(), 256)
    assert model.heads.count == model.card.heads == 7
    assert not model.heads.weight.any()


def test_heads_get_an_unembedding_of_their_own_where_it_is_asked_for(ours):
    shared = model_folder.load(ours)
    model = start.go_on(Config(init=str(ours), own_unembedding=True), tiny_tokenizer(), 256)
    unembedding = model.backbone.get_output_embeddings().weight
    assert torch.equal(model.heads.unembedding[3], unembedding)
    with torch.no_grad():
        states = model.heads(model.hidden(IDS))
        assert torch.allclose(model.head_logits(states), shared.logits(states), atol=1e-4)
    new = start.build(Config(layers=1, heads=2, own_unembedding=True), tiny_tokenizer(), 256)
    assert new.heads.unembedding.shape == (2, tiny_tokenizer().size, 320)


def test_our_tokens_are_added_to_an_ordinary_model(ordinary, tmp_path):
    tokenizer = vocabulary.adopt(ordinary)
    before = LlamaForCausalLM.from_pretrained(ordinary).get_input_embeddings().weight
    model = start.go_on(Config(init=str(ordinary), heads=2), tokenizer, 128)
    rows = model.backbone.get_input_embeddings().weight
    assert len(rows) == model.backbone.get_output_embeddings().out_features == 308
    assert torch.equal(rows[:300], before[:300])
    assert {tokenizer.frag, tokenizer.middle} < set(range(300, 308))
    assert tokenizer.decode(tokenizer.encode_fragments(VERILOG)) == VERILOG
    model_folder.save(model.eval(), tmp_path / "ours")
    loaded = model_folder.load(tmp_path / "ours")
    assert loaded.tokenizer.size == 308
    assert torch.allclose(logits(loaded), logits(model), atol=0.02)


def test_another_vocabulary_than_that_of_the_data_is_refused(ours):
    with pytest.raises(EngineError, match="another vocabulary"):
        start.go_on(Config(init=str(ours)), vocabulary.train([VERILOG[:200]], 300), 256)


def test_adapters_train_alone_and_merge_into_the_same_model(ours):
    config = Config(init=str(ours), lora=4)
    model = start.go_on(config, tiny_tokenizer(), 256)
    adapters = start.adapt(model, config)
    trained = trained_weights(model, config)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == set(trained)
    assert sum(p.numel() for p in trained.values()) < model.parameter_count() / 2
    with torch.no_grad():
        for name, parameter in trained.items():
            if name.startswith("backbone"):
                parameter += 0.1 * torch.randn_like(parameter)
    model.eval()
    ids = torch.cat([IDS, torch.tensor([[model.tokenizer.frag, model.tokenizer.end]])], 1)
    adapted = logits(model, ids)
    start.merge(model, adapters)
    assert torch.allclose(logits(model, ids), adapted, atol=1e-4)
    assert not torch.allclose(adapted, logits(model_folder.load(ours), ids), atol=1e-2)
    plain = model_folder.load(ours).backbone.state_dict()
    assert model.backbone.state_dict().keys() == plain.keys()


def test_adapters_learn(ours):
    config = Config(init=str(ours), lora=4, lr=1e-2)
    model = start.go_on(config, tiny_tokenizer(), 256)
    start.adapt(model, config)
    optimizer = Optimizer(model, config)
    batch = loss.prepare(torch.tensor([encoded(model.tokenizer)]), model.tokenizer, 0, False, 0)
    losses = []
    for _ in range(20):
        base, _ = loss.losses(model, batch)
        base.backward()
        optimizer.step(1.0)
        losses.append(base.item())
    assert losses[-1] < losses[0] - 0.5


def encoded(t):
    return [t.start, t.prefix, *t.encode(VERILOG), t.middle, t.end]


def test_a_model_that_has_grown_says_what_it_said_before(ours):
    before = model_folder.load(ours, dtype=torch.float32)
    config = Config(init=str(ours), grow_layers=3, grow_kv_heads=2)
    model = start.go_on(config, tiny_tokenizer(), 256)
    assert torch.equal(logits(model), logits(before))
    shape = model.backbone.config
    assert (shape.num_hidden_layers, shape.num_key_value_heads) == (3, 2)
    recorded = start.shaped_like_init(config)
    assert (recorded.layers, recorded.kv_heads) == (3, 2)


def test_a_model_that_has_grown_learns_with_its_new_layers(ours):
    model = start.go_on(Config(init=str(ours), grow_layers=3), tiny_tokenizer(), 256)
    model.logits(model.hidden(IDS)).logsumexp(-1).sum().backward()
    assert model.backbone.model.layers[1].mlp.down_proj.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("grow", [{"grow_layers": 1}, {"grow_kv_heads": 3}])
def test_a_model_cannot_grow_to_less_or_by_halves(ours, grow):
    with pytest.raises(EngineError, match=r"already|cannot grow"):
        start.go_on(Config(init=str(ours), **grow), tiny_tokenizer(), 256)
