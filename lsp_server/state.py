"""The engine as clients see it: the notification `verifrag/state`, the request `verifrag/status`, and the
command that starts the engine anew.

The notification goes only to clients that say `experimental.verifragState` in their capabilities.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from engine.api import EngineError
from lsp_server import __version__, capabilities

if TYPE_CHECKING:
    from lsp_server.session import VerifragServer

logger = logging.getLogger(__name__)

NOTIFICATION = "verifrag/state"
REQUEST = "verifrag/status"
RESTART = "verifrag.restartEngine"
PATIENCE = 2.0  # seconds; a process that is loading answers later


def describe(server: VerifragServer) -> dict[str, Any]:
    """`kind` ("off", "stopped", "loading", "ready" or "failed"), `message`, `fraction` of a load,
    `model` ("" for none) and `round` of the model in service; `rss` is told by `status` only."""
    state = server.engine.state
    return {
        "kind": state.kind if server.settings.engine_enabled else "off",
        "message": state.message,
        "fraction": state.fraction,
        "model": state.info.name if state.info else "",
        "round": state.info.round if state.info else 0,
        "rss": None,
    }


def tell(server: VerifragServer) -> None:
    """Send the state to a client that wants to know."""
    if capabilities.wants(server.client_capabilities, "verifragState"):
        server.protocol.notify(NOTIFICATION, describe(server))


async def status(server: VerifragServer) -> dict[str, Any]:
    """What `describe` says and: Verifrag's `version`; the model's `parameters`, `device` and `dtype`;
    of the engine process `pid`, `rss` in bytes, `clients` (windows) and `log`. Null is not known."""
    info = server.engine.state.info
    found = None
    try:
        found = await asyncio.wait_for(server.engine.status(), PATIENCE)
    except (EngineError, TimeoutError) as error:
        logger.info("the engine does not tell its status: %s", error or "it is busy")
    return describe(server) | {
        "version": __version__,
        "parameters": info.parameters if info else None,
        "device": info.device if info else None,
        "dtype": info.dtype if info else None,
        "pid": found.pid if found else None,
        "rss": found.rss if found else None,
        "clients": found.clients if found else None,
        "log": found.log if found else None,
    }


async def restart(server: VerifragServer) -> bool:
    """End the engine process, for all windows, and start it anew; whether it serves."""
    if not server.settings.engine_enabled:
        server.tell("the engine is turned off by the setting verifrag.engine.enabled.")
        return False
    try:
        await server.engine.restart()
    except EngineError as error:
        logger.warning("the engine did not start again: %s", error)
        return False
    return True
