"""What is published: a wheel that runs on its own, with its model, on a machine without a network.

The wheel is built as `python -m build` does it and installed into a fresh environment, which borrows
the dependencies of the one that runs the tests. The server is then started inside bubblewrap with no
network, with this checkout out of sight, and with an empty home: a newcomer's first start, on a train.
"""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from engine import model_store
from lsp_server import __version__

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
COUNTER = """module counter (
    input            clk,
    input            rst,
    output reg [7:0] count
);

    always @(posedge clk) begin
        if (rst)
            count <= |
    end

endmodule
"""


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    assert sdist.name == f"verifrag-{__version__}.tar.gz"
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A virtual environment with the wheel installed."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", wheel)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def on_a_train(home: Path) -> list[str]:
    """The prefix of a command that has no network, no checkout of this project and an empty home."""
    bubblewrap = shutil.which("bwrap")
    assert bubblewrap, "this test needs bubblewrap: apt-get install bubblewrap"
    home.mkdir()
    return [
        *(bubblewrap, "--unshare-net", "--unshare-pid", "--die-with-parent"),
        *("--dev-bind", "/", "/", "--proc", "/proc"),
        *("--tmpfs", str(ROOT), "--ro-bind", sys.prefix, sys.prefix),
        *("--chdir", str(home), "--setenv", "HOME", str(home), "--setenv", "TMPDIR", "/tmp"),
        *("--tmpfs", "/run", "--setenv", "XDG_RUNTIME_DIR", "/run", "--unsetenv", "PYTHONPATH"),
        *("--unsetenv", "VERIFRAG_ENGINE_COMMAND", "--"),
    ]


def test_the_wheel_holds_the_packages_their_types_and_the_model(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("engine", "lsp_server", "trainer"):
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= names
    embedded = model_store.EMBEDDED.relative_to(ROOT)
    files = {str(embedded / file.name) for file in model_store.EMBEDDED.iterdir()}
    assert files <= names
    assert not [name for name in names if name.startswith(("tests/", "runs/", "benchmarks/"))]


def test_the_installed_command_is_the_wheels(environment, tmp_path):
    prefix = on_a_train(tmp_path / "home")
    assert (
        run(*prefix, environment / "bin" / "verifrag", "--version") == f"verifrag {__version__}\n"
    )
    python = environment / "bin" / "python"
    where = run(*prefix, python, "-c", "import lsp_server; print(lsp_server.__file__)")
    assert Path(where.strip()).is_relative_to(environment)


async def test_a_cold_start_without_network_completes(start, environment, tmp_path):
    prefix = on_a_train(tmp_path / "empty-home")
    devices = run(*prefix, "cat", "/proc/net/dev").splitlines()[2:]
    assert [device.split(":")[0].strip() for device in devices] == ["lo"]
    editor = await start(server=[*prefix, str(environment / "bin" / "verifrag")])
    uri, position = editor.open("counter.v", COUNTER)
    await editor.ready(patience=120)  # nothing of it has been read from the disk before
    [item, *_] = await editor.ghost(uri, position)
    assert item.insert_text.strip()


def test_the_mason_package_installs_what_is_published():
    package = yaml.safe_load((ROOT / "nvim" / "mason" / "package.yaml").read_text())
    assert package["source"]["id"] == f"pkg:pypi/verifrag@{__version__}?extra=engine"
    assert package["bin"] == {"verifrag": "pypi:verifrag"}
    assert package["neovim"] == {"lspconfig": "verifrag"}
