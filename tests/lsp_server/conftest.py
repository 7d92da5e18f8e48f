"""An editor for the tests of diagnostics: documents, and what a `Diagnoser` publishes of them.

iverilog is really started.
"""

from __future__ import annotations

import asyncio
import shutil

import pytest

from engine.verilog.icarus import Icarus
from lsp_server.checking import Context
from lsp_server.diagnostics import Diagnoser, Snapshot
from lsp_server.project import Projects
from lsp_server.settings import Settings
from lsp_server.workspace import Index


class Editor:
    """The documents of an editor, and what a Diagnoser told it."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.texts = {}
        self.versions = {}
        self.published = []
        self.told = []
        self.settings = Settings(**{"diagnostics_delay": 10, **settings})
        self.index = Index()
        self.index.scan([folder])
        self.projects = Projects()
        self.diagnoser = Diagnoser(
            get=self.snapshot,
            publish=lambda *published: self.published.append(published),
            notify=self.told.append,
            settings=lambda: self.settings,
            context=self.context,
        )

    def context(self, path):
        listing = self.projects.find(path, [self.folder])
        return Context(self.index, Icarus(path=self.settings.iverilog_path), listing)

    def snapshot(self, name):
        if name not in self.texts:
            return None
        return Snapshot(
            self.texts[name], self.versions[name], self.folder / name, lambda line, column: column
        )

    def type(self, name, text):
        self.texts[name] = text
        self.versions[name] = self.versions.get(name, 0) + 1
        self.index.update(self.folder / name, text)
        self.diagnoser.check(name, changed=True)

    def close(self, name):
        del self.texts[name]
        self.index.close(self.folder / name)
        self.diagnoser.close(name)

    async def rest(self):
        """Wait until nothing is being checked."""
        while self.diagnoser._runs:
            await asyncio.wait(list(self.diagnoser._runs.values()))
            await asyncio.sleep(0)

    def seen(self, name):
        """The messages last published for a document."""
        (last,) = [found for uri, _, found in self.published if uri == name][-1:]
        return [one.message for one in last]

    def closed(self, name):
        """The lines and messages that a file that is not open shows; None if it never had any."""
        uri = (self.folder / name).as_uri()
        shown = [found for one, _, found in self.published if one == uri]
        return [(one.range.start.line, one.message) for one in shown[-1]] if shown else None


@pytest.fixture
async def editor(tmp_path):
    made = []

    def make(**settings):
        made.append(Editor(tmp_path, **settings))
        return made[-1]

    if shutil.which("iverilog") is None:
        pytest.fail("these tests need iverilog: apt-get install iverilog")
    yield make
    for one in made:
        one.diagnoser.stop()
