"""Finding the comment, judging candidates, and where the module goes. | is the cursor."""

from __future__ import annotations

import pytest
from lsprotocol import types

from engine.api import Completion, Prompt
from lsp_server import generate

LINES = "wire before;\n\n// A counter\n// with reset.\n\nmodule m;\nendmodule\n"


def comment(drawn: str) -> generate.Comment | None:
    return generate.comment_at(drawn.replace("|", "", 1), drawn.index("|"))


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
    found = generate.comment_at(LINES, LINES.index("with"))
    assert LINES[found.start : found.end] == found.source == "// A counter\n// with reset."


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


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        ("module c(input clk);\nendmodule", None),
        ("module m(input clk);\nendmodule", "it defines m again"),
        ("// nothing", "it defines no module"),
    ],
)
def test_complaint(candidate, complaint):
    assert generate.complaint(candidate, LINES) == complaint


def test_a_candidate_that_does_not_parse_is_complained_about():
    assert generate.complaint("module c(;", LINES)


def test_the_module_goes_below_the_comment_wherever_that_is_now():
    found = generate.comment_at(LINES, LINES.index("with"))
    assert generate.anchor(found, LINES) == LINES.index("\n\nmodule")
    moved = "wire more;\n" + LINES
    assert generate.anchor(found, moved) == moved.index("\n\nmodule")
    assert generate.anchor(found, LINES.replace("reset", "enable")) is None


@pytest.mark.parametrize(
    ("after", "text"),
    [("", "\nM"), ("\n", "\nM"), ("\n\nwire a;", "\nM"), ("\nwire a;", "\nM\n")],
)
def test_what_follows_stays_apart(after, text):
    assert generate.inserted("M", "// c" + after, 4) == text


class Engine:
    """Answers candidate after candidate and remembers how each was to be decoded."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.options = list(texts), []

    async def complete(self, prompt, options):
        self.options.append(options)
        text = self.texts[len(self.options) - 1]
        return Completion(text, "stop", steps=1, tokens=1, milliseconds=1.0)


async def test_candidates_are_tried_in_order_the_greedy_one_first():
    async def check(text: str) -> str | None:
        return None if text == "good" else "bad"

    engine, reports = Engine("one", "two", "good", "never asked for"), []
    prompt = Prompt("", instruction="x")
    found = await generate.first_that_compiles(
        prompt, 4, engine, check, lambda message, fraction: reports.append(message)
    )
    assert found == "good"
    assert [(o.temperature, o.seed, o.acceptance) for o in engine.options] == [
        (0.0, None, "lossless"),
        (0.5, 1, "lossless"),
        (0.5, 2, "lossless"),
    ]
    assert reports == ["candidate 1 of 4", "candidate 2 of 4", "candidate 3 of 4"]


async def test_none_where_no_candidate_will_do():
    async def check(text: str) -> str | None:
        return "bad"

    engine = Engine("one", "two")
    prompt = Prompt("", instruction="x")
    found = await generate.first_that_compiles(prompt, 2, engine, check, lambda *report: None)
    assert found is None
