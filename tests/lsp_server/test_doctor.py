"""What the doctor finds on machines that lack something."""

from __future__ import annotations

import argparse
import json
import sqlite3

import pytest

from engine import memory, model_store
from lsp_server import doctor
from lsp_server.__main__ import parse

CPUINFO = "model name\t: Some CPU\nflags\t\t: fpu avx2 amx_tile\n\nmodel name\t: Some CPU\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VERIFRAG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(doctor.runtime, "LONGEST_SOCKET", 1000)
    monkeypatch.setattr(memory, "available", lambda: 8 << 30)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def options(monkeypatch, fake_engine) -> argparse.Namespace:
    monkeypatch.setattr(doctor, "PRIVATE_ENGINE", tuple(fake_engine()))
    return parse(["doctor"])


def only(findings) -> doctor.Finding:
    (finding,) = findings
    return finding


def test_where_all_is_well_the_report_says_so(options, capsys):
    assert doctor.run(options) == 0
    said = capsys.readouterr().out
    assert "nothing is wrong" in said
    for name in ("verifrag", "python", "processor", "memory", "iverilog", "model", "trial"):
        assert f"ok    {name}" in said


def test_as_json_with_something_wrong(capsys):
    options = parse(["doctor", "--json", "--quick", "--iverilog", "no-such-program"])
    assert doctor.run(options) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    (wrong,) = [one for one in report["findings"] if one["status"] == "WRONG"]
    assert wrong["name"] == "iverilog"
    assert "Install it" in wrong["todo"]


def test_the_report_ends_with_how_much_is_wrong_and_each_says_what_to_do(capsys):
    assert doctor.run(parse(["doctor", "--quick", "--model", "/no/model"])) == 1
    said = capsys.readouterr().out
    assert "WRONG model" in said
    assert "leave verifrag.model empty" in said
    assert "1 of " in said.splitlines()[-1]


def test_an_iverilog_that_does_not_compile(tmp_path):
    program = tmp_path / "iverilog"
    program.write_text("#!/bin/sh\necho 'Icarus Verilog version 0'\nexit 1\n")
    program.chmod(0o755)
    finding = only(doctor.icarus(str(program)))
    assert (finding.status, "version 0" in finding.text) == ("WRONG", True)


def test_little_memory(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 100 << 20)
    _, finding = doctor.machine()
    assert (finding.status, "100 MB available" in finding.text) == ("WRONG", True)


def test_the_processor_s_name_and_what_of_it_counts(tmp_path):
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    said = doctor.processor(tmp_path / "cpuinfo")
    assert said.startswith("Some CPU, ")
    assert said.endswith("; avx2, amx_tile")
    assert "no vector instructions known" in doctor.processor(tmp_path / "none")


def test_a_package_that_is_missing():
    finding = doctor._packages("engine", ("pygls", "no-such-package"), "verifrag[engine]")
    assert finding.text == "no-such-package not installed"
    assert finding.todo.endswith("-m pip install 'verifrag[engine]'")


def test_a_damaged_store(home):
    home.mkdir()
    (home / "references.sqlite3").write_bytes(b"\x00" * 2000)
    *_, finding = doctor.home()
    assert (finding.name, finding.status) == ("references", "WRONG")
    assert "move it away" in finding.todo


def test_what_was_collected_is_counted(home):
    with doctor.references.open_store() as store:
        assert store.count() == 0
    *_, finding = doctor.home()
    assert finding.text == f"0 in {home / 'references.sqlite3'}"
    assert sqlite3.connect(home / "references.sqlite3")


def test_the_nearest_project_file(tmp_path, monkeypatch):
    (tmp_path / "verifrag.toml").write_text("")
    (tmp_path / "rtl").mkdir()
    monkeypatch.chdir(tmp_path / "rtl")
    assert only(doctor.project_file()).text == str(tmp_path / "verifrag.toml")


def test_what_is_not_understood_in_a_project_file(tmp_path, monkeypatch):
    (tmp_path / "verifrag.toml").write_text('files = 3\nwhat = "?"\n')
    monkeypatch.chdir(tmp_path)
    finding = only(doctor.project_file())
    assert finding.status == "WRONG"
    assert [line.split(":")[0] for line in finding.todo.splitlines()] == [
        "verifrag.toml, line 1",
        "verifrag.toml, line 2",
    ]


def test_the_model_that_ships():
    finding = only(doctor.model_folder(str(model_store.EMBEDDED)))
    assert finding.status == "ok"
    assert "round 0" in finding.text


def test_a_model_that_is_not_ours(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    (tmp_path / "model.safetensors").write_bytes(bytes(3 * doctor.MEGABYTE))
    finding = only(doctor.model_folder(str(tmp_path)))
    assert (finding.status, finding.text) == ("ok", f"qwen2, 3.0 MB in {tmp_path}")


def test_a_model_that_does_not_load(fake_engine):
    finding = only(doctor.trial("corrupt", tuple(fake_engine())))
    assert (finding.status, "config.json" in finding.todo) == ("WRONG", True)


def test_a_runtime_folder_that_others_can_enter(tmp_path):
    (tmp_path / "verifrag").mkdir()
    (tmp_path / "verifrag").chmod(0o755)
    finding = only(doctor.engine_process("model"))
    assert (finding.status, "chmod 700" in finding.todo) == ("WRONG", True)


@pytest.mark.slow
def test_the_model_that_ships_completes():
    finding = only(doctor.trial(str(model_store.EMBEDDED), doctor.PRIVATE_ENGINE))
    assert finding.status == "ok"
    assert "tokens in" in finding.text
    assert "python -m engine.compile" in finding.text  # none has been built for these tests
