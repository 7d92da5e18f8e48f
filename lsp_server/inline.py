"""One piece of ghost text: where it may appear, what is asked of the engine, what of it is shown."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from lsprotocol import types

from engine.api import Completion, DecodingOptions, Prompt, Step
from engine.client import EngineClient
from engine.verilog.lexemes import KEYWORDS
from lsp_server import prompt as prompts
from lsp_server.cursor import (
    enclosing,
    half_word,
    has_names_from_elsewhere,
    stop_policy,
    surroundings,
    without_comments,
)
from lsp_server.offers import Offer
from lsp_server.positions import LineIndex
from lsp_server.screen import Shown, screen
from lsp_server.settings import Settings
from trainer.references import Reference

ACCEPT = "verifrag.accept"
ACCEPT_PART = "verifrag.acceptPart"
# Of the candidates after the first, which is greedy. Higher ones compile less often (dev/LOG.md).
TEMPERATURE = 0.5

_CLOSERS_ONLY = re.compile(r"[)\]};,\" \t]*(?:\r?\n|\Z)")
_NAME = re.compile(r"(?<![\w$`.'\\])[A-Za-z_][\w$]*")
_DECLARES = re.compile(
    r"\b(?:wire|reg|logic|integer|genvar|parameter|localparam|input|output|inout|real|time|int|bit"
    r"|module|function|task|typedef|enum|struct|tri|var)\b[^;]*"
)
_VALUE_OR_RANGE = re.compile(r"=[^,;)]*|\[[^\]]*\]")
_LABEL_OR_INSTANCE = re.compile(
    r":\s*([A-Za-z_]\w*)|(?:\b[A-Za-z_]\w*\s|\))\s*([A-Za-z_]\w*)\s*(?:\(|\Z)"
)


@dataclass(frozen=True)
class Place:
    """Where ghost text goes: between `prefix` and `suffix`, the whole text on either side.

    `chosen` is what the editor's pop-up menu has selected; it already stands at the end of
    `prefix`, though not yet in the document, where it will replace `start` to `end` (offsets).
    """

    prefix: str
    suffix: str
    start: int
    end: int
    chosen: str = ""


@dataclass(frozen=True)
class Ghost:
    """An answer of the engine and `shown`, the part of it that may be shown (may be empty)."""

    prompt: Prompt
    completion: Completion
    shown: Shown


def place(index: LineIndex, params: types.InlineCompletionParams) -> Place:
    """The cursor of a request, as if the selected entry of the pop-up menu were accepted."""
    text = index.text
    selected = params.context.selected_completion_info
    if selected is None:
        offset = index.offset(params.position)
        return Place(text[:offset], text[offset:], offset, offset)
    start, end = index.offset(selected.range.start), index.offset(selected.range.end)
    return Place(text[:start] + selected.text, text[end:], start, end, selected.text)


def welcome(at: Place) -> bool:
    """Whether ghost text may come unasked: in code, not within a word, not in front of a line's
    first word."""
    if at.suffix[:1].isalnum() or at.suffix[:1] in ("_", "$"):
        return False
    line = at.prefix.rpartition("\n")[2]
    if not line.strip() and not _CLOSERS_ONLY.match(at.suffix):
        return False
    return surroundings(at.prefix + at.suffix, len(at.prefix)) == "code"


@dataclass(frozen=True)
class Question:
    """What the engine is asked at `at`, and how it is to decode the first, greedy answer. With `known`,
    which tells modules, that is shown only as far as it uses names there are."""

    at: Place
    prompt: Prompt
    options: DecodingOptions
    known: prompts.Header | None = None


def question(
    at: Place, settings: Settings, window: int, header: prompts.Header, unasked: bool
) -> Question:
    """What to ask a model that sees `window` tokens. What comes `unasked` uses only declared names."""
    text, offset = at.prefix + at.suffix, len(at.prefix)
    room = prompts.Room.of(window, settings.completion_max_tokens)
    options = DecodingOptions(
        max_tokens=settings.completion_max_tokens,
        max_seconds=settings.completion_max_seconds,
        stop=stop_policy(text, offset),
        viability=_viability(at, settings, unasked),
    )
    prompt = prompts.build(text, offset, header, room)
    return Question(at, prompt, options, header if unasked else None)


def _viability(at: Place, settings: Settings, unasked: bool) -> Literal["off", "syntax", "names"]:
    if not settings.engine_viability:
        return "off"
    return "names" if unasked and not has_names_from_elsewhere(at.prefix) else "syntax"


async def ghost_text(
    asked: Question, engine: EngineClient, on_step: Callable[[Step], None] | None = None
) -> Ghost:
    """The first answer, screened. Raises EngineError; cancelling stops the decoder."""
    completion = await engine.complete(asked.prompt, asked.options, on_step)
    return await asyncio.to_thread(_screened, asked, completion, asked.known)


async def alternatives(asked: Question, engine: EngineClient, count: int) -> list[Ghost]:
    """`count` further answers, sampled together, screened. Raises and is cancelled alike."""
    sampled: dict[int, Completion] = {}
    options = replace(asked.options, temperature=TEMPERATURE)
    await engine.sample(asked.prompt, options, count, sampled.__setitem__)
    ended = [completion for _, completion in sorted(sampled.items())]
    return [await asyncio.to_thread(_screened, asked, one, None) for one in ended]


def _screened(asked: Question, completion: Completion, known: prompts.Header | None) -> Ghost:
    at, fragments = asked.at, completion.fragments or (completion.text,)
    declared = fragments if known is None else declared_part(at, fragments, known)
    shown = screen(at.prefix, at.suffix, declared)
    if len(declared) < len(fragments):
        shown = replace(shown, fate="undeclared")
    if known is not None and shown.text.lstrip().startswith(("//", "/*")):
        shown = Shown("", fate="dropped")  # nobody has asked for a remark
    return Ghost(asked.prompt, completion, shown)


def new_names(at: Place, text: str, known: Callable[[str], object]) -> set[str]:
    """The names that `text` uses though nobody has declared them: they are no word of the module
    around the cursor, not declared in `text`, and not `known` as a module. None where the text before
    includes or imports something, which may declare any."""
    if has_names_from_elsewhere(at.prefix):
        return set()
    start, end = enclosing(at.prefix + at.suffix, len(at.prefix))
    around = without_comments(at.prefix[start:] + at.suffix[: end - len(at.prefix)])
    before = without_comments(at.prefix[start:]).rpartition(";")[2]  # it may begin a declaration
    code = before + without_comments(text)
    declared = {
        name
        for match in _DECLARES.finditer(code)
        for name in _NAME.findall(_VALUE_OR_RANGE.sub(" ", match[0]))
    }
    declared |= {name for names in _LABEL_OR_INSTANCE.findall(code) for name in names}
    half = half_word(at.prefix, len(at.prefix))
    used = set(_NAME.findall(without_comments(half + text)))
    words = set(re.findall(r"[A-Za-z_][\w$]*", around))
    return {name for name in used - declared - words - set(KEYWORDS) if not known(name)}


def declared_part(
    at: Place, fragments: Sequence[str], known: Callable[[str], object]
) -> Sequence[str]:
    """The fragments before the first that uses a name which nobody has declared, as in `new_names`."""
    text = "".join(fragments)
    names = new_names(at, text, known)
    if not names:
        return fragments
    half = half_word(at.prefix, len(at.prefix))
    any_of_them = rf"(?<![\w$`.'\\])(?:{'|'.join(map(re.escape, names))})(?![\w$])"
    first = re.search(any_of_them, without_comments(half + text)).end() - len(half)
    ends = list(accumulate(map(len, fragments)))
    return fragments[: bisect_left(ends, first)]


def item(offer: Offer, at: Place, index: LineIndex, offer_id: str) -> types.InlineCompletionItem:
    """The protocol's item; its command tells the server that the user accepted it."""
    return types.InlineCompletionItem(
        insert_text=at.chosen + offer.text,
        range=index.range(at.start, at.end + offer.replaced),
        command=types.Command("Verifrag: completion accepted", ACCEPT, arguments=[offer_id]),
    )


def offer(ghost: Ghost, at: Place, uri: str) -> Offer:
    """What is shown of `ghost`, with what is learnt if the user accepts it."""
    learnt = Reference(
        kind="fill",
        uri=uri,
        prefix=ghost.prompt.prefix,
        suffix=ghost.prompt.suffix[ghost.shown.replaced :],
        context=ghost.prompt.context,
        offered=ghost.completion.text,
        accepted=ghost.shown.text.replace("\r\n", "\n"),
        model=ghost.completion.model,
    )
    return Offer(at.prefix, at.suffix, ghost.shown.text, ghost.shown.replaced, learnt)


def after(accepted: Offer) -> Place:
    """Where the cursor will be once `accepted` is."""
    prefix = accepted.prefix + accepted.text
    return Place(prefix, accepted.suffix[accepted.replaced :], len(prefix), len(prefix))


def again(left: Offer) -> Offer | None:
    """`left`, which was offered for another text after the cursor, as it fits now."""
    shown = screen(left.prefix, left.suffix, [left.text])
    if not shown.text:
        return None
    return replace(left, text=shown.text, replaced=shown.replaced, fits=True)
