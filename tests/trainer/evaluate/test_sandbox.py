"""The sandbox against Verilog that does what a model's text might: each attack is contained and told."""

import socket

import pytest

from trainer.evaluate import sandbox
from trainer.evaluate.sandbox import Limits, SandboxMissing


def simulate(verilog, **limits):
    """Compile and simulate a text, both in the sandbox."""
    compiled = sandbox.run(
        ["iverilog", "-g2012", "-o", "/dev/stdout", "attack.v"], {"attack.v": verilog}
    )
    assert compiled.exit == 0, compiled.said
    return sandbox.run(["vvp", "-n", "attack"], {"attack": compiled.stdout}, Limits(**limits))


def test_a_simulation_runs_and_reads_the_files_it_was_given():
    compiled = sandbox.run(
        ["iverilog", "-o", "/dev/stdout", "m.v"],
        {
            "m.v": 'module m; reg [7:0] a [0:0]; initial begin $readmemh("a.hex", a); '
            '$display("%h", a[0]); end endmodule'
        },
    )
    outcome = sandbox.run(["vvp", "-n", "m"], {"m": compiled.stdout, "a.hex": "5a\n"})
    assert (outcome.exit, outcome.stdout, outcome.said) == (0, b"5a\n", "")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/usr/owned", "/dev/owned", "/dev/shm/owned", "/proc/owned", "/owned"]
)
def test_nothing_outside_can_be_written(path):
    outcome = simulate(
        f'module m; integer f; initial begin f = $fopen("{path}", "w"); $display("%0d", f); end '
        "endmodule"
    )
    assert outcome.stdout == b"0\n"


def test_what_is_written_in_its_own_folder_is_gone_afterwards(tmp_path):
    written = tmp_path / "owned"
    outcome = simulate(
        'module m; integer f; initial begin f = $fopen("/tmp/owned", "w"); $fwrite(f, "x"); '
        f'$display("%0d", f != 0); f = $fopen("{written}", "w"); $display("%0d", f); end endmodule'
    )
    assert outcome.stdout == b"1\n0\n"
    assert not written.exists()
    assert b"owned" not in sandbox.run(["ls", "/tmp"], {}).stdout


def test_a_file_of_the_user_cannot_be_read(tmp_path):
    secret = tmp_path / "secret.hex"
    secret.write_text("42\n")
    outcome = simulate(
        'module m; reg [7:0] a [0:0], b [0:0]; initial begin $readmemh("/etc/passwd", a); '
        f'$readmemh("{secret}", b); $display("%h %h", a[0], b[0]); end endmodule'
    )
    assert outcome.stdout.endswith(b"xx xx\n")
    assert outcome.stdout.count(b"Unable to open") == 2


def test_an_include_reaches_nothing():
    outcome = sandbox.run(
        ["iverilog", "-t", "null", "m.v"],
        {"m.v": '`include "/etc/passwd"\nmodule m; endmodule\n'},
    )
    assert outcome.exit != 0
    assert "/etc/passwd not found" in outcome.said


def test_there_is_no_shell_task():
    outcome = simulate('module m; initial $system("echo reached"); endmodule')
    assert outcome.exit != 0
    assert "$system() is not defined" in outcome.said
    assert b"reached" not in outcome.stdout


def test_an_endless_loop_is_stopped():
    outcome = simulate("module m; initial forever begin end endmodule", seconds=1)
    assert outcome.timed_out


def test_what_only_waits_is_stopped_with_all_it_started(monkeypatch):
    monkeypatch.setattr(sandbox, "PATIENCE", 0.5)
    outcome = sandbox.run(["sh", "-c", "sleep 1000 & sleep 1000"], {}, Limits(seconds=1))
    assert outcome.timed_out


def test_a_generate_loop_that_fills_the_memory_is_stopped():
    outcome = sandbox.run(
        ["iverilog", "-g2012", "-t", "null", "m.v"],
        {
            "m.v": "module m; genvar i; for (i = 0; i < 100000000; i = i + 1) wire [999:0] w = i; "
            "endmodule"
        },
        Limits(seconds=20, memory=1 << 26),
    )
    assert outcome.exit != 0
    assert "bad_alloc" in outcome.said


def test_a_huge_array_gets_no_memory():
    outcome = simulate(
        "module m; reg [1023:0] a [0:67108863]; integer i; initial "
        "for (i = 0; i < 67108864; i = i + 1) a[i] = i; endmodule",
        memory=1 << 28,
    )
    assert outcome.exit != 0


def test_processes_are_counted():
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done"
    outcome = sandbox.run(["sh", "-c", script], {}, Limits(processes=4))
    assert outcome.exit != 0
    assert "Cannot fork" in outcome.said or "Resource temporarily unavailable" in outcome.said


def test_a_flood_of_output_is_cut_off():
    outcome = simulate('module m; initial forever $display("x"); endmodule', output=1 << 16)
    assert outcome.flooded
    assert len(outcome.stdout) <= 1 << 16


def test_there_is_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.setblocking(False)
        outcome = sandbox.run(["bash", "-c", f"echo hello > /dev/tcp/127.0.0.1/{port}"], {})
        assert outcome.exit != 0
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_environment_stays_outside(monkeypatch):
    monkeypatch.setenv("VERIFRAG_TEST_TOKEN", "hush")
    outcome = sandbox.run(["sh", "-c", "cat /proc/*/environ"], {})
    assert outcome.exit == 0
    assert b"VERIFRAG_TEST_TOKEN" not in outcome.stdout


def test_without_bubblewrap_nothing_is_run(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match=r"bwrap is not installed.*apt-get install bubblewrap"):
        sandbox.run(["true"], {})


def test_without_namespaces_nothing_is_run(monkeypatch):
    monkeypatch.setattr(sandbox, "_namespaces", lambda inputs, status: ["--no-such-option"])
    with pytest.raises(SandboxMissing, match=r"Unknown option.*user\.max_user_namespaces"):
        sandbox.run(["true"], {})


def test_a_tool_that_is_not_there_is_named():
    with pytest.raises(SandboxMissing, match="there is no nonesuch under /usr"):
        sandbox.run(["nonesuch"], {})
