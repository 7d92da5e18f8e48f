"""Drafts: the heads' tree and look-up's chain in one tree of constant size."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from tiny_model import VERILOG, tiny_model

from engine import client, prompts
from engine.api import DecodingOptions, Prompt
from engine.compiled import CompiledStep
from engine.decoding import decode
from engine.drafts import NODES, Drafter, draft_size
from engine.lookup import _BETWEEN

PATHS = [[0], [0, 0], [1], [0, 1], [1, 0], [0, 0, 0]]
GUESSES = torch.tensor([[10, 11], [20, 21], [30, 31]])
OPTIONS = DecodingOptions()


@pytest.fixture
def model():
    made = tiny_model()
    made.card.tree = PATHS
    return made


def drafter(model, seen, options=OPTIONS):
    """With `seen` tokens to look up."""
    made = Drafter(model, options)
    if made.lookup is not None:
        made.lookup.extend(seen)
    return made


def paths(draft):
    """The candidates: for every node but fillers, the tokens from below the root to it."""
    found = {0: ()}
    for node, above in enumerate(draft.layout.parent):
        if above in found:
            found[node] = (*found[above], draft.tokens[node])
    return set(found.values()) - {()}


HEADS_ALONE = {(10,), (11,), (10, 20), (10, 21), (11, 20), (10, 20, 30)}


@pytest.mark.parametrize("options", [OPTIONS, DecodingOptions(lookup=False)])
def test_without_a_match_the_draft_is_the_heads_tree(model, options):
    draft = drafter(model, [1, 2, 3], options).propose(5, GUESSES)
    assert paths(draft) == HEADS_ALONE
    assert draft.tokens[0] == 5


def test_a_chain_takes_the_place_of_the_trees_last_nodes(model):
    draft = drafter(model, [1, 5, 50, 51, 9, 1]).propose(5, GUESSES)
    # 50, 51, 9 for the last three of the heads' nodes.
    assert paths(draft) == {(10,), (10, 20), (11,), (50,), (50, 51), (50, 51, 9)}


def test_nodes_that_coincide_are_shared(model):
    draft = drafter(model, [1, 5, 10, 20, 51, 1]).propose(5, GUESSES)
    assert paths(draft) == {(10,), (11,), (10, 20), (10, 21), (11, 20), (10, 20, 51)}
    path = [0, draft.tokens.index(10), draft.tokens.index(20), draft.tokens.index(51)]
    assert draft.sources(path) == {"both": 2, "lookup": 1}
    assert draft.sources([0, draft.tokens.index(11)]) == {"heads": 1}


def test_a_shared_node_that_must_go_becomes_look_ups_own(model):
    seen = [1, 2, 3, 4, 6, 5, 11, 20, 52, 53, _BETWEEN, 1, 2, 3, 4, 6]
    draft = drafter(model, seen).propose(5, GUESSES)
    # 52 and 53 take the last two places, one of them that of (11, 20).
    own = {(11, 20), (11, 20, 52), (11, 20, 52, 53)}
    assert paths(draft) == {(10,), (10, 20), (11,), *own}
    path = [draft.tokens.index(5), draft.tokens.index(11), *range(4, 7)]
    assert [draft.tokens[node] for node in path] == [5, 11, 20, 52, 53]
    assert draft.sources(path) == {"both": 1, "lookup": 3}


def test_a_match_of_many_tokens_may_take_the_whole_tree(model):
    seen = [1, 2, 3, 4, 6, 5, *range(60, 70), 1, 2, 3, 4, 6]
    draft = drafter(model, seen).propose(5, GUESSES)
    assert paths(draft) == {tuple(range(60, 60 + n)) for n in range(1, 7)}


def test_every_draft_of_an_answer_has_the_same_size(model, monkeypatch):
    sizes = []
    propose = Drafter.propose
    monkeypatch.setattr(Drafter, "propose", lambda *args: sizes.append(propose(*args)) or sizes[-1])
    ids = prompts.encode(model.tokenizer, Prompt(VERILOG[:77], VERILOG[100:150]), 200)
    for heads in (model.heads.count, 0):
        sizes.clear()
        if not heads:
            model = without_heads()
        for _ in decode(model, ids, DecodingOptions(max_tokens=30)):
            pass
        assert {draft.layout.size for draft in sizes} == {len(PATHS) + 1 if heads else NODES}
        assert all(len(draft.tokens) == draft.layout.size for draft in sizes)
        assert len({draft.layout.parent for draft in sizes}) > 1, "nothing was looked up"


def without_heads():
    made = tiny_model(heads=1)
    made.heads.weight, made.heads.bias = (
        torch.nn.Parameter(part[:0]) for part in (made.heads.weight, made.heads.bias)
    )
    made.card.tree, made.card.heads = [], 0
    return made


def tokens_and_text(model, ids, options):
    steps = decode(model, ids, options)
    counted = []
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return counted, end.value
        assert step.accepted - 1 == sum(step.drafted.values()) >= 0
        counted.append(step)


@pytest.mark.parametrize("alignment", ["hold", "discard"])
@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("heads", [True, False])
def test_look_up_changes_no_text(heads, temperature, alignment):
    model = tiny_model() if heads else without_heads()
    options = DecodingOptions(
        max_tokens=24, temperature=temperature, top_p=0.9, alignment=alignment
    )
    found = 0
    for number in range(12):
        cursor = 31 * number % len(VERILOG)
        prompt = Prompt(VERILOG[:cursor], VERILOG[cursor:][:60], context=VERILOG[:40])
        ids = prompts.encode(model.tokenizer, prompt, 200)
        own = replace(options, seed=number)
        steps, answer = tokens_and_text(model, ids, own)
        assert answer.text == tokens_and_text(model, ids, replace(own, lookup=False))[1].text
        assert answer.text == tokens_and_text(model, ids, replace(own, speculative=False))[1].text
        found += answer.drafted.get("lookup", 0)
        assert answer.tokens == answer.steps + sum(answer.drafted.values())
        for source in ("heads", "lookup", "both"):
            each = [step.drafted.get(source, 0) for step in steps]
            assert sum(each) == answer.drafted.get(source, 0)
    assert found > 0, "look-up drafted nothing that was accepted"


@pytest.mark.parametrize(
    ("heads", "options", "most", "size"),
    [
        (True, {}, None, 7),
        (True, {}, 3, 3),
        (True, {"lookup": False}, None, 7),
        (True, {"speculative": False}, None, 1),
        (False, {}, None, NODES),
        (False, {}, 4, 4),
        (False, {"lookup": False}, None, 1),
    ],
)
def test_a_draft_is_as_large_as_the_models_tree_and_the_options_allow(
    model, heads, options, most, size
):
    asked = model if heads else without_heads()
    assert draft_size(asked, DecodingOptions(**options), most) == size


def test_shares_go_through_the_protocol_of_the_engine_process():
    model = tiny_model()
    ids = prompts.encode(model.tokenizer, Prompt(VERILOG[:77]), 200)
    steps, answer = tokens_and_text(model, ids, DecodingOptions(max_tokens=40))
    assert answer.drafted
    sent = json.loads(json.dumps([asdict(answer), *map(asdict, steps)]))
    assert client._completion(sent[0]) == answer
    assert [step["drafted"] for step in sent[1:]] == [step.drafted for step in steps]


def test_the_tree_is_cut_to_what_pays_on_the_machine():
    asked = tiny_model()
    whole = len(asked.card.tree) + 1
    assert draft_size(asked, DecodingOptions()) == NODES < whole
    asked.compiled = CompiledStep
    assert draft_size(asked, DecodingOptions()) == CompiledStep.nodes
    asked.card.nodes = 6  # somebody has measured
    assert draft_size(asked, DecodingOptions()) == 6
    assert draft_size(asked, DecodingOptions(), most=whole) == whole
