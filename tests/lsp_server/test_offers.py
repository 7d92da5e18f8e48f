"""Offers are remembered for a while and taken once."""

from __future__ import annotations

import logging

from lsp_server import offers
from lsp_server.offers import REMEMBERED, Offers
from trainer.references import Reference, StoreError, open_store


def reference(text: str) -> Reference:
    return Reference(kind="fill", uri="file:///a.v", prefix="", offered=text, accepted=text)


def test_an_offer_is_taken_once():
    remembered = Offers()
    remembered.remember("offer-1", reference("a;"))
    assert remembered.take("offer-1").accepted == "a;"
    assert remembered.take("offer-1") is None


def test_the_oldest_is_forgotten_first():
    remembered = Offers()
    for number in range(REMEMBERED + 1):
        remembered.remember(f"offer-{number}", reference("a;"))
    assert remembered.take("offer-0") is None
    assert remembered.take("offer-1") is not None


def test_ids_differ():
    remembered = Offers()
    assert remembered.new_id() != remembered.new_id()


async def test_an_accepted_offer_reaches_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path))
    await offers.store(reference("a;"))
    with open_store() as references:
        assert [kept.accepted for kept in references.all()] == ["a;"]


async def test_a_store_that_fails_is_logged_not_raised(monkeypatch, caplog):
    def broken():
        raise StoreError("the disk is full")

    monkeypatch.setattr(offers, "open_store", broken)
    with caplog.at_level(logging.ERROR):
        await offers.store(reference("a;"))
    assert "the disk is full" in caplog.text
