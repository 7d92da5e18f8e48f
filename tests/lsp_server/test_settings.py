"""What editors send as settings, and what the user is told about it."""

from __future__ import annotations

import pytest

from lsp_server.settings import Settings, chosen, parse, table


def test_nothing_sent_means_the_defaults():
    assert parse(None) == (Settings(), [])
    assert parse({"verifrag": None}) == (Settings(), [])


@pytest.mark.parametrize(
    "sent",
    [
        {"iverilog": {"includePath": ["inc"]}, "completion": {"maxTokens": 10}},
        {"verifrag": {"iverilog": {"includePath": ["inc"]}, "completion": {"maxTokens": 10}}},
        {"iverilog.includePath": ["inc"], "completion.maxTokens": 10},
        {"verifrag.iverilog.includePath": ["inc"], "verifrag.completion.maxTokens": 10},
    ],
)
def test_nested_and_dotted_names_mean_the_same(sent):
    expected = Settings(iverilog_include_path=("inc",), completion_max_tokens=10)
    assert parse(sent) == (expected, [])


def test_a_whole_number_is_a_number():
    settings, problems = parse({"completion": {"maxSeconds": 3}})
    assert (settings.completion_max_seconds, problems) == (3, [])


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (
            {"completion": {"maxTokens": "many"}},
            "verifrag.completion.maxTokens: expected a whole number of at least 1, not 'many'; "
            "the default is used.",
        ),
        (
            {"generate": {"samples": 0}},
            "verifrag.generate.samples: expected a whole number of at least 1, not 0; "
            "the default is used.",
        ),
        (
            {"engine": {"enabled": 1}},
            "verifrag.engine.enabled: expected true or false, not 1; the default is used.",
        ),
        (
            {"iverilog": {"defines": "WIDTH=8"}},
            "verifrag.iverilog.defines: expected a list of texts, not 'WIDTH=8'; "
            "the default is used.",
        ),
        (
            {"modle": "x"},
            "verifrag.modle: there is no such setting, so it is ignored; "
            "did you mean verifrag.model?",
        ),
        ("nonsense", "verifrag: expected an object; the defaults are used."),
    ],
)
def test_what_is_wrong_is_named_and_the_default_used(sent, told):
    assert parse(sent) == (Settings(), [told])


def test_one_wrong_setting_does_not_touch_the_others():
    settings, problems = parse({"model": 3, "diagnostics": {"delay": 50}})
    assert (settings.diagnostics_delay, len(problems)) == (50, 1)


def test_what_was_chosen_has_its_public_name():
    settings, _ = parse({"model": "", "diagnostics": {"delay": 50}})
    assert chosen(settings) == {"verifrag.diagnostics.delay": 50}


def test_the_editor_s_own_settings_are_no_mistake():
    assert parse({"python": "/usr/bin/python3", "trace": {"server": "off"}}) == (Settings(), [])


def test_the_table_names_every_setting_once_with_a_description():
    rows = table()
    assert len({row.name for row in rows}) == len(rows) == 29
    assert all(row.name.startswith("verifrag.") and row.description for row in rows)
