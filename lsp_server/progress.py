"""Work-done progress: a bar in the editor while something takes its time.

Also `ask`, for requests to an editor that may refuse them or never answer.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server import capabilities

logger = logging.getLogger(__name__)

T = TypeVar("T")
Report = Callable[[str, float | None], None]
"""Show a message and, where it is known, the fraction done (0 to 1)."""

# An editor that has not answered by then is taken not to answer at all.
ANSWER_SECONDS = 5.0


class NoAnswerError(Exception):
    """The editor refused a request or did not answer it."""


async def ask(request: Awaitable[T]) -> T:
    """The editor's answer. Raises NoAnswerError."""
    # Not cancelled when it takes too long: pygls stumbles over an answer to a cancelled request.
    asked = asyncio.ensure_future(request)
    done, _ = await asyncio.wait({asked}, timeout=ANSWER_SECONDS)
    if not done:
        raise NoAnswerError(f"no answer within {ANSWER_SECONDS:g} s")
    try:
        return asked.result()
    except JsonRpcException as error:
        raise NoAnswerError(str(error)) from error


def nobody(message: str, fraction: float | None) -> None:
    """The report where nobody watches."""


@asynccontextmanager
async def work_done(
    server: LanguageServer, title: str, on_cancel: Callable[[], None] | None = None
) -> AsyncIterator[Report]:
    """Show progress under `title` for the time of the block; nothing where the editor can't.

    With `on_cancel` the editor offers a cancel button that calls it.
    """
    token = str(uuid.uuid4())
    if not await _created(server, token):
        yield nobody
        return
    progress = server.work_done_progress
    if on_cancel is not None:
        progress.tokens[token].add_done_callback(
            lambda future: on_cancel() if future.cancelled() else None
        )
    cancellable = on_cancel is not None
    begin = types.WorkDoneProgressBegin(title=title, cancellable=cancellable, percentage=0)
    progress.begin(token, begin)

    def report(message: str, fraction: float | None) -> None:
        percentage = None if fraction is None else round(100 * fraction)
        value = types.WorkDoneProgressReport(message=message, percentage=percentage)
        progress.report(token, value)

    try:
        yield report
    finally:
        progress.end(token, types.WorkDoneProgressEnd())
        del progress.tokens[token]  # pygls would keep it for good


async def _created(server: LanguageServer, token: str) -> bool:
    if not capabilities.shows_progress(server.client_capabilities):
        return False
    try:
        await ask(server.work_done_progress.create_async(token))
    except NoAnswerError as error:
        logger.info("progress can't be shown: %s", error)
        return False
    return True
