"""The check that drafts change nothing: it must find a decoder that lets them."""

import pytest
import torch
from tiny_model import VERILOG, tiny_model

from engine import acceptance, prompts
from engine.api import Prompt
from engine.bench import lossless, methods
from engine.bench.decoders import Engine
from engine.bench.methods import Request


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def ids(model):
    return [prompts.encode(model.tokenizer, Prompt(VERILOG[:cut]), 128) for cut in (30, 90, 150)]


def traces(model, ids, **options):
    decoder = Engine(model, methods.Method("", "engine", "", options))
    return [decoder.trace(Request(tuple(one), 16)) for one in ids]


def compared(model, ids, right, other):
    requests = [Request(tuple(one), 16) for one in ids]
    method = methods.Method("fragment", "engine", "")
    return lossless.compare(method, "float32", requests, right, other, model)


def test_a_right_decoder_passes(model, ids):
    plain = traces(model, ids, speculative=False)
    found = compared(model, ids, plain, traces(model, ids))
    assert (found.name, found.prompts, found.gaps) == ("fragment", 3, ())
    assert "fragment, float32: 0 of 3" in lossless.table([found])


def test_a_decoder_that_takes_every_draft_is_caught(model, ids, monkeypatch):
    plain = traces(model, ids, speculative=False)

    def credulous(tree, tokens, chosen):
        """Follows the tree's first path, whatever the backbone says."""
        path = [0]
        while tree.children[path[-1]]:
            path.append(tree.children[path[-1]][0])
        return path, chosen[path[-1]]

    monkeypatch.setattr(acceptance, "lossless", credulous)
    found = compared(model, ids, plain, traces(model, ids))
    assert len(found.gaps) == 3
    assert all(gap > 0 for gap in found.gaps)  # no tie explains it
    assert "fragment, float32: 3 of 3" in lossless.table([found])


def test_a_gap_is_between_tokens_that_may_be_chosen(model, ids):
    """[FRAG] is none of them where the lexer finds the fragments."""
    hidden = model.hidden(torch.tensor([ids[0]]))[0, -1]
    ranked = model.logits(hidden).topk(3)
    first, second, third = ranked.values.tolist()
    best = int(ranked.indices[0])
    assert lossless.best_two(model, ids[0]) == pytest.approx((first, second))
    assert lossless.best_two(model, ids[0], best) == pytest.approx((second, third))


@pytest.mark.parametrize(
    ("right", "other", "at"),
    [([1, 2], [1, 2], None), ([1, 2], [1, 3], 1), ([1, 2], [1], 1), ([], [4], 0), ([], [], None)],
)
def test_first_difference(right, other, at):
    assert lossless.first_difference(right, other) == at


def test_units_of_bfloat16s_last_place():
    """Eight bits: 1 and 1 + 2**-7 are neighbours, and so are 4 and 4 + 2**-5."""
    assert lossless.ulp(1.0) == 2**-7
    assert lossless.ulp(-5.0) == 2**-5


def test_plain_decoding_keeps_the_boundaries():
    """Without [FRAG] the model writes something else, so that is what it is compared with."""
    fragment, lexer, *_ = methods.compared("m", "m", "float32")
    assert lossless.plain(lexer).options == {"boundaries": "lexer", "speculative": False}
    assert lossless.plain(fragment).options == {"boundaries": "tokens", "speculative": False}
    assert lossless.plain(fragment).dtype == "float32"
