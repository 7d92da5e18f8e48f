"""What was offered and not yet accepted, by id; an accepted offer becomes training data.

An inline item carries its offer's id in its command. When the editor runs the command, the offer
is taken out and stored, once, through `trainer.references`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict

from trainer.references import Reference, StoreError, open_store

logger = logging.getLogger(__name__)

REMEMBERED = 256


class Offers:
    """The last `REMEMBERED` offers."""

    def __init__(self) -> None:
        self._offers: OrderedDict[str, Reference] = OrderedDict()
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        return f"offer-{next(self._numbers)}"

    def remember(self, offer_id: str, reference: Reference) -> None:
        self._offers[offer_id] = reference
        while len(self._offers) > REMEMBERED:
            self._offers.popitem(last=False)

    def take(self, offer_id: str) -> Reference | None:
        """The offer, which is forgotten with this; None when there is none of this id."""
        return self._offers.pop(offer_id, None)


async def store(reference: Reference) -> None:
    """Write an accepted offer to the user's store, off the event loop. Failures are logged: they
    must not come between the user and the text just accepted."""
    try:
        number = await asyncio.to_thread(_add, reference)
    except StoreError as error:
        logger.error("the accepted completion was not kept: %s", error)
    else:
        logger.info("accepted completion kept as reference %s", number)


def _add(reference: Reference) -> int:
    with open_store() as references:
        return references.add(reference)
