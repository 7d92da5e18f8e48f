"""The command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lsp_server import __version__
from lsp_server.__main__ import parse


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
