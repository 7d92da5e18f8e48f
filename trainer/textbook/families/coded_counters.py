"""Counters in other codes than binary: Gray, one-hot ring, Johnson, a list of values."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size, edge, size
from trainer.textbook.families._register import Arm, always, chosen, gated, register
from trainer.textbook.families._timing import Control, clocked, constant, enabling, features, plus
from trainer.textbook.problem import Behaviour, Clocking, Problem

_OUTPUTS = ("q", "count", "cnt", "out", "Q", "count_o", "state")


def gray_counter(d: Draw) -> Problem:
    """Gray code from a binary counter inside, its output registered or not."""
    clocking, enable, width = d.clocking(reset=1.0), enabling(d), size(d, 2, 8)
    gray = d.name("gray", "gray_out", "q", "g", "gray_count", "code")
    binary = d.name("bin", "binary", "bin_count", "cnt")
    registered = d.chance(0.4)
    zero = constant(d, 0, width)
    if registered:
        following = d.name("bin_next", "next_bin", "b_next")
        condition = enable.condition(d)
        update = [f"{binary} <= {following};", f"{gray} <= {following} ^ ({following} >> 1);"]
        step = chosen([(condition, plus(d, binary, width))], binary)
        body = [
            f"reg {width.span}{binary};",
            f"wire {width.span}{following} = {step};",
            "",
            *always(d, clocking, [("", update)], [f"{binary} <= {zero};", f"{gray} <= {zero};"]),
        ]
    else:
        counting = always(
            d,
            clocking,
            [(enable.condition(d), [f"{binary} <= {plus(d, binary, width)};"])],
            [f"{binary} <= {zero};"],
        )
        top = "" if width.parameter else f"{{1'b0, {binary}[{width.bits - 1}:1]}} ^ {binary}"
        code = (
            top
            if top and d.chance(0.4)
            else d.choose(f"{binary} ^ ({binary} >> 1)", f"({binary} >> 1) ^ {binary}")
        )
        body = [f"reg {width.span}{binary};", "", *counting, "", f"assign {gray} = {code};"]
    suffix = features(d, clocking, enable.called("enable"))
    return clocked(
        d,
        clocking,
        names=("gray_counter", f"gray{width.bits}", "gray_code_counter", "gray_cnt"),
        ports=[
            *enable.ports,
            width.output(gray, ("count in Gray code", "Gray-coded count"), registered),
        ],
        body=body,
        phrases=[
            f"{width.bits}-bit Gray code counter{suffix}",
            f"{width.bits}-bit counter with Gray-coded output",
            "counter of which only one output bit changes per step",
        ],
        facts=[
            (
                f"At each {edge(clocking)}{enable.clause('at which')}, the output goes on to the "
                "next code of the reflected binary Gray code.",
                "An internal binary count b goes up by one on the "
                f"{edge(clocking)}{enable.clause()}; the output is b XOR (b shifted right by one).",
            ),
            *enable.holds("the output"),
            (
                f"The sequence begins 0, 1, 3, 2, ... and has {width.mask + 1} codes before it "
                "repeats.",
                f"It passes through all {width.mask + 1} codes, starting 0, 1, 3, 2.",
            ),
        ],
        width=width,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (s + enable.on(v)) & width.mask,
            outputs=lambda s, v: {gray: s ^ s >> 1},
        ),
        at_reset="the count returns to code 0",
    )


def ring_counter(d: Draw) -> Problem:
    """One hot bit that goes round, to the left or to the right."""
    return _turning(d, twisted=False)


def johnson_counter(d: Draw) -> Problem:
    """A ring with an inverted feedback."""
    return _turning(d, twisted=True)


def _turning(d: Draw, twisted: bool) -> Problem:
    clocking, enable, width = d.clocking(reset=1.0), enabling(d), size(d, 3, 12, parametric=0.15)
    q, bits, left = (
        d.name(*_OUTPUTS, "ring" if not twisted else "johnson"),
        width.bits,
        d.chance(0.6),
    )
    start = 0 if twisted else 1 if d.chance(0.7) else 1 << (bits - 1)
    invert = "~" if twisted else ""

    def arms(own: str) -> list[Arm]:
        msb = width.last
        low = f"{msb}-1" if width.parameter else str(bits - 2)
        turned = (
            f"{{{own}[{low}:0], {invert}{own}[{msb}]}}"
            if left
            else f"{{{invert}{own}[0], {own}[{msb}:1]}}"
        )
        return [(enable.condition(d), turned)]

    first = f"{{{{({width.parameter}-1){{1'b0}}}}, 1'b1}}" if width.parameter and start == 1 else ""
    if width.parameter and start > 1:
        first = f"{{1'b1, {{({width.parameter}-1){{1'b0}}}}}}"
    body, reg = register(d, clocking, q, width, arms, first or constant(d, start, width))
    way, source, target = ("left", bits - 1, 0) if left else ("right", 0, bits - 1)
    kind = "Johnson counter" if twisted else "ring counter"
    inverted = "the inverse of " if twisted else ""

    def step(s: int) -> int:
        out = s >> source & 1 ^ twisted
        return (s << 1 & width.mask | out) if left else (s >> 1 | out << target)

    suffix = features(d, clocking, enable.called("enable"), f"{way} rotation")
    return clocked(
        d,
        clocking,
        names=(
            kind.lower().replace(" ", "_"),
            f"{'johnson' if twisted else 'ring'}{bits}",
            "rotator",
            "phases",
        ),
        ports=[*enable.ports, width.output(q, "state of the ring", reg)],
        body=body,
        phrases=[
            f"{bits}-bit {kind}{suffix}",
            f"{'twisted ring counter' if twisted else 'one-hot ring counter'} of {bits} bits",
            f"{kind} with {2 * bits if twisted else bits} states",
        ],
        facts=[
            (
                f"At each {edge(clocking)}{enable.clause('at which')}, all bits move {way} by one "
                f"place and bit {target} takes {inverted}the old bit {source}.",
                f"On the {edge(clocking)}{enable.clause()} the register is shifted {way} by one; "
                f"{inverted}bit {source} comes in at bit {target}.",
            ),
            *enable.holds("the register"),
            (
                f"The sequence repeats after {2 * bits if twisted else bits} steps.",
                f"There are {2 * bits if twisted else bits} different states.",
            ),
        ],
        width=width,
        behaviour=Behaviour(
            start=start,
            step=lambda s, v: step(s) if enable.on(v) else s,
            outputs=lambda s, v: {q: s},
        ),
        at_reset="all bits become 0"
        if twisted
        else f"bit {start.bit_length() - 1} is set to 1 and all others to 0",
    )


def listed_counter(d: Draw) -> Problem:
    """Goes through a given list of values, written as a case or as conditional operators."""
    clocking, enable = d.clocking(reset=1.0), enabling(d, probability=0.4)
    width = Size(d.integer(2, 4))
    length = d.integer(3, min(8, width.mask + 1))
    values = d.random.sample(range(width.mask + 1), length)
    pairs = [*zip(values, [*values[1:], values[0]], strict=True)]
    q = d.name(*_OUTPUTS)
    first = constant(d, values[0], width)
    if d.chance(0.35):
        body, reg = register(
            d,
            clocking,
            q,
            width,
            lambda own: gated(
                d,
                enable.condition(d),
                [
                    *(
                        (f"{own} == {constant(d, a, width)}", constant(d, b, width))
                        for a, b in pairs[:-1]
                    ),
                    ("", first),
                ],
            ),
            first,
        )
    else:
        body, reg = _case(d, clocking, enable, q, width, pairs), True
    sequence = ", ".join(map(str, values))
    order = dict(pairs)
    suffix = features(d, clocking, enable.called("enable"))
    return clocked(
        d,
        clocking,
        names=(
            "seq_counter",
            "sequence_counter",
            "custom_counter",
            "pattern_counter",
            "list_counter",
        ),
        ports=[*enable.ports, width.output(q, "current value", reg)],
        body=body,
        phrases=[
            f"{width.bits}-bit counter through {sequence}{suffix}",
            f"counter that runs through {sequence}",
            f"{width.bits}-bit counter of {length} states in a given order",
        ],
        facts=[
            (
                f"The output takes the values {sequence} in this order, and then {values[0]} "
                "again.",
                f"The states follow one another as {' -> '.join(map(str, [*values, values[0]]))}.",
            ),
            (
                f"It goes one step on at each {edge(clocking)}{enable.clause('at which')}.",
                f"The next value is taken on the {edge(clocking)}{enable.clause()}.",
            ),
            *enable.holds("the output"),
        ],
        behaviour=Behaviour(
            start=values[0],
            step=lambda s, v: order[s] if enable.on(v) else s,
            outputs=lambda s, v: {q: s},
        ),
        at_reset=f"{q} becomes {values[0]}",
    )


def _case(
    d: Draw,
    clocking: Clocking,
    enable: Control,
    q: str,
    width: Size,
    pairs: list[tuple[int, int]],
) -> Lines:
    """The steps as a case, in the clocked block or in one of its own."""
    start = constant(d, pairs[0][0], width)
    apart = d.chance(0.4)
    target = d.name(f"{q}_next", f"next_{q}", "nxt") if apart else q
    assign = f"{target} {'=' if apart else '<='}"
    arms = [(constant(d, a, width), [f"{assign} {constant(d, b, width)};"]) for a, b in pairs]
    steps = d.case(q, [*arms, ("default", [f"{assign} {start};"])])
    if not apart:
        return always(d, clocking, [(enable.condition(d), steps)], [f"{q} <= {start};"])
    update = always(
        d, clocking, [(enable.condition(d), [f"{q} <= {target};"])], [f"{q} <= {start};"]
    )
    return [f"reg {width.span}{target};", "", *d.always_comb(steps), "", *update]


FAMILIES = (gray_counter, ring_counter, johnson_counter, listed_counter)
