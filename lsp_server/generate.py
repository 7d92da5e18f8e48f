"""Generate a module from a comment: the code action, the candidates, the edit.

Candidates are tried in order, the greedy one first, and the first that parses, compiles with
Icarus Verilog and defines nothing the document already has is taken.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

from engine.api import DecodingOptions, EngineError, Prompt
from engine.client import EngineClient
from engine.verilog.syntax import modules, problems
from lsp_server.progress import NoAnswerError, ask, work_done
from lsp_server.prompt import inside_module, instruct

if TYPE_CHECKING:
    from lsp_server.session import VerifragServer

logger = logging.getLogger(__name__)

GENERATE = "verifrag.generate"
TITLE = "Verifrag: generate module from comment"
KIND = types.CodeActionKind.RefactorRewrite
MAX_TOKENS = 512
MAX_SECONDS = 30.0

LINE = re.compile(r"[^\r\n]*")
LINE_COMMENTS = re.compile(r"[ \t]*//[^\r\n]*(?:\r?\n[ \t]*//[^\r\n]*)*")


@dataclass(frozen=True)
class Comment:
    """A run of `//` lines or a block comment. `source` is as written, `text` without markers;
    `start` and `end` are offsets, `end` that of the last line's end."""

    start: int
    end: int
    source: str
    text: str


def comment_at(text: str, offset: int) -> Comment | None:
    """The comment outside any module that the line of `offset` belongs to, if it says anything."""
    start, end = _line(text, offset)
    if text[start:end].lstrip(" \t").startswith("//"):
        span = _line_comment(text, start)
    else:
        span = _block_comment(text, start, end)
    if span is None or inside_module(text, span[0]):
        return None
    source = text[span[0] : span[1]]
    words = "\n".join(_without_markers(line) for line in source.splitlines()).strip()
    return Comment(*span, source, words) if words else None


def action(uri: str, place: types.Range) -> types.CodeAction:
    return types.CodeAction(
        title=TITLE, kind=KIND, command=types.Command(TITLE, GENERATE, arguments=[uri, place])
    )


def wanted(context: types.CodeActionContext) -> bool:
    """Whether the editor asks for actions of this kind."""
    return context.only is None or any(
        KIND.value == kind or KIND.value.startswith(kind + ".") for kind in context.only
    )


async def first_that_compiles(
    prompt: Prompt,
    samples: int,
    engine: EngineClient,
    check: Callable[[str], Awaitable[str | None]],
    report: Callable[[str, float | None], None],
) -> str | None:
    """The first candidate that `check` has no complaint about, or None.

    Raises EngineError; cancelling stops the decoder at its next step.
    """
    for number in range(samples):
        report(f"candidate {number + 1} of {samples}", number / samples)
        completion = await engine.complete(prompt, _options(number))
        text = "\n".join(line.rstrip() for line in completion.text.strip().split("\n"))
        if await check(text) is None:
            return text
    return None


def complaint(candidate: str, document: str) -> str | None:
    """Why `candidate` can't stand in `document`, as far as a parser can tell."""
    errors = problems(candidate)
    if errors:
        return errors[0].message
    defined = {module.name for module in modules(candidate)}
    if not defined:
        return "it defines no module"
    twice = defined & {module.name for module in modules(document)}
    return f"it defines {', '.join(sorted(twice))} again" if twice else None


def anchor(comment: Comment, text: str) -> int | None:
    """The offset below which the module goes now: the end of `comment` in `text`, which may have
    been edited meanwhile. None when the comment is gone."""
    if text.startswith(comment.source, comment.start):
        return comment.end
    found = text.find(comment.source)
    return None if found < 0 else found + len(comment.source)


def inserted(module: str, text: str, offset: int) -> str:
    """What to insert at `offset`, the end of a comment: a line of its own, apart from what
    follows."""
    _, line_end = _line(text, offset)
    follows = text[line_end : line_end + 2].strip("\r\n") or text[offset:line_end].strip()
    return f"\n{module}\n" if follows else f"\n{module}"


async def run(server: VerifragServer, uri: str, place: types.Range) -> bool:
    """Generate from the comment at `place` and insert below it; whether that was done. The user is
    told why where it was not."""
    document = server.document(uri)
    offset = document.index.offset(place.start) if document else 0
    comment = comment_at(document.source, offset) if document else None
    if comment is None:
        server.tell("there is no comment here to generate a module from.")
        return False
    if not server.settings.engine_enabled:
        server.tell("the engine is turned off by the setting verifrag.engine.enabled.")
        return False
    prompt = instruct(comment.text)
    samples = server.settings.generate_samples
    try:
        async with work_done(server, TITLE, lambda: server.generations.cancel(uri)) as report:
            candidate = await first_that_compiles(
                prompt, samples, server.engine, partial(_check, server, uri), report
            )
    except EngineError as error:
        if server.engine.state.kind != "failed":  # else the user knows already
            server.tell(f"no module was generated: {error}")
        return False
    if candidate is None:
        server.tell(
            f"none of {samples} generated modules compiles, so nothing was inserted. "
            "A more detailed comment may help."
        )
        return False
    return await _insert(server, uri, comment, candidate)


async def _check(server: VerifragServer, uri: str, candidate: str) -> str | None:
    """Why `candidate` can't be used, or None."""
    document = server.document(uri)
    wrong = await asyncio.to_thread(complaint, candidate, document.source if document else "")
    if wrong is None:
        wrong = await server.compile_error(uri, candidate)
    if wrong is not None:
        logger.info("candidate rejected: %s", wrong)
    return wrong


async def _insert(server: VerifragServer, uri: str, comment: Comment, candidate: str) -> bool:
    document = server.document(uri)
    offset = anchor(comment, document.source) if document else None
    if offset is None:
        server.tell("the comment is gone, so the generated module was not inserted.")
        return False
    at = document.index.position(offset)
    text = inserted(candidate, document.source, offset)
    edit = server.versioned_edit(document, types.TextEdit(types.Range(at, at), text))
    try:
        answer = await ask(
            server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, TITLE))
        )
    except NoAnswerError as error:
        server.tell(f"the editor did not insert the module: {error}")
        return False
    if not answer.applied:
        reason = answer.failure_reason or "it gives no reason"
        server.tell(f"the editor did not insert the module: {reason}")
        return False
    return True


def _options(number: int) -> DecodingOptions:
    if number == 0:
        return DecodingOptions(max_tokens=MAX_TOKENS, max_seconds=MAX_SECONDS, stop="module")
    return DecodingOptions(
        max_tokens=MAX_TOKENS,
        max_seconds=MAX_SECONDS,
        stop="module",
        temperature=0.5,
        top_p=0.95,
        seed=number,
    )


def _line(text: str, offset: int) -> tuple[int, int]:
    match = LINE.match(text, text.rfind("\n", 0, offset) + 1)
    return match.span()


def _line_comment(text: str, start: int) -> tuple[int, int]:
    """The run of `//` lines around the one that starts at `start`."""
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip(" \t").startswith("//"):
            break
        start = above
    return LINE_COMMENTS.match(text, start).span()


def _block_comment(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The block comment that touches the line from `start` to `end`, if it begins a line."""
    opening = text.rfind("/*", 0, end)
    closing = text.find("*/", opening + 2)
    if opening < 0 or closing + 2 <= start:
        return None
    # A trailing comment describes its line, not a module to be written.
    alone = not text[text.rfind("\n", 0, opening) + 1 : opening].strip()
    return (opening, closing + 2) if alone else None


def _without_markers(line: str) -> str:
    return line.strip().removesuffix("*/").lstrip("/").lstrip("*").strip()
