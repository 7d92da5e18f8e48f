"""Look-up drafts: what is found again, and what goes on after it."""

import random

import pytest
from tiny_model import VERILOG, tiny_tokenizer

from engine import lookup, prompts
from engine.api import Prompt
from engine.lookup import LONGEST, Lookup, as_answer


def index(*tokens):
    made = Lookup()
    made.extend(tokens)
    return made


def test_it_proposes_what_followed_the_same_two_tokens():
    assert index(1, 2, 3, 4, 5, 9, 1).propose(2, 3) == ([3, 4, 5], 2)


def test_the_longest_match_counts_and_of_equals_the_last():
    assert index(1, 2, 3, 70, 8, 2, 3, 71, 1, 2).propose(3, 1) == ([70], 3)
    assert index(8, 2, 3, 70, 9, 2, 3, 71, 1, 2).propose(3, 1) == ([71], 2)


def test_two_tokens_must_agree():
    assert index(1, 2, 3, 4, 9).propose(2, 3) == ([], 0)
    assert index().propose(2, 3) == ([], 0)


def test_a_match_that_reaches_the_present_goes_on_periodically():
    assert index(1, 2, 3, 1, 2, 3, 1).propose(2, 7) == ([3, 1, 2, 3, 1, 2, 3], 5)
    assert index(7, 7).propose(7, 4) == ([7, 7, 7, 7], 2)


def test_nothing_is_matched_or_proposed_across_the_parts_of_a_prompt():
    apart = lookup._BETWEEN
    assert index(1, 2, apart, 9, 1).propose(2, 3) == ([], 0)
    assert index(1, 2, 3, apart, 9, 1).propose(2, 3) == ([3], 2)
    assert index(apart, 1, 2, 3, 4, apart, 1, 2).propose(3, 2) == ([4], 3)


def test_an_index_grown_token_by_token_is_that_of_all_at_once():
    rng = random.Random(0)
    tokens = [rng.randrange(4) for _ in range(300)]
    grown = Lookup()
    for at, token in enumerate(tokens):
        assert grown.propose(token, 5) == index(*tokens[:at]).propose(token, 5)
        grown.extend([token])


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_what_a_plain_search_finds(seed, monkeypatch):
    monkeypatch.setattr(lookup, "CANDIDATES", 10**6)
    rng = random.Random(seed)
    tokens = [rng.randrange(3) for _ in range(120)]

    def agreeing(place, now):
        """How many tokens up to `place` are those up to `now`."""
        same = 0
        while same < LONGEST and same <= place and tokens[place - same] == tokens[now - same]:
            same += 1
        return same

    for now in range(1, len(tokens)):
        best = max(((agreeing(p, now), p) for p in range(now)), default=(0, 0))
        found, matched = index(*tokens[:now]).propose(tokens[now], 1)
        assert matched == (best[0] if best[0] > 1 else 0)
        assert found == ([tokens[best[1] + 1]] if matched else [])


def test_a_prompt_reads_as_an_answer_would():
    tokenizer = tiny_tokenizer()
    cut = VERILOG.index("        if")
    prompt = Prompt(VERILOG[:cut], VERILOG[cut:][:55], context="module other(input wire a);\n")
    ids = as_answer(tokenizer, prompts.encode(tokenizer, prompt, 1000))
    apart = ids.index(lookup._BETWEEN)
    suffix, prefix = ids[:apart], ids[apart + 1 :]
    assert prefix == tokenizer.encode_fragments(prompt.context + prompt.prefix)
    # The suffix ends within a line, and so not at the end of a fragment.
    assert suffix == tokenizer.encode_fragments(prompt.suffix)[:-1]
    assert not set(ids) & (tokenizer.special_ids - {tokenizer.frag})
    plain = as_answer(tokenizer, prompts.encode(tokenizer, prompt, 1000), fragments=False)
    end = plain.index(lookup._BETWEEN)
    assert plain[:end] == tokenizer.encode(prompt.suffix)
    assert plain[end + 1 :] == tokenizer.encode(prompt.context) + tokenizer.encode(prompt.prefix)


def test_a_long_text_is_read_in_pieces_and_only_the_changed_one_anew(monkeypatch):
    tokenizer = tiny_tokenizer()
    text = "".join(f"wire w{n} = a{n} ^ b{n};\n" + "\n" * (n % 10 == 9) for n in range(100))
    read = []
    encode = type(tokenizer).encode_fragments
    monkeypatch.setattr(
        type(tokenizer),
        "encode_fragments",
        lambda self, text: read.append(text) or encode(self, text),
    )

    def tokens(text):
        return as_answer(tokenizer, prompts.encode(tokenizer, Prompt(text), 10**5))

    ids = tokens(text)
    assert tokenizer.decode([i for i in ids if i >= 0]) == text
    assert len(read) > 2
    before = len(read)
    assert tokens(text + "assign x") != ids
    assert tokens("wire first;\n" + text[text.index("\n\n") + 2 :])
    assert len(read) <= before + 4


def test_a_model_without_frag_tokens_looks_its_prompts_up_as_they_are():
    tokenizer = tiny_tokenizer()
    plain = lookup.TextTokenizer(
        backend=tokenizer.backend, start=None, ends=frozenset((2,)), special_ids=frozenset((2, 7))
    )
    assert as_answer(plain, [10, 11, 7, 12]) == [10, 11, lookup._BETWEEN, 12]
