"""The methods, each a decoder of its own, say the same when they are greedy."""

import importlib.util
import sys
from collections import Counter
from dataclasses import replace

import pytest
from tiny_model import VERILOG, plain_greedy, tiny_model

from engine import decoding, prompts
from engine import model as models
from engine.api import Completion, DecodingOptions, EngineError, Prompt
from engine.bench import gguf_export, methods
from engine.bench.decoders import open_decoder, static_tree
from engine.bench.llama_cpp_decoder import LlamaCpp
from engine.bench.methods import Request
from engine.drafts import draft_size


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny"
    models.save(tiny_model(), path)
    return str(path)


@pytest.fixture(scope="module")
def model(folder):
    return models.load(folder)


@pytest.fixture(scope="module")
def requests(model):
    texts = [VERILOG[:cut] for cut in (30, 90, 150, 200)]
    ids = [prompts.encode(model.tokenizer, Prompt(text), 128) for text in texts]
    return [Request(tuple(one), 20) for one in ids]


@pytest.fixture(scope="module")
def decoders(folder):
    """Those in torch, by name."""
    return {one.name: open_decoder(one) for one in methods.compared(folder, folder)}


def test_greedy_answers_are_those_of_generate(decoders, model, requests):
    for name, decoder in decoders.items():
        for request in requests:
            trace = decoder.trace(request)
            assert decoder.run(request) == trace.text
            assert len(trace.ids) <= request.tokens
            if name == "fragment-lexer":
                assert model.tokenizer.frag not in trace.ids
                continue
            whole = plain_greedy(model, list(request.ids), request.tokens)
            assert trace.text.startswith(whole)
            assert model.tokenizer.decode(trace.ids).startswith(trace.text)


def test_only_drafts_save_steps(decoders, requests):
    steps, tokens = {}, {}
    for name, decoder in decoders.items():
        traces = [decoder.trace(request) for request in requests]
        steps[name] = sum(len(trace.steps) for trace in traces)
        tokens[name] = sum(len(trace.ids) for trace in traces)
    assert steps["plain"] == steps["generate"] == tokens["plain"] == tokens["fragment"]
    assert steps["medusa"] < steps["plain"]
    assert steps["fragment"] < steps["plain"]


def test_only_ours_looks_up(decoders, requests):
    found = {name: Counter() for name in ("fragment", "medusa", "plain")}
    for name, drafted in found.items():
        for request in requests:
            drafted.update(decoders[name].trace(request).drafted)
    assert found["fragment"]["lookup"] + found["fragment"]["both"] > 0
    assert found["medusa"]["heads"] > 0 == found["medusa"]["lookup"]
    assert not found["plain"]


def test_a_seed_makes_samples_repeat(decoders, requests):
    for decoder in decoders.values():
        texts = [
            decoder.trace(replace(requests[0], temperature=0.8, seed=seed)).ids
            for seed in (1, 1, 2, 3)
        ]
        assert texts[0] == texts[1]
        assert len(set(map(tuple, texts))) > 1


def test_medusas_tree_is_cut_to_the_heads_there_are():
    assert static_tree(10)[:4] == [[0], [0, 0], [1], [0, 1]]
    assert len(static_tree(10)) == 63
    assert max(map(len, static_tree(2))) == 2


def test_plain_medusa_verifies_its_whole_tree_and_the_small_one_as_much_as_ours(folder, model):
    by_name = {one.name: one for one in methods.compared(folder, folder)}
    ours, whole, small = (
        draft_size(open_decoder(by_name[name]).model, DecodingOptions())
        for name in ("fragment", "medusa", "medusa-small")
    )
    assert ours == small < whole == len(static_tree(model.heads.count)) + 1


def test_llama_cpp_says_the_same(folder, model, requests, tmp_path):
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama-cpp-python is not installed: pip install 'verifrag[bench]'")
    file = tmp_path / "tiny.gguf"
    gguf_export.export(model.backbone, file, "tiny", model.card.window)
    decoder = LlamaCpp(methods.llama_cpp(file, folder, model.card.window))
    plain = open_decoder(methods.Method("plain", "engine", folder, {"speculative": False}))
    for request in requests:
        assert decoder.trace(request).ids == plain.trace(request).ids
        assert decoder.run(request) == decoder.trace(request).text
    sampled = replace(requests[0], temperature=0.8, seed=1)
    assert decoder.run(sampled) == decoder.run(sampled) != decoder.run(requests[0])


def test_without_llama_cpp_one_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(EngineError, match="pip install"):
        LlamaCpp(methods.Method("llama.cpp", "llama.cpp", "none.gguf"))


def test_medusa_takes_its_own_acceptance_where_it_samples(folder, monkeypatch, requests):
    asked = []

    def noting(model, ids, options, source):
        asked.append(options.acceptance)
        return Completion("", "end", 1, 1, 1.0)

    monkeypatch.setattr(decoding, "complete", noting)
    by_name = {one.name: one for one in methods.compared(folder, folder)}
    for name in ("medusa", "fragment"):
        decoder = open_decoder(by_name[name])
        for temperature in (0.0, 0.8):
            decoder.run(replace(requests[0], temperature=temperature))
    assert asked == ["lossless", "typical", "lossless", "lossless"]
