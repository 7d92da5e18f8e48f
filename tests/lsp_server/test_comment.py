"""Finding the comment that describes a module. | is the cursor."""

from __future__ import annotations

import pytest

from lsp_server.comment import Comment, comment_above, comment_at

LINES = "wire before;\n\n// A counter\n// with reset.\n\nmodule m;\nendmodule\n"


def comment(drawn: str) -> Comment | None:
    return comment_at(drawn.replace("|", "", 1), drawn.index("|"))


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ("// A counter|\n// with reset.\n\nmodule m;", "A counter\nwith reset."),
        ("// A counter\n  //// with reset.|", "A counter\nwith reset."),
        ("// A counter\r\n|// with reset.\r\nmodule m;", "A counter\nwith reset."),
        ("/* A counter| */\n", "A counter"),
        ("/**\n * A counter|\n * with reset.\n */\n", "A counter\nwith reset."),
        ("/* A counter\n|*/\n", "A counter"),
        (
            "// A module that counts.\n// A module that|...\n",
            "A module that counts.\nA module that...",
        ),
    ],
)
def test_the_comment_at_the_cursor_without_its_markers(drawn, text):
    assert comment(drawn).text == text


@pytest.mark.parametrize(
    "drawn",
    [
        "|\n// below",
        "wire a; // trailing|\n",
        "wire a; /* trailing| */\n",
        "module m;\n  // inside a module|\nendmodule\n",
        "/* closed */\n|wire a;\n",
        "/* never closed|\n",
        "//|\n",
        "|",
    ],
)
def test_no_comment_to_generate_from(drawn):
    assert comment(drawn) is None


def test_source_and_offsets_are_those_of_the_text():
    found = comment_at(LINES, LINES.index("with"))
    assert LINES[found.start : found.end] == found.source == "// A counter\n// with reset."


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ("// A counter\n|module m;", "A counter"),
        ("/* A\n   counter */\n|module m;", "A\ncounter"),
        ("// A counter\n\n|module m;", None),
        ("|module m;", None),
    ],
)
def test_the_comment_right_above(drawn, text):
    found = comment_above(drawn.replace("|", ""), drawn.index("|"))
    assert (found and found.text) == text
