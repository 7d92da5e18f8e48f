"""The backbone of a model folder: any causal model that transformers loads and that is made like Llama.

Where it runs and in what precision follows from the machine; VERIFRAG_DEVICE (`cpu`, `cuda:1`, ...) and
VERIFRAG_DTYPE (`float32`, `bfloat16`, `float16`) in the environment say otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from engine import memory
from engine.api import EngineError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PROBE = 4  # tokens


def find(name: str | Path) -> Path:
    """The model folder `name`, or where the hub's model of that name was downloaded to.

    Raises EngineError if there is neither.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or str(name).startswith("."):
        raise EngineError(f"there is no model folder {path}: check the setting verifrag.model")
    from huggingface_hub import snapshot_download

    try:
        # Not what lies in folders: the same weights for other programs.
        files, not_those = ["*.json", "*.safetensors"], ["*/*", "consolidated*"]
        return Path(snapshot_download(str(name), allow_patterns=files, ignore_patterns=not_those))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{name} is no folder here, and could not be fetched from the hub ({type(error).__name__}): "
            "check the setting verifrag.model"
        ) from error


def choose_device(wanted: torch.device | str | None = None) -> torch.device:
    """`wanted`, or what the environment says, or a GPU if there is one. Raises EngineError."""
    wanted = wanted or os.environ.get("VERIFRAG_DEVICE")
    if wanted is None or wanted == "":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch built without it
        reason = str(error).split("\n")[0]
        raise EngineError(f"the device {str(wanted)!r} can't be used: {reason}") from error
    return device


def choose_dtype(
    wanted: torch.dtype | str | None, device: torch.device, folder: Path
) -> torch.dtype:
    """`wanted`, or what the environment says, or what suits the device and the model in `folder`.

    A GPU has bfloat16, or float16 if it is too old for that. A CPU has float32, where rounding of
    bfloat16 would let a verified row differ from the same row computed alone, but bfloat16 for a model
    that memory does not hold otherwise. Raises EngineError.
    """
    wanted = wanted or os.environ.get("VERIFRAG_DTYPE")
    if isinstance(wanted, torch.dtype):
        return wanted
    if wanted:
        if wanted not in DTYPES:
            raise EngineError(f"{wanted!r} is no dtype: choose {', '.join(DTYPES)}")
        return DTYPES[wanted]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    # Stored are 2 bytes a parameter, as a rule. Half of the memory is for caches, and for others.
    return torch.float32 if 2 * stored <= memory.available() / 2 else torch.bfloat16


def load(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """The causal language model in `folder`, on the CPU. Raises EngineError with what to do."""
    transformers_logging.disable_progress_bar()
    try:
        backbone, found = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            attn_implementation="sdpa",
            output_loading_info=True,
        )
    except Exception as error:  # a damaged folder makes transformers raise nearly anything
        raise _damaged(folder, str(error) or type(error).__name__) from error
    if missing := sorted(found["missing_keys"]):
        # transformers makes up random ones.
        raise _damaged(folder, f"{len(missing)} weights are missing, {missing[0]} among them")
    return backbone


@torch.no_grad()
def probe(folder: Path, backbone: PreTrainedModel, logits: Callable[[Tensor], Tensor]) -> None:
    """Raise EngineError unless the backbone's logits are numbers, and `logits` of its last states.

    Some models do more to them (Granite scales, Gemma caps), which decoding would not notice.
    """
    ids = torch.arange(PROBE, device=backbone.device)[None]
    expected = backbone(input_ids=ids, use_cache=False).logits
    if not bool(torch.isfinite(expected).all()):
        raise _damaged(folder, "its logits are not numbers")
    states = backbone.base_model(input_ids=ids, use_cache=False).last_hidden_state
    if not torch.allclose(logits(states), expected, rtol=1e-2, atol=1e-2):
        kind = backbone.config.model_type
        raise EngineError(
            f"the model in {folder} is of the kind {kind}, which Verifrag's decoder does not know: "
            "choose one like Llama, Mistral or Qwen2"
        )


def _damaged(folder: Path, reason: str) -> EngineError:
    return EngineError(
        f"cannot load the model in {folder}: {reason}. Point the setting verifrag.model at a complete "
        "model folder, or leave it empty for the model that comes with Verifrag"
    )
