"""The recording wraps the decoder's parts: this fails if one of them has moved."""

import pytest
from tiny_model import VERILOG, accepted_by_step, tiny_model

from engine import decoding, prompts
from engine.api import DecodingOptions, Prompt
from engine.bench.record import PARTS, recording


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def ids(model):
    return prompts.encode(model.tokenizer, Prompt(VERILOG[:90]), 128)


def test_every_part_of_a_step_takes_time(model, ids):
    with recording() as record:
        decoding.complete(model, ids, DecodingOptions(max_tokens=12))
    assert set(record.milliseconds) == set(PARTS)
    assert all(milliseconds > 0 for milliseconds in record.milliseconds.values())


def test_steps_are_the_tokens_that_were_added(model, ids, monkeypatch):
    with recording() as record:
        completion = decoding.complete(model, ids, DecodingOptions(max_tokens=12))
    assert record.steps == [
        tuple(s) for s in accepted_by_step(model, ids, monkeypatch, max_tokens=12)
    ]
    assert len(record.steps) == completion.steps


def test_nothing_stays_wrapped(model, ids):
    def now():
        return [getattr(owner, name) for places in PARTS.values() for owner, name in places]

    before = now()
    with pytest.raises(ZeroDivisionError), recording():
        raise ZeroDivisionError
    assert now() == before
