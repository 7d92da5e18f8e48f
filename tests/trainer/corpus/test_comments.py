"""What the comments above a module say about it, once everything else they say is gone."""

import pytest

from trainer.corpus.comments import clean, description


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("// A counter that wraps.\n", "A counter that wraps."),
        ("/*\n * AXI4-Stream FIFO\n */", "AXI4-Stream FIFO"),
        ("/** Round-robin arbiter. **/", "Round-robin arbiter."),
        ("// =====\n// Divides by\n// three.\n// =====\n", "Divides by three."),
        ("// Company: ACME\n// Engineer: Jane\n// Description: Debounces a button.\n// Revision: 2\n// x y\n",
         "Debounces a button."),
        ("// aes_core.v\n//\n// The AES core. It supports two key lengths.\n//\n// Author: Jane Doe\n"
         "// Copyright (c) 2013, Jane Doe\n// All rights reserved.\n",
         "The AES core. It supports two key lengths."),
        ("/// @file fifo.sv\n/// @brief A FIFO with two clocks.\n", "A FIFO with two clocks."),
        ("// 2020-01-31: fixed the reset of the counter\n", ""),
        ("// assign q = d;\n// wire old_signal;\n", ""),
        ("// verilator lint_off UNUSED\n", ""),
        ("// {{{\n", ""),
        ("// top\n", ""),
        ("// Licensed under the Apache License, Version 2.0 (the License);\n", ""),
    ],
)  # fmt: skip
def test_what_is_left_of_a_comment(comment, said):
    assert clean(comment) == said


def test_a_long_comment_ends_with_a_sentence():
    said = clean("// " + "It counts the edges of its input. " * 40)
    assert len(said) <= 700
    assert said.endswith("input.")


def test_the_nearest_comment_that_says_something_counts():
    above = "// A clock divider.\n\n/* Copyright 2020 */\n`timescale 1ns/1ps\n(* keep *)\n"
    assert description(above) == "A clock divider."


def test_a_comment_on_other_code_is_none_on_the_module():
    assert description("// The width of the bus.\nlocalparam W = 8;\n") == ""


def test_much_white_space_costs_no_time():
    assert description("// A counter.\n" + " \n" * 5000 + "localparam W = 8;\n") == ""
