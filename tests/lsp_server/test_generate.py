"""Which code actions an editor wants, and whole runs: see also tests/e2e/test_generate.py."""

from __future__ import annotations

import pytest
from lsprotocol import types

from lsp_server import generate


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        (None, True),
        (["refactor"], True),
        ([types.CodeActionKind.Refactor], True),
        ([types.CodeActionKind.RefactorRewrite], True),
        (["quickfix"], False),
        ([], False),
    ],
)
def test_kinds_the_editor_asks_for(only, wanted):
    context = types.CodeActionContext(diagnostics=[], only=only)
    assert generate.wanted(context) is wanted
