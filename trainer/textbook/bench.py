"""A self-checking test bench for a problem, its expected values computed by the problem's Python model.

The bench drives inputs away from the clock edge, and compares all outputs before and after it with what
the model says; X and Z count as wrong. It has no clock of its own, so a simulation always ends when the
bench does. Its own names begin with tb_, which no port's does. Its last line of output is

    VERDICT <nonce> <mismatches> <checks>

where the nonce comes from +nonce= on vvp's command line, so a module under test cannot know it.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from trainer.textbook.problem import Clocking, Expected, Port, Problem, Values

_EXHAUSTIVE_BITS = 7


def bench(
    problem: Problem, seed: str, top: str = "testbench", nonce: str = "", module: str = ""
) -> str:
    """The text of a module `top`, its stimuli drawn from `seed`.

    A `nonce` given here is printed instead of that of +nonce=; `module` is for a module that has been
    renamed.
    """
    inputs = [p for p in problem.ports if p.direction == "input" and not _is_clock(problem, p)]
    outputs = [p for p in problem.ports if p.direction == "output"]
    edge = problem.clocking.edge if problem.clocking else ""
    lines = [f"module {top};"]
    if problem.clocking:
        lines.append(f"    reg {problem.clocking.clock};")
    lines += [f"    reg {_range(p)}{p.name};" for p in inputs]
    lines += [f"    wire {_range(p)}{p.name};" for p in outputs]
    lines += [
        "    integer tb_mismatches, tb_checks;",
        "    reg [8*32-1:0] tb_nonce;",
        f"    {module or problem.name} tb_dut ("
        + ", ".join(f".{p.name}({p.name})" for p in problem.ports)
        + ");",
        *_expect(outputs),
        "    initial begin",
        "        tb_mismatches = 0; tb_checks = 0;",
        '        if (!$value$plusargs("nonce=%s", tb_nonce)) tb_nonce = "none";',
    ]
    if problem.clocking:
        lines.append(f"        {problem.clocking.clock} = {int(edge == 'negedge')};")
    joined = ", ".join(p.name for p in inputs)
    for values, before, after in _run(problem, inputs, Random(seed)):
        if inputs:
            lines.append(f"        {{{joined}}} = {_literal(inputs, values)}; #4;")
        lines.append(_check(outputs, before))
        if problem.clocking:
            clock = problem.clocking.clock
            lines.append(f"        #1 {clock} = ~{clock}; #4;")
            lines.append(_check(outputs, after))
            lines.append(f"        #1 {clock} = ~{clock};")
    shown = f'"{nonce}"' if nonce else "tb_nonce"
    lines += [
        f'        $display("VERDICT %0s %0d %0d", {shown}, tb_mismatches, tb_checks);',
        "    end",
        "endmodule",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _expect(outputs: list[Port]) -> list[str]:
    width = sum(p.width for p in outputs)
    joined = ", ".join(p.name for p in outputs)
    return [
        f"    task tb_expect(input [{width - 1}:0] tb_value, input [{width - 1}:0] tb_care);",
        "        begin",
        "            tb_checks = tb_checks + 1;",
        f"            if ((({{{joined}}} ^ tb_value) & tb_care) !== {width}'b0)",
        "                tb_mismatches = tb_mismatches + 1;",
        "        end",
        "    endtask",
    ]


def _check(outputs: list[Port], expected: Expected) -> str:
    """A call of `tb_expect`, or nothing if no output is determined."""
    care = {p.name: 0 if expected[p.name] is None else (1 << p.width) - 1 for p in outputs}
    if not any(care.values()):
        return ""
    values = {p.name: expected[p.name] or 0 for p in outputs}
    return f"        tb_expect({_literal(outputs, values)}, {_literal(outputs, care)});"


def _run(
    problem: Problem, inputs: list[Port], random: Random
) -> Iterator[tuple[Values, Expected, Expected]]:
    """(inputs, expected before the clock edge, expected after it) of every check."""
    behaviour, clocking = problem.behaviour, problem.clocking
    state = behaviour.start
    for number, values in enumerate(_stimuli(problem, inputs, random)):
        if clocking and clocking.reset:
            values = {**values, clocking.reset.name: _reset_level(problem, number, random)}
        asserted = _asserted(clocking, values)
        known = number > 0 or not (clocking and clocking.reset)
        if asserted and clocking and clocking.reset and clocking.reset.asynchronous:
            state, known = behaviour.start, True
        unknown = {p.name: None for p in problem.ports if p.direction == "output"}
        before = behaviour.outputs(state, values) if known else unknown
        if behaviour.step:
            state = behaviour.start if asserted else behaviour.step(state, values)
        yield values, before, behaviour.outputs(state, values)


def _stimuli(problem: Problem, inputs: list[Port], random: Random) -> Iterator[Values]:
    data = [p for p in inputs if not _is_reset(problem, p)]
    bits = sum(p.width for p in data)
    if not problem.clocking and not problem.stimulus and bits <= _EXHAUSTIVE_BITS:
        for pattern in range(1 << bits):
            yield _split(data, pattern)
        return
    lively = {p.name: random.choice((0.2, 0.5, 0.8)) for p in data}
    for number in range(problem.checks):
        if problem.stimulus:
            yield problem.stimulus(random, number)
            continue
        if number % 16 == 0:
            lively = {p.name: random.choice((0.1, 0.5, 0.5, 0.9)) for p in data}
        yield {p.name: _random_value(p, lively[p.name], random) for p in data}


def _random_value(port: Port, lively: float, random: Random) -> int:
    if port.width == 1:
        return int(random.random() < lively)
    top = (1 << port.width) - 1
    corners = (0, 1, top, top >> 1, (top >> 1) + 1)
    return random.choice(corners) if random.random() < 0.25 else random.randint(0, top)


def _split(ports: list[Port], pattern: int) -> Values:
    values = {}
    for port in reversed(ports):
        values[port.name] = pattern & ((1 << port.width) - 1)
        pattern >>= port.width
    return values


def _literal(ports: list[Port], values: Values) -> str:
    pattern = 0
    for port in ports:
        pattern = pattern << port.width | (values[port.name] & ((1 << port.width) - 1))
    return f"{sum(p.width for p in ports)}'h{pattern:x}"


def _reset_level(problem: Problem, number: int, random: Random) -> int:
    """Asserted for the first two cycles, and about twice in the run later."""
    assert problem.clocking and problem.clocking.reset
    asserted = number < 2 or random.random() < 2 / problem.checks
    return int(asserted != problem.clocking.reset.active_low)


def _asserted(clocking: Clocking | None, values: Values) -> bool:
    if not (clocking and clocking.reset):
        return False
    return bool(values[clocking.reset.name]) != clocking.reset.active_low


def _is_clock(problem: Problem, port: Port) -> bool:
    return problem.clocking is not None and port.name == problem.clocking.clock


def _is_reset(problem: Problem, port: Port) -> bool:
    clocking = problem.clocking
    return bool(clocking and clocking.reset and port.name == clocking.reset.name)


def _range(port: Port) -> str:
    return f"[{port.width - 1}:0] " if port.width > 1 else ""
