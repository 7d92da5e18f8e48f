"""What a client can do, asked of what it said when it connected."""

from __future__ import annotations

from lsprotocol.types import ClientCapabilities


def pulls_diagnostics(client: ClientCapabilities) -> bool:
    """Whether it asks for diagnostics, and can be told to do it again. Any other is pushed them, even
    if it pulls: nobody is to see everything twice."""
    document, workspace = client.text_document, client.workspace
    refreshed = workspace and workspace.diagnostics and workspace.diagnostics.refresh_support
    return bool(document and document.diagnostic and refreshed)


def shows_related(client: ClientCapabilities) -> bool:
    """Whether it shows where else a diagnostic points."""
    document = client.text_document
    shown = document and document.publish_diagnostics
    return bool(shown and shown.related_information)


def knows_snippets(client: ClientCapabilities) -> bool:
    """Whether an entry of its menu may be a snippet."""
    document = client.text_document
    item = document and document.completion and document.completion.completion_item
    return bool(item and item.snippet_support)


def knows_versions(client: ClientCapabilities) -> bool:
    """Whether an edit may be tied to the version of its document."""
    workspace = client.workspace
    return bool(
        workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes
    )


def tells_settings(client: ClientCapabilities) -> bool:
    """Whether it can be asked for its settings."""
    return bool(client.workspace and client.workspace.configuration)


def shows_progress(client: ClientCapabilities) -> bool:
    """Whether it shows how far work is."""
    return bool(client.window and client.window.work_done_progress)


def has_no_grammar(client: ClientCapabilities) -> bool:
    """Whether it colours by semantic tokens alone."""
    document = client.text_document
    tokens = document and document.semantic_tokens
    return bool(tokens) and tokens.augments_syntax_tokens is False


def wants(client: ClientCapabilities, name: str) -> bool:
    """Whether it says `experimental.NAME`: one of our own notifications."""
    experimental = client.experimental
    return isinstance(experimental, dict) and experimental.get(name) is True
