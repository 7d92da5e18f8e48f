"""Detectors of bit sequences and runs, as state machines and as shift registers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for, state_machine
from trainer.textbook.problem import Behaviour, Clocking, Port, Problem, Values

_BITS = ("din", "x", "in", "data", "bit_in", "serial_in", "d", "sin", "data_in")
_FOUND = ("detected", "z", "found", "match", "y", "out", "seq_found", "hit", "pattern_found")
_NAMES = ("sequence_detector", "seq_detector", "pattern_detector", "seq_det", "detect")


def _pattern(d: Draw, low: int, high: int) -> str:
    """Random bits, not all equal."""
    while True:
        pattern = "".join(d.choose("0", "1") for _ in range(d.integer(low, high)))
        if len(set(pattern)) == 2:
            return pattern


def border(text: str, pattern: str) -> int:
    """Length of the longest start of `pattern` that `text` ends with."""
    return next(n for n in range(len(pattern), -1, -1) if text.endswith(pattern[:n]))


def _bits_of(x: str, pattern: str, others: dict[str, float]) -> Callable[[Random, int], Values]:
    """Mostly the pattern over and over, in half of the time so that its ends overlap."""
    overlap = border(pattern[1:], pattern)

    def stimulus(random: Random, number: int) -> Values:
        period = len(pattern) - (overlap if number // 20 % 2 else 0)
        bit = int(pattern[number % period]) if random.random() < 0.9 else random.getrandbits(1)
        return {x: bit, **{name: int(random.random() < p) for name, p in others.items()}}

    return stimulus


def sequence_detector(d: Draw) -> Problem:
    """Moore or Mealy, overlapping or not, as a state machine with one state a matched bit."""
    clocking = d.clocking(reset=1.0)
    pattern, moore, overlap = _pattern(d, 3, 6), d.chance(0.5), d.chance(0.6)
    x, z = d.name(*_BITS), d.name(*_FOUND)
    enable = d.name("en", "valid", "enable", "din_valid") if d.chance(0.2) else ""
    stem = d.choose("S", "S", "ST", "GOT", "STATE_")
    matched = range(len(pattern) + moore)
    states = [f"{stem}{n}" for n in matched]
    arcs = {states[n]: _matcher_arcs(d, n, pattern, (moore, overlap), states, x) for n in matched}
    if enable:
        arcs = {
            s: [(f"{enable} && {when}" if when else enable, to) for when, to in pairs]
            for s, pairs in arcs.items()
        }
    body = comment(d, f"Each state stands for the part of {pattern} seen so far")
    body += state_machine(d, clocking, states, arcs)
    last = x if pattern[-1] == "1" else f"{d.choose('!', '~')}{x}"
    gate = f" && {enable}" if enable else ""
    found = f"(state == {states[-1]})" if moore else f"(state == {states[-1]}) && {last}{gate}"
    body += ["", f"assign {z} = {found};"]

    def step(seen: str, values: Values) -> str:
        if enable and not values[enable]:
            return seen
        if seen.endswith(pattern) and not overlap:
            seen = ""
        return (seen + str(values[x]))[-len(pattern) :]

    def outputs(seen: str, values: Values) -> dict[str, int]:
        now = seen if moore else ("" if values.get(enable, 1) == 0 else step(seen, values))
        return {z: int(now.endswith(pattern))}

    kind = f"{'' if overlap else 'non-'}overlapping"
    style = "Moore" if moore else "Mealy"
    facts: list[str | tuple[str, ...]] = [
        (
            f"The machine looks for the bit sequence {pattern} on {x}, first bit first.",
            f"It recognises the pattern {pattern} in the serial input {x} (leftmost bit arrives "
            f"first).",
            f"{x} delivers one bit each clock cycle; the sequence to be found is {pattern}, left "
            f"to right.",
        ),
        (
            f"Bits are taken at the {edge(clocking)}.",
            f"The input is sampled on each {edge(clocking)}.",
        ),
        (
            "Sequences may overlap: the end of one can be the start of the next.",
            "Overlapping occurrences are all detected.",
        )
        if overlap
        else (
            "Sequences do not overlap: after a detection the search starts afresh with the next "
            "bit.",
            "No bit belongs to two detected sequences.",
        ),
        (
            f"The output is of Moore type: {z} is high in the cycle after the last bit was taken.",
            f"{z} depends on the state only and goes high after the edge that takes the last bit.",
        )
        if moore
        else (
            f"The output is of Mealy type: {z} is high already while the last bit is on {x}, "
            f"before the edge.",
            f"{z} is combinational: it rises in the same cycle in which {x} shows the last bit.",
        ),
        d.reset_fact(clocking, "all progress is forgotten"),
    ]
    if enable:
        facts.append(
            (
                f"While {enable} is low, {x} is ignored and the state does not change"
                + ("." if moore else f", and {z} is low."),
                f"A bit counts only if {enable} is high"
                + (
                    "; otherwise the state stays."
                    if moore
                    else f"; otherwise {z} is 0 and the state stays."
                ),
            )
        )
    ports = [
        *d.clock_ports(clocking),
        Port(x, "input", meaning=("serial input", "input bit stream")),
    ]
    if enable:
        ports.append(Port(enable, "input", meaning=("input bit valid", "enable, active high")))
    ports.append(Port(z, "output", meaning=(f"high when {pattern} was found", "detection flag")))
    return Problem(
        name=d.name(*_NAMES, f"detect_{pattern}", f"seq_{pattern}", f"{style.lower()}_{pattern}"),
        ports=ports,
        body=body,
        phrases=[
            f"{kind} {style} sequence detector for "
            f"{pattern}{' with input enable' if enable else ''}",
            f"{style} state machine that detects the bit sequence {pattern}",
            f"detector of the serial pattern {pattern}, {kind}",
        ],
        facts=facts,
        clocking=clocking,
        stimulus=_bits_of(x, pattern, {enable: 0.8} if enable else {}),
        behaviour=Behaviour(start="", step=step, outputs=outputs),
        checks=120,
    )


def _matcher_arcs(
    d: Draw, matched: int, pattern: str, kind: tuple[bool, bool], states: list[str], x: str
) -> list[tuple[str, str]]:
    """The arcs of the state in which `matched` bits of the pattern have been seen."""
    moore, overlap = kind
    seen = "" if matched == len(pattern) and not overlap else pattern[:matched]
    to = {}
    for bit in "01":
        length = border(seen + bit, pattern)
        if length == len(pattern) and not moore:
            length = border(pattern[1:], pattern) if overlap else 0
        to[bit] = states[length]
    if to["0"] == to["1"]:
        return [("", to["0"])]
    if d.chance(0.8):
        return [(x, to["1"]), ("", to["0"])]
    return [(f"!{x}", to["0"]), ("", to["1"])]


def shift_detector(d: Draw) -> Problem:
    """A window of the last bits compared with a constant."""
    clocking = d.clocking(reset=1.0)
    pattern = _pattern(d, 3, 8)
    n, left = len(pattern), d.chance(0.7)
    x = d.name(*_BITS)
    z = d.name(*_FOUND)
    window = d.name("shift", "window", "history", "sr", "shift_reg")
    registered = d.chance(0.35)
    stored = pattern if left else pattern[::-1]
    constant = f"{n}'b{stored}"
    moved = f"{{{window}[{n - 2}:0], {x}}}" if left else f"{{{x}, {window}[{n - 1}:1]}}"
    run, reset = [f"{window} <= {moved};"], [f"{window} <= {d.number(0, n)};"]
    if registered:
        run.append(f"{z} <= ({moved} == {constant});")
        reset.append(f"{z} <= 1'b0;")
    body = [
        f"reg {span(n)}{window};",
        "",
        *comment(d, f"The last {n} bits"),
        *d.always_clocked(clocking, run, reset),
    ]
    if not registered:
        test = d.choose(
            f"({window} == {constant})",
            f"{window} == {constant}",
            f"({window} == {constant}) ? 1'b1 : 1'b0",
        )
        body += ["", f"assign {z} = {test};"]
    return Problem(
        name=d.name(*_NAMES, f"detect_{pattern}", "shift_detector", "pattern_match"),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", meaning=("serial input", "input bit stream")),
            Port(z, "output", meaning=(f"high after {pattern}", "match flag"), reg=registered),
        ],
        body=body,
        phrases=[
            f"shift-register detector of the {n}-bit pattern {pattern}",
            f"sequence detector for {pattern} that keeps the last {n} bits in a shift register",
            f"serial pattern matcher for {pattern}",
        ],
        facts=[
            (
                f"The last {n} bits of {x} are kept in a shift register and compared with "
                f"{pattern}.",
                f"A {n}-bit window over the serial input {x} is compared with {pattern}.",
            ),
            (
                f"The leftmost bit of {pattern} is the oldest one.",
                f"In {pattern} the bit on the left arrives first.",
            ),
            (
                f"{z} is high after the {edge(clocking)} that takes the last bit, for one "
                f"cycle a match.",
                f"After each {edge(clocking)}, {z} tells whether the {n} bits taken last match.",
            ),
            ("Matches may overlap.", "Overlapping occurrences count."),
            d.reset_fact(clocking, "the window is filled with zeros, which count as bits received"),
        ],
        clocking=clocking,
        stimulus=_bits_of(x, pattern, {}),
        behaviour=Behaviour(
            start="0" * n,
            step=lambda seen, v: seen[1:] + str(v[x]),
            outputs=lambda seen, v: {z: int(seen == pattern)},
        ),
        checks=110,
    )


def run_detector(d: Draw) -> Problem:
    """High while the last N bits were all ones, all zeros, or all the same."""
    clocking = d.clocking(reset=1.0)
    length, kind = d.integer(2, 9), d.choose("ones", "zeros")
    x, z = d.name(*_BITS), d.name("run", "z", "found", "stable", "out", "detected", "long_run")
    body = _run_body(d, (x, z), length, kind, clocking)
    level = int(kind == "ones")

    def stimulus(random: Random, number: int) -> Values:
        """Long runs, broken now and then."""
        return {x: level if random.random() < 0.85 else 1 - level}

    return Problem(
        name=d.name(
            "run_detector", f"{kind}_detector", f"consecutive_{kind}", f"{kind}_{length}", "run_det"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", meaning=("serial input", "sampled input")),
            Port(
                z, "output", meaning=(f"high after {length} {kind} in a row", f"run of {kind} seen")
            ),
        ],
        body=body,
        phrases=[
            f"detector of {length} or more consecutive {kind}",
            f"circuit that notices {length} {kind} in a row on a serial input",
            f"run-length detector for {length} {kind}",
        ],
        facts=[
            (
                f"{z} is high as long as the last {length} samples of {x} (or more) were {kind}.",
                f"When {x} has been {level} for {length} or more clock cycles in a row, {z} is 1, "
                f"else 0.",
            ),
            (
                f"{x} is sampled at the {edge(clocking)}, and {z} is valid after that edge.",
                f"Samples are taken on every {clocking.sense} clock edge; {z} takes the new "
                f"sample into account "
                "right after it.",
            ),
            (
                f"A single {1 - level} on {x} starts the count again from nothing.",
                f"Any {1 - level} ends the run, and {z} falls.",
            ),
            d.reset_fact(clocking, "the run length is set to zero"),
        ],
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(
            start=0,
            step=lambda run, v: min(run + 1, length) if v[x] == level else 0,
            outputs=lambda run, v: {z: int(run == length)},
        ),
    )


def _run_body(d: Draw, names: tuple[str, str], length: int, kind: str, clocking: Clocking) -> Lines:
    """A saturating counter or a shift register."""
    x, z = names
    good, bad = (x, f"!{x}") if kind == "ones" else (f"!{x}", x)
    if d.chance(0.5):
        count = d.name("count", "cnt", "run_length", "ones" if kind == "ones" else "zeros_seen")
        width = bits_for(length + 1)
        clear, full = f"{count} <= {d.number(0, width)};", d.number(length, width)
        more = [f"{count} <= {count} + {d.choose('1', d.number(1, width))};"]
        body = [f"reg {span(width)}{count};", ""]
        if d.chance(0.5):
            run = d.branches((bad, [clear]), (f"{count} != {full}", more))
        else:
            run = d.branches((good, d.branches((f"{count} < {full}", more))), ("", [clear]))
        body += d.always_clocked(clocking, run, [clear])
        return [*body, "", f"assign {z} = ({count} == {full});"]
    window = d.name("shift", "history", "last", "sr")
    bits = f"{{{window}[{length - 2}:0], {good}}}" if length > 2 else f"{{{window}[0], {good}}}"
    body = [f"reg {span(length)}{window};", ""]
    body += d.always_clocked(
        clocking, [f"{window} <= {bits};"], [f"{window} <= {d.number(0, length)};"]
    )
    return [*body, "", f"assign {z} = &{window};"]


def stability_detector(d: Draw) -> Problem:
    """High when the last N samples were all the same, whichever level."""
    clocking = d.clocking(reset=1.0)
    length = d.integer(3, 8)
    x = d.name(*_BITS)
    z = d.name("stable", "steady", "quiet", "z", "constant")
    level = d.name("last", "level", "prev")
    count, width = d.name("count", "same", "cnt", "run"), bits_for(length)
    full = d.number(length - 1, width)
    clear = f"{count} <= {d.number(0, width)};"
    more = d.branches(
        (f"{x} != {level}", [clear]), (f"{count} != {full}", [f"{count} <= {count} + 1'b1;"])
    )
    body = [f"reg {level};", f"reg {span(width)}{count};", ""]
    body += d.always_clocked(clocking, [f"{level} <= {x};", *more], [f"{level} <= 1'b0;", clear])
    body += ["", f"assign {z} = ({count} == {full});"]

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        last, same = state
        return values[x], min(same + 1, length) if values[x] == last else 1

    return Problem(
        name=d.name(
            "stable_detector", "steady_detector", "no_change", "stability_check", "quiet_detect"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(x, "input", meaning=("observed input", "input signal")),
            Port(
                z, "output", meaning=(f"input unchanged for {length} samples", "high while stable")
            ),
        ],
        body=body,
        phrases=[
            f"detector of an input that keeps its level for {length} samples",
            f"stability detector over {length} clock cycles",
            "circuit that tells when a signal has stopped changing",
        ],
        facts=[
            (
                f"{z} is high when the last {length} samples of {x} are all equal, whether 0 or 1.",
                f"After {length} equal samples of {x} in a row {z} goes high; it stays so until "
                f"{x} changes.",
            ),
            (
                f"{x} is sampled at each {edge(clocking)}; {z} includes the sample just taken.",
                f"On every {edge(clocking)} one sample is taken, and {z} is up to date after it.",
            ),
            d.reset_fact(
                clocking, "the last sample is taken to be a 0 and the count of equal samples is one"
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, number: {x: number // 13 & 1 ^ int(random.random() < 0.1)},
        behaviour=Behaviour(start=(0, 1), step=step, outputs=lambda s, v: {z: int(s[1] == length)}),
        checks=110,
    )


FAMILIES = (sequence_detector, shift_detector, run_detector, stability_detector)
