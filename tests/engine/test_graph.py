"""The step for a GPU: what it computes, tested on the CPU. That it is a CUDA graph only a GPU can show."""

import pytest
import torch
from llama_models import FAMILIES, model_of, states
from tiny_model import VERILOG, tiny_model
from torch._dynamo.testing import CompileCounter

from engine import compile as build_step
from engine import compiled, decoding, graph, lean, prompts
from engine import model as models
from engine.api import DecodingOptions, Prompt
from engine.tree import build

TREE = build([[0], [1], [0, 0], [0, 1]])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path / "home"))


@pytest.fixture
def uncompiled(monkeypatch):
    """Traced as for a graph, and then run as it is; counts how often it was traced."""
    torch._dynamo.reset()
    counter = CompileCounter()
    monkeypatch.setattr(graph, "OPTIONS", {"backend": counter})
    return counter


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES)
def test_slots_that_do_not_count_change_nothing(config):
    model = model_of(config)
    past, ids = states(model, 20), torch.arange(40, 45)
    expected = lean.verify(model, ids, TREE.depth, TREE.sees, past[..., :12, :], TREE.size)
    length = torch.tensor(12)
    found = lean.verify(model, ids, TREE.depth, TREE.sees, past, TREE.size, length)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_one_graph_serves_every_length(uncompiled):
    model = tiny_model()
    step = graph.GraphStep(model)
    for length in (0, 1, 33, 90):
        inputs = torch.arange(5), TREE.depth, TREE.sees, states(model, length), TREE.size
        expected = lean.verify(model, *inputs)
        for found, right in zip(step.verify(*inputs), expected, strict=True):
            torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-4)
    assert uncompiled.frame_count == 1


def test_the_text_is_the_same_with_it_and_without(uncompiled):
    model = tiny_model()
    prompt = prompts.encode(model.tokenizer, Prompt(VERILOG[:150]), 200)
    without = decoding.complete(model, prompt, DecodingOptions(max_tokens=30))
    model.compiled = graph.GraphStep(model)
    found = decoding.complete(model, prompt, DecodingOptions(max_tokens=30))
    assert (found.text, found.steps) == (without.text, without.steps)
    assert uncompiled.frame_count == 1


def test_it_is_used_once_it_was_found_to_be_right(uncompiled):
    model = tiny_model()
    assert "python -m engine.compile" in graph.attach(model)
    assert model.compiled is None
    graph.try_out(model)
    assert graph.attach(model).startswith("graph")
    assert isinstance(model.compiled, graph.GraphStep)


def test_a_graph_that_computes_something_else_leaves_no_note(uncompiled, monkeypatch):
    model = tiny_model()
    verify = graph.GraphStep.verify
    monkeypatch.setattr(
        graph.GraphStep, "verify", lambda *given: tuple(2 * each for each in verify(*given))
    )
    with pytest.raises(compiled.UnfitError, match="does not compute"):
        graph.try_out(model)
    assert not graph.note(model).exists()


def test_where_torch_compile_fails_the_model_is_served_without(uncompiled, monkeypatch):
    model = tiny_model()
    graph.try_out(model)

    def broken(traced, inputs):
        raise RuntimeError("no Triton")

    monkeypatch.setattr(graph, "OPTIONS", {"backend": broken})
    torch._dynamo.reset()
    assert "no Triton" in graph.attach(model)
    assert model.compiled is None
    with pytest.raises(compiled.UnfitError, match="no Triton"):
        graph.try_out(model)


@pytest.mark.slow
def test_every_number_of_nodes_has_its_graph(uncompiled):
    model = tiny_model()
    step = graph.GraphStep(model)
    for nodes in range(1, 20):
        tree = build([[0] * depth for depth in range(1, nodes)])
        step.verify(torch.arange(nodes), tree.depth, tree.sees, states(model, 9), nodes)
    assert uncompiled.frame_count == 19


def test_other_families_go_another_way(monkeypatch):
    monkeypatch.setattr(lean, "FAMILIES", frozenset())
    assert "another way" in graph.attach(tiny_model())
    with pytest.raises(compiled.UnfitError, match="another way"):
        graph.try_out(tiny_model())


@pytest.mark.slow
def test_inductor_compiles_it():
    model = tiny_model()
    compiled.check_agrees(model, graph.GraphStep(model), compiled.CLOSE)


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: CUDA graphs are not tested")
def test_on_a_gpu_the_command_tries_it_and_the_engine_uses_it(tmp_path, capsys):
    models.save(tiny_model(), tmp_path / "tiny")
    assert build_step.main([str(tmp_path / "tiny")]) == 0
    assert "a step takes" in capsys.readouterr().out
    model = models.load(tmp_path / "tiny")
    prompt = prompts.encode(model.tokenizer, Prompt(VERILOG[:150]), 200)
    without = decoding.complete(model, prompt, DecodingOptions(max_tokens=30))
    assert compiled.attach(model).startswith("graph")
    assert decoding.complete(model, prompt, DecodingOptions(max_tokens=30)).text == without.text
