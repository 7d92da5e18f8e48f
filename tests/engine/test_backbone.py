"""Backbones: found, loaded as the machine allows, and refused if the decoder would not do them justice."""

import huggingface_hub
import pytest
import torch
from other_models import FAMILIES, SHAPE, sentencepiece
from transformers import GraniteConfig, GraniteForCausalLM, PreTrainedTokenizerFast

from engine import backbone, memory
from engine import model as models
from engine.api import EngineError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return FAMILIES["Llama"].folder(tmp_path_factory.mktemp("models"))


# ---- where it is


def test_what_is_no_folder_is_asked_of_the_hub(folder, monkeypatch):
    asked = []

    def download(name, allow_patterns, ignore_patterns):
        asked.append(name)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert models.load("someone/small-coder").card.name == "small-coder"
    assert asked == ["someone/small-coder"]


def test_of_the_hub_s_files_only_those_that_are_read_are_fetched(monkeypatch):
    files = ["config.json", "model-00001-of-2.safetensors", "tokenizer.json", "model.bin"]
    others = ["consolidated.safetensors", "onnx/model.safetensors", "x.gguf", "modeling.py"]
    kept = []

    def download(name, **patterns):
        kept.extend(huggingface_hub.utils.filter_repo_objects(files + others, **patterns))
        return "."

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    backbone.find("someone/small-coder")
    assert kept == files[:3]


@pytest.mark.parametrize("error", [OSError("offline"), ValueError("no such name")])
def test_a_hub_that_does_not_answer_is_an_error(monkeypatch, error):
    def download(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(EngineError, match="could not be fetched from the hub"):
        backbone.find("someone/small-coder")


# ---- where it runs, and in what precision


def test_device_and_dtype_can_be_given(folder):
    model = models.load(folder, "cpu", "bfloat16")
    assert (model.device, model.dtype) == (CPU, torch.bfloat16)
    assert model.backbone.dtype == torch.bfloat16


def test_the_environment_decides_where_nothing_is_given(folder, monkeypatch):
    monkeypatch.setenv("VERIFRAG_DTYPE", "float16")
    monkeypatch.setenv("VERIFRAG_DEVICE", "cpu")
    assert backbone.choose_dtype(None, CPU, folder) == torch.float16
    assert backbone.choose_dtype(torch.float32, CPU, folder) == torch.float32
    assert backbone.choose_device() == CPU
    assert backbone.choose_device("meta") == torch.device("meta")


def test_a_cpu_has_float32_for_what_fits_its_memory(folder, monkeypatch):
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    monkeypatch.setattr(memory, "available", lambda: 4 * stored)
    assert backbone.choose_dtype(None, CPU, folder) == torch.float32
    monkeypatch.setattr(memory, "available", lambda: 4 * stored - 1)
    assert backbone.choose_dtype(None, CPU, folder) == torch.bfloat16


@pytest.mark.parametrize(("newer", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_has_the_half_precision_that_it_knows(folder, monkeypatch, newer, dtype):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: newer)
    device = backbone.choose_device()
    assert device.type == "cuda"
    assert backbone.choose_dtype(None, device, folder) == dtype


# ---- what it is


def test_a_model_that_does_more_to_its_logits_is_refused(tmp_path):
    """Granite scales them, which tokens' ranks hide but sampling would not."""
    tokenizer = sentencepiece()
    torch.manual_seed(0)
    shape = {**SHAPE, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = GraniteConfig(**shape, vocab_size=409, logits_scaling=4.0, initializer_range=0.2)
    GraniteForCausalLM(config).eval().save_pretrained(tmp_path)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(tmp_path)
    with pytest.raises(EngineError, match="of the kind granite"):
        models.load(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(EngineError, match="cannot read"):
        models.load(tmp_path)


def test_heads_without_their_card_are_half_a_model(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / models.HEADS_FILE).write_bytes(b"")
    with pytest.raises(EngineError, match=r"verifrag\.json is missing"):
        models.load(tmp_path)
