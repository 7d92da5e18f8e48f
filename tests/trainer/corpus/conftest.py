"""A repository to build a corpus from."""

import pytest
from corpus_texts import ADDER, BENCH, COUNTER, MIT, SHIFTER


@pytest.fixture
def repository(tmp_path):
    """someone/design, MIT: three modules worth learning from, and what there is to drop."""
    folder = tmp_path / "someone+design"
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    (folder / "COMMIT").write_text("abc123\n")
    (folder / "all.v").write_text(COUNTER + ADDER + BENCH)
    (folder / "broken.v").write_text(ADDER.replace("assign sum", "assign assign sum"))
    (folder / "copy.v").write_text(COUNTER.replace("wraps", "also wraps"))
    (folder / "shifter.sv").write_text("package p; endpackage\n" + SHIFTER)
    return folder
