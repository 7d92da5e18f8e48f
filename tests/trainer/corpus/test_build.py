"""The command from end to end: what it writes, that it can be killed, and what bad input does to it."""

import json
import subprocess
import sys

import pytest
from corpus_texts import ADDER, COUNTER, GPL, MIT, SHIFTER

from trainer import corpus
from trainer.corpus import build as building
from trainer.corpus.__main__ import main
from trainer.corpus.endpoint import Endpoint
from trainer.corpus.store import Item


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def run(out, *arguments):
    """Run the command with one process; returns (names of the modules kept, manifest)."""
    assert main([str(out), *map(str, arguments), "--jobs", "1"]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    return [item.text.split()[1] for item in corpus.read(out)], manifest


def another(repository, name, text):
    folder = repository.parent / name
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    (folder / "a.v").write_text(text)
    return folder


def test_the_command_writes_items_and_a_manifest_that_accounts_for_everything(repository, out):
    names, manifest = run(out, repository)
    assert names == ["counter", "full_adder", "shifter"]
    assert corpus.read(out)[0] == Item(
        text=COUNTER.partition("\n")[2],
        description="A counter that wraps at its parameter.",
        source="someone/design",
        path="all.v",
        commit="abc123",
        licence="MIT",
        origin="comment",
    )
    counts = manifest["counts"]
    dropped = [count for name, count in counts.items() if name.startswith(("modules d", "items d"))]
    assert counts["modules"] == 6
    assert counts["modules"] - sum(dropped) == counts["items"] == 3
    assert counts["items dropped: near-duplicate"] == 1
    assert manifest["sources"] == [
        {"source": "someone/design", "commit": "abc123", "licence": "MIT", "items": 3}
    ]
    assert sorted(path.name for path in out.iterdir()) == [
        *("decontamination.json", "decontamination.md", "manifest.json", "modules-00000.jsonl")
    ]


def test_the_same_input_gives_the_same_corpus_with_any_number_of_processes(repository, tmp_path):
    main([str(tmp_path / "one"), str(repository), "--jobs", "1"])
    main([str(tmp_path / "three"), str(repository), "--jobs", "3"])
    for name in ("modules-00000.jsonl", "manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()


def test_an_interrupted_run_goes_on_where_it_was(repository, out, monkeypatch):
    second = another(repository, "second", ADDER.replace("^", "|").replace("full_adder", "mixer"))
    expected, manifest = run(out.parent / "uninterrupted", repository, second)
    repository_of, read = building._repository, []

    def stops_at_the_second(folder, *arguments):
        read.append(folder.name)
        if read == ["someone+design", "second"]:
            raise KeyboardInterrupt
        return repository_of(folder, *arguments)

    monkeypatch.setattr(building, "_repository", stops_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(out, repository, second)
    assert not (out / "manifest.json").exists()
    assert run(out, repository, second) == (expected, manifest)
    assert read == ["someone+design", "second", "second"]


def test_a_source_that_has_changed_is_read_again(repository, out):
    run(out, repository, "--keep-work")
    (repository / "new.v").write_text(COUNTER.replace("q + 1", "q - 3").replace("counter", "down3"))
    names, _ = run(out, repository)
    assert "down3" in names


def test_another_exclusion_makes_only_the_sources_that_it_touches_be_read_again(
    repository, out, monkeypatch
):
    second = another(repository, "second", ADDER.replace("^", "|").replace("full_adder", "mixer"))
    run(out, repository, second, "--keep-work")
    repository_of, read = building._repository, []

    def noted(folder, *arguments):
        read.append(folder.name)
        return repository_of(folder, *arguments)

    monkeypatch.setattr(building, "_repository", noted)
    names, _ = run(out, repository, second, "--exclude", "*/shifter.sv")
    assert names == ["counter", "full_adder", "mixer"]
    assert read == ["someone+design"]


def test_bad_files_are_listed_and_survived(repository, out):
    (repository / "binary.v").write_bytes(b"\x7fELF\x00")
    (repository / "latin.v").write_bytes(
        SHIFTER.replace("shifter", "other").encode() + b"// \xe4\xff"
    )
    with (repository / "netlist.v").open("wb") as file:
        file.truncate(100_000_000)
    (repository / "include.v").write_text('`include "include.v"\n')
    (repository / "circle.v").symlink_to(repository / "circle.v")
    (repository / "folder.v").mkdir()
    names, manifest = run(out, repository)
    assert len(names) == 3
    assert manifest["problems"] == [
        {"path": "someone/design/binary.v", "reason": "binary, not text"},
        {"path": "someone/design/netlist.v", "reason": "100,000,000 bytes, more than 4,000,000"},
    ]


def test_a_file_that_keeps_its_parser_busy_is_given_up(repository, out, monkeypatch):
    monkeypatch.setattr(building, "TASK_SECONDS", 1)
    sum_ = " + ".join(["a"] * 14_000)
    module = f"module slow(input [7:0] a, output [7:0] y); assign y = {sum_}; endmodule\n"
    (repository / "slow.v").write_text(module * 60)
    names, manifest = run(out, repository)
    assert names == ["counter", "full_adder", "shifter"]
    reason = "took longer than 1 s and was stopped"
    assert manifest["problems"] == [{"path": "someone/design/slow.v", "reason": reason}]
    assert manifest["counts"]["files dropped: failed"] == 1


def test_sources_that_give_nothing_are_listed(tmp_path, out, repository):
    (tmp_path / "empty").mkdir()
    copyleft = another(repository, "copyleft", ADDER)
    (copyleft / "LICENSE").write_text(GPL)
    unknown = another(repository, "unknown", SHIFTER.replace("shifter", "mine"))
    (unknown / "LICENSE").unlink()
    _, manifest = run(out, tmp_path / "empty", copyleft, unknown, repository)
    assert [(p["path"], p["reason"]) for p in manifest["problems"]] == [
        ("empty", "no .v or .sv file"),
        ("copyleft", "licence: copyleft"),
        ("unknown/a.v", "licence: none found"),
    ]


def test_a_licence_can_be_given_for_code_that_carries_none(repository, out):
    (repository / "LICENSE").unlink()
    names, manifest = run(out, repository, "--licence", "ISC")
    assert len(names) == 3
    assert manifest["sources"][0]["licence"] == "ISC"


def test_a_repository_may_be_the_working_folder(repository, out, monkeypatch):
    monkeypatch.chdir(repository)
    run(out, ".")
    assert corpus.read(out)[0].source == "someone/design"


def test_paths_can_be_excluded(repository, out):
    names, manifest = run(out, repository, "--exclude", "someone/design/a*.v")
    assert names == ["counter", "shifter"]  # the copy of the counter is no copy now
    assert manifest["counts"]["files excluded by name"] == 1


def test_one_repository_can_be_kept_from_dominating(repository, out, tmp_path):
    second = another(repository, "second", ADDER.replace("^", "|").replace("full_adder", "mixer"))
    gates = [ADDER.replace("^", op).replace("full_adder", f"gate{n}") for n, op in enumerate("&|-")]
    rows = [{"problem": "A gate.", "verilog_code": gate} for gate in gates]
    (second / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    sources = (repository, second, "--from", second / "pairs.jsonl")
    every, _ = run(out, *sources)
    names, manifest = run(out, *sources, "--most-of-one", "2")
    assert len(set(names) & {"counter", "full_adder", "shifter"}) == 2
    assert [name for name in every if name in names] == names  # in their old order
    assert set(every) - set(names) <= {"counter", "full_adder", "shifter"}
    assert manifest["counts"]["items dropped: too many of one repository"] == 1
    assert manifest["options"]["most_of_one"] == 2
    assert run(out, *sources, "--most-of-one", "2") == (names, manifest)


def test_pairs_are_read_along_with_repositories(repository, out, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "LICENSE").write_text(MIT)
    gate = ADDER.replace("^", "|").replace("full_adder", "mixer")
    rows = [
        {"problem": "Mix them.", "verilog_code": gate},
        {"problem": "Add.", "verilog_code": ADDER},
    ]
    lines = [*map(json.dumps, rows), "not JSON"]
    (tmp_path / "set" / "pairs.jsonl").write_text("\n".join(lines))
    names, manifest = run(out, repository, "--from", tmp_path / "set" / "pairs.jsonl")
    assert names == ["counter", "full_adder", "shifter", "mixer"]  # and no second adder
    assert corpus.read(out)[-1].description == "Mix them."
    assert manifest["counts"]["pairs"] == 3
    assert manifest["problems"][0]["path"] == "set/pairs.jsonl/line 3"


def test_a_lone_surrogate_in_a_pair_does_not_stop_the_corpus_from_being_written(out, tmp_path):
    (tmp_path / "LICENSE").write_text(MIT)
    row = {"problem": "Add \ud800 them.", "verilog_code": ADDER.replace(";\n", "; // \udfff\n")}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row))
    run(out, "--from", tmp_path / "pairs.jsonl")
    [item] = corpus.read(out)
    assert item.description == "Add ? them."
    assert "; // ?\n" in item.text


def test_a_model_can_describe_what_is_kept(repository, out, monkeypatch):
    monkeypatch.setattr(Endpoint, "_ask", lambda _, text: f"This is {text.split()[1]}.")
    run(out, repository, "--describe-with", "http://localhost/v1", "--describe-model", "describer")
    described = [(item.description, item.origin) for item in corpus.read(out)]
    names = ("counter", "full_adder", "shifter")
    assert described == [(f"This is {name}.", "model") for name in names]
    assert (out / "descriptions.jsonl").exists()  # for the next time


def test_where_the_model_fails_the_description_stays(repository, out, monkeypatch):
    def refuse(_endpoint, _text):
        raise ConnectionError("refused")

    monkeypatch.setattr(Endpoint, "_ask", refuse)
    options = ("--describe-with", "http://localhost/v1", "--describe-model", "describer")
    _, manifest = run(out, repository, *options)
    assert corpus.read(out)[0].description == "A counter that wraps at its parameter."
    assert manifest["counts"]["descriptions that failed"] == 3
    assert manifest["problems"] == [
        {"path": "3 descriptions", "reason": "ConnectionError: refused"}
    ]


def test_copies_of_benchmark_problems_are_dropped(repository, out, tmp_path):
    (tmp_path / "bench" / "add").mkdir(parents=True)
    (tmp_path / "bench" / "add" / "answer.v").write_text(ADDER.replace("cin", "carry"))
    names, manifest = run(out, repository, "--benchmarks", tmp_path / "bench")
    assert names == ["counter", "shifter"]
    assert manifest["counts"]["items dropped: overlaps a benchmark"] == 1
    assert "full_adder" in (out / "decontamination.md").read_text()


def test_a_full_disk_is_one_clear_error_and_leaves_the_old_corpus(repository, out):
    before = run(out, repository)
    (out / ".manifest.json.new.partial").symlink_to("/dev/full")
    (repository / "new.v").write_text(SHIFTER.replace("shifter", "more").replace("d}", "~d}"))
    with pytest.raises(SystemExit, match="No space left on device") as stopped:
        run(out, repository)
    assert "is as it was" in str(stopped.value)
    names = [item.text.split()[1] for item in corpus.read(out)]
    assert (names, json.loads((out / "manifest.json").read_text())) == before


def test_a_killed_command_leaves_no_process_and_no_manifest(repository, out):
    command = [sys.executable, "-m", "trainer.corpus", out, repository]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        said = b""
        while b"someone/design" not in said:
            said += process.stderr.read(1)
        process.kill()
        process.stderr.read()  # comes to an end once no process holds the other side
    assert not (out / "manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to read"),
        (["nowhere"], "nowhere is no folder"),
        (["--from", "nowhere.jsonl"], "there is no such file"),
        ([".", "--jobs", "0"], "at least 1"),
        ([".", "--most-of-one", "-1"], "at least 1"),
        ([".", "--describe-with", "http://localhost"], "go together"),
    ],
)
def test_wrong_arguments_are_told_before_any_work(out, capsys, arguments, message):
    with pytest.raises(SystemExit):
        main([str(out), *arguments])
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_without_a_manifest_is_no_corpus(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m trainer\.corpus"):
        corpus.read(tmp_path)


def test_a_corpus_that_was_changed_is_not_read(repository, out):
    run(out, repository)
    with (out / "modules-00000.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(ValueError, match="not as the manifest has it"):
        corpus.read(out)
