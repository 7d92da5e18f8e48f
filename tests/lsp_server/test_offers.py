"""Offers are found again while one types along, taken once, and stored as far as they survive."""

from __future__ import annotations

import logging

import pytest

from lsp_server import offers
from lsp_server.offers import REMEMBERED, Draft, Kept, Offer, Offers, Trail, survives
from trainer.references import Reference, StoreError, open_store

URI = "file:///a.v"
PREFIX, SUFFIX = "module m;\n  ", "\nendmodule\n"


def reference(text: str, uri: str = URI) -> Reference:
    return Reference(kind="fill", uri=uri, prefix="", offered=text, accepted=text)


def offer(text: str, prefix: str = PREFIX, suffix: str = SUFFIX, replaced: int = 0) -> Offer:
    return Offer(prefix, suffix, text, replaced, reference(text))


def remembering(*made: Offer) -> Offers:
    remembered = Offers()
    for number, one in enumerate(made, start=1):
        remembered.remember(f"offer-{number}", one)
    return remembered


# -- by id -----------------------------------------------------------------------------------------


def test_an_offer_is_taken_once():
    remembered = remembering(offer("a;"))
    assert remembered.take("offer-1").accepted == "a;"
    assert remembered.take("offer-1") is None


def test_the_oldest_is_forgotten_first():
    remembered = remembering(*[offer("a;")] * (REMEMBERED + 1))
    assert remembered.take("offer-1") is None
    assert remembered.take("offer-2") is not None


def test_ids_differ():
    remembered = Offers()
    assert remembered.new_id() != remembered.new_id()


def test_part_of_an_offer_in_utf16_units():
    remembered = remembering(offer("// 😀 a\nwire b;"))
    assert remembered.part("offer-1", 5).accepted == "// 😀"
    assert remembered.take("offer-1").accepted == "// 😀 a\nwire b;"
    assert remembered.part("offer-1", 5) is None


# -- typing along ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "suffix", "left"),
    [
        ("", SUFFIX, "wire a;"),
        ("wi", SUFFIX, "re a;"),
        ("wire a", SUFFIX, ";"),
        ("wire a;", SUFFIX, None),
        ("wx", SUFFIX, None),
        ("wi", "\nwire b;" + SUFFIX, None),
        ("wi", ")" + SUFFIX, "re a;"),  # an editor closed a pair
    ],
)
def test_typing_along_an_offer(typed, suffix, left):
    found = remembering(offer("wire a;")).along(URI, PREFIX + typed, suffix)
    assert (found and found.text) == left
    assert found is None or found.fits is (suffix == SUFFIX)


def test_what_is_left_of_an_offer_teaches_all_of_it():
    remembered = remembering(offer("wire a;"))
    left = remembered.along(URI, PREFIX + "wire", SUFFIX)
    remembered.remember("rest", left)
    assert remembered.part("rest", 2).accepted == "wire a"
    assert remembered.take("rest").accepted == "wire a;"


def test_typing_over_a_closer_that_the_offer_replaces():
    made = offer("a) b;", "if (", ")\n", replaced=1)
    assert remembering(made).along(URI, "if (a)", "\n").replaced == 0
    assert remembering(made).along(URI, "if (a", ")\n").replaced == 1


def test_the_latest_offer_counts_and_going_back_finds_the_older():
    remembered = remembering(offer("wire a;"), offer("reg b;", PREFIX + "r"))
    assert remembered.along(URI, PREFIX + "r", SUFFIX).text == "reg b;"
    assert remembered.along(URI, PREFIX, SUFFIX).text == "wire a;"


def test_a_closed_document_has_no_offers():
    remembered = remembering(offer("wire a;"))
    remembered.forget(URI)
    assert remembered.along(URI, PREFIX, SUFFIX) is None


# -- in the making ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "behind", "count"),
    [
        ("", "", 0),
        ("i", "", 1),
        ("if", "", 2),
        ("if (", "", 4),
        ("if (", ")", 4),  # an editor closed the pair
        ("if (a", "", None),  # this much has not been decoded yet
        ("x", "", None),
        ("i", ")", None),
        ("i", "\nwire b;", None),
    ],
)
def test_typing_along_a_draft(typed, behind, count):
    draft = Draft(PREFIX, SUFFIX, "if (")
    assert draft.typed(PREFIX + typed + behind + SUFFIX) == count
    assert draft.leads_to(PREFIX + typed, behind + SUFFIX) is (count is not None)
    assert not draft.leads_to(PREFIX, typed + "x" + behind + SUFFIX)


def test_a_change_before_a_draft_or_a_deletion_is_something_else():
    draft = Draft(PREFIX, SUFFIX, "a")
    assert draft.typed("x" + PREFIX + SUFFIX) is None
    assert draft.typed(PREFIX + SUFFIX[1:]) is None
    assert draft.typed("") is None


# -- accepted in chunks ----------------------------------------------------------------------------


def followed(*texts: str) -> Reference | None:
    """What a document that has these texts in turn has accepted of `wire a;`."""
    trail = Trail()
    trail.shown(URI, offer("wire a;"))
    return [trail.changed(URI, PREFIX + text + SUFFIX) for text in texts][-1]


def test_words_of_an_offer_that_arrive_at_once_are_accepted():
    assert followed("wire", "wire b").accepted == "wire"
    assert followed("wire", "wire a;", "wire a;\n").accepted == "wire a;"


def test_keys_that_agree_with_an_offer_are_no_acceptance():
    assert followed("w", "wi", "wir", "wire", "wire ", "wire b") is None


def test_while_one_goes_on_along_the_offer_nothing_is_settled():
    assert followed("wire", "wire ", "wire a") is None


def test_what_the_editor_says_was_accepted():
    trail = Trail()
    trail.shown(URI, offer("wire a;"))
    trail.reached(reference("wire"))
    assert trail.end(URI).accepted == "wire"
    assert trail.end(URI) is None


def test_windows_line_ends_count_as_one_character_of_what_is_learnt():
    text = "wire a;\r\n  wire b;"
    made = Offer(PREFIX, SUFFIX, text, 0, reference(text.replace("\r\n", "\n")))
    trail = Trail()
    trail.shown(URI, made)
    trail.changed(URI, PREFIX + "wire a;\r\n  wire" + SUFFIX)
    assert trail.end(URI).accepted == "wire a;\n  wire"


# -- the store -------------------------------------------------------------------------------------


def stored() -> list[str]:
    with open_store() as references:
        return [kept.accepted for kept in references.all()]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path))


async def test_an_accepted_offer_reaches_the_store():
    await Kept().add(reference("a;"))
    assert stored() == ["a;"]


async def test_what_is_gone_when_the_document_is_saved_is_taken_back():
    kept = Kept()
    await kept.add(reference("wire a;"))
    await kept.add(reference("wire b;"))
    await kept.add(reference("wire c;", uri="file:///other.v"))
    await kept.judge(URI, "module m;\n\twire b;\nendmodule\n")
    assert stored() == ["wire b;", "wire c;"]


async def test_what_was_saved_once_stays():
    kept = Kept()
    await kept.add(reference("wire a;"))
    await kept.judge(URI, "wire a;")
    await kept.judge(URI, "")
    assert stored() == ["wire a;"]


def test_half_of_the_lines_must_survive():
    accepted = reference("if (a) begin\n  q <= d;\nend")
    assert survives(accepted, "    if (a) begin\n      q <= 0;\n    end\n")
    assert not survives(accepted, "q <= d;")


async def test_a_store_that_fails_is_logged_not_raised(monkeypatch, caplog):
    def broken():
        raise StoreError("the disk is full")

    monkeypatch.setattr(offers, "open_store", broken)
    with caplog.at_level(logging.ERROR):
        await Kept().add(reference("a;"))
    assert "the disk is full" in caplog.text
