"""The card of a model folder, verifrag.json: what Verifrag knows of a model beyond its weights."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from engine import tree
from engine.api import EngineError

FORMAT = 1
CARD_FILE = "verifrag.json"
LEAST_WINDOW = 16  # tokens: markers, a word and an answer
LARGEST_TREE = 1024  # nodes, far more than any machine verifies in one pass

# Longest prompt and answer for a model that is not ours. Such models can see much more, but every layer
# keeps that much of a cache, and on a CPU the prompt takes too long to read.
ORDINARY_WINDOW = 2048  # tokens


@dataclass
class Card:
    """What verifrag.json holds."""

    name: str
    heads: int
    window: int
    """Longest sequence, in tokens, the model was trained on."""
    tree: list[list[int]]
    """Draft tree, likeliest paths first; a path lists, from head 1 on, the rank of the guess it takes."""
    nodes: int = 0
    """Nodes of a draft, root included, as `engine.tune` has found best on one machine; 0: as suits each."""
    round: int = 0
    training: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


def read_card(folder: Path) -> Card:
    """verifrag.json of `folder`; raises EngineError if it is missing, damaged or too new."""
    path = folder / CARD_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise EngineError(
                f"{path} has format {data['format']}, this Verifrag reads {FORMAT}: update Verifrag"
            )
        card = Card(**data)
        _check(card)
    except FileNotFoundError as error:
        raise EngineError(
            f"{folder} is not a Verifrag model folder ({CARD_FILE} is missing): train one with "
            "python -m trainer.finetune, or leave the setting verifrag.model empty"
        ) from error
    except KeyError as error:
        raise EngineError(f"{path} is damaged: it has no {error}") from error
    except (ValueError, TypeError, OSError) as error:
        raise EngineError(f"{path} is damaged: {error}") from error
    return card


def write_card(card: Card, folder: Path) -> None:
    """Write verifrag.json into `folder`."""
    text = json.dumps(asdict(card), indent=1) + "\n"
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def ordinary_card(name: str, config: PretrainedConfig) -> Card:
    """The card of a model of transformers that has none: no heads, and a window it can see whole."""
    return Card(name, heads=0, window=min(ORDINARY_WINDOW, sight(config)), tree=[])


def sight(config: PretrainedConfig) -> float:
    """How many tokens every layer of a model sees at once; `inf` if it does not say."""
    layers = getattr(config, "layer_types", None)
    slides = layers is None or "sliding_attention" in layers
    limits = ["max_position_embeddings", *(["sliding_window"] if slides else [])]
    return min(getattr(config, limit, None) or math.inf for limit in limits)


def _check(card: Card) -> None:
    """Raise ValueError for what cannot be served."""
    counts = {
        "heads": card.heads,
        "window": card.window,
        "nodes": card.nodes,
        "round": card.round,
    }
    for name, count in counts.items():
        if type(count) is not int or count < 0:
            raise ValueError(f"{name} must be a whole number, not {count!r}")
    if type(card.name) is not str:
        raise ValueError(f"name must be a text, not {card.name!r}")
    if card.window < LEAST_WINDOW:
        raise ValueError(f"window must be at least {LEAST_WINDOW} tokens, not {card.window}")
    if type(card.tree) is not list or not all(map(_is_path, card.tree)):
        raise ValueError("tree must be a list of paths, each a list of ranks from 0 on")
    if len(card.tree) >= LARGEST_TREE:
        raise ValueError(f"tree has {len(card.tree)} paths, the most is {LARGEST_TREE - 1}")
    deepest = max(map(len, card.tree), default=0)
    if deepest > card.heads:
        raise ValueError(f"tree asks for {deepest} heads of {card.heads}")
    tree.build(card.tree)


def _is_path(path: object) -> bool:
    return type(path) is list and bool(path) and all(type(r) is int and r >= 0 for r in path)
