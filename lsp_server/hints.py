"""Ghost text for the open documents: what is remembered, prepared, waited for and given up.

An answer costs nothing where one types along what was offered. Else it waits until the typist pauses
(`lsp_server.pace`) and is decoded; a newer request, or a change that leads away from it, ends it, but one
that types along what has been decoded takes the decode over. Once ghost text is shown the next one is
prepared, as if this one were accepted; and where the cursor rests the engine reads the prompt ahead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types

from engine.api import EngineError, Step
from lsp_server import inline, steps
from lsp_server.inline import Place, Question
from lsp_server.latest import Latest
from lsp_server.offers import Draft, Kept, Offer, Offers, Trail
from lsp_server.pace import Pace
from lsp_server.positions import LineIndex
from trainer.references import Reference

if TYPE_CHECKING:
    from lsp_server.session import VerifragServer

logger = logging.getLogger(__name__)

# Seconds that ghost text must have been shown before the next one is prepared: a fast typist has
# gone elsewhere by then.
AHEAD_AFTER = 0.2
# Seconds that the cursor must rest before the engine reads the prompt there.
WARM_AFTER = 0.5
# How often the log tells what the syntax did to completions.
TELL_EVERY = 100

Items = list[types.InlineCompletionItem]


class Works(Latest):
    """What the engine does for documents, one thing each, and the ghost text in it."""

    def __init__(self) -> None:
        super().__init__()
        self.drafts: dict[str, Draft] = {}


class Hints:
    """The ghost text of one server."""

    def __init__(self, server: VerifragServer) -> None:
        self.server = server
        self.offers = Offers()
        self.kept = Kept()
        self.fates: Counter[str] = Counter()
        self._trail = Trail()
        self._requests = Latest()
        self._decodes = Works()
        self._ahead = Works()
        self._texts: dict[str, str] = {}
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    async def answer(self, params: types.InlineCompletionParams) -> Items:
        """What to show at the cursor: at most one item unasked, several where the user asks."""
        uri = params.text_document.uri
        return await self._requests.run(uri, self._answer(params)) or []

    async def _answer(self, params: types.InlineCompletionParams) -> Items:
        uri = params.text_document.uri
        document = self.server.document(uri)
        settings = self.server.settings
        if document is None or not settings.completion_enabled:
            return []
        unasked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Automatic
        if unasked and not settings.completion_automatic:
            return []
        index, version = document.index, document.version
        at = inline.place(index, params)
        if unasked and not await asyncio.to_thread(inline.welcome, at):
            return []
        found = await self._remembered(uri, at)
        offers = [found] if found else []
        further = 0 if unasked else settings.completion_candidates - 1
        if (further or not found) and self.server.engine_serves():
            self._ahead.cancel(uri)
            if unasked:
                await asyncio.sleep(self._paces[uri].delay(time.monotonic()))
            offers += await self._decode(uri, at, not found, further, unasked)
        if document.version != version:
            return []
        return [self._show(one, at, index) for one in _distinct(offers)]

    async def _remembered(self, uri: str, at: Place) -> Offer | None:
        for works in (self._decodes, self._ahead):
            draft = works.drafts.get(uri)
            if draft is not None and draft.leads_to(at.prefix, at.suffix):
                await works.ended(uri)
        found = self.offers.along(uri, at.prefix, at.suffix)
        if found is None or found.fits:
            return found
        return await asyncio.to_thread(inline.again, found)

    async def _decode(
        self, uri: str, at: Place, first: bool, further: int, unasked: bool
    ) -> list[Offer]:
        """Offers for `at`: the greedy one if `first`, and up to `further` others. Those come first
        that use only names there are."""
        asked = await self._question(at, unasked)
        work = [self._greedy(uri, asked)] if first else []
        if further:
            work.append(self._others(uri, asked, further))
        offers = [offer for found in await asyncio.gather(*work) for offer in found]
        if len(offers) < 2:
            return offers
        known = self.server.header_lookup()
        return await asyncio.to_thread(
            sorted, offers, key=lambda one: len(inline.new_names(at, one.text, known))
        )

    async def _greedy(self, uri: str, asked: Question) -> list[Offer]:
        """The first answer. Where the user types along what there is of it, it is decoded on for the
        next request, though this one is over."""
        task = self._decodes.start(uri, self._make(uri, asked, self._decodes, told=True))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            draft = self._decodes.drafts.get(uri)
            if draft is None or not draft.typed(self._texts.get(uri, "")):
                self._decodes.cancel(uri)
            raise
        made = None if task.cancelled() else task.result()
        return [made] if made else []

    async def _make(self, uri: str, asked: Question, works: Works, told: bool) -> Offer | None:
        """Decode the first answer, which clients that want to may watch if it is `told`; it can then be
        found among the offers."""
        server, number = self.server, self.offers.new_id()
        draft = works.drafts[uri] = Draft(asked.at.prefix, asked.at.suffix)

        def on_step(step: Step) -> None:
            draft.text += "".join(step.fragments)
            if told:
                steps.tell_step(server, number, uri, step)

        try:
            ghost = await inline.ghost_text(asked, server.engine, on_step)
        except EngineError as error:
            logger.warning("no ghost text: %s", error)
            return None
        finally:
            if works.drafts.get(uri) is draft:
                del works.drafts[uri]
        if told:
            steps.tell_completed(server, number, uri, ghost)
        made = self._offer(ghost, asked.at, uri)
        if made is not None:
            self.offers.prepare(made)
        return made

    async def _others(self, uri: str, asked: Question, count: int) -> list[Offer]:
        try:
            ghosts = await inline.alternatives(asked, self.server.engine, count)
        except EngineError as error:
            logger.warning("no further ghost text: %s", error)
            return []
        return [one for ghost in ghosts if (one := self._offer(ghost, asked.at, uri))]

    async def _question(self, at: Place, unasked: bool = True) -> Question:
        server = self.server
        window, header = server.model_window(), server.header_lookup()
        return await asyncio.to_thread(
            inline.question, at, server.settings, window, header, unasked
        )

    def _offer(self, ghost: inline.Ghost, at: Place, uri: str) -> Offer | None:
        self._count(ghost.shown.fate)
        return inline.offer(ghost, at, uri) if ghost.shown.text else None

    def _count(self, fate: str) -> None:
        self.fates[fate] += 1
        if self.fates.total() % TELL_EVERY == 0:
            told = ", ".join(f"{count} {fate}" for fate, count in self.fates.most_common())
            logger.info("of %d completions: %s", self.fates.total(), told)

    def _show(self, offer: Offer, at: Place, index: LineIndex) -> types.InlineCompletionItem:
        uri, offer_id = offer.reference.uri, self.offers.new_id()
        self.offers.remember(offer_id, offer)
        if not at.chosen:  # else what is shown is not in the document
            self._trail.shown(uri, offer)
        if not self._ahead.running(uri):
            self.server.spawn(self._ahead.run(uri, self._prepare(offer)))
        return inline.item(offer, at, index, offer_id)

    async def _prepare(self, shown: Offer) -> None:
        """Decode what will be wanted once `shown` is accepted."""
        await asyncio.sleep(AHEAD_AFTER)
        uri, at = shown.reference.uri, inline.after(shown)
        if self.offers.along(uri, at.prefix, at.suffix):
            return
        if not await asyncio.to_thread(inline.welcome, at):
            return
        await self._make(uri, await self._question(at), self._ahead, told=False)

    # -- what happens to a document --------------------------------------------------------------

    def rests(self, uri: str, position: types.Position) -> None:
        """The cursor rests at `position`: let the engine read what it would be asked there."""
        server, document = self.server, self.server.document(uri)
        if document is None or not server.settings.completion_enabled:
            return
        if self._decodes.running(uri) or self._ahead.running(uri):
            return
        if server.engine.state.info is None:  # nobody has wanted ghost text yet
            return
        offset = document.index.offset(position)
        text = document.source
        at = Place(text[:offset], text[offset:], offset, offset)
        server.spawn(self._ahead.run(uri, self._warm(at)))

    async def _warm(self, at: Place) -> None:
        await asyncio.sleep(WARM_AFTER)
        server = self.server
        if not await asyncio.to_thread(inline.welcome, at):
            return
        asked = await self._question(at)
        one_step = replace(asked.options, max_seconds=0.0)
        try:
            await server.engine.complete(asked.prompt, one_step)
        except EngineError as error:
            logger.info("not read ahead: %s", error)

    def start_over(self) -> None:
        """There is another model, or it is asked otherwise: what it was offering counts no more."""
        for uri in self._texts:
            self._decodes.cancel(uri)
            self._ahead.cancel(uri)
            self.offers.forget(uri)

    def changed(self, uri: str, text: str) -> None:
        """The document has `text` now. A request for its former text has lost its purpose."""
        self._texts[uri] = text
        self._requests.cancel(uri)
        draft = self._decodes.drafts.get(uri)
        if draft is None or draft.typed(text) is None:
            self._decodes.cancel(uri)
        self._learn(self._trail.changed(uri, text))

    async def accepted(self, offer_id: str) -> None:
        """All of an offer has been accepted."""
        reference = self.offers.take(offer_id)
        if reference is None:
            logger.info("offer %s is unknown, or was accepted before", offer_id)
        elif self.server.settings.references_enabled:
            self._trail.forget(reference.uri)
            await self.kept.add(reference)

    def accepted_part(self, offer_id: str, units: int) -> None:
        """The first `units` UTF-16 units of an offer's text have been accepted; more may follow."""
        reference = self.offers.part(offer_id, units)
        if reference is not None:
            self._trail.reached(reference)

    def saved(self, uri: str) -> None:
        """The document is on disk: what of the accepted is still in it is kept."""
        self.server.spawn(self._judge(uri, self._texts.get(uri, "")))

    def closed(self, uri: str) -> None:
        """The document is closed."""
        for works in (self._requests, self._decodes, self._ahead):
            works.cancel(uri)
        self.offers.forget(uri)
        self._paces.pop(uri, None)
        self.server.spawn(self._judge(uri, self._texts.pop(uri, "")))

    async def _judge(self, uri: str, text: str) -> None:
        partly = self._trail.end(uri)
        if partly and self.server.settings.references_enabled:
            await self.kept.add(partly)
        await self.kept.judge(uri, text)

    def _learn(self, reference: Reference | None) -> None:
        if reference is not None and self.server.settings.references_enabled:
            self.server.spawn(self.kept.add(reference))


def _distinct(offers: list[Offer]) -> list[Offer]:
    """Each text once, where it came first."""
    found: dict[str, Offer] = {}
    for offer in offers:
        found.setdefault(offer.text, offer)
    return list(found.values())
