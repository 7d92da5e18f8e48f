"""Settings of other Verilog extensions, read where ours are not set."""

from __future__ import annotations

import pytest

from lsp_server.settings import Settings, parse
from lsp_server.settings_carried import carried_over

VERILOG = {
    "linting": {
        "linter": "verilator",
        "iverilog": {"arguments": "-Wall -y '.\\my hdl' -DA=1", "includePath": ["inc"]},
        "verilator": {"arguments": "-Wno-WIDTH"},
    },
    "project": {
        "enabled": True,
        "filelists": ["rtl/files.f"],
        "includeDirs": ["rtl/include"],
        "defines": {"SIMULATION": True, "DATA_WIDTH": 32, "OFF": False},
        "topModules": ["top"],
    },
}
CARRIED = Settings(
    iverilog_arguments=("-Wall", "-y", "./my hdl", "-DA=1"),
    iverilog_include_path=("inc", "rtl/include"),
    iverilog_defines=("SIMULATION", "DATA_WIDTH=32"),
    project_file_lists=("rtl/files.f",),
    project_top_modules=("top",),
    verilator_enabled=True,
    verilator_arguments=("-Wno-WIDTH",),
)


def test_what_verilog_users_already_have_counts():
    assert parse(None, VERILOG) == (CARRIED, [])
    # VS Code sends what nobody set with its default.
    assert parse({"iverilog": {"arguments": []}, "diagnostics.delay": 300}, VERILOG) == (
        CARRIED,
        [],
    )


def test_ours_count_first():
    settings, _ = parse({"iverilog": {"arguments": ["-Wno-portbind"]}}, VERILOG)
    assert settings.iverilog_arguments == ("-Wno-portbind",)
    assert settings.iverilog_include_path == CARRIED.iverilog_include_path


def test_a_project_that_is_off_is_off():
    assert carried_over({"project": {**VERILOG["project"], "enabled": False}}) == {}


def test_dotted_names_are_read_too():
    assert carried_over({"linting.iverilog.includePath": ["inc"]}) == {
        "iverilog_include_path": ("inc",)
    }


@pytest.mark.parametrize(
    "values",
    [
        None,
        3,
        "x",
        [],
        {"linting": 1},
        {"linting": {"iverilog": {"arguments": 5, "includePath": "x"}}},
    ],
)
def test_what_is_not_understood_is_skipped(values):
    assert carried_over(values) == {}


def test_an_open_quote_is_no_obstacle():
    assert carried_over({"linting.iverilog.arguments": "-Wall 'x"}) == {
        "iverilog_arguments": ("-Wall", "'x")
    }
