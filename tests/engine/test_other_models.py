"""Models that are not ours: every family loads as transformers saved it, and says what generate says."""

import pytest
import torch
from other_models import FAMILIES
from tiny_model import accepted_by_step
from tokenizers import Tokenizer

from engine import decoding, prompts
from engine import heads as medusa
from engine import model as models
from engine.api import DecodingOptions, EngineError, Prompt
from engine.batch import complete_many
from engine.card import Card, write_card
from engine.heads import MedusaHeads

PROMPTS = ("module m;\n  wire x", "// é 中文\nmodule counter(input clk", "assign y = ", "")
TREE = [[a] for a in range(8)] + [[a, b] for a in range(4) for b in range(4)] + [[0, 0, 0]]


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tmp_path_factory):
    return FAMILIES[request.param].folder(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def model(folder):
    return models.load(folder)


@pytest.fixture(scope="module", params=["shared", "own"])
def drafting(request, folder):
    """The model with random heads, their unembedding shared with the backbone or their own."""
    torch.manual_seed(1)
    heads = MedusaHeads(3, 64)
    torch.nn.init.normal_(heads.weight, std=0.02)
    if request.param == "own":
        heads.own_unembedding(models.load(folder).backbone.get_output_embeddings().weight)
    copy = folder.parent / f"{folder.name}-{request.param}"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    medusa.save(heads, copy)
    write_card(Card("other", heads=3, window=200, tree=TREE), copy)
    return models.load(copy)


def generate(model, ids, tokens=30):
    """Ids of transformers' own greedy generation."""
    return model.backbone.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids)),
        max_new_tokens=tokens,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=sorted(model.tokenizer.ends),
    )[0, len(ids) :].tolist()


def test_a_folder_needs_nothing_of_ours(folder, model):
    card = model.card
    assert (card.name, card.heads, card.window, card.tree) == (folder.name, 0, 512, [])
    assert model.tokenizer.frag is None


def test_those_who_need_our_markers_are_told_how_to_get_them(folder):
    with pytest.raises(EngineError, match=r"trainer\.finetune --init"):
        models.load_ours(folder)


def test_a_prompt_is_what_the_model_s_own_tokenizer_makes_of_it(folder, model):
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in PROMPTS[:2]:
        ids = decoding.prompt_ids(model, Prompt(text), DecodingOptions())
        assert ids == own.encode(text).ids


def test_plain_decoding_says_what_generate_says(model, monkeypatch):
    for text in PROMPTS:
        ids = decoding.prompt_ids(model, Prompt(text), DecodingOptions())
        steps = accepted_by_step(model, ids, monkeypatch, max_tokens=30)
        assert [token for step in steps for token in step] == generate(model, ids)


def test_decoding_with_drafts_says_what_generate_says(drafting, monkeypatch):
    longest = 0
    for text in (*PROMPTS, "always @(posedge clk)", "endmodule\n\nmodule top(", "begin\n"):
        ids = decoding.prompt_ids(drafting, Prompt(text), DecodingOptions())
        steps = accepted_by_step(drafting, ids, monkeypatch, max_tokens=30)
        assert [token for step in steps for token in step] == generate(drafting, ids)
        longest = max(longest, *map(len, steps))
    assert longest > 1  # or no draft was ever accepted


def test_the_text_is_that_of_the_tokens_as_far_as_its_fragments_are_whole(drafting):
    shown = 0
    for text in PROMPTS:
        ids = decoding.prompt_ids(drafting, Prompt(text), DecodingOptions())
        said = decoding.complete(drafting, ids, DecodingOptions(max_tokens=30)).text
        whole = drafting.tokenizer.decode(generate(drafting, ids))
        assert whole.startswith(said)
        shown += len(said)
    assert shown > 10


def test_answers_of_a_batch_are_those_alone(drafting):
    options = DecodingOptions(max_tokens=12)
    asked = [Prompt(text, suffix) for text in PROMPTS for suffix in ("", "endmodule\n")]
    together = dict(complete_many(drafting, asked, options, width=3))
    for index, prompt in enumerate(asked):
        ids = decoding.prompt_ids(drafting, prompt, options)
        typed = prompts.typed_blank(prompt.prefix)
        assert together[index].text == decoding.complete(drafting, ids, options, typed).text


def test_an_answer_fits_the_window_whatever_the_prompt(model):
    long = "module m;\n" + "wire [7:0] é;\n" * 500
    options = DecodingOptions(max_tokens=40)
    ids = decoding.prompt_ids(model, Prompt(long, long, long, long), options)
    assert 400 < len(ids) <= model.card.window - 40
    assert max(ids) < model.backbone.get_input_embeddings().num_embeddings
    assert decoding.complete(model, ids, options).tokens


@pytest.mark.parametrize("prompt", [Prompt(""), Prompt("", ""), Prompt(" "), Prompt("", " \n")])
def test_an_empty_prompt_is_completed(model, prompt):
    ids = decoding.prompt_ids(model, prompt, DecodingOptions())
    assert ids
    assert decoding.complete(model, ids, DecodingOptions(max_tokens=5)).tokens


def test_a_half_typed_word_and_half_a_character_are_completed(model):
    for typed in ("alw", "assign café", "wire \ud83d"):
        ids = prompts.encode(model.tokenizer, Prompt(typed, "ays @*;"), 100)
        assert decoding.complete(model, ids, DecodingOptions(max_tokens=5)).tokens
