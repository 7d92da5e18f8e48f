"""verifrag.json: what is written is read, and what cannot be served is refused."""

import json

import pytest
from transformers import LlamaConfig, MistralConfig, Qwen2Config

from engine.api import EngineError
from engine.card import CARD_FILE, LARGEST_TREE, Card, ordinary_card, read_card, write_card

CARD = Card("model", heads=2, window=64, tree=[[0], [1], [0, 0]], round=3, training={"steps": 1})


def test_a_card_is_read_as_it_was_written(tmp_path):
    write_card(CARD, tmp_path)
    assert read_card(tmp_path) == CARD


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", 5, "name must be a text"),
        ("heads", "2", "heads must be a whole number"),
        ("heads", -1, "heads must be a whole number"),
        ("heads", True, "heads must be a whole number"),
        ("window", 0, "window must be at least 16"),
        ("window", 1.5, "window must be a whole number"),
        ("round", None, "round must be a whole number"),
        ("tree", None, "must be a list of paths"),
        ("tree", {"0": 1}, "must be a list of paths"),
        ("tree", [0, 1], "must be a list of paths"),
        ("tree", [[]], "must be a list of paths"),
        ("tree", [[-1]], "must be a list of paths"),
        ("tree", [["0"]], "must be a list of paths"),
        ("tree", [[0], [0, 0], [0, 0, 0]], "asks for 3 heads of 2"),
        ("tree", [[0, 0]], r"has \[0, 0\] but not \[0\]"),
        ("tree", [[n] for n in range(LARGEST_TREE)], "the most is"),
        ("surplus", 1, "surplus"),
    ],
)
def test_a_field_that_cannot_be_served_is_named(tmp_path, field, value, message):
    write_card(CARD, tmp_path)
    data = json.loads((tmp_path / CARD_FILE).read_text())
    (tmp_path / CARD_FILE).write_text(json.dumps(data | {field: value}))
    with pytest.raises(EngineError, match=rf"is damaged: .*{message}"):
        read_card(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "null", '"text"', "{}", '{"format": 1}', "\xff"])
def test_what_is_no_card_is_damaged(tmp_path, content):
    (tmp_path / CARD_FILE).write_bytes(content.encode("latin-1"))
    with pytest.raises(EngineError, match="is damaged"):
        read_card(tmp_path)


def test_a_newer_format_asks_for_an_update_whatever_else_it_holds(tmp_path):
    (tmp_path / CARD_FILE).write_text('{"format": 2, "new": 1}')
    with pytest.raises(EngineError, match="update Verifrag"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("config", "window"),
    [
        (LlamaConfig(max_position_embeddings=512), 512),
        (LlamaConfig(max_position_embeddings=1 << 17), 2048),
        (MistralConfig(max_position_embeddings=1 << 15, sliding_window=1024), 1024),
        (MistralConfig(max_position_embeddings=1 << 15, sliding_window=None), 2048),
        (Qwen2Config(max_position_embeddings=1 << 15, sliding_window=1024), 2048),
    ],
)
def test_a_model_that_is_not_ours_has_a_window_that_it_sees_whole(config, window):
    card = ordinary_card("other", config)
    assert (card.name, card.heads, card.window, card.tree) == ("other", 0, window, [])
