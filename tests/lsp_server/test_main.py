"""The command line."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from lsp_server import __version__
from lsp_server.__main__ import main, parse


def test_stdio_is_the_default_and_its_flag_is_accepted():
    assert parse([]).tcp is None
    assert parse(["--stdio"]).tcp is None


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9000", ("127.0.0.1", 9000)), ("[::1]:9000", ("::1", 9000))],
)
def test_tcp(text, address):
    assert parse(["--tcp", text]).tcp == address


@pytest.mark.parametrize("text", ["9000", "host:", ":9000", "host:port", "host:99999"])
def test_an_address_that_is_none_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        parse(["--tcp", text])
    assert "expected HOST:PORT" in capsys.readouterr().err


def test_version():
    command = [sys.executable, "-m", "lsp_server", "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == f"verifrag {__version__}\n"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lsp_server", *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    result = run("--log-file", str(tmp_path / "missing" / "log"))
    assert result.returncode == 1
    assert result.stderr.startswith("verifrag: cannot write the log: ")
    assert "Traceback" not in result.stderr


def test_windows_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr("os.name", "nt")
    with pytest.raises(SystemExit, match="Windows is not supported: install it in WSL"):
        main([])


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--tcp", f"127.0.0.1:{taken.getsockname()[1]}")
    assert result.returncode == 1
    assert "verifrag: cannot listen: " in result.stderr
    assert "Traceback" not in result.stderr
