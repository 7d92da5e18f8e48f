"""Ghost text: ask the engine for what belongs at the cursor and keep what may be shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lsprotocol import types

from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.client import EngineClient
from lsp_server import prompt as prompts
from lsp_server.positions import LineIndex
from lsp_server.screen import screen
from lsp_server.settings import Settings
from trainer.references import Reference

ACCEPT = "verifrag.accept"


@dataclass(frozen=True)
class Place:
    """Where ghost text goes: between `prefix` and `suffix`, the whole text on either side.

    `chosen` is what the editor's pop-up menu has selected; it already stands at the end of
    `prefix`, though not yet in the document, where it will replace `range`.
    """

    prefix: str
    suffix: str
    range: types.Range
    chosen: str = ""


@dataclass(frozen=True)
class Ghost:
    """An answer of the engine and `shown`, the part of it that may be shown (may be empty)."""

    prompt: Prompt
    completion: Completion
    shown: str


def place(index: LineIndex, params: types.InlineCompletionParams) -> Place:
    """The cursor of a request, as if the selected entry of the pop-up menu were accepted."""
    text = index.text
    selected = params.context.selected_completion_info
    if selected is None:
        offset = index.offset(params.position)
        return Place(text[:offset], text[offset:], index.range(offset, offset))
    start, end = index.offset(selected.range.start), index.offset(selected.range.end)
    return Place(text[:start] + selected.text, text[end:], selected.range, selected.text)


async def ghost_text(
    at: Place,
    settings: Settings,
    engine: EngineClient,
    header: prompts.Header,
    on_step: Callable[[Step], None],
) -> Ghost:
    """Decode and screen what belongs at `at`. Raises EngineError; cancelling stops the decoder."""
    text, offset = at.prefix + at.suffix, len(at.prefix)
    prompt = await asyncio.to_thread(prompts.build, text, offset, header)
    options = DecodingOptions(
        max_tokens=settings.completion_max_tokens,
        max_seconds=settings.completion_max_seconds,
        stop=prompts.stop_policy(text, offset),
    )
    completion = await engine.complete(prompt, options, on_step)
    fragments = completion.fragments or (completion.text,)
    # Parsing takes milliseconds, but in a long module they add up.
    shown = await asyncio.to_thread(screen, at.prefix, at.suffix, fragments)
    return Ghost(prompt, completion, shown)


def item(ghost: Ghost, at: Place, offer_id: str) -> types.InlineCompletionItem:
    """The protocol's item; its command tells the server that the user accepted it."""
    return types.InlineCompletionItem(
        insert_text=at.chosen + ghost.shown,
        range=at.range,
        command=types.Command("Verifrag: completion accepted", ACCEPT, arguments=[offer_id]),
    )


def reference(ghost: Ghost, uri: str) -> Reference:
    """What is learnt if the user accepts this."""
    return Reference(
        kind="fill",
        uri=uri,
        prefix=ghost.prompt.prefix,
        suffix=ghost.prompt.suffix,
        context=ghost.prompt.context,
        offered=ghost.completion.text,
        accepted=ghost.shown,
        model=ghost.completion.model,
    )
