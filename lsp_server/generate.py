"""Generate a module from a comment, or the body of a module: the code actions, the run, the edit.

`jobs` says what to write, `candidates` finds the best answer, and here it is checked with Icarus
Verilog and inserted, in one edit.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types

from engine.api import DecodingOptions, EngineError
from lsp_server import jobs
from lsp_server.candidates import GREEDY, Grade, Judged, search
from lsp_server.cursor import has_names_from_elsewhere
from lsp_server.jobs import Job
from lsp_server.progress import NoAnswerError, ask, work_done
from lsp_server.prompt import Room

if TYPE_CHECKING:
    from lsp_server.positions import Document
    from lsp_server.session import VerifragServer

logger = logging.getLogger(__name__)

GENERATE = "verifrag.generate"
BODY = "verifrag.body"
TITLES = {
    GENERATE: "Verifrag: generate module from comment",
    BODY: "Verifrag: write the body of this module",
}
MISSING = {
    GENERATE: "there is no comment here to generate a module from.",
    BODY: "there is no module here to write the body of.",
}
KIND = types.CodeActionKind.RefactorRewrite


def wanted(context: types.CodeActionContext) -> bool:
    """Whether the editor asks for actions of this kind."""
    return context.only is None or any(
        KIND.value == kind or KIND.value.startswith(kind + ".") for kind in context.only
    )


def actions(server: VerifragServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be generated at the start of the range. Parses the document."""
    document = server.document(params.text_document.uri)
    if document is None or not server.settings.engine_enabled or not wanted(params.context):
        return []
    offset = document.index.offset(params.range.start)
    return [
        types.CodeAction(
            title=title,
            kind=KIND,
            command=types.Command(title, command, arguments=[document.uri, params.range]),
        )
        for command, title in TITLES.items()
        if _job(server, command, document, offset)
    ]


def _job(server: VerifragServer, command: str, document: Document, offset: int) -> Job | None:
    if command == GENERATE:
        return jobs.from_comment(document.source, offset)
    room = Room.of(server.model_window(), GREEDY.max_tokens)
    return jobs.from_module(document.source, offset, server.header_lookup(), room)


async def run(server: VerifragServer, command: str, uri: str, place: types.Range) -> bool:
    """Do what `command` says at `place` and insert the best candidate; whether that was done. The user
    is told why where it was not, and where what was inserted does not compile."""
    document = server.document(uri)
    job = None
    if document is not None:
        offset = document.index.offset(place.start)
        job = await asyncio.to_thread(_job, server, command, document, offset)
    if job is None:
        server.tell(MISSING[command])
        return False
    if not server.settings.engine_enabled:
        server.tell("the engine is turned off by the setting verifrag.engine.enabled.")
        return False
    best = await _search(server, uri, job, TITLES[command])
    if best is None or not await _insert(server, uri, job, best.text, TITLES[command]):
        return False
    if best.grade >= Grade.PARSES:
        server.tell(
            f"none of {server.settings.generate_samples} candidates compiles. The one inserted "
            f"parses; iverilog says: {best.wrong}",
            types.MessageType.Warning,
        )
    return True


def options_after(before: str, viability: bool) -> DecodingOptions:
    """How to decode what follows on `before` in a document. Where `viability` is wanted, names that nobody
    has declared are vetoed, unless `before` includes or imports something."""
    level = "syntax" if has_names_from_elsewhere(before) else "names"
    return replace(GREEDY, viability=level if viability else "off")


async def _search(server: VerifragServer, uri: str, job: Job, title: str) -> Judged | None:
    samples = server.settings.generate_samples
    document = server.document(uri)
    before = document.source[: job.offset] if document else ""
    options = options_after(before, server.settings.engine_viability)

    async def judge(number: int, answer: str) -> Judged:
        judged = await _judged(server, uri, job, number, answer)
        if judged.wrong:
            logger.info("candidate %d: %s", number, judged.wrong)
        return judged

    try:
        async with work_done(server, title, lambda: server.generations.cancel(uri)) as report:
            best = await search(server.engine, job.prompt, samples, judge, report, options)
    except EngineError as error:
        if server.engine.state.kind != "failed":  # else the user knows already
            server.tell(f"no module was generated: {error}")
        return None
    if best is None:
        server.tell(
            f"none of {samples} generated modules compiles, so nothing was inserted. "
            "A more detailed comment may help."
        )
    return best


async def _judged(server: VerifragServer, uri: str, job: Job, number: int, answer: str) -> Judged:
    document = server.document(uri)
    source = document.source if document else ""
    text = await asyncio.to_thread(job.candidate, answer)
    wrong = await asyncio.to_thread(job.complaint, text, source)
    if wrong is not None or document is None:
        return Judged(Grade.USELESS, number, text, wrong or "the document was closed")
    whole, lines = job.to_compile(text, source)
    error = await server.compile_error(uri, whole, lines)
    if error is not None:
        return Judged(Grade.PARSES, number, text, error)
    idle = await asyncio.to_thread(job.idle_outputs, text)
    if idle:
        return Judged(Grade.COMPILES, number, text, f"nothing drives {', '.join(idle)}")
    return Judged(Grade.FLAWLESS, number, text)


async def _insert(server: VerifragServer, uri: str, job: Job, text: str, title: str) -> bool:
    document = server.document(uri)
    offset = job.place(document.source) if document else None
    if offset is None:
        server.tell(
            "the text that the module was to follow is gone, so the generated module was not inserted."
        )
        return False
    at = document.index.position(offset)
    new = job.inserted(text, document.source, offset)
    edit = server.workspace_edit({document.uri: [types.TextEdit(types.Range(at, at), new)]})
    try:
        answer = await ask(
            server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, title))
        )
    except NoAnswerError as error:
        server.tell(f"the editor did not insert the module: {error}")
        return False
    if not answer.applied:
        reason = answer.failure_reason or "it gives no reason"
        server.tell(f"the editor did not insert the module: {reason}")
        return False
    return True
