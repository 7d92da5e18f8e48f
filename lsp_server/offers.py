"""What has been offered: found again while one types along, and taken when it is accepted.

An inline item carries its offer's id in its command. When the editor runs the command, what the offer
taught is taken out, once. What has been accepted is stored through `trainer.references`, and taken
back if it does not survive until the document is saved or closed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from trainer.references import Reference, Store, StoreError, open_store

logger = logging.getLogger(__name__)

T = TypeVar("T")

REMEMBERED = 256
# Offers whose surroundings are kept, to be found again while typing.
RECENT = 24
# Typing an opener, the editor may put its closer behind the cursor.
PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"'}
# What an editor adds behind the cursor while one types along an offer.
AUTO_CLOSED = set(")]}\"' ;\r\n\t")
# Text that arrives in one change and has at least so many characters was not typed key by key.
CHUNK = 2


@dataclass(frozen=True)
class Offer:
    """Ghost text `text` between `prefix` and `suffix`, the whole text on either side; it stands for
    the first `replaced` characters of `suffix` too. `reference` is what is learnt from it. Unless it
    `fits`, it was screened for another suffix and must be screened again."""

    prefix: str
    suffix: str
    text: str
    replaced: int
    reference: Reference
    fits: bool = True

    def typed(self, text: str) -> int | None:
        """How many characters of the offer a document with `text` has where it was made; None where
        it has anything else there."""
        rest = self.suffix[self.replaced :]
        for suffix in (self.suffix, rest):
            count = len(text) - len(self.prefix) - len(suffix)
            if 0 <= count <= len(self.text) and text == self.prefix + self.text[:count] + suffix:
                return count
        return None

    def along(self, prefix: str, suffix: str) -> Offer | None:
        """What is left of the offer for a cursor between `prefix` and `suffix`, if one has typed
        along it to there; closing marks that the editor has added behind the cursor do not matter."""
        count = len(prefix) - len(self.prefix)
        if not 0 <= count < len(self.text) or prefix != self.prefix + self.text[:count]:
            return None
        left = replace(self, prefix=prefix, suffix=suffix, text=self.text[count:])
        if suffix == self.suffix:
            return left
        typed_over = len(self.suffix) - len(suffix)
        if 0 < typed_over <= self.replaced and self.suffix.endswith(suffix):
            return replace(left, replaced=self.replaced - typed_over)
        added = suffix[: len(suffix) - len(self.suffix)]
        if added and set(added) <= AUTO_CLOSED and suffix.endswith(self.suffix):
            return replace(left, fits=False)
        return None


@dataclass
class Draft:
    """Ghost text in the making between `prefix` and `suffix`: `text` is what there is of it so far."""

    prefix: str
    suffix: str
    text: str = ""

    def typed(self, document: str) -> int | None:
        """How many characters of it a document has where it is made; None where it has anything else
        there. A closer that the editor has put behind an opener does not matter."""
        between = document[len(self.prefix) : len(document) - len(self.suffix)]
        if document != self.prefix + between + self.suffix:
            return None
        if self.text.startswith(between):
            return len(between)
        typed, closer = between[:-1], between[-1]
        paired = self.text.startswith(typed) and PAIRS.get(typed[-1:]) == closer
        return len(typed) if paired else None

    def leads_to(self, prefix: str, suffix: str) -> bool:
        """Whether the cursor gets between `prefix` and `suffix` by typing along it."""
        typed = self.typed(prefix + suffix)
        return typed is not None and len(prefix) == len(self.prefix) + typed


class Offers:
    """The last `REMEMBERED` offers by id, and the `RECENT` latest of each document with their
    surroundings."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, tuple[Reference, str]] = OrderedDict()
        self._recent: defaultdict[str, deque[Offer]] = defaultdict(lambda: deque(maxlen=RECENT))
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        return f"offer-{next(self._numbers)}"

    def remember(self, offer_id: str, offer: Offer) -> None:
        """`offer` is shown as `offer_id`."""
        self._by_id[offer_id] = (offer.reference, offer.text)
        while len(self._by_id) > REMEMBERED:
            self._by_id.popitem(last=False)
        self.prepare(offer)

    def prepare(self, offer: Offer) -> None:
        """`offer` will be found by `along`, without having been shown."""
        recent = self._recent[offer.reference.uri]
        if offer in recent:
            recent.remove(offer)
        recent.appendleft(offer)

    def along(self, uri: str, prefix: str, suffix: str) -> Offer | None:
        """What is left of the latest offer that the cursor in `uri` has got to by typing along it."""
        found = (offer.along(prefix, suffix) for offer in self._recent.get(uri, ()))
        return next(filter(None, found), None)

    def forget(self, uri: str) -> None:
        """Nothing will be typed along the document's offers any more."""
        self._recent.pop(uri, None)

    def take(self, offer_id: str) -> Reference | None:
        """What the offer taught, forgotten with this; None when there is none of this id."""
        reference, _ = self._by_id.pop(offer_id, (None, ""))
        return reference

    def part(self, offer_id: str, units: int) -> Reference | None:
        """What the first `units` UTF-16 units of the offer's text teach; None as above."""
        reference, text = self._by_id.get(offer_id, (None, ""))
        count = len(text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore"))
        return reference and shortened(reference, text, count)


def shortened(reference: Reference, text: str, count: int) -> Reference:
    """`reference` for when only the first `count` characters of `text`, with which it ends, have been
    accepted."""
    left = text[count:].replace("\r\n", "\n")
    return replace(reference, accepted=reference.accepted[: len(reference.accepted) - len(left)])


class Trail:
    """The offer last shown in each document, and how far it has been accepted in chunks.

    Editors run an item's command when all of it is accepted; word by word they only insert text. So
    a change that continues the offer by several characters at once is an acceptance of these.
    """

    def __init__(self) -> None:
        self._shown: dict[str, Offer] = {}
        self._typed: dict[str, int] = {}
        self._accepted: dict[str, int] = {}

    def shown(self, uri: str, offer: Offer) -> None:
        """`offer` is now the one shown in `uri`, perhaps the rest of the one before."""
        before = self._shown.get(uri)
        if before is None or before.reference != offer.reference:
            self._shown[uri] = offer
            self._typed[uri] = self._accepted[uri] = 0

    def changed(self, uri: str, text: str) -> Reference | None:
        """The document has `text` now. Where that leaves the offer, what was accepted of it in
        chunks, if anything."""
        offer = self._shown.get(uri)
        if offer is None:
            return None
        typed = offer.typed(text)
        if typed is None:
            return self.end(uri)
        if typed - self._typed[uri] >= CHUNK:
            self._accepted[uri] = typed
        self._typed[uri] = typed
        return None

    def reached(self, reference: Reference) -> None:
        """The editor says that so much of the offer shown has been accepted."""
        offer = self._shown.get(reference.uri)
        if offer is not None and offer.reference.accepted.startswith(reference.accepted):
            left = offer.reference.accepted[len(reference.accepted) :]
            line_ends = left.count("\n") if "\r\n" in offer.text else 0
            self._accepted[reference.uri] = len(offer.text) - len(left) - line_ends

    def forget(self, uri: str) -> None:
        """All of the offer shown has been accepted."""
        for kept in (self._shown, self._typed, self._accepted):
            kept.pop(uri, None)

    def end(self, uri: str) -> Reference | None:
        """The offer shown in `uri` is over; what was accepted of it in chunks, if anything."""
        offer, accepted = self._shown.get(uri), self._accepted.get(uri, 0)
        self.forget(uri)
        return shortened(offer.reference, offer.text, accepted) if offer and accepted else None


class Kept:
    """What has been stored of each document since it was last saved."""

    def __init__(self) -> None:
        self._stored: defaultdict[str, list[tuple[int, Reference]]] = defaultdict(list)

    async def add(self, reference: Reference) -> None:
        """Store an accepted offer, off the event loop. Failures are logged: they must not come
        between the user and the text just accepted."""
        number = await _with_store(lambda references: references.add(reference))
        if number is not None:
            logger.info("accepted completion kept as reference %s", number)
            self._stored[reference.uri].append((number, reference))

    async def judge(self, uri: str, text: str) -> None:
        """The document is saved or closed with `text`: references that are not in it any more are
        deleted. What the user threw away is nothing to learn."""
        gone = [n for n, reference in self._stored.pop(uri, []) if not survives(reference, text)]
        if gone and await _with_store(lambda references: references.delete(gone)):
            logger.info("accepted, but gone before saving, so not kept: references %s", gone)


def survives(reference: Reference, text: str) -> bool:
    """Whether at least half of the lines accepted are still in `text`, however indented."""
    lines = [line.strip() for line in reference.accepted.splitlines() if line.strip()]
    return 2 * sum(line in text for line in lines) >= len(lines)


async def _with_store(work: Callable[[Store], T]) -> T | None:
    def on_thread() -> T:
        with open_store() as references:
            return work(references)

    try:
        return await asyncio.to_thread(on_thread)
    except StoreError as error:
        logger.error("the accepted completions could not be kept: %s", error)
        return None
