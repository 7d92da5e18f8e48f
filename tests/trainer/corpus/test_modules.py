"""Which modules of a file are kept, and that what is dropped is counted under its reason."""

from collections import Counter

import pytest
from corpus_texts import ADDER, BENCH, COUNTER, GPL, MIT, SHIFTER

from trainer.corpus import modules
from trainer.corpus.modules import File


@pytest.fixture
def read(tmp_path):
    """Write one file into a MIT repository and read it."""
    (tmp_path / "LICENSE").write_text(MIT)

    def of(content, name="file.v", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return modules.of_file(File(path, tmp_path, **options))

    return of


def test_a_file_is_split_into_its_modules(read):
    result = read(COUNTER + "\n" + ADDER)
    assert [one.text for one in result.found] == [COUNTER.partition("\n")[2], ADDER]
    assert [one.origin for one in result.found] == ["comment", "template"]
    assert result.counts == {"files": 1, "modules": 2}


def test_system_verilog_is_read_too_and_only_its_modules_are_taken(read):
    interface = "interface bus; logic x; endinterface\npackage p; localparam N = 1; endpackage\n"
    result = read(interface + SHIFTER, "file.sv")
    assert [one.text for one in result.found] == [SHIFTER]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ADDER.replace("endmodule", ""), "incomplete"),
        (ADDER.replace("endmodule", "") + COUNTER, "incomplete"),
        (COUNTER + "\nendmodule\n", "incomplete"),
        ("module m(input a); endmodule", "too short or too long"),
        (ADDER.replace("assign sum", "assign assign sum"), "syntax error"),
        (BENCH, "test bench"),
        (BENCH.replace("counter_tb", "main"), "no ports, as test benches have none"),
        (ADDER.replace("full_adder", "tb_adder"), "test bench"),
        (
            ADDER.replace("endmodule", "  `uvm_info(a, b, c)\n  import uvm_pkg::*;\nendmodule"),
            "test bench",
        ),
        (
            ADDER.replace("  assign sum", "  // said twice\n" * 20 + "  assign sum"),
            "mostly comments",
        ),
        (
            "module rom(output [7:0] a [0:99]);\n assign a = '{"
            + "8'd1, " * 99
            + "8'd2};\nendmodule",
            "mostly numbers",
        ),
    ],
)
def test_what_is_dropped_is_counted_under_its_reason(read, text, reason):
    assert read(text).counts[f"modules dropped: {reason}"] == 1


def test_words_in_comments_and_strings_begin_no_module(read):
    text = ADDER.replace("endmodule", '// the module\n  initial $display("endmodule");\nendmodule')
    assert [one.text for one in read(text).found] == [text]


def test_a_macro_that_a_lost_header_defines_is_no_error(read):
    result = read('`include "config.vh"\n' + ADDER.replace("a ^ b", "`MIX(a, b)"))
    assert len(result.found) == 1


def test_includes_are_not_followed_so_they_may_form_a_cycle(read, tmp_path):
    (tmp_path / "a.vh").write_text('`include "b.vh"\n')
    (tmp_path / "b.vh").write_text('`include "a.vh"\n')
    assert len(read('`include "a.vh"\n' + ADDER).found) == 1


def test_pyverilog_can_be_the_parser(read):
    assert len(read(COUNTER, parser="pyverilog").found) == 1
    # Verilog-2005 is all that it reads.
    assert read(SHIFTER, parser="pyverilog").counts["modules dropped: syntax error"] == 1


def test_icarus_tells_what_elaborates_alone(read):
    instance = ADDER.replace("assign sum = a ^ b ^ cin", "mixer m(.a(a), .y(sum))")
    undeclared = ADDER.replace("a ^ b ^ cin", "a ^ b[7] ^ nothing")
    counts = read(ADDER + instance + undeclared, elaborate=True).counts
    assert counts["modules that elaborate alone"] == 1
    assert counts["modules that lack only submodules"] == 1
    assert counts["modules that fail to elaborate"] == 1


def test_latin_1_is_read(read):
    result = read(COUNTER.replace("A counter", "Z\u00e4hler: a counter").encode("latin-1"))
    assert result.found[0].description.startswith("Z\u00e4hler")
    assert result.counts["files read as Latin-1"] == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\x00\x01", "binary"),
        (b"// " + b"x" * (modules.MAX_FILE_BYTES + 1), "too large"),
        (f"// {GPL}\n" + ADDER, "no permissive licence"),
        ("// Generator: a script\n// DO NOT EDIT\n" + ADDER, "generated"),
        (ADDER + "// assign old = 1;\n" * 200, "mostly comments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_gives_nothing_says_why(read, content, reason):
    result = read(content)
    assert result.found == []
    assert result.counts == {"files": 1, f"files dropped: {reason}": 1}
    assert result.problem


def test_a_netlist_of_100_megabytes_is_not_even_read(read, tmp_path):
    path = tmp_path / "netlist.v"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    result = modules.of_file(File(path, tmp_path))
    assert result.problem == "100,000,000 bytes, more than 4,000,000"


def test_every_module_is_counted_once():
    counts = Counter()
    text = "endmodule module a; module b; endmodule module c;"
    assert [module for module, _ in modules.split(text, counts)] == ["module b; endmodule\n"]
    assert counts == {"modules": 4, "modules dropped: incomplete": 3}
