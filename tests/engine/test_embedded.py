"""The model that ships: it loads, it stays small, and drafting never changes what it says."""

from pathlib import Path

import pytest
import torch
from tiny_model import accepted_by_step, plain_greedy

from engine import model as models
from engine import model_store, prompts
from engine.api import DecodingOptions, Prompt
from engine.decoding import complete

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "blinky" / "rtl"
SOURCES = sorted(EXAMPLE.glob("*.v"))
TOKENS = 24


@pytest.fixture(scope="module")
def model():
    return models.load(model_store.EMBEDDED, torch.device("cpu"))


def cursors(count):
    """`count` prompts, spread over the example's files, and one in ten from a description."""
    for number in range(count):
        text = SOURCES[number % len(SOURCES)].read_text()
        cursor = (number * 97) % len(text)
        if number % 10 == 9:
            yield Prompt("", instruction=f"A {number}-bit counter with reset")
        else:
            yield Prompt(text[:cursor], text[cursor : cursor + 200])


@pytest.mark.parametrize(
    "prompt", list(cursors(60)), ids=lambda p: repr(p.prefix[-20:] or p.instruction)
)
def test_greedy_text_is_byte_for_byte_that_of_plain_greedy_decoding(model, prompt):
    ids = prompts.encode(model.tokenizer, prompt, 300)
    answer = complete(model, ids, DecodingOptions(max_tokens=TOKENS))
    assert answer.text.encode() == plain_greedy(model, ids, TOKENS).encode()
    assert "[FRAG]" not in answer.text


@pytest.mark.slow
def test_discard_ends_each_step_at_a_fragment_end_and_hold_need_not(model, monkeypatch):
    ends = {model.tokenizer.frag, model.tokenizer.end}

    def ends_whole(alignment):
        """For each step that completes a fragment: whether it ends there."""
        found = []
        for prompt in cursors(10):
            ids = prompts.encode(model.tokenizer, prompt, 300)
            steps = accepted_by_step(model, ids, monkeypatch, max_tokens=32, alignment=alignment)
            # The last step may be cut by the budget.
            found += [step[-1] in ends for step in steps[:-1] if ends & set(step)]
        return found

    assert all(ends_whole("discard"))
    assert not all(ends_whole("hold"))


@pytest.mark.slow
def test_drafting_takes_fewer_steps_than_tokens(model):
    answers = [
        complete(
            model, prompts.encode(model.tokenizer, prompt, 300), DecodingOptions(max_tokens=32)
        )
        for prompt in cursors(20)
    ]
    assert sum(a.tokens for a in answers) > 1.3 * sum(a.steps for a in answers)


def test_it_has_the_papers_ten_heads_a_tree_and_a_card(model):
    assert model.card.heads == 10
    assert len(model.card.tree) > 4
    card = (model_store.EMBEDDED / "MODEL_CARD.md").read_text()
    assert "accepted tokens a step" in card


def test_it_is_small_enough_to_ship_and_holds_no_pickle():
    files = list(model_store.EMBEDDED.iterdir())
    assert sum(file.stat().st_size for file in files) < 30e6
    assert {file.suffix for file in files} == {".json", ".safetensors", ".md", ".png"}
