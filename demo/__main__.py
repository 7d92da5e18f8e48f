"""Shows what Verifrag does, on a terminal, in under a minute, and checks that it happened.

    python -m demo        (or: make demo, which sets everything up first)

Exit status 0 when everything was shown; otherwise 1, with the reason.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from rich.console import Console
from rich.live import Live
from rich.text import Text

from demo import drawing
from demo.editor import Buffer, DemoError, Editor
from trainer.references import open_store

EXAMPLE = Path(__file__).parents[1] / "examples" / "blinky"
MISSPELT, MEANT = "treshold", "threshold"
DESCRIPTION = "// A 4-bit counter"


@dataclass(frozen=True)
class Hole:
    """A place where the author's text, between ⟦ and ⟧ in `context`, is taken out of `file` for the
    model to fill in."""

    file: str
    context: str

    def cut(self, text: str) -> tuple[str, int, str]:
        """`text` without the author's part, the offset of the cursor, and the author's part."""
        before, rest = self.context.split("⟦")
        removed, after = rest.split("⟧")
        whole = before + removed + after
        if text.count(whole) != 1:
            raise DemoError(f"{self.file} should contain this once: {whole}")
        cursor = text.index(whole) + len(before)
        return text[:cursor] + text[cursor + len(removed) :], cursor, removed


@dataclass(frozen=True)
class Offer:
    """Ghost text `item` at offset `cursor` of `buffer`."""

    buffer: Buffer
    cursor: int
    item: types.InlineCompletionItem


HOLES = (
    Hole("rtl/debouncer.v", "else if (history == 4'b0000)\n                state <= ⟦1'b0;⟧"),
    Hole("rtl/counter.v", "else if (enable)\n            count <= ⟦count + 1;⟧"),
    Hole(
        "rtl/alarm.v",
        "module alarm (\n"
        "    ⟦input       clk,\n"
        "    input       rst,\n"
        "    input       sample,\n"
        "    input       button,\n"
        "    input [7:0] threshold,\n"
        "    output reg  alarm⟧",
    ),
    Hole("rtl/top.v", "level_counter (\n        ⟦.clk(clk),⟧"),
)

console = Console(highlight=False, soft_wrap=True)


def heading(number: int, title: str, explanation: str) -> None:
    console.print(f"\n[bold]{number}  {title}[/bold]")
    console.print(Text(explanation + "\n", drawing.QUIET_STYLE))


def say(sentence: str, style: str = "") -> None:
    console.print(Text(f"   {sentence}", style))


def where(buffer: Buffer, offset: int, editor: Editor) -> str:
    line = buffer.position(offset).line + 1
    return f"{buffer.path.relative_to(editor.folder)}, line {line}"


async def show_diagnostics(editor: Editor) -> None:
    heading(
        1,
        "Diagnostics",
        "Icarus Verilog checks the text in the editor, saved or not. Meanwhile the model loads.",
    )
    buffer = editor.open("rtl/alarm.v")
    before = await editor.diagnostics(buffer)
    if not before:
        raise DemoError("the error in rtl/alarm.v was not reported")
    say("rtl/alarm.v as it is on disk:")
    console.print(drawing.problems(buffer.text, before))

    line = buffer.position(buffer.text.index(MISSPELT)).line + 1
    editor.change(buffer, buffer.text.replace(MISSPELT, MEANT))
    after = await editor.diagnostics(buffer)
    if after:
        raise DemoError(f"rtl/alarm.v still has a problem after the fix: {after[0].message}")
    console.print()
    say(f'After typing "{MEANT}", not saved:')
    console.print(drawing.lines(buffer.text, line, line))
    say("no problems", "green")

    top = editor.open("rtl/top.v")
    if problems := await editor.diagnostics(top):
        raise DemoError(f"rtl/top.v should have no problems, but has: {problems[0].message}")
    say("rtl/top.v: no problems either; its modules were found in the other files", "green")


async def show_ghost_text(editor: Editor) -> Offer:
    """Fill every hole; return the last offer."""
    heading(
        2,
        "Ghost text",
        "What the model offers at the cursor (▌), streamed as it is decoded. One step of the model\n"
        "checks several drafted tokens at once; only whole fragments are shown, each ends at a ┊.\n"
        "The model is small: some answers are the author's, some only look right.",
    )
    offered = [offer for hole in HOLES if (offer := await fill(editor, hole)) is not None]
    if len(offered) < 2:
        raise DemoError(f"the model offered ghost text at {len(offered)} of {len(HOLES)} places")
    return offered[-1]


async def fill(editor: Editor, hole: Hole) -> Offer | None:
    buffer = editor.open(hole.file)
    text, cursor, removed = hole.cut(buffer.text)
    editor.change(buffer, text)
    say(where(buffer, cursor, editor))
    fragments: list[str] = []
    tokens: list[int] = []
    with Live(drawing.ghost(text, cursor, []), console=console, refresh_per_second=30) as live:

        def on_step(step: Any) -> None:
            fragments.extend(step.fragments)
            tokens.append(step.accepted)
            live.update(drawing.ghost(text, cursor, fragments))

        editor.on_step = on_step
        item, account = await editor.ghost_text(buffer, cursor)
        shown = cut_back(fragments, item.insert_text if item else "")
        live.update(drawing.ghost(text, cursor, shown))
    if not console.is_terminal:
        console.line()
    say(
        f"{account.tokens} tokens in {account.steps} step{'s' * (account.steps != 1)} "
        f"({' + '.join(map(str, tokens))}), "
        f"{account.tokens / max(account.steps, 1):.1f} a step, {account.milliseconds:.0f} ms",
        drawing.QUIET_STYLE,
    )
    if item is None:
        say("nothing is shown: all of it would repeat the text that follows or break its syntax")
    say(f"the author wrote: {' '.join(removed.split())}\n", drawing.QUIET_STYLE)
    return Offer(buffer, cursor, item) if item else None


def cut_back(fragments: Sequence[str], shown: str) -> list[str]:
    """The fragments that make up `shown`, the part of them that the server let through."""
    kept: list[str] = []
    left = shown
    for fragment in fragments:
        part = fragment[: len(left)]
        if not left or not left.startswith(part):
            break
        kept.append(part)
        left = left[len(part) :]
    return [*kept, left] if left else kept


async def show_module(editor: Editor) -> None:
    heading(
        3,
        "A module from a comment",
        "A code action on a comment. Candidates are sampled until one compiles; that one is "
        "inserted.",
    )
    buffer = editor.open("rtl/todo.v")
    before = buffer.text
    comment = before.index(DESCRIPTION)
    say(where(buffer, comment, editor))
    line = buffer.position(comment).line + 1
    console.print(drawing.lines(before, line, line))
    editor.on_progress = lambda message: say(message, drawing.QUIET_STYLE)
    started = time.monotonic()
    await editor.generate_module(buffer, comment)
    seconds = time.monotonic() - started
    last = line + len(buffer.lines) - len(before.split("\n"))
    console.print(drawing.lines(buffer.text, line + 1, last), style=drawing.GHOST_STYLE)
    if problems := await editor.diagnostics(buffer):
        raise DemoError(f"the generated module does not compile: {problems[0].message}")
    say(f"inserted after {seconds:.1f} s; Icarus Verilog has no complaint about the file", "green")
    say("whether it does what the comment asks is for the engineer to say", drawing.QUIET_STYLE)


async def show_acceptance(editor: Editor, offer: Offer) -> None:
    heading(
        4,
        "What you accept is kept, on this machine, to learn from",
        "Accepting ghost text runs the item's command. `python -m trainer.references list` shows\n"
        "what was kept, `delete` removes it, and `python -m trainer.iterate` trains on it.",
    )
    await editor.accept(offer.buffer, offer.cursor, offer.item)
    with open_store() as store:
        kept = [reference for reference in store.all() if reference.kind == "fill"]
    if not kept:
        raise DemoError("the accepted ghost text did not arrive in the store")
    reference = kept[-1]
    say(f"reference {reference.id}, {Path(reference.uri).name}, from model {reference.model}:")
    for line in reference.accepted.split("\n"):
        console.print(Text(f"       │ {line}", drawing.GHOST_STYLE))
    say("in the store", "green")


async def demo(folder: Path) -> None:
    project = folder / EXAMPLE.name
    shutil.copytree(EXAMPLE, project)
    os.environ["VERIFRAG_HOME"] = str(folder / "home")
    console.print("[bold]Verifrag, a Verilog language server[/bold]")
    console.print(
        "The server runs as a subprocess, an LSP client plays the editor, on a copy of "
        "examples/blinky."
    )
    editor = Editor(project, folder / "server.log")
    started = time.monotonic()
    await editor.start()
    console.print(f"The server answers after {1000 * (time.monotonic() - started):.0f} ms.")
    try:
        await show_diagnostics(editor)
        await editor.model_loaded()
        offer = await show_ghost_text(editor)
        await show_module(editor)
        await show_acceptance(editor, offer)
    finally:
        await editor.stop()
    console.print(
        "\n[bold green]Done.[/bold green] Everything above came from the real server; the copy of the "
        "project and its store were temporary and are gone."
    )


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="verifrag-demo-") as name:
        folder = Path(name).resolve()
        try:
            asyncio.run(demo(folder))
        except DemoError as error:
            console.print(f"\n[bold red]The demo failed:[/bold red] {error}")
            log = folder / "server.log"
            if log.exists():
                console.print(f"The end of the server's log:\n{log.read_text()[-2000:]}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
