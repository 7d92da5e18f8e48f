"""What the tables and the claims say about records made by hand."""

from __future__ import annotations

from trainer.compare import report
from trainer.compare.report import Twin
from trainer.speed import Speed

TWINS = {f"{m}{s}": Twin(m, s) for m in report.METHODS for s in (0.5, 1.0)}


def verdicts(passing: dict[str, int], samples: int = 5):
    """Verdicts of one problem at one temperature: of each model's samples the first so many pass."""
    return [
        {
            **{"model": model, "suite": "vgen", "problem": "p", "temperature": 0.2, "sample": n},
            **{"syntax": True, "function": n < passed, "reason": "passed", "detail": ""},
        }
        for model, passed in passing.items()
        for n in range(samples)
    ]


PASSING = {
    **{"fragment0.5": 2, "medusa0.5": 1, "ntp0.5": 3},
    **{"fragment1.0": 4, "medusa1.0": 0, "ntp1.0": 5},
}


def test_a_row_of_table_1_has_the_methods_side_by_side():
    found = report.find(TWINS, verdicts(PASSING | {"another model": 5}), [], {})
    assert [(c.check, c.share) for c in found.cells] == [
        *(("function", 0.5), ("function", 1.0), ("syntax", 0.5), ("syntax", 1.0))
    ]
    row = next(x for x in report.markdown(found).splitlines() if x.startswith("| function | 50 %"))
    assert [cell.strip() for cell in row.split("|")[3:9]] == [
        *("vgen", "1", "5", "40.0", "20.0", "**60.0**")
    ]


def test_it_says_plainly_what_reproduces():
    text = report.markdown(report.find(TWINS, verdicts(PASSING), [], {}))
    assert "function: fragment above medusa reproduces: ahead in 4 of 6 figures" in text
    assert "function: fragment above ntp does not reproduce: ahead in 0 of 6 figures" in text
    assert "syntax: fragment above ntp does not reproduce: ahead in 0 of 6" in text  # all are equal


def test_speedups_are_over_next_token_prediction():
    speeds = {
        "fragment": Speed(3, 50.0, 120.0, 2.5, 6.0),
        "medusa": Speed(3, 25.0, 30.0, 1.2, 2.0),
        "ntp": Speed(3, 20.0, 40.0, 1.0, 2.0),
    }
    text = report.markdown(report.find(TWINS, [], [], speeds))
    assert "| fragment | 50.0 | 2.50 | 120.0 | 3.00 | 2.50 |" in text
    assert "fragment faster than ntp reproduces: 3.00 times" in text
    assert "medusa faster than ntp does not reproduce: 0.75 times" in text


def test_next_lines_are_told_by_share_and_method():
    rows = [
        {"model": model, "place": "a", "form": "prefix", "exact": True, "similarity": 1.0}
        | {"tokens": 12, "steps": 4}
        for model in ("ntp1.0", "fragment1.0", "fragment0.5")
    ]
    text = report.markdown(report.find(TWINS, [], rows, {}))
    told = [line for line in text.splitlines() if "| prefix |" in line]
    assert [line.split("|")[1:3] for line in told] == [
        [" fragment ", " 50 % "],
        [" fragment ", " 100 % "],
        [" ntp ", " 100 % "],
    ]
    assert "| 100.0 % | 100.0 % | 3.00 |" in told[0]


def test_the_report_is_written_with_its_picture(tmp_path):
    report.write(tmp_path, report.find(TWINS, verdicts(PASSING), [], {}))
    written = ["quality.png", "report.json", "report.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == written
    assert (tmp_path / "quality.png").stat().st_size > 1000
