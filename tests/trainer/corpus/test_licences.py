"""Licences: found per file, and only permissive ones accepted."""

import pytest
from corpus_texts import GPL, MIT

from trainer.corpus import licences
from trainer.corpus.licences import Repository


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (MIT, "MIT"),
        ("// Permission to use, copy, modify, and/or distribute this software", "ISC"),
        ("Redistribution and use in source\n * and binary forms", "BSD-2-Clause"),
        (
            "Redistribution and use in source and binary forms ... Neither the name of",
            "BSD-3-Clause",
        ),
        ("Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
        ("Solderpad Hardware License, Version 0.51", "SHL"),
        ("// SPDX-License-Identifier: Apache-2.0 WITH SHL-2.1\n", "Apache-2.0"),
        ("// SPDX-License-Identifier: (GPL-2.0-only OR MIT)\n", "MIT"),
        ("/* SPDX-License-Identifier: Apache-2.0 AND MIT */", "Apache-2.0 AND MIT"),
    ],
)
def test_permissive_licences_are_told_from_their_text(text, licence):
    assert licences.of_text(text) == licence
    assert licences.is_permissive(licence)


@pytest.mark.parametrize(
    "text",
    [
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "// under the terms of the GNU\n// General Public License",
        "/* SPDX-License-Identifier: CERN-OHL-S-2.0 */",
        "// SPDX-License-Identifier: GPL-2.0-only AND MIT",
        "// This file contains confidential and proprietary information of Xilinx",
        "Mozilla Public License Version 2.0",
    ],
)
def test_other_licences_are_recognised_and_refused(text):
    assert not licences.is_permissive(licences.of_text(text))


def test_a_text_may_name_no_licence():
    assert licences.of_text("All rights reserved.") is None


def test_the_head_of_a_file_outranks_the_folder_and_the_nearest_folder_the_others(tmp_path):
    vendored = tmp_path / "vendor" / "rtl"
    vendored.mkdir(parents=True)
    (tmp_path / "LICENSE").write_text(MIT)
    (tmp_path / "vendor" / "COPYING").write_text(GPL)
    repository = Repository(tmp_path)
    assert repository.of_file(tmp_path / "a.v", "module a;") == "MIT"
    assert repository.of_file(vendored / "a.v", "module a;") == "copyleft"
    assert repository.of_file(vendored / "a.v", "// SPDX-License-Identifier: ISC\n") == "ISC"


def test_of_two_licence_files_the_permissive_one_may_be_chosen(tmp_path):
    (tmp_path / "LICENSE-GPL").write_text(GPL)
    (tmp_path / "LICENSE-MIT").write_text(MIT)
    assert Repository(tmp_path).of_folder(tmp_path) == "MIT"


def test_a_licence_file_in_unknown_words_is_not_taken_for_none(tmp_path):
    (tmp_path / "LICENSE").write_text("Ask me first.")
    assert Repository(tmp_path).of_folder(tmp_path) == "unknown"
