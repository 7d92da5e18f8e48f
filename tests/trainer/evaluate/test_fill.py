"""Next lines at random places."""

import pytest
from tiny_model import VERILOG, tiny_model

from trainer.evaluate import fill

COMMENTED = "module m;\n  // a comment\n\n  /* and\n   * another */\n  wire a;\nendmodule\n"


def test_places_are_lines_of_code_below_the_first():
    places = fill.places([COMMENTED], 10)
    assert sorted((place.prefix, place.line, place.suffix) for place in places) == [
        (COMMENTED[: COMMENTED.index("wire")], "wire a;", "\nendmodule\n"),
        (COMMENTED[: COMMENTED.index("endmodule")], "endmodule", "\n"),
    ]


def test_a_place_and_its_line_make_the_text():
    for place in fill.places([VERILOG], 100):
        assert place.prefix + place.line + place.suffix == VERILOG
        assert place.prefix.strip(" ").endswith("\n")


def test_the_same_texts_give_the_same_places():
    assert fill.places([VERILOG, COMMENTED], 4) == fill.places([VERILOG, COMMENTED], 4)
    assert len({place.id for place in fill.places([VERILOG, COMMENTED], 100)}) == 13


@pytest.mark.parametrize(
    ("text", "line"),
    [("q <= d;\nend\n", "q <= d;"), ("\n  q <= d;", "q <= d;"), ("", ""), ("  \n", "")],
)
def test_the_first_line(text, line):
    assert fill.first_line(text) == line


def test_lines_are_compared_without_white_space_and_comments():
    assert fill.compare("q<=d;", "q <= d;  // load") == {"exact": True, "similarity": 1.0}
    close = fill.compare("q <= e;", "q <= d;")
    assert not close["exact"]
    assert 0.8 < close["similarity"] < 1


def test_each_place_is_asked_with_and_without_what_follows():
    model, written = tiny_model(), []
    places = fill.places([VERILOG], 2)
    wanted = fill.pending("m1", places, {("m1", places[0].id, "prefix")})
    fill.fill(model, "m1", wanted, written.append)
    assert [(record["place"], record["form"]) for record in written] == [
        (places[0].id, "prefix and suffix"),
        (places[1].id, "prefix"),
        (places[1].id, "prefix and suffix"),
    ]
    for record in written:
        assert 0 <= record["similarity"] <= 1
        assert record["exact"] == (record["similarity"] == 1)
        assert record["tokens"] >= record["steps"] >= record["steps_with_lookup"] > 0


@pytest.mark.slow
def test_many_places_are_answered_as_each_alone():
    model, alone, together = tiny_model(), [], []
    wanted = fill.pending("m1", fill.places([VERILOG], 10), set())
    assert len(wanted) > fill.AT_ONCE
    fill.fill(model, "m1", wanted, together.append)
    for one in wanted:
        fill.fill(model, "m1", [one], alone.append)
    assert together == alone
