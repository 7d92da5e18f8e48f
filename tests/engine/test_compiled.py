"""The compiled step: it computes what the plain function does, and what is not to be trusted is not used."""

import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from llama_models import FAMILIES, model_of, states
from tiny_model import VERILOG, tiny_model
from transformers import LlamaConfig

from engine import batch, compiled, decoding, lean, model_store, prompts
from engine import compile as build_step
from engine import model as models
from engine.api import DecodingOptions, EngineError, Prompt
from engine.process import Engine
from engine.reuse import PromptCaches
from engine.tree import build


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_step.build(tmp_path_factory.mktemp("compiled") / "step.so")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def installed(library, home):
    """The library, where the engine looks for it."""
    path = compiled.library()
    path.parent.mkdir()
    for source, target in ((library, path), (compiled.checksum(library), compiled.checksum(path))):
        shutil.copy(source, target)
    return path


@pytest.mark.parametrize("exact", [True, False], ids=["weights in bfloat16", "in float32"])
@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES)
def test_it_computes_what_the_plain_function_does(library, config, exact):
    model = model_of(config)
    if exact:
        model.to(torch.bfloat16).to(torch.float32)
    step = compiled.load(model, library)
    for nodes, length in ((1, 0), (1, 33), (2, 1), (7, 64), (16, 50), (17, 5), (40, 20)):
        tree = build(
            [[0] * depth for depth in range(1, nodes // 2 + 1)]
            + [[n] for n in range(1, (nodes + 1) // 2)]
        )
        ids = torch.randint(83, (tree.size,))
        inputs = ids, tree.depth, tree.sees, states(model, length)
        for wanted in {1, tree.size}:
            expected = lean.verify(model, *inputs, wanted)
            for found, right in zip(step.verify(*inputs, wanted), expected, strict=True):
                torch.testing.assert_close(
                    found, right, rtol=1e-4, atol=1e-4 * right.abs().max().item()
                )


@pytest.mark.parametrize("own_unembedding", [False, True])
def test_it_guesses_as_the_plain_function_does(library, own_unembedding):
    model = model_of(FAMILIES["llama"], own_unembedding=own_unembedding)
    step = compiled.load(model, library)
    last = torch.randn(48)
    assert torch.equal(step.guess(last, 2, 5), lean.guess(model, last, 2, 5))


OPTIONS = [
    {},
    {"alignment": "discard"},
    {"speculative": False},
    {"acceptance": "typical", "temperature": 0.7, "seed": 3},
    {"temperature": 0.9, "top_p": 0.9, "seed": 4},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_text_is_the_same_with_it_and_without(library, options):
    model = tiny_model()
    model.card.nodes = (
        8  # typical acceptance takes of a larger tree what it does not find in a smaller
    )
    prompt = prompts.encode(model.tokenizer, Prompt(VERILOG[:150]), 200)
    asked = DecodingOptions(max_tokens=40, **options)
    without = decoding.complete(model, prompt, asked)
    model.compiled = compiled.load(model, library)
    assert decoding.complete(model, prompt, asked).text == without.text


@pytest.mark.parametrize("rounded", [False, True], ids=["float32", "bfloat16"])
def test_what_a_token_gets_is_the_same_to_the_bit_in_whatever_pass(library, rounded):
    model = tiny_model()
    model.to(torch.bfloat16).to(torch.float32)
    step = compiled.load(model, library, rounded)
    past, ids = states(model, 30), torch.arange(40, 60)
    path = [[0] * depth for depth in range(1, 20)]
    beside = [[n] for n in range(1, 8)]
    tree = build([*path, *beside])
    drafted = torch.cat([ids, torch.arange(60, 67)])
    _, together, _ = step.verify(drafted, tree.depth, tree.sees, past, tree.size)
    root = build([])
    for place in range(20):
        _, alone, new = step.verify(ids[place : place + 1], root.depth, root.sees, past, 1)
        assert torch.equal(alone[0], together[place])
        past = torch.cat([past, new], 3)


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES)
def test_rows_of_a_batch_are_each_as_if_alone(library, config):
    model = model_of(config)
    step = compiled.load(model, library)
    tree = build([[0], [1], [0, 0]])
    lengths, ids = [7, 0, 30], torch.randint(83, (3, tree.size))
    pasts = torch.stack([states(model, 40) for _ in lengths], 2)
    depth, sees = tree.depth.expand(3, -1), tree.sees.expand(3, -1, -1)
    before, nodes = pasts.clone(), tree.size
    hidden, logits = step.verify_rows(ids, depth, sees, pasts, lengths, 3 * nodes)
    for row, length in enumerate(lengths):
        own, end = slice(row * nodes, (row + 1) * nodes), length + nodes
        past = before[:, :, row, :, :length]
        alone = step.verify(ids[row], tree.depth, tree.sees, past, nodes)
        made = hidden[own], logits[own], pasts[:, :, row, :, length:end]
        assert all(map(torch.equal, made, alone))
        assert torch.equal(pasts[:, :, row, :, :length], past)
        assert torch.equal(pasts[:, :, row, :, end:], before[:, :, row, :, end:])


def test_a_step_without_room_for_what_it_makes_says_so(library):
    model = tiny_model()
    step = compiled.load(model, library)
    tree, past = build([[0], [1]]), states(model, 10).unsqueeze(2)
    nodes = torch.arange(40, 43)[None], tree.depth[None], tree.sees[None]
    with pytest.raises(ValueError, match="no room"):
        step.verify_rows(*nodes, past, [8], 3)
    with pytest.raises(ValueError, match="keys and values of torch"):
        step.verify_rows(*nodes, past.to(torch.bfloat16), [4], 3)
    with pytest.raises(ValueError, match="side by side"):
        step.verify_rows(*nodes, past[..., ::2, :], [1], 3)


@pytest.mark.parametrize("options", OPTIONS[2:], ids=str)
def test_a_batch_writes_what_each_answer_alone_does(library, options):
    model = tiny_model()
    model.compiled = compiled.load(model, library)
    asked = [VERILOG[:150], VERILOG[:90], "module m;\n"]
    requests = [
        batch.Request(
            tuple(prompts.encode(model.tokenizer, Prompt(text), 200)),
            DecodingOptions(max_tokens=25, **options),
        )
        for text in asked
    ]
    answers = dict(batch.decode_many(model, requests, width=2))
    for number, request in enumerate(requests):
        alone = decoding.complete(model, request.ids, request.options)
        assert (answers[number].text, answers[number].steps) == (alone.text, alone.steps)


def large_enough_to_share():
    """A step of a model whose products have several parts, and what to ask it."""
    torch.manual_seed(0)
    model = model_of(LlamaConfig(**{**FAMILIES["llama"].to_dict(), "intermediate_size": 704}))
    tree = build([[0], [0, 0], [1], [2]])
    return model, (torch.arange(40, 45), tree.depth, tree.sees, states(model, 30), tree.size)


def test_threads_change_nothing(library):
    model, inputs = large_enough_to_share()
    step = compiled.load(model, library)
    step.use_threads(1)
    alone = step.verify(*inputs)
    for threads in (2, 4, 1, 3):
        step.use_threads(threads)
        for _ in range(50):
            assert all(map(torch.equal, step.verify(*inputs), alone))


def test_steps_of_several_threads_do_not_mix(library):
    model, inputs = large_enough_to_share()
    step = compiled.load(model, library)
    expected = step.verify(*inputs)

    def often(_):
        return all(all(map(torch.equal, step.verify(*inputs), expected)) for _ in range(100))

    with ThreadPoolExecutor(3) as pool:  # ctypes lets them run side by side
        assert all(pool.map(often, range(3)))


def test_a_process_that_was_forked_does_without_helpers(library):
    model, inputs = large_enough_to_share()
    step = compiled.load(model, library)
    step.use_threads(2)
    expected = step.verify(*inputs)
    child = os.fork()
    if not child:
        os._exit(0 if all(map(torch.equal, step.verify(*inputs), expected)) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def rounding(library):
    """A model of bfloat16 weights and its step with products of bfloat16."""
    model = tiny_model()
    model.to(torch.bfloat16).to(torch.float32)
    step = compiled.load(model, library, rounded=True)
    if not step.rounded:
        pytest.skip("this CPU has no AVX512-BF16: products of bfloat16 are not tested here")
    return model, step


def test_products_of_bfloat16_are_near_those_of_float32(rounding):
    model, step = rounding
    tree = build([[0], [0, 0], [1], [2]])
    inputs = torch.arange(40, 45), tree.depth, tree.sees, states(model, 30), tree.size
    expected, found = lean.verify(model, *inputs)[1], step.verify(*inputs)[1]
    assert not torch.equal(found, expected)
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("options", [{}, {"temperature": 0.9, "seed": 4}], ids=str)
def test_drafts_change_no_text_with_products_of_bfloat16(rounding, options):
    model, model.compiled = rounding
    prompt = prompts.encode(model.tokenizer, Prompt(VERILOG[:150]), 200)
    drafted, plain = (
        decoding.complete(model, prompt, DecodingOptions(max_tokens=60, **options, **more))
        for more in ({}, {"speculative": False})
    )
    assert drafted.text == plain.text
    assert drafted.steps < plain.steps


def test_it_goes_on_from_a_kept_prompt(library):
    model = tiny_model()
    asked = DecodingOptions(max_tokens=20)
    typed = [prompts.encode(model.tokenizer, Prompt(VERILOG[:n]), 200) for n in (120, 123, 90)]
    without = [decoding.complete(model, ids, asked).text for ids in typed]
    model.compiled = compiled.load(model, library)
    caches = PromptCaches(model)
    for ids, text in zip(typed, without, strict=True):
        assert _end(caches.decode(ids, asked)).text == text


def _end(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_a_sequence_beyond_its_reach_goes_the_plain_way(library, monkeypatch):
    model = tiny_model()
    prompt = prompts.encode(model.tokenizer, Prompt(VERILOG[:150]), 200)
    without = decoding.complete(model, prompt, DecodingOptions(max_tokens=20))
    model.compiled = compiled.load(model, library)
    monkeypatch.setattr(model.compiled, "positions", len(prompt) + 30)
    assert decoding.complete(model, prompt, DecodingOptions(max_tokens=20)).text == without.text


@pytest.mark.slow
def test_the_embedded_model_says_the_same_with_it_and_without(library):
    model = models.load(model_store.EMBEDDED, torch.device("cpu"), torch.float32)
    text = (Path(__file__).resolve().parents[2] / "examples/blinky/rtl/top.v").read_text()
    cursors = range(10, len(text), len(text) // 40)
    asked = [
        prompts.encode(model.tokenizer, Prompt(text[:cursor], text[cursor:][:200]), 300)
        for cursor in cursors
    ]
    without = [decoding.complete(model, ids, DecodingOptions(max_tokens=48)) for ids in asked]
    model.compiled = compiled.load(model, library)
    for ids, answer in zip(asked, without, strict=True):
        assert decoding.complete(model, ids, DecodingOptions(max_tokens=48)).text == answer.text


# --- what is there, and what is not ------------------------------------------------------------------


def test_one_that_is_there_is_attached(installed):
    model = tiny_model()
    assert str(installed) in compiled.attach(model)
    assert model.compiled is not None


def test_the_engine_puts_it_into_service(installed, tmp_path):
    models.save(tiny_model(), tmp_path / "tiny")
    engine = Engine()
    engine.load(str(tmp_path / "tiny"), lambda event: None)
    assert engine.model.compiled is not None


def test_none_is_there_before_it_is_built(home):
    model = tiny_model()
    assert "python -m engine.compile" in compiled.attach(model)
    assert model.compiled is None


def source_folder(folder, text):
    (folder / "step").mkdir()
    (folder / "step" / "step.cpp").write_text(text)
    return folder / "step"


def test_another_cpu_or_source_has_another_library(home, monkeypatch, tmp_path):
    here = compiled.library()
    monkeypatch.setattr(compiled, "_cpu", lambda: "flags: another")
    elsewhere = compiled.library()
    monkeypatch.setattr(compiled, "SOURCES", source_folder(tmp_path, "// another version"))
    assert len({here, elsewhere, compiled.library()}) == 3


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:1000])


def trust(path):
    compiled.checksum(path).write_text(hashlib.sha256(path.read_bytes()).hexdigest())


def replace_by_text(path):
    path.write_text("no library")
    trust(path)


def replace_by_another(path):
    source = path.with_suffix(".cpp")
    functions = "int lanes() { return 8; } bool takes_pairs() { return false; } void hire(int) {}"
    source.write_text(f'extern "C" {{ {functions} void verify() {{}} void guess() {{}} }}')
    subprocess.run([build_step.compiler(), "-shared", "-fPIC", source, "-o", path], check=True)
    trust(path)


def lose_checksum(path):
    compiled.checksum(path).unlink()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (damage, "is damaged"),
        (cut_off, "is damaged"),
        (replace_by_text, "can't be loaded"),
        (replace_by_another, "does not compute what it should"),
        (lose_checksum, "none has been built"),
        (Path.unlink, "none has been built"),
    ],
)
def test_what_is_not_to_be_trusted_is_not_used(installed, harm, reason):
    installed.rename(installed.with_name("moved"))  # not the one that this process has loaded
    shutil.copy(installed.with_name("moved"), installed)
    harm(installed)
    model = tiny_model()
    assert reason in compiled.attach(model)
    assert model.compiled is None


def test_models_it_is_not_for_are_left_alone(installed, monkeypatch):
    assert "float32" in compiled.attach(tiny_model().to(torch.bfloat16))
    monkeypatch.setattr(lean, "FAMILIES", frozenset())
    assert "another way" in compiled.attach(tiny_model())
    monkeypatch.undo()
    monkeypatch.setattr(compiled, "SMALL", 1000)
    assert "wants all of them" in compiled.attach(tiny_model())


# --- building ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_builds_it_and_tries_it(home, tmp_path, capsys):
    models.save(tiny_model(), tmp_path / "tiny")
    assert build_step.main([str(tmp_path / "tiny")]) == 0
    assert "a step takes" in capsys.readouterr().out
    assert compiled.attach(tiny_model()).startswith("compiled step, products of ")


def test_without_a_compiler_it_says_what_to_install(monkeypatch, home, tmp_path, capsys):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    models.save(tiny_model(), tmp_path / "tiny")
    assert build_step.main([str(tmp_path / "tiny")]) == 1
    assert "install one" in capsys.readouterr().err


def test_a_compiler_that_fails_is_quoted(monkeypatch, home, tmp_path):
    monkeypatch.setattr(compiled, "SOURCES", source_folder(tmp_path, "int main( {"))
    with pytest.raises(EngineError, match=r"step\.cpp:1:"):
        build_step.build()
    assert not compiled.library().exists()
