"""The command: what it prints and writes, and what it keeps when it is stopped."""

import importlib.util
import json
import sys
import time

import pytest
from tiny_model import VERILOG, tiny_model

from engine import model as models
from engine.bench import __main__ as bench
from engine.bench import compare, measure, methods, report
from engine.bench.decoders import open_decoder
from engine.bench.llama_cpp_decoder import LlamaCpp
from engine.bench.methods import Method
from trainer import vocabulary

RIVALS = ["generate", "prompt-lookup"]


class InProcess:
    """A worker that decodes in the test's own process, without starting one for each method."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.threads = 0

    def ready(self) -> None:
        of_llama_cpp = self.method.kind == "llama.cpp"
        self.decoder = LlamaCpp(self.method) if of_llama_cpp else open_decoder(self.method)

    def run(self, request):
        began = time.perf_counter()
        text = self.decoder.run(request)
        return time.perf_counter() - began, len(text)

    def trace(self, request):
        return self.decoder.trace(request)

    def set_threads(self, count: int) -> None:
        self.threads = count

    def peak(self) -> int:
        return 3 * 2**20

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench")
    models.save(tiny_model(), path / "tiny")
    (path / "counter.v").write_text(VERILOG)
    return path


@pytest.fixture
def in_process(monkeypatch):
    monkeypatch.setattr(compare, "Worker", InProcess)


def arguments(folder, *more):
    words = [
        "--model",
        folder / "tiny",
        "--sources",
        folder / "counter.v",
        "--json",
        folder / "out",
    ]
    words += ["--prompts", 2, "--tokens", 8, "--repeats", 2, "--threads", 1, *more]
    return [str(word) for word in words]


@pytest.mark.slow
def test_json_has_the_agreed_shape(folder, in_process, capsys):
    names = [name for name in methods.NAMES if name != "llama.cpp"]
    assert bench.main(arguments(folder, "--methods", *names, "--trace")) == 0
    written = json.loads((folder / "out").read_text())
    assert written["model"] == models.read_card(folder / "tiny").name
    assert "cores" in written["machine"]
    keys = {(row["name"], row["sampling"]) for row in written["results"]}
    assert keys == {(name, sampling) for name in names for sampling in ("greedy", "0.8")}
    for row in written["results"]:
        for number in ("chars_per_s", "tokens_per_s", "tokens_per_step"):
            assert row[number] > 0
        assert isinstance(row["ms_per_step"], float)
        assert row["tokens_per_s_without_frag"] <= row["tokens_per_s"]
        assert set(row["parts_ms"]) == (set() if row["name"] in RIVALS else set(report.PARTS))
    ones = {(row["name"], row["tokens_per_step"]) for row in written["results"]}
    assert ("generate", 1.0) in ones and ("plain", 1.0) in ones
    lossless = {(one["name"], one["dtype"]): one for one in written["lossless"]}
    assert lossless["fragment", "float32"]["gaps"] == []
    assert ("fragment", "bfloat16") in lossless
    said = capsys.readouterr().out
    assert "fragment / generate" in said and "fragment / llama.cpp: not measured" in said
    assert "fragment, float32: 0 of 2" in said
    assert "hole counter:" in said and " steps  " in said


def test_a_missing_rival_is_told_and_the_rest_goes_on(folder, in_process, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    words = ["--methods", "fragment", "plain", "llama.cpp", "--samplings", "greedy", "--quick"]
    assert bench.main(arguments(folder, *words)) == 0
    assert "llama-cpp-python is missing: pip install" in capsys.readouterr().out
    names = [row["name"] for row in json.loads((folder / "out").read_text())["results"]]
    assert names == ["fragment", "plain"]


def test_what_is_done_when_it_is_stopped_is_kept(folder, in_process, monkeypatch):
    timings = measure.timings

    def stopped(*args):
        for number, one in enumerate(timings(*args)):
            if number == 5:
                raise KeyboardInterrupt
            yield one

    monkeypatch.setattr(measure, "timings", stopped)
    words = ["--methods", "fragment", "plain", "--samplings", "greedy"]
    assert bench.main(arguments(folder, *words)) == 130
    names = [row["name"] for row in json.loads((folder / "out").read_text())["results"]]
    assert names == ["fragment", "plain"]


@pytest.mark.slow
def test_ablation_turns_off_one_part_at_a_time(folder, in_process):
    words = ["--methods", "fragment", "plain", "--samplings", "greedy", "--ablation", "--quick"]
    assert bench.main(arguments(folder, *words)) == 0
    rows = json.loads((folder / "out").read_text())["ablation"]
    assert [row["name"] for row in rows] == [one.name for one in methods.ablation("")]


def test_plot_is_drawn(folder, in_process, tmp_path):
    words = ["--methods", "fragment", "plain", "--quick", "--plot", tmp_path / "steps.png"]
    assert bench.main(arguments(folder, *words)) == 0
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")


def test_errors_are_one_line(folder, capsys):
    assert bench.main(["--model", str(folder / "nowhere")]) == 1
    assert bench.main(arguments(folder, "--tokens", "9999")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "--tokens" in lines[1]


def test_counts_are_at_least_one(folder, capsys):
    with pytest.raises(SystemExit):
        bench.main(arguments(folder, "--repeats", "0"))
    assert "at least 1" in capsys.readouterr().err


def test_medusa_needs_the_same_vocabulary(folder, tmp_path, capsys):
    other = tiny_model()
    other.tokenizer = vocabulary.train(
        ["module quite_another(input data);\nendmodule\n"] * 4, size=320
    )
    models.save(other, tmp_path / "other")
    assert bench.main(arguments(folder, "--medusa", tmp_path / "other")) == 1
    assert "vocabulary" in capsys.readouterr().err


def test_bars_are_judged():
    def row(name, speed):
        return report.Result(
            name, "greedy", speed, (speed, speed), speed, speed, 1.0, 1, 1.0, {}, {}, 1.0, 1, 1.0
        )

    said = report.bars([row("fragment", 300.0), row("generate", 50.0), row("medusa", 250.0)])
    assert said.splitlines() == [
        "fragment / generate: 6.00 (bar 5.05, reached)",
        "fragment / llama.cpp: not measured (bar 1.5)",
        "fragment / medusa: 1.20 (bar 1.42, not reached)",
        "fragment / medusa-small: not measured (bar 1.42)",
    ]


@pytest.mark.slow
def test_every_method_in_a_process_of_its_own(folder):
    words = ["--quick", "--samplings", "greedy", "--prompts", "1"]
    assert bench.main(arguments(folder, *words)) == 0
    rows = {row["name"]: row for row in json.loads((folder / "out").read_text())["results"]}
    expected = {*methods.NAMES}
    if importlib.util.find_spec("llama_cpp") is None:
        expected.remove("llama.cpp")
    assert set(rows) == expected
    assert all(row["peak_mib"] > 10 for row in rows.values())
