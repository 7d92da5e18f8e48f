"""VS Code in a headless Chromium, with the packaged extension, the real server and the fake engine.

What is missing is installed on demand (`scripts/code_server.sh`, `npm ci`); where that can't be
done the tests are skipped and say why. Pictures go to $VERIFRAG_SCREENSHOTS, or build/screenshots.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from trainer.references import Reference, open_store

ROOT = Path(__file__).resolve().parents[3]
CLIENT = ROOT / "vscode-client"
FAKE_ENGINE = ROOT / "tests" / "e2e" / "fake_engine.py"
SHOTS = Path(os.environ.get("VERIFRAG_SCREENSHOTS", ROOT / "build" / "screenshots"))
PATIENCE = 150  # seconds until something that should happen is taken not to happen

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CODE_SERVER = [
    "--auth",
    "none",
    "--disable-telemetry",
    "--disable-update-check",
    "--disable-getting-started-override",
    "--disable-proxy",
]
QUIET = {
    "files.autoSave": "off",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.editor.showTabs": "single",
    "editor.minimap.enabled": False,
    "chat.disableAIFeatures": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "verifrag.python": sys.executable,
    "verifrag.diagnostics.delay": 100,
}


def until(happened: Callable[[], Any], what: str) -> Any:
    """Wait until `happened()` is true and return it; fail the test if it never is."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        if result := happened():
            return result
        sleep(0.1)
    pytest.fail(f"{what} did not happen within {PATIENCE} s")


@dataclass(frozen=True)
class Workbench:
    """A window of VS Code on `folder`; `home` is the server's, `machine` the settings file."""

    page: Page
    folder: Path
    home: Path
    machine: Path
    engine_log: Path

    until = staticmethod(until)

    # -- editing -------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> None:
        """Put a file into the workspace."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def open(self, name: str, text: str) -> None:
        """Write a file with a `|` drawn in it, open it and put the cursor there."""
        self.write(name, text.replace("|", "", 1))
        before = text.partition("|")[0]
        line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
        short = Path(name).name
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=short)

        def found() -> bool:
            # Asked again until it is found: the editor may not have seen the new file yet.
            self.press("Escape", "Control+p")
            self.page.locator(".quick-input-widget input").fill(f"{short}:{line}:{column}")
            with contextlib.suppress(PlaywrightTimeoutError):
                row.first.wait_for(timeout=5000)
            return row.count() > 0

        until(found, f"finding {short}")
        self.page.keyboard.press("Enter")
        self.page.locator(".editor-group-container.active .title", has_text=short).first.wait_for()
        position = self.page.locator(".statusbar-item", has_text=f"Ln {line}, Col {column}")
        position.first.wait_for()
        # What was clicked before may still have the focus: keys are for the editor now.
        self.press("Control+1")
        self.page.locator(".editor-instance .monaco-editor.focused").first.wait_for()

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=60)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(150)

    def command(self, title: str) -> None:
        """Run a command of the palette."""
        self.page.keyboard.press("F1")
        self.page.locator(".quick-input-widget input").fill(f">{title}")
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=title)
        row.first.click()

    # -- what is seen --------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The lines of the editor that can be seen, ghost text included."""
        rows = self.page.locator(".editor-instance .view-lines").first.locator(".view-line")
        seen = rows.evaluate_all(
            "rows => rows.map(row => [parseFloat(row.style.top), row.innerText])"
        )
        return [text.replace("\u00a0", " ").rstrip() for _, text in sorted(seen)]

    def until_line(self, line: str) -> None:
        """Wait until there is a line that reads `line`, whatever its indentation."""
        until(lambda: line in [seen.strip() for seen in self.lines()], f"the line {line!r}")

    @property
    def ghost(self) -> Locator:
        return self.page.locator('.editor-instance [class*="ghost-text-decoration"]')

    def until_ghost(self, text: str) -> None:
        """Wait until ghost text reads `text`."""
        until(lambda: self.ghost_text().strip() == text, f"ghost text {text!r}")

    def ghost_text(self) -> str:
        """The ghost text that is shown, if any is."""
        parts = self.ghost.all_text_contents()
        return "".join(parts).replace("\u00a0", " ")

    @property
    def errors(self) -> Locator:
        return self.page.locator(".editor-instance .squiggly-error")

    @property
    def menu(self) -> Locator:
        return self.page.locator(".editor-instance .suggest-widget.visible .monaco-list-row")

    @property
    def status(self) -> Locator:
        return self.page.locator(".statusbar-item[id*='verifrag.status']")

    def until_status(self, words: str) -> None:
        """Wait until the status bar's item says `words` to those who ask it."""
        label = f'.statusbar-item[id*="verifrag.status"] [aria-label*="{words}"]'
        expect(self.page.locator(label).first).to_be_attached()

    def shoot(self, name: str) -> None:
        """Take a picture of the window."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    # -- behind the window ---------------------------------------------------------------------

    def stored(self) -> list[Reference]:
        """The accepted completions in the server's store."""
        with open_store(self.home / "references.sqlite3") as store:
            return store.all()

    def until_stored(self, count: int) -> list[Reference]:
        """The store, once it has `count` references."""
        until(lambda: len(self.stored()) >= count, f"reference {count} in the store")
        return self.stored()

    def set(self, **settings: Any) -> None:
        """Change settings live: those of the machine, with `_` for the dot after `verifrag`."""
        named = {f"verifrag.{name.replace('_', '.')}": value for name, value in settings.items()}
        self.machine.write_text(json.dumps(QUIET | named), encoding="utf-8")

    def log(self) -> str:
        """The extension's log: its own lines and the server's."""
        (file,) = self.machine.parent.parent.glob("logs/**/Verifrag.log")
        return file.read_text(encoding="utf-8")

    def until_settings(self, name: str, there: bool) -> None:
        """Wait until the server has taken settings with `name`, or without it."""

        def taken() -> bool:
            told = [line for line in self.log().splitlines() if "settings: " in line]
            return bool(told) and (f"verifrag.{name}" in told[-1]) is there

        until(taken, f"settings {'with' if there else 'without'} {name}")

    def server_processes(self) -> list[int]:
        """This window's server."""
        found = subprocess.run(["pgrep", "-f", "m lsp_server"], capture_output=True, text=True)
        mine = f"VERIFRAG_HOME={self.home}\0".encode()
        return [pid for pid in map(int, found.stdout.split()) if mine in environment_of(pid)]

    def engine_processes(self) -> list[int]:
        """The engine processes of this window's server."""
        found = subprocess.run(
            ["pgrep", "-f", f"fake_engine.py --log {self.engine_log}"],
            capture_output=True,
            text=True,
        )
        return [int(pid) for pid in found.stdout.split()]


NOT_TESTED = "VS Code was NOT tested"


def pytest_terminal_summary(terminalreporter) -> None:
    """Say it where nobody can miss it."""
    skipped = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])]
    for reason in dict.fromkeys(reason for reason in skipped if NOT_TESTED in reason):
        terminalreporter.section(NOT_TESTED, sep="!", red=True, bold=True)
        terminalreporter.line(reason)


def run_or_skip(command: list[str | Path], folder: Path) -> str:
    """The last line of a command that installs something; without it there is nothing to test."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        pytest.skip(f"{NOT_TESTED}: {' '.join(map(str, command))} failed: {reason}")
    return done.stdout.strip().rpartition("\n")[2]


@pytest.fixture(scope="session")
def npm() -> None:
    """The client's packages from npm."""
    run_or_skip(["bash", "scripts/tools.sh", "npm"], ROOT)
    if not (CLIENT / "node_modules" / ".package-lock.json").exists():  # npm writes it last
        run_or_skip(["npm", "ci", "--no-audit", "--no-fund"], CLIENT)


@pytest.fixture(scope="session")
def vsix(npm) -> Path:
    """The extension, without the server's wheel: here the server of this tree is used."""
    done = subprocess.run(["npm", "run", "vsix"], cwd=CLIENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return CLIENT / "verifrag.vsix"


@pytest.fixture(scope="session")
def chromium() -> str:
    run_or_skip(["bash", "scripts/tools.sh", "chromium"], ROOT)
    return shutil.which("chromium")


@pytest.fixture(scope="session")
def code_server() -> Path:
    return Path(run_or_skip(["bash", "scripts/code_server.sh"], ROOT))


@pytest.fixture(scope="session")
def open_window(code_server, vsix, chromium, tmp_path_factory) -> Callable[..., Any]:
    """Opens a window on a new folder, with a VS Code of its own that is started with `arguments`."""

    @contextmanager
    def opened(*arguments: str) -> Iterator[Workbench]:
        top = tmp_path_factory.mktemp("vscode")
        folder, user, home = top / "project", top / "user", top / "home"
        machine, engine_log = user / "Machine" / "settings.json", top / "engine.log"
        folder.mkdir()
        machine.parent.mkdir(parents=True)
        machine.write_text(json.dumps(QUIET), encoding="utf-8")
        command = [code_server, "--user-data-dir", user, "--extensions-dir", top / "extensions"]
        subprocess.run([*command, "--install-extension", vsix], check=True, capture_output=True)
        engine = [sys.executable, str(FAKE_ENGINE), "--log", str(engine_log)]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),  # the server of this tree, installed or not
            "VERIFRAG_HOME": str(home),
            "VERIFRAG_ENGINE_COMMAND": json.dumps(engine),
        }
        with (
            serving([*command, *CODE_SERVER, *arguments, folder], environment, top) as address,
            looking_at(f"http://{address}/?folder={folder}", chromium) as page,
        ):
            yield Workbench(page, folder, home, machine, engine_log)

    return opened


@contextmanager
def serving(command: list[Any], environment: dict[str, str], top: Path) -> Iterator[str]:
    """code-server at work; its address."""
    address = f"127.0.0.1:{free_port()}"
    with (top / "code-server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--bind-addr", address],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            until(lambda: healthy(address), "code-server's start")
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(20)


@contextmanager
def looking_at(url: str, chromium: str) -> Iterator[Page]:
    """A browser's page with the workbench that `url` shows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1000, "height": 480})
        page.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        page.goto(url, wait_until="commit")
        page.locator(".monaco-workbench .explorer-folders-view").wait_for()
        yield page
        browser.close()


@pytest.fixture(scope="module")
def workbench(open_window) -> Iterator[Workbench]:
    """One window for all tests; each opens files of its own in it."""
    with open_window("--disable-workspace-trust") as opened:
        yield opened


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember a failure for `window`."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def window(workbench, request) -> Iterator[Workbench]:
    """The window, with a picture of it should the test fail, and no menu or message left open."""
    yield workbench
    if request.node.stash.get(FAILED, False):
        workbench.shoot(f"failed-{request.node.name}")
    workbench.press("Escape", "Escape")


def environment_of(pid: int) -> bytes:
    """The variables of a process, each with a NUL behind it; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
