"""Majorities, over time and over redundant channels."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import drive, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def majority_over_time(d: Draw) -> Problem:
    """The majority of the last N samples of a bit."""
    clocking = d.clocking(reset=1.0)
    length = d.choose(3, 3, 5, 5, 7)
    x = d.name("x", "din", "noisy", "rx", "raw")
    y = d.name("y", "dout", "clean", "filtered", "vote")
    en = d.name("en", "sample", "tick") if d.chance(0.4) else ""
    registered = d.chance(0.4)
    sr, n = d.name("sr", "history", "window", "samples"), bits_for(length + 1)
    moved = f"{{{sr}[{length - 2}:0], {x}}}"
    terms = [f"{sr}[{k}]" for k in range(length)]
    need = length // 2 + 1
    body = [f"reg {span(length)}{sr};"]
    if length == 3 and d.chance(0.6):
        a, b, c = terms
        vote = f"({a} & {b}) | ({a} & {c}) | ({b} & {c})"
    else:
        ones = d.name("ones", "total", "count")
        body.append(f"wire {span(n)}{ones} = {' + '.join(terms)};")
        vote = f"({ones} >= {d.number(need, n)})"
    move = [f"{sr} <= {moved};"]
    reset = [f"{sr} <= {d.number(0, length)};"]
    if registered:
        move.append(f"{y} <= {vote};")
        reset.append(f"{y} <= 1'b0;")
    body += ["", *d.always_clocked(clocking, d.branches((en, move)) if en else move, reset)]
    reg = registered
    if not registered:
        lines, reg = drive(d, y, vote, 0.7)
        body += ["", *lines]

    def step(state: tuple[tuple[int, ...], int], v: Values) -> tuple[tuple[int, ...], int]:
        seen, _ = state
        if not v.get(en, 1):
            return state
        return (*seen[1:], v[x]), int(sum(seen) >= need)

    def outputs(state: tuple[tuple[int, ...], int], v: Values) -> dict[str, int]:
        return {y: state[1] if registered else int(sum(state[0]) >= need)}

    when = f" with {en} high" if en else ""
    ports = [*d.clock_ports(clocking)]
    ports += [Port(en, "input", meaning=("sample enable", "takes a sample"))] if en else []
    return Problem(
        name=d.name(
            "majority_filter", "vote_filter", "glitch_filter", f"majority{length}", "noise_filter"
        ),
        ports=[
            *ports,
            Port(x, "input", meaning=("noisy input", "raw bit")),
            Port(y, "output", meaning=(f"majority of {length} samples", "filtered bit"), reg=reg),
        ],
        body=body,
        phrases=[
            f"majority filter over the last {length} samples with "
            f"{'registered' if registered else 'direct'} output",
            f"noise filter that votes over {length} samples of a bit",
            f"{need}-out-of-{length} filter for a serial input",
        ],
        facts=[
            (
                f"A sample of {x} is taken at each {edge(clocking)}{when}, and the last "
                f"{length} are kept.",
                f"The {length} most recent samples are stored; {x} is sampled on the "
                f"{edge(clocking)}{when}.",
            ),
            (
                f"At the same edges {y} is loaded with the majority of the {length} samples "
                f"stored before the edge.",
                f"{y} is registered, one sample behind: an edge{when} loads it with the vote of "
                f"the samples kept so far, without the new one.",
            )
            if registered
            else (
                f"{y} is 1 when at least {need} of them are 1, combinationally.",
                f"{y} is the majority of the stored samples, without another register.",
            ),
            *([(f"With {en} low nothing changes.", f"{en} = 0 holds everything.")] if en else []),
            d.reset_fact(clocking, f"all stored samples{f' and {y}' if registered else ''} are 0"),
        ],
        clocking=clocking,
        behaviour=Behaviour(start=((0,) * length, 0), step=step, outputs=outputs),
    )


def vote(d: Draw) -> Problem:
    """Two out of three (or more) redundant words, with the disagreeing one named."""
    width, inputs = d.integer(1, 16), 3
    names = [
        d.name(n)
        for n in d.choose(
            ("a", "b", "c"), ("in0", "in1", "in2"), ("x", "y", "z"), ("ch_a", "ch_b", "ch_c")
        )
    ]
    a, b, c = names
    out = d.name("voted", "out", "result", "majority")
    bad = d.name("fault", "mismatch", "disagree", "err")
    split = d.chance(0.6)
    body, reg = drive(d, out, f"({a} & {b}) | ({a} & {c}) | ({b} & {c})", 0.7)
    if d.chance(0.3):
        body, reg = drive(d, out, f"({a} & ({b} | {c})) | ({b} & {c})", 0.7)
    if split:
        signals = [f"({n} != {out})" for n in names]
        body += [f"assign {bad} = {{{', '.join(signals[::-1])}}};"]
    else:
        body += [
            f"assign {bad} = {d.choose(f'({a} != {b}) || ({b} != {c})', f'!(({a} == {b}) && ({b} == {c}))')};"
        ]

    def outputs(_: object, v: Values) -> dict[str, int]:
        values = [v[n] for n in names]
        result = sum((sum(w >> k & 1 for w in values) > 1) << k for k in range(width))
        if split:
            return {out: result, bad: sum((w != result) << k for k, w in enumerate(values))}
        return {out: result, bad: int(len(set(values)) > 1)}

    def stimulus(random: Random, number: int) -> Values:
        base = random.getrandbits(width)
        flip = [random.choice((0, 0, 1 << random.randrange(width))) for _ in names]
        return {n: base ^ f for n, f in zip(names, flip, strict=True)}

    return Problem(
        name=d.name("voter", "tmr_voter", "majority_voter", f"voter{width}", "two_of_three"),
        ports=[
            *(
                Port(n, "input", width, ("redundant value", f"channel {k}"))
                for k, n in enumerate(names)
            ),
            Port(out, "output", width, ("bitwise majority", "voted value"), reg=reg),
            Port(
                bad,
                "output",
                inputs if split else 1,
                ("channels that disagree",) if split else ("not all channels agree",),
            ),
        ],
        body=body,
        phrases=[
            f"{width}-bit two-out-of-three voter with "
            f"{'a fault flag for each channel' if split else 'mismatch flag'}",
            f"triple modular redundancy voter for {width}-bit values",
            "bitwise majority of three inputs",
        ],
        facts=[
            (
                f"Each bit of {out} is the majority of the same bits of {a}, {b} and {c}.",
                f"{out} is 1 in every place in which at least two of {a}, {b} and {c} are 1.",
            ),
            (
                f"{bad}[0], {bad}[1] and {bad}[2] are 1 when {a}, {b} and {c}, in this order, "
                f"differ from {out}.",
                f"Bit 0 of {bad} tells that {a} is not equal to {out}, bit 1 the same of {b}, bit "
                f"2 of {c}.",
            )
            if split
            else (
                f"{bad} is 1 when the three inputs are not all equal.",
                f"Whenever any two of the inputs differ, {bad} is high.",
            ),
            ("The circuit is combinational.", "There is no clock."),
        ],
        stimulus=stimulus,
        behaviour=Behaviour(outputs=outputs),
        checks=60,
    )


FAMILIES = (
    majority_over_time,
    vote,
)
