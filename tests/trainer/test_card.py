"""The card of a model that has just been trained."""

import json

import pytest
from tiny_data import OPTIONS, write_data
from tiny_model import tiny_tokenizer

from trainer import card, finetune

CORPUS = {
    "counts": {"items": 3227, "characters": 11_000_000, "items dropped: near-duplicate": 1090},
    "sources": [  # one row for each licence of a source
        {"source": "someone/design", "licence": "MIT", "commit": "abc123" * 6},
        {"source": "someone/design", "licence": "ISC", "commit": "abc123" * 6},
        {"source": "another/design", "licence": "MIT", "commit": ""},
    ],
}
TEXTBOOK = {
    "families": 61,
    "held_out_families": ["crc", "lfsr"],
    "held_out_wordings": ["sheet-2"],
    "counts": {"items kept": 50_000},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data, a run and the model it made."""
    folder = tmp_path_factory.mktemp("trained")
    data = write_data(folder / "data", tiny_tokenizer())
    options = ["--run", str(folder / "run"), *OPTIONS, "--no-compile", "--steps=8"]
    assert finetune.main([str(data), str(folder / "model"), *options]) == 0
    for name, manifest in (("corpus", CORPUS), ("textbook", TEXTBOOK)):
        (folder / name).mkdir()
        (folder / name / "manifest.json").write_text(json.dumps(manifest))
    (folder / "report.md").write_text("| suite | pass@1 |\n|---|---|\n| vgen | 12.3 % |\n")
    return folder


def write(folder, *options):
    fixed = [folder / "model", "--data", folder / "data", "--run", folder / "run", *options]
    return card.main([str(word) for word in fixed])


def test_every_part_of_the_card_has_its_source(trained):
    inputs = [word for name in ("corpus", "textbook") for word in (f"--{name}", trained / name)]
    assert write(trained, *inputs, "--report", trained / "report.md") == 0
    text = (trained / "model" / "MODEL_CARD.md").read_text()
    assert "# Model card: verifrag" in text
    assert "| 1 | fragment | 8 | 0.0M |" in text
    assert "--steps=8" in text
    assert "3 Medusa heads" in text
    assert "6 nodes a draft" in text
    assert "from 2 repositories and sets of pairs" in text
    assert "| someone/design | MIT | abc123abc123 |" in text
    assert "- items dropped: near-duplicate: 1,090" in text
    assert "61 families, of which 2 are held out" in text
    assert "| vgen | 12.3 % |" in text
    assert (trained / "model" / "loss_curve.png").stat().st_size > 1000


def test_a_folder_without_a_run_is_named(trained, capsys):
    assert write(trained, "--run", trained / "corpus") == 1
    assert "holds no run of trainer.finetune" in capsys.readouterr().err
