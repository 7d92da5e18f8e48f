"""Near-duplicates: the first of each group stays."""

import random

from corpus_texts import ADDER, COUNTER

from trainer.corpus.duplicates import originals

LONG = "".join(f"  assign y[{i}] = a[{i}] & b[{i * 7 % 31}];\n" for i in range(60))
MODULE = f"module gates(input [59:0] a, b, output [59:0] y);\n{LONG}endmodule\n"


def test_layout_comments_and_small_changes_make_no_new_module():
    other_layout = "// Mine now.\n" + MODULE.replace("\n", "\n\n  ").replace(" & ", "&")
    one_line_changed = MODULE.replace("a[30] &", "a[30] |")
    assert list(originals([MODULE, ADDER, other_layout, one_line_changed, COUNTER])) == [0, 1, 4]


def test_what_is_only_similar_stays():
    lines = LONG.splitlines()
    random.Random(1).shuffle(lines)
    half_changed = MODULE.replace(" & ", " ^ ", 30)
    assert list(originals([MODULE, half_changed])) == [0, 1]


def test_the_exact_similarity_decides_not_the_estimate():
    """Around the limit an estimate from 128 permutations errs by some hundredths; the decision does not."""
    grams = [f"w{i}" for i in range(400)]
    for changed, kept in ((1, 1), (25, 2)):  # 5 grams are new and 5 gone for each changed word
        places = set(range(8, 400, 400 // changed)[:changed])
        other = " ".join(f"new{i}" if i in places else word for i, word in enumerate(grams))
        assert len(list(originals([" ".join(grams), other]))) == kept


def test_texts_shorter_than_a_gram_are_compared_too():
    assert list(originals(["a b", "a b", "", "c"])) == [0, 2, 3]
