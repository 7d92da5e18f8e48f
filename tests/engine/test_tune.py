"""Tuning: what is measured on text, what tree that gives, and what is written."""

import json

import pytest
import torch
from tiny_model import VERILOG, tiny_model

from engine import model as models
from engine import tune
from engine.api import DecodingOptions
from engine.card import CARD_FILE
from engine.drafts import draft_size
from engine.tune import hit_rates, places, ranks, replay


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    models.save(tiny_model(), path)
    return path


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "rtl" / "sub" / "counter.v"
    path.parent.mkdir(parents=True)
    path.write_text(VERILOG)
    (tmp_path / "rtl" / "notes.txt").write_text("no Verilog")
    return path.parents[1]


def test_a_heads_rank_is_that_of_the_token_so_many_places_on():
    answer = torch.tensor([5, 6, 7])
    guesses = torch.tensor([[[6, 9], [9, 7]], [[8, 9], [6, 7]], [[5, 6], [5, 6]]])
    # Head 1 guesses the token after the pass's first, head 2 the one after that.
    assert ranks(guesses, answer).tolist() == [[0, 1], [-1, -2], [-2, -2]]


def test_hit_rates_are_shares_of_what_is_known():
    right = torch.tensor([[0, 1], [0, -2], [1, -2], [-1, -2]])
    rates = hit_rates(right)
    assert [rates[0][:3], rates[1][:3]] == [[0.5, 0.25, 0.0], [0.0, 1.0, 0.0]]


def test_guesses_are_those_of_decoding():
    """The heads' guesses for each place of a text are those with which a pass there would begin."""
    model = tiny_model()
    (place, *_) = places(model, [VERILOG], 3)
    from engine import passes
    from engine.cache import TreeCache
    from engine.tree import build

    tree = build([[0], [0, 0], [1]])
    for at in (0, 1, len(place.answer) - 1):
        ids = [*place.prompt, *place.answer[:at]]
        last, _ = passes.prefill(model, ids, TreeCache(model.depth, len(ids)))
        guesses = passes.guess(model, last, tree)
        assert guesses.tolist() == place.guesses[at, :2, :2].tolist()


def test_the_prompt_of_a_place_does_not_hold_its_answer():
    model = tiny_model()
    for place in places(model, [VERILOG * 3], 8):
        prompt, answer = model.tokenizer.decode(place.prompt), model.tokenizer.decode(place.answer)
        assert answer in VERILOG * 3
        assert model.tokenizer.frag in place.answer
        at = prompt.find(answer)
        assert at < 0 or len(answer) < len(VERILOG) // 2


def test_replaying_counts_the_passes_that_decoding_would_take():
    """A tree that holds the text's own tokens accepts them all; one without drafts none."""
    model = tiny_model()
    found = places(model, [VERILOG], 4)
    assert replay(model, found, [], lookup=False) == 1.0
    tree = model.card.tree
    assert replay(model, found, [tuple(path) for path in tree], lookup=False) >= 1.0
    right = [
        tune.Place(p.prompt, p.answer, right_guesses(p.answer, p.guesses.shape), p.right)
        for p in found
    ]
    tokens = sum(len(place.answer) for place in right)
    passes = sum(-(-len(place.answer) // 3) for place in right)
    assert replay(model, right, [(0,), (0, 0)], lookup=False) == pytest.approx(tokens / passes)
    assert model.card.tree == tree


def right_guesses(answer, shape):
    """The first guess of every head is right."""
    guesses = torch.full(shape, -1)
    for at in range(shape[0]):
        for head, token in enumerate(answer[at + 1 : at + 1 + shape[1]]):
            guesses[at, head, 0] = token
    return guesses


def test_the_largest_tree_is_written_with_the_nodes_to_take_of_it_and_the_card_kept(
    folder, source, capsys
):
    before = json.loads((folder / CARD_FILE).read_text())
    asked = [str(folder), "--text", str(source), "--nodes", "6", "--most", "12", "--places", "5"]
    assert tune.main(asked) == 0
    after = json.loads((folder / CARD_FILE).read_text())
    assert len(after["tree"]) == 11 != len(before["tree"])
    assert after["nodes"] == 6
    assert {**after, "tree": [], "nodes": 0} == {**before, "tree": []}
    model = models.load(folder, "cpu")
    assert model.card.tree == after["tree"]
    assert draft_size(model, DecodingOptions()) == 6
    assert "tokens a ms" in capsys.readouterr().out
    assert not list(folder.glob(".tune-*"))

    assert tune.main([*asked, "--tree-only"]) == 0
    model = models.load(folder, "cpu")
    assert model.card.nodes == 0
    assert draft_size(model, DecodingOptions()) == 12


def test_a_dry_run_writes_nothing_and_verifies_by_decoding(folder, source, capsys):
    before = (folder / CARD_FILE).read_bytes()
    asked = ["--text", str(source / "sub" / "counter.v"), "--most", "4", "--places", "4"]
    assert tune.main([str(folder), *asked, "--verify", "2", "--dry-run"]) == 0
    assert (folder / CARD_FILE).read_bytes() == before
    out = capsys.readouterr().out
    assert "decoded: " in out
    assert "nothing was written" in out


def test_without_text_the_examples_are_taken_and_it_is_said_that_they_are_little(capsys):
    texts = tune.read_texts([])
    assert texts
    assert all("module" in text for text in texts)
    assert "WARNING" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "nowhere"], "there is no nowhere"),
        (["--text", "{empty}"], "no .v or .sv files"),
        (["--text", "{short}"], "too short"),
    ],
)
def test_what_cannot_be_measured_is_said(folder, tmp_path, capsys, arguments, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "short.v").write_text("wire a;")
    given = {"empty": tmp_path / "empty", "short": tmp_path / "short.v"}
    words = [word.format(**given) for word in arguments]
    assert tune.main([str(folder), *words]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_that_is_none_of_ours_is_not_written_to(tmp_path, capsys):
    assert tune.main([str(tmp_path)]) == 1
    assert "no model folder of ours" in capsys.readouterr().err
