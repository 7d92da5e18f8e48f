"""Figures and their report, from records written by hand."""

import json
import math

import pytest

from trainer.evaluate import report, scores


def verdicts(suite, temperature, problem, *reasons, model="m1"):
    """A record for each reason."""
    return [
        {
            "model": model,
            "suite": suite,
            "problem": problem,
            "temperature": temperature,
            "sample": number,
            "syntax": reason in ("passed", "mismatch", "refused"),
            "function": reason == "passed",
            "reason": reason,
            "detail": "$finish" if reason == "refused" else "",
        }
        for number, reason in enumerate(reasons)
    ]


RECORDS = [
    *verdicts("vgen", 0.2, "a", "passed", "passed"),
    *verdicts("vgen", 0.2, "b", "syntax", "syntax"),
    *verdicts("vgen", 0.8, "a", "passed", "mismatch"),
    *verdicts("vgen", 0.8, "b", "passed", "refused"),
    *verdicts("rtllm", 0.2, "c", "passed", model="m2"),
]
LINES = [
    {
        "model": "m1",
        "form": "prefix",
        "exact": True,
        "similarity": 1.0,
        "tokens": 9,
        "steps": 3,
        "steps_with_lookup": 2,
    },
    {
        "model": "m1",
        "form": "prefix",
        "exact": False,
        "similarity": 0.5,
        "tokens": 3,
        "steps": 3,
        "steps_with_lookup": 2,
    },
]


def test_pass_at_k_is_averaged_over_problems():
    cold, hot, best, other = scores.scores(RECORDS)
    assert (cold.suite, cold.temperature, cold.problems, cold.samples) == ("vgen", 0.2, 2, 2)
    assert cold.pass_at == {"syntax": {1: 0.5}, "function": {1: 0.5}}
    assert hot.pass_at == {"syntax": {1: 1.0}, "function": {1: 0.5}}
    assert (cold.solved["function"], hot.solved["function"]) == (0.5, 1.0)
    # Problem a does best when cold, b when hot.
    assert (best.temperature, best.pass_at) == (None, {"syntax": {1: 1.0}, "function": {1: 0.75}})
    assert (other.model, other.samples) == ("m2", 1)


def test_k_is_at_most_the_samples():
    (score,) = scores.scores(verdicts("vgen", 0.2, "a", *["passed"] + ["syntax"] * 9))
    assert score.pass_at["function"] == {1: pytest.approx(0.1), 5: pytest.approx(0.5), 10: 1.0}


def test_the_best_temperature_is_that_of_function_then_of_syntax():
    assert scores.best(scores.scores(RECORDS))["m1", "vgen"].temperature == 0.8


def test_a_problem_half_done_counts_with_the_samples_it_has():
    some = RECORDS[:3]
    (score,) = scores.scores(some)
    assert (score.problems, score.samples, score.pass_at["function"]) == (2, 1, {1: 0.5})


def test_reasons_and_refusals():
    assert scores.reasons(RECORDS)["m1", "vgen"] == {
        "passed": 4,
        "syntax": 2,
        "mismatch": 1,
        "refused": 1,
    }
    assert scores.refusals(RECORDS) == {"$finish": 1}


def test_what_the_compiler_said_is_counted_without_places_and_names():
    said = [
        "candidate.v:3: error: 'data' has already been declared in this scope.",
        "candidate.v:9: error: 'q' has already been declared in this scope.",
        "bench.v:17: error: Unknown module type: fifo",
        "candidate.v:1: en definition conflicts with definition at candidate.v:1.",
    ]
    records = verdicts("rtllm", 0.2, "a", *["syntax"] * 4)
    for record, message in zip(records, said, strict=True):
        record["detail"] = message
    assert scores.complaints(records)["m1", "rtllm"] == {
        "error: _ has already been declared in this scope.": 2,
        "error: Unknown module type: _": 1,
        "_ definition conflicts with definition at .": 1,
    }


def test_the_exam_is_told_by_family_and_by_wording():
    exam = [
        *verdicts("textbook-family", 0.2, "fifo/1/line-1", "passed", "syntax"),
        *verdicts("textbook-family", 0.2, "fifo/1/sheet-1", "passed", "passed"),
    ]
    assert [(p.kind, p.name, p.samples, p.function) for p in scores.parts(exam)] == [
        ("family", "fifo", 4, 0.75),
        ("wording", "line-1", 2, 0.5),
        ("wording", "sheet-1", 2, 1.0),
    ]
    assert [(p.name, p.syntax) for p in scores.parts(RECORDS)][:2] == [("a", 1.0), ("b", 0.5)]


def test_next_lines():
    (line,) = scores.lines(LINES)
    assert (line.places, line.exact, line.similarity, line.tokens_per_step) == (2, 0.5, 0.75, 2.0)
    assert line.tokens_per_step_with_lookup == 3.0
    old = [{k: v for k, v in one.items() if k != "steps_with_lookup"} for one in LINES]
    assert math.isnan(scores.lines(old)[0].tokens_per_step_with_lookup)


def test_the_report_names_models_and_marks_the_best(tmp_path):
    names = {"m1": "ours", "m2": "theirs"}
    report.write(tmp_path, report.find(names, RECORDS, LINES))
    text = (tmp_path / "report.md").read_text()
    assert (
        "| ours | vgen | **0.8** | **2** | **2** | **100.0** | **-** | **-** | **50.0** |" in text
    )
    assert "| ours | vgen | 0.2 | 2 | 2 | 50.0 | - | - | 50.0 |" in text
    assert "| ours | vgen | each's best | 2 | 2 | 100.0 | - | - | 75.0 |" in text
    assert "Refused for: $finish (1)" in text
    assert "| ours | prefix | 2 | 50.0 % | 75.0 % | 2.00 |" in text
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["scores"][1]["pass_at"]["syntax"] == {"1": 0.5}
    assert data["reasons"][0] == {"model": "m2", "suite": "rtllm", "counts": {"passed": 1}}
    assert (tmp_path / "pass_at_1.png").read_bytes().startswith(b"\x89PNG")


def test_models_that_were_not_asked_for_stay_out_of_the_report():
    text = report.markdown(report.find({"m2": "theirs"}, RECORDS, LINES))
    assert "vgen" not in text
    assert "Next lines" not in text
