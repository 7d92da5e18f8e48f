"""The extension as it is built: its own tests, and what the one command packages."""

from __future__ import annotations

import json
import subprocess
import zipfile

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_clients_own_tests_pass(npm, request):
    client = request.config.rootpath / "vscode-client"
    done = subprocess.run(["npm", "test"], cwd=client, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_command_packages_the_extension_with_the_servers_wheel(npm, request):
    client = request.config.rootpath / "vscode-client"
    done = subprocess.run(["npm", "run", "package"], cwd=client, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    with zipfile.ZipFile(client / "verifrag.vsix") as package:
        names = {name for name in package.namelist() if name.startswith("extension/")}
        manifest = json.loads(package.read("extension/package.json"))
    (wheel,) = (name for name in names if name.endswith(".whl"))
    assert wheel.startswith(f"extension/dist/server/verifrag-{manifest['version']}-")
    pictures = {name for name in names if name.startswith("extension/images/")}
    assert f"extension/{manifest['icon']}" in pictures
    assert names - pictures - {wheel} == {
        "extension/package.json",
        "extension/readme.md",
        "extension/changelog.md",
        "extension/LICENSE.txt",
        "extension/dist/extension.js",
    }
