"""Lets a client watch ghost text being decoded, step by step: what `make demo` shows.

Sent only to clients with the capability `experimental.verifragSteps`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from engine.api import Step
from lsp_server import capabilities
from lsp_server.inline import Ghost

if TYPE_CHECKING:
    from lsp_server.session import VerifragServer


def tell_step(server: VerifragServer, offer_id: str, uri: str, step: Step) -> None:
    """`verifrag/step`: one accepted step of the offer's completion."""
    if _wanted(server):
        server.protocol.notify("verifrag/step", {"id": offer_id, "uri": uri, **asdict(step)})


def tell_completed(server: VerifragServer, offer_id: str, uri: str, ghost: Ghost) -> None:
    """`verifrag/completed`: the end of the steps, what they took, and what of them is shown."""
    if not _wanted(server):
        return
    done = ghost.completion
    told = {
        "id": offer_id,
        "uri": uri,
        "tokens": done.tokens,
        "steps": done.steps,
        "milliseconds": done.milliseconds,
        "finish": done.finish,
        "shown": ghost.shown.text,
    }
    server.protocol.notify("verifrag/completed", told)


def _wanted(server: VerifragServer) -> bool:
    return capabilities.wants(server.client_capabilities, "verifragSteps")
