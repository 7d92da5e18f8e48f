"""Ghost text in a session with the real server: what is remembered, prepared and given up."""

from __future__ import annotations

import asyncio
import json

import pytest
from lsprotocol import types

from trainer.references import open_store

ASKED = types.InlineCompletionTriggerKind.Invoked
TOP = "module top(input a, b, c, output y);\n  assign y = |\nendmodule\n"


class Session:
    """An editor with one document; what the engine was asked is in `prompts`."""

    def __init__(self, editor, log, drawn: str) -> None:
        self.editor, self.log = editor, log
        self.uri, self.cursor = editor.open("top.v", drawn)

    def type(self, text: str) -> None:
        """Insert at the cursor, which goes along."""
        lines = self.editor.texts[self.uri].split("\n")
        line, column = self.cursor.line, self.cursor.character
        lines[line] = lines[line][:column] + text + lines[line][column:]
        self.editor.change(self.uri, "\n".join(lines))
        added = text.split("\n")
        column = len(added[-1]) + (column if len(added) == 1 else 0)
        self.cursor = types.Position(line + len(added) - 1, column)

    async def ghosts(self, asked: bool = False) -> list[types.InlineCompletionItem]:
        if not asked:
            return await self.editor.ghost(self.uri, self.cursor)
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(ASKED),
            types.TextDocumentIdentifier(self.uri),
            self.cursor,
        )
        return await self.editor.text_document_inline_completion_async(params)

    @property
    def asked(self) -> list[dict]:
        """The parameters of each `complete` that reached the engine."""
        messages = map(json.loads, self.log.read_text().splitlines())
        return [one["params"] for one in messages if one["method"] == "complete"]

    @property
    def prompts(self) -> list[str]:
        return [one["prompt"]["prefix"] for one in self.asked]


@pytest.fixture
def session(start, fake_engine, tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path / "home"))
    log = tmp_path / "engine.jsonl"

    async def begin(drawn: str = TOP, delay: float = 0.002, **settings) -> Session:
        engine = fake_engine("--log", str(log), "--delay", str(delay))
        editor = await start(engine=engine, settings=settings)
        await editor.ready()
        return Session(editor, log, drawn)

    return begin


async def test_typing_along_an_offer_asks_the_engine_nothing(session):
    one = await session('// engine: answer "a & b & c;"\n' + TOP)
    (whole,) = await one.ghosts()
    asked = len(one.prompts)
    shown = [whole.insert_text]
    for key in "a & b":
        one.type(key)
        shown += [item.insert_text for item in await one.ghosts()]
    assert shown == [whole.insert_text[count:] for count in range(6)]
    assert sum(prompt.endswith("y = ") for prompt in one.prompts) == asked


async def test_leaving_an_offer_asks_again(session):
    one = await session()
    await one.ghosts()
    one.type("c | ")
    await one.ghosts()
    assert one.prompts[-1].endswith("y = c | ")


async def test_the_rest_of_an_offer_teaches_the_whole(session):
    one = await session()
    await one.ghosts()
    one.type("a ")
    (rest,) = await one.ghosts()
    assert rest.insert_text == "& b;"
    await one.editor.execute(rest.command)
    with open_store() as references:
        (kept,) = references.all()
    assert kept.accepted == "a & b;"
    assert kept.prefix.endswith("y = ")


async def test_the_next_hint_is_prepared_once_one_is_shown(session):
    one = await session('// engine: answer "a;"\n' + TOP)
    await one.ghosts()
    await one.editor.until(lambda: one.prompts[-1].endswith("y = a;"), "the next prompt")


async def test_several_candidates_where_the_user_asks(session):
    one = await session('// engine: answers ["a & missing;", "a + b;", "a ^ b;"]\n' + TOP)
    found = await one.ghosts(asked=True)
    # The greedy one has a name that nobody declared.
    assert [item.insert_text for item in found] == ["a + b;", "a ^ b;", "a & missing;"]
    assert len({item.command.arguments[0] for item in found}) == 3


async def test_what_is_shown_already_stays_the_first_of_several(session):
    one = await session('// engine: answers ["a;", "a + b;", "a ^ b;"]\n' + TOP)
    (shown,) = await one.ghosts()
    assert shown.insert_text == "a;"
    found = [item.insert_text for item in await one.ghosts(asked=True)]
    assert found == ["a;", "a + b;", "a ^ b;"]


async def test_what_comes_unasked_ends_before_a_name_that_nobody_declared(session):
    body = "  always @* begin\n    |\n  end\n"
    drawn = f"module top(input a, output reg y);\n{body}endmodule\n"
    answer = "y = a;\n    y = missing;\n"
    one = await session(f"// engine: answer {json.dumps(answer)}\n" + drawn)
    assert [item.insert_text for item in await one.ghosts()] == ["y = a;"]


async def test_the_number_of_candidates_is_a_setting(session):
    drawn = '// engine: answers ["a;", "b;", "c;"]\n' + TOP
    one = await session(drawn, completion={"candidates": 2})
    assert len(await one.ghosts(asked=True)) == 2


async def test_only_where_the_user_asks_if_that_is_wanted(session):
    one = await session(completion={"automatic": False})
    assert await one.ghosts() == []
    (item,) = await one.ghosts(asked=True)
    assert item.insert_text == "a & b;"


@pytest.mark.parametrize(
    ("drawn", "wanted", "asked", "viability"),
    [
        (TOP, True, False, "names"),
        (TOP, True, True, "syntax"),
        ('`include "names.vh"\n' + TOP, True, False, "syntax"),
        (TOP, False, False, "off"),
    ],
)
async def test_what_the_model_may_not_write(session, drawn, wanted, asked, viability):
    one = await session(drawn, engine={"viability": wanted})
    await one.ghosts(asked)
    assert one.asked[0]["options"]["viability"] == viability


async def test_in_a_comment_only_where_the_user_asks(session):
    one = await session('// engine: answer "it counts"\n// What |\nmodule m;\nendmodule\n')
    assert await one.ghosts() == []
    (item,) = await one.ghosts(asked=True)
    assert item.insert_text == "it counts"


async def test_the_entry_that_the_menu_has_selected_is_gone_on_from(session):
    one = await session('// engine: answer " & b;"\n' + TOP.replace("|", "chos|"))
    cursor = one.cursor
    word = types.Range(types.Position(cursor.line, cursor.character - 4), cursor)
    selected = types.SelectedCompletionInfo(word, "c")
    kind = types.InlineCompletionTriggerKind.Automatic
    params = types.InlineCompletionParams(
        types.InlineCompletionContext(kind, selected),
        types.TextDocumentIdentifier(one.uri),
        cursor,
    )
    (item,) = await one.editor.text_document_inline_completion_async(params)
    assert (item.insert_text, item.range) == ("c & b;", word)
    assert one.prompts[-1].endswith("y = c")


async def test_an_auto_closed_parenthesis_is_replaced(session):
    module = "module m(input a, b, output reg y);\n  always @* if (|)\nendmodule\n"
    one = await session('// engine: answer "a) y = b;"\n' + module)
    (item,) = await one.ghosts()
    assert item.insert_text == "a) y = b;"
    end = types.Position(one.cursor.line, one.cursor.character + 1)
    assert item.range == types.Range(one.cursor, end)


async def test_a_change_ends_a_request_that_has_lost_its_purpose(session):
    one = await session("// engine: forever\n" + TOP)
    request = asyncio.ensure_future(one.ghosts())
    await one.editor.until(lambda: one.editor.steps, "decoding")
    one.type("x")
    assert await request == []
    await one.editor.until(lambda: '"cancel"' in one.log.read_text(), "the engine's cancellation")


@pytest.mark.slow
async def test_typing_along_what_is_being_decoded_takes_it_over(session):
    one = await session('// engine: answer "a & b ^ c & a;"\n' + TOP, delay=0.3)
    older = asyncio.ensure_future(one.ghosts())
    await one.editor.until(lambda: len(one.editor.steps) >= 2, "two steps")
    one.type("a ")
    newer = asyncio.ensure_future(one.ghosts())
    assert await older == []
    (item,) = await newer
    assert item.insert_text == "& b ^ c & a;"
    assert sum(prompt.endswith(("y = ", "y = a ")) for prompt in one.prompts) == 1
    assert '"cancel"' not in one.log.read_text()


async def test_typing_elsewhere_ends_what_is_being_decoded(session):
    one = await session('// engine: answer "a & b ^ c & a;"\n' + TOP, delay=0.3)
    older = asyncio.ensure_future(one.ghosts())
    await one.editor.until(lambda: one.editor.steps, "a step")
    one.type("b")
    await one.editor.until(lambda: '"cancel"' in one.log.read_text(), "the engine's cancellation")
    assert await older == []


async def test_words_accepted_one_by_one_reach_the_store(session):
    one = await session()
    await one.ghosts()
    one.type("a &")
    (rest,) = await one.ghosts()
    assert rest.insert_text == " b;"
    one.type(" c;")  # the user's own
    await one.editor.until(lambda: _stored() == ["a &"], "the store of `a &`")


async def test_what_the_user_deletes_before_saving_is_forgotten(session):
    one = await session()
    (item,) = await one.ghosts()
    one.type(item.insert_text)
    await one.editor.execute(item.command)
    assert _stored() == ["a & b;"]
    one.editor.change(one.uri, TOP.replace("|", "1'b0;"))
    params = types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(one.uri))
    one.editor.text_document_did_save(params)
    await one.editor.until(lambda: _stored() == [], "forgetting")


def _stored() -> list[str]:
    with open_store() as references:
        return [kept.accepted for kept in references.all()]


async def test_another_model_is_asked_anew(session, tmp_path):
    one = await session()
    await one.ghosts()
    models = tmp_path / "home" / "models"
    (models / "round-0003").mkdir(parents=True)
    (models / ".new").write_text("round-0003\n")
    (models / ".new").rename(models / "CURRENT")
    await one.editor.until(lambda: one.editor.told, "the move to the new model")
    one.editor.steps.clear()
    await one.ghosts()
    assert one.editor.steps
