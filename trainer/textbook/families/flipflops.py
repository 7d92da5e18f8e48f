"""Flip-flops of one bit: D, T and JK, with all kinds of reset, enable and complement."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size, edge
from trainer.textbook.families._register import Arm, gated, register
from trainer.textbook.families._timing import clocked, control, enabling, features
from trainer.textbook.problem import Behaviour, Expected, Port, Problem, Values, Words

_BIT = Size(1)
_Q = ("q", "q", "Q", "out", "q_o", "dout")
_STORED = ("stored bit", "state of the flip-flop", "flip-flop output")


def _complement(d: Draw, q: str) -> tuple[list[Port], Lines, list[Words], str]:
    """Now and then a second output that is the inverse of the first: ports, code, facts, its name."""
    if not d.chance(0.25):
        return [], [], [], ""
    name = d.name("qn", "q_n", "Qn", "q_bar", "nq")
    fact = (f"{name} is always the complement of {q}.", f"The output {name} equals NOT {q}.")
    port = Port(name, "output", meaning=("inverted output", f"complement of {q}"))
    invert = d.choose("~", "!")
    return [port], [f"assign {name} = {invert}{q};"], [fact], name


def _shown(q: str, qn: str, state: int | None) -> Expected:
    shown: dict[str, int | None] = {q: state}
    if qn:
        shown[qn] = None if state is None else 1 - state
    return shown


def d_flip_flop(d: Draw) -> Problem:
    """One bit sampled at the clock edge, with an optional reset, enable and complement."""
    clocking = d.clocking(reset=0.7, edge=0.85)
    enable = enabling(d, "clock enable", 0.4)
    data, q = d.name("d", "d", "D", "din", "data", "d_i"), d.name(*_Q)
    start = int(d.chance(0.2))
    extra, code, facts, qn = _complement(d, q)
    body, reg = register(
        d,
        clocking,
        q,
        _BIT,
        lambda own: [(enable.condition(d), data)],
        f"1'b{start}" if clocking.reset else "",
    )
    kind = "negative-edge-triggered " if clocking.edge == "negedge" else ""
    parts = features(d, clocking, enable.called("enable"), "complementary output" if qn else "")
    return clocked(
        d,
        clocking,
        ("dff", "d_ff", "d_flip_flop", "flipflop", "dff_ce" if enable.name else "dff_1", "ff_d"),
        [
            Port(data, "input", meaning=("data input", "value to store")),
            *enable.ports,
            Port(q, "output", meaning=_STORED, reg=reg),
            *extra,
        ],
        [*body, *code],
        [f"{kind}D flip-flop{parts}", "D-type flip-flop", f"{kind}one-bit register"],
        [
            (
                f"On the {edge(clocking)}, {q} takes the value of {data}{enable.clause()}.",
                f"{data} is sampled at the {edge(clocking)}{enable.clause()} and appears at {q}.",
                f"The flip-flop stores {data} at every "
                f"{edge(clocking)}{enable.clause('at which')}.",
            ),
            *enable.holds("the output"),
            *facts,
        ],
        Behaviour(
            start=start if clocking.reset else None,
            step=lambda s, v: v[data] if enable.on(v) else s,
            outputs=lambda s, v: _shown(q, qn, s),
        ),
        at_reset=f"{q} is set to {start}",
        checks=40,
    )


def t_flip_flop(d: Draw) -> Problem:
    """Toggles at the edges at which its input is active."""
    clocking = d.clocking(reset=1.0, edge=0.85)
    toggle = control(d, "t", "T", "toggle", "tgl", "t", meaning="toggle request", low=0.08)
    q = d.name(*_Q)
    start = int(d.chance(0.2))
    extra, code, facts, qn = _complement(d, q)

    def arms(own: str) -> list[Arm]:
        if not toggle.active_low and d.chance(0.35):
            return [("", d.choose(f"{own} ^ {toggle.name}", f"{toggle.name} ^ {own}"))]
        return [(toggle.condition(d), d.choose(f"~{own}", f"!{own}"))]

    body, reg = register(d, clocking, q, _BIT, arms, f"1'b{start}")
    kind = "negative-edge-triggered " if clocking.edge == "negedge" else ""
    return clocked(
        d,
        clocking,
        ("tff", "t_ff", "t_flip_flop", "toggle_ff", "toggle"),
        [*toggle.ports, Port(q, "output", meaning=_STORED, reg=reg), *extra],
        [*body, *code],
        [
            f"{kind}T flip-flop{features(d, clocking, 'complementary output' if qn else '')}",
            "toggle flip-flop",
            f"flip-flop that inverts its output when {toggle.name} is {toggle.level}",
        ],
        [
            (
                f"At the {edge(clocking)} {q} is inverted{toggle.clause()}; otherwise it stays.",
                f"{q} toggles at each {edge(clocking)}{toggle.clause('at which')} and holds its "
                "value else.",
                f"If {toggle.name} is {toggle.level} on the {edge(clocking)}, the output changes "
                "to its complement; if not, it is kept.",
            ),
            *facts,
        ],
        Behaviour(
            start=start,
            step=lambda s, v: s ^ toggle.on(v),
            outputs=lambda s, v: _shown(q, qn, s),
        ),
        at_reset=f"{q} becomes {start}",
        checks=40,
    )


def jk_flip_flop(d: Draw) -> Problem:
    """Hold, reset, set, toggle; as a case, an equation or an if-chain."""
    clocking = d.clocking(reset=1.0, edge=0.8)
    lower = d.chance(0.75)
    j, k = (d.name("j" if lower else "J"), d.name("k" if lower else "K"))
    q = d.name(*_Q)
    extra, code, facts, qn = _complement(d, q)
    enable = enabling(d, "clock enable", 0.2)

    def arms(own: str) -> list[Arm]:
        cases = [
            (f"{{{j}, {k}}} == 2'b01", "1'b0"),
            (f"{{{j}, {k}}} == 2'b10", "1'b1"),
            (f"{{{j}, {k}}} == 2'b11", f"~{own}"),
        ]
        chain = [(f"{j} && {k}", f"~{own}"), (j, "1'b1"), (k, "1'b0")]
        equation = [("", f"({j} & ~{own}) | (~{k} & {own})")]
        return gated(d, enable.condition(d), d.choose(cases, chain, equation))

    if not enable.name and d.chance(0.4):
        keep = [("2'b00", [f"{q} <= {q};"])] if d.chance(0.7) else []
        rest = [("2'b01", [f"{q} <= 1'b0;"]), ("2'b10", [f"{q} <= 1'b1;"])]
        table = d.case(
            f"{{{j}, {k}}}",
            [*keep, *rest, ("2'b11" if d.chance(0.5) else "default", [f"{q} <= ~{q};"])],
        )
        if not keep:
            table = d.case(
                f"{{{j}, {k}}}",
                [*rest, ("2'b11", [f"{q} <= ~{q};"]), ("default", [f"{q} <= {q};"])],
            )
        body, reg = d.always_clocked(clocking, table, [f"{q} <= 1'b0;"]), True
    else:
        body, reg = register(d, clocking, q, _BIT, arms, "1'b0")

    def step(s: int, v: Values) -> int:
        if not enable.on(v):
            return s
        return int((v[j] and not s) or (s and not v[k]))

    parts = features(d, clocking, enable.called("enable"), "complementary output" if qn else "")
    return clocked(
        d,
        clocking,
        ("jkff", "jk_ff", "jk_flip_flop", "jk_flipflop", "ff_jk"),
        [
            Port(j, "input", meaning=("set input", "J input")),
            Port(k, "input", meaning=("reset input", "K input")),
            *enable.ports,
            Port(q, "output", meaning=_STORED, reg=reg),
            *extra,
        ],
        [*body, *code],
        [
            f"JK flip-flop{parts}",
            "clocked JK flip-flop",
            f"flip-flop with inputs {j} and {k} that can hold, set, reset and toggle",
        ],
        [
            (
                f"At the {edge(clocking)}{enable.clause()}: {j}{k} = 00 keeps {q}, 01 resets it "
                "to 0, 10 sets it to 1 and 11 inverts it.",
                f"On the {edge(clocking)}{enable.clause()}, {j} alone sets {q}, {k} alone resets "
                "it, both together toggle it, and with neither it holds.",
            ),
            *enable.holds("the output"),
            *facts,
        ],
        Behaviour(start=0, step=step, outputs=lambda s, v: _shown(q, qn, s)),
        at_reset=f"{q} becomes 0",
        checks=60,
    )


FAMILIES = (d_flip_flop, t_flip_flop, jk_flip_flop)
