"""Building the data set: what is kept, what is dropped, and that both are counted."""

import json
from collections import Counter

import pytest

from trainer import corpus, licences
from trainer.corpus import Item

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"
COUNTER = """// A counter that wraps at its parameter.
module counter #(parameter WIDTH = 8) (input clk, input rst, output reg [WIDTH-1:0] q);
  always @(posedge clk) if (rst) q <= 0; else q <= q + 1;
endmodule
"""
ADDER = """module full_adder (input a, input b, input cin, output sum, output cout);
  assign sum = a ^ b ^ cin;
  assign cout = (a & b) | (a & cin) | (b & cin);
endmodule
"""
BENCH = "module counter_tb; reg clk; initial begin #100 clk = 0; #200 $finish; end endmodule // a bench\n"


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "someone+design"
    folder.mkdir()
    (folder / "LICENSE").write_text(MIT)
    (folder / "all.v").write_text(COUNTER + ADDER + BENCH)
    (folder / "broken.v").write_text(ADDER.replace("assign sum", "assign assign sum"))
    (folder / "copy.v").write_text(COUNTER.replace("wraps", "also wraps"))
    (folder / "bytes.v").write_bytes(b"\xff\xfe\x00 not Verilog")
    return folder


def test_the_command_writes_items_and_a_manifest(repository, tmp_path, capsys):
    out = tmp_path / "out"
    assert corpus.main([str(out), str(repository)]) == 0
    items = corpus.read(out)
    assert [item.text.split()[1] for item in items] == ["counter", "full_adder"]
    assert items[0].description == "A counter that wraps at its parameter."
    assert items[1].description == "full adder with inputs a, b, cin; outputs sum, cout"
    assert (items[0].source, items[0].licence) == ("someone/design", "MIT")
    counts = json.loads((out / "manifest.json").read_text())["counts"]
    assert counts["modules"] == 5
    assert counts["dropped: syntax error"] == 1
    assert counts["dropped: test bench"] == 1
    assert counts["dropped: near-duplicate"] == 1


def test_a_repository_under_another_licence_is_left_out(repository):
    (repository / "LICENSE").write_text("GNU GENERAL PUBLIC LICENSE Version 3")
    counts = Counter()
    assert list(corpus.collect([repository], [], counts)) == []
    assert counts == {"repositories without a permissive licence": 1}


def test_paths_can_be_excluded(repository):
    counts = Counter()
    items = list(corpus.collect([repository], ["someone/design/a*.v"], counts))
    assert {item.path for item in items} == {"copy.v"}
    assert counts["files excluded by name"] == 1


def test_what_overlaps_a_benchmark_is_dropped(tmp_path):
    bench = tmp_path / "bench"
    bench.mkdir()
    (bench / "problem.v").write_text("// renamed file, other comment\n" + ADDER)
    (bench / "problem.jsonl").write_text(json.dumps({"solution": COUNTER}))
    items = [Item(text, "", "", "", "", "MIT") for text in (ADDER, COUNTER, COUNTER * 0 + BENCH)]
    counts = Counter()
    kept = corpus.decontaminate(items, corpus.benchmark_grams([bench]), counts)
    assert [item.text for item in kept] == [BENCH]
    assert counts["dropped: overlaps a benchmark"] == 2


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (MIT, "MIT"),
        ("// Permission to use, copy, modify, and/or distribute this software", "ISC"),
        ("Redistribution and use in source\n * and binary forms", "BSD"),
        ("Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE", "copyleft"),
        ("All rights reserved.", None),
    ],
)
def test_licences_are_told_from_their_text(text, licence):
    assert licences.of_text(text) == licence
