"""The data set: samples as they are asked, packed whole, and held out by repository."""

import json
import random
from collections import Counter

import numpy as np
import pytest
from tiny_model import VERILOG, tiny_tokenizer

from engine import prompts
from engine.api import EngineError, Prompt
from engine.verilog.fragments import boundaries
from trainer import dataset
from trainer.corpus import store as corpus
from trainer.dataset import __main__ as command
from trainer.dataset import samples, sources
from trainer.dataset.packing import pack
from trainer.dataset.samples import Module, Window
from trainer.textbook import store as textbook

HEADER = VERILOG[: VERILOG.index(");\n") + 3]
COMMENT = "// An 8-bit counter.\n// It counts up.\n// Reset is active low.\n"
COUNTER = Module(
    id="counter",
    text=VERILOG,
    header=HEADER,
    instructions=("an 8-bit counter", "Design a counter of eight bits."),
    comments=(COMMENT,),
    context=("module tick(input clk);", "module top(output led);"),
)
CUTS = boundaries(VERILOG)


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def between(t, ids, start, stop):
    """The text between two markers, or "" if the first is not there."""
    return t.decode(ids[ids.index(start) + 1 : ids.index(stop)]) if start in ids else ""


def asked(t, ids):
    return between(t, ids, t.prefix, t.middle)


def answered(t, ids):
    return between(t, ids, t.middle, t.end)


# ---- samples


@pytest.mark.parametrize("seed", range(30))
def test_a_fill_sample_is_a_piece_of_the_text_in_another_order(tokenizer, seed):
    t = tokenizer
    plain = Module("counter", VERILOG)
    kind, ids = samples.fill(plain, CUTS, Window(t, 1024), random.Random(seed))
    answer = answered(t, ids)
    assert kind == "fill"
    assert answer
    assert asked(t, ids) + answer + between(t, ids, t.suffix, t.prefix) in VERILOG
    assert ids[-2:] == [t.frag, t.end]


@pytest.mark.parametrize("seed", range(30))
def test_a_hole_lies_within_the_text_and_never_after_a_typed_blank(seed):
    begin, end = samples.hole(VERILOG, CUTS, random.Random(seed))
    assert 0 <= begin < end <= len(VERILOG)
    assert not prompts.typed_blank(VERILOG[:begin])


def test_some_fill_samples_carry_headers_in_reach_before_the_prefix(tokenizer):
    t = tokenizer
    made = [samples.fill(COUNTER, CUTS, Window(t, 1024), random.Random(seed)) for seed in range(30)]
    with_context = [asked(t, ids) for kind, ids in made if kind == "fill with context"]
    assert 5 < len(with_context) < 25
    assert all(text.startswith(COUNTER.context[0] + "\n") for text in with_context)


def test_an_instruction_sample_answers_with_the_whole_module_or_the_rest_of_it(tokenizer):
    t = tokenizer
    kinds = Counter()
    for seed in range(60):
        kind, ids = samples.instruct(
            COUNTER, "a counter", CUTS, Window(t, 1024), random.Random(seed)
        )
        kinds[kind] += 1
        wanted = prompts.alpaca("a counter") if kind == "alpaca" else "a counter"
        assert between(t, ids, t.instruction, t.prefix) == wanted
        assert asked(t, ids) == (HEADER if kind == "instruction with header" else "")
        assert asked(t, ids) + answered(t, ids) == VERILOG
    assert kinds.keys() == {"instruction", "instruction with header", "alpaca"}
    assert kinds["instruction"] > 30


def test_blanks_at_the_beginning_of_an_answer_are_no_fragment_of_their_own(tokenizer):
    t = tokenizer
    begin = VERILOG.index("    always")
    ids = samples.answer(t, VERILOG, begin, len(VERILOG), CUTS)
    assert t.decode(ids[: ids.index(t.frag)]).startswith("    always @(")


@pytest.mark.parametrize("seed", range(30))
def test_a_continuation_goes_on_where_the_prompt_ends(tokenizer, seed):
    t = tokenizer
    _, ids = samples.go_on(COUNTER, COMMENT, Window(t, 1024), random.Random(seed))
    text = asked(t, ids) + answered(t, ids)
    assert asked(t, ids).startswith(COMMENT.splitlines()[0])
    without_comment = "".join(x for x in text.splitlines(keepends=True) if x[:2] != "//")
    assert without_comment == VERILOG
    assert [x for x in text.splitlines() if x[:2] == "//"] == COMMENT.splitlines()
    assert t.suffix not in ids


def test_prompts_of_continuations_end_in_all_the_ways_that_benchmarks_have():
    ends = Counter()
    for seed in range(200):
        text, begin = samples.begun(COUNTER, COMMENT, random.Random(seed))
        given = text[:begin]
        ends["after the header"] += given.endswith(");\n")
        ends["header without line end"] += given.endswith(");")
        ends["in the body"] += "always" in given
        ends["comment below the header"] += given.endswith("low.\n")
        ends["comment without line end"] += given.endswith("low.")
    assert len(ends) == 5
    assert all(count >= 5 for count in ends.values()), ends


def test_each_pass_words_the_description_differently(tokenizer):
    t = tokenizer
    made = samples.of_module(COUNTER, Window(t, 1024), passes=2, seed=1)
    said = [between(t, one.ids, t.instruction, t.prefix) for one in made if "inst" in one.kind]
    assert sorted(said) == sorted(COUNTER.instructions)


def test_a_share_of_the_answers_is_ordinary_text(tokenizer):
    t = tokenizer

    def made(plain):
        return list(samples.of_module(COUNTER, Window(t, 1024, plain), passes=40, seed=1))

    shares = {
        plain: sum(t.frag not in one.ids for one in made(plain)) / len(made(plain))
        for plain in (0.0, 0.3, 1.0)
    }
    assert shares[0.0] == 0 and shares[1.0] == 1
    assert 0.15 < shares[0.3] < 0.45
    for one in made(1.0):
        assert between(t, one.ids, t.middle, t.end) in VERILOG


def test_samples_depend_on_the_module_and_the_seed_alone(tokenizer):
    def made(seed):
        return list(samples.of_module(COUNTER, Window(tokenizer, 256), passes=2, seed=seed))

    assert made(1) == made(1) != made(2)


def test_no_sample_is_longer_than_a_row_and_long_modules_are_only_filled_in(tokenizer):
    long = Module("long", VERILOG * 5, HEADER, ("counters",), (COMMENT,), (), fills=4)
    made = list(samples.of_module(long, Window(tokenizer, 256), passes=3, seed=1))
    assert {one.kind for one in made} == {"fill"}
    assert max(len(one.ids) for one in made) <= 256


def test_a_training_prompt_is_the_prompt_that_is_asked(tokenizer):
    _, ids = samples.go_on(COUNTER, COMMENT, Window(tokenizer, 1024), random.Random(3))
    text, begin = samples.begun(COUNTER, COMMENT, random.Random(3))
    wanted = prompts.encode(tokenizer, Prompt(text[:begin]), 1024)
    assert ids[: len(wanted)] == wanted


# ---- packing


def test_packing_keeps_every_sample_whole_and_once():
    rng = random.Random(1)
    made = [np.array([1, *range(20, 20 + rng.randint(1, 40))], np.int16) for _ in range(400)]
    rows = pack(made, 0, 64, random.Random(1))
    assert rows.shape[1] == 64
    unpacked = []
    for row in rows.tolist():
        while row[-1] == 0:
            row.pop()
        starts = [i for i, x in enumerate(row) if x == 1]
        unpacked += [row[a:b] for a, b in zip(starts, [*starts[1:], len(row)], strict=True)]
    assert sorted(unpacked) == sorted(one.tolist() for one in made)
    assert (rows != 0).mean() > 0.97


def test_a_sample_longer_than_a_row_is_an_error():
    with pytest.raises(ValueError, match="65 tokens does not fit in rows of 64"):
        pack([np.ones(65, np.int16)], 0, 64, random.Random(1))


# ---- sources


def test_the_parts_of_the_data_are_nested():
    ids = [f"item-{n}" for n in range(1000)]
    quarter, half, whole = (sources.part(ids, share) for share in (0.25, 0.5, 1.0))
    assert quarter < half < whole == set(ids)
    assert 200 < len(quarter) < 300


def test_whole_repositories_of_about_three_percent_are_held_out():
    sizes = Counter({f"me/repository-{n}": 1000 + n for n in range(200)})
    chosen = sources.held_out(sizes)
    share = sum(sizes[name] for name in chosen) / sizes.total()
    assert 0.03 <= share < 0.045
    sizes["me/another"] = 1000
    assert len(chosen ^ sources.held_out(sizes)) <= 1


def test_held_out_repositories_can_be_named_and_never_leave_nothing():
    sizes = Counter({"a/a": 10, "b/b": 90})
    assert sources.held_out(sizes, ["b/b"]) == {"b/b"}
    with pytest.raises(EngineError, match="no repository of the corpus is called c/c"):
        sources.held_out(sizes, ["c/c"])
    with pytest.raises(EngineError, match="2 repositories"):
        sources.held_out(sizes)


def test_the_context_of_a_module_are_headers_of_its_repository_instances_first():
    texts = {
        "top": "module top(input a);\n  leaf u0 (.a(a));\nendmodule\n",
        "leaf": "module leaf(input a);\nendmodule\n",
        "other": "module other(input b);\nendmodule\n",
    }
    items = [
        corpus.Item(text, f"the {name}", "me/it", f"{name}.v", "", "MIT")
        for name, text in texts.items()
    ]
    modules = sources.from_corpus(items, [sources.outline(item.text) for item in items])
    assert modules[0].context == ("module leaf(input a);", "module other(input b);")
    assert modules[0].header == "module top(input a);\n"
    assert modules[0].comments == ("// the top\n",)
    assert set(modules[1].context) == {"module top(input a);", "module other(input b);"}


# ---- the command


@pytest.fixture
def inputs(tmp_path):
    """A corpus of four repositories and a textbook of two items and two exam items."""
    modules, book = tmp_path / "corpus", tmp_path / "book"
    modules.mkdir()
    book.mkdir()
    names = ("one", "two", "three", "four")
    texts = {name: VERILOG.replace("counter", name) for name in names}
    items = [
        corpus.Item(text, f"the {name}", f"me/{name}", "a.v", "", "MIT")
        for name, text in texts.items()
    ]
    corpus.write(modules, items, {})
    said = [
        {"kind": "line", "wording": "line-1", "text": "a counter"},
        {"kind": "comment", "wording": "comment-1", "text": COMMENT},
    ]
    prompt = {"kind": "comment", "wording": "comment-2", "text": COMMENT + HEADER, "form": "prefix"}
    textbook.write(
        book,
        [textbook.Item(f"i{n}", "counter", "counter", VERILOG, HEADER, said) for n in range(2)],
        [
            textbook.ExamItem(f"e-{held}", "f", held, "counter", HEADER, VERILOG, "", [prompt])
            for held in ("family", "wording")
        ],
        {},
    )
    return [
        *("--corpus", str(modules), "--textbook", str(book)),
        *("--vocabulary", "320", "--length", "512", "--jobs", "1"),
    ]


def test_the_command_writes_rows_and_a_manifest(inputs, tmp_path):
    out = tmp_path / "data"
    assert command.main([str(out), *inputs]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert {name: file["modules"] for name, file in manifest["files"].items()} == {
        "train": 3,  # one repository, two items
        "held_out": 3,
        "textbook_held_out": 1,
    }
    assert len(manifest["held_out_repositories"]) == 3
    for name, file in manifest["files"].items():
        assert dataset.load_rows(out, name).shape == (file["rows"], 512)
    assert manifest["files"]["textbook_held_out"]["samples"]["continuation"] == 1


def test_two_processes_make_what_one_makes(inputs, tmp_path):
    assert command.main([str(tmp_path / "one"), *inputs]) == 0
    assert command.main([str(tmp_path / "two"), *inputs, "--jobs", "2"]) == 0
    one, two = (dataset.load_rows(tmp_path / name, "train") for name in ("one", "two"))
    assert one.equal(two)


def test_another_data_set_can_have_the_same_vocabulary(inputs, tmp_path):
    assert command.main([str(tmp_path / "one"), *inputs]) == 0
    again = [str(tmp_path / "two"), *inputs, "--seed", "2", "--tokenizer", str(tmp_path / "one")]
    assert command.main(again) == 0
    one, two = ((tmp_path / name / "tokenizer.json").read_text() for name in ("one", "two"))
    assert one == two


def test_bad_input_is_one_line_and_leaves_nothing(inputs, tmp_path, capsys):
    out = tmp_path / "data"
    assert command.main([str(out), "--textbook", str(tmp_path)]) == 1
    assert "holds no finished textbook" in capsys.readouterr().err
    assert command.main([str(out), *inputs, "--share", "0"]) == 1
    assert "--share 0.0 leaves no module" in capsys.readouterr().err
    assert sorted(x.name for x in tmp_path.iterdir()) == ["book", "corpus"]
