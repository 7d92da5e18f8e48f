"""Many modules in one simulation, and bad ones among them."""

from __future__ import annotations

from trainer.textbook import verify
from trainer.textbook.verify import Trial


def trial(number: int, body: str) -> Trial:
    top = f"testbench_{number}"
    bench = (
        f"module {top}; wire y; m_{number} dut(y);\n"
        f'initial begin #1 $display("VERDICT {top} %0d 1", y !== 1\'b1); end\nendmodule\n'
    )
    return Trial(f"module m_{number}(output y);\n{body}\nendmodule\n", bench, top)


def test_each_of_a_lot_has_its_own_verdict() -> None:
    lot = [trial(0, "assign y = 1;"), trial(1, "assign y = 0;"), trial(2, "assign y = 1;")]
    assert verify.passing(lot) == [True, False, True]


def test_one_that_does_not_compile_does_not_spoil_the_others() -> None:
    lot = [trial(0, "assign y = 1;"), trial(1, "assign y = ;"), trial(2, "assign y = 1;")]
    assert verify.passing(lot) == [True, False, True]


def test_a_module_that_iverilog_warns_about_is_not_for_a_textbook() -> None:
    assert verify.passing([trial(0, "assign y = nobody_declared_me | 1'b1;")]) == [False]


def test_renaming_leaves_other_identifiers_alone() -> None:
    text = (
        "module add(input add_in, output y);\nsum u(add_in, y);\nendmodule\n"
        "module sum(input a, output y);\n"
    )
    renamed = verify.renamed(text, "_7")
    assert "module add_7(input add_in" in renamed
    assert "sum_7 u(" in renamed and "module sum_7(" in renamed
