"""Changes of a signal: edge detectors, switches toggled by edges, counts of edges."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import Size, comment, edge
from trainer.textbook.families._timing import clocked, constant, control, enabling, features, plus
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_SIGNAL = ("sig", "din", "in", "x", "signal_in", "button", "level", "d")
_PULSE = ("pulse", "detected", "edge_out", "strobe", "tick", "p", "event_o")
_NOT = ("sig_d", "prev", "last", "delayed", "sig_q", "previous")


def _held(random: Random, number: int) -> int:
    """A bit that stays for a few cycles now and then."""
    return int(random.random() < (0.5, 0.15, 0.85)[number // 7 % 3])


def edge_detector(d: Draw) -> Problem:
    """Pulses for rising, falling or both edges of one or more signals."""
    clocking = d.clocking(reset=0.75)
    kind = d.choose("rising", "rising", "falling", "any")
    width = Size(d.choose(1, 1, 1, 1, 4, 8, 16))
    x = d.name(*_SIGNAL)
    y = d.name(*_PULSE, {"rising": "rise", "falling": "fall", "any": "changed"}[kind])
    last = d.name(*_NOT)
    registered = d.chance(0.45)
    tilde = "~" if width.bits > 1 else d.choose("~", "~", "!")
    anding = "&" if width.bits > 1 else d.choose("&", "&", "&&")
    text = {
        "rising": f"{x} {anding} {tilde}{last}",
        "falling": f"{tilde}{x} {anding} {last}",
        "any": d.choose(f"{x} ^ {last}", f"{last} ^ {x}"),
    }[kind]
    zero = constant(d, 0, width)
    moves, resets = [f"{last} <= {x};"], [f"{last} <= {zero};"]
    if registered:
        moves, resets = [*moves, f"{y} <= {text};"], [*resets, f"{y} <= {zero};"]
    body = [f"reg {width.span}{last};", "", *d.always_clocked(clocking, moves, resets)]
    if not registered:
        body += ["", f"assign {y} = {text};"]

    def changes(new: int, old: int | None) -> int | None:
        if old is None:
            return None
        found = {"rising": new & ~old, "falling": ~new & old, "any": new ^ old}[kind]
        return found & width.mask

    what = {"rising": "rising edge", "falling": "falling edge", "any": "change"}[kind]
    a_bit = "" if width.bits == 1 else ", for each bit separately"
    meaning = {
        "rising": f"{x} is 1 and was 0",
        "falling": f"{x} is 0 and was 1",
        "any": f"{x} differs from its value",
    }[kind]
    start = 0 if clocking.reset else None
    many = "" if width.bits == 1 else f"{width.bits}-bit "
    return clocked(
        d,
        clocking,
        (
            f"{kind}_edge_detect" if kind != "any" else "change_detect",
            "edge_detector",
            "edge_detect",
            f"detect_{kind}",
            "edge_pulse",
        ),
        [
            Port(x, "input", width.bits, ("observed signal", "input signal")),
            Port(
                y,
                "output",
                width.bits,
                (f"high for one cycle after a {what}", f"{what} detected"),
                registered,
            ),
        ],
        [*comment(d, f"{x} one cycle ago is in {last}"), *body],
        [
            f"{many}{what} detector, {'registered' if registered else 'combinational'} output"
            + features(d, clocking, lead=", "),
            f"{many}{what} detector",
            f"circuit that makes a one-cycle pulse at each {what} of {x}",
        ],
        [
            (
                f"{x} is sampled at every {edge(clocking)}, and the last sample is kept{a_bit}.",
                f"A register stores {x} on each {edge(clocking)}{a_bit}.",
            ),
            (
                f"{y} is a register: at each clock edge it becomes 1 if {meaning} at the edge "
                "before, otherwise 0.",
                f"At the {edge(clocking)} at which {meaning} one clock edge earlier, {y} is set "
                "for one cycle; else it is cleared.",
            )
            if registered
            else (
                f"{y} is combinational: it is 1 while {meaning} at the last clock edge.",
                f"{y} compares the present {x} with the stored sample: 1 if {meaning} then, else "
                "0.",
            ),
        ],
        Behaviour(
            start=(start, start),
            step=lambda s, v: (v[x], changes(v[x], s[0])),
            outputs=lambda s, v: {y: s[1] if registered else changes(v[x], s[0])},
        ),
        at_reset="the stored sample" + (f" and {y} become 0" if registered else " becomes 0"),
        checks=60,
    )


def both_edges(d: Draw) -> Problem:
    """Separate outputs for rising and falling edges, with a synchronizer in front now and then."""
    clocking = d.clocking(reset=1.0)
    x = d.name(*_SIGNAL)
    up, down = (
        d.name("rise", "rising", "pos_edge", "posedge_o"),
        d.name("fall", "falling", "neg_edge", "negedge_o"),
    )
    stages = d.choose(1, 1, 2, 3)
    stem = d.choose("r", "s")
    names = [d.name(f"{stem}{n}") for n in range(stages)] if stages > 1 else [d.name(*_NOT)]
    if stages > 1 and d.chance(0.6):
        shift = d.name("sync", "samples", "sr", "hist")
        code = [
            f"reg [{stages - 1}:0] {shift};",
            "",
            *d.always_clocked(
                clocking,
                [f"{shift} <= {{{shift}[{stages - 2}:0], {x}}};"],
                [f"{shift} <= {stages}'b0;"],
            ),
        ]
        names = [f"{shift}[{n}]" for n in range(stages)]
    else:
        moves = [f"{new} <= {old};" for new, old in zip(names, [x, *names], strict=False)]
        code = [
            f"reg {', '.join(names)};",
            "",
            *d.always_clocked(clocking, moves, [f"{name} <= 1'b0;" for name in names]),
        ]
    new, old = (x, names[0]) if stages == 1 else (names[-2], names[-1])
    code += ["", f"assign {up} = {new} & ~{old};", f"assign {down} = ~{new} & {old};"]

    def outputs(s: tuple[int, ...], v: Values) -> dict[str, int]:
        values = (v[x], *s)
        now, then = values[stages - 1], values[stages]
        return {up: int(now > then), down: int(now < then)}

    chain = "one register" if stages == 1 else f"{stages} registers in a row"
    compared = (
        f"{x} itself and the register" if stages == 1 else "the last but one and the last of them"
    )
    return clocked(
        d,
        clocking,
        ("edge_detect2", "both_edges", "dual_edge_detect", "edges", "rise_fall_detect"),
        [
            Port(x, "input", meaning=("observed signal", "input signal")),
            Port(up, "output", meaning=("rising edge seen", "high for one cycle at a rising edge")),
            Port(
                down,
                "output",
                meaning=("falling edge seen", "high for one cycle at a falling edge"),
            ),
        ],
        code,
        [
            f"detector with separate outputs for rising and falling edges, {chain}"
            + features(d, clocking, lead=", "),
            f"rising and falling edge detector{features(d, clocking)}",
            f"edge detector with the outputs {up} and {down}",
        ],
        [
            (
                f"{x} is delayed by {chain}, clocked on the {edge(clocking)}.",
                f"On each {edge(clocking)}, {x} is shifted into {chain}.",
            ),
            (
                f"The outputs are combinational from {compared}: {up} is 1 for 0 -> 1, {down} for "
                "1 -> 0.",
                f"Comparing {compared}, {up} is high if the newer is 1 and the older 0, and "
                f"{down} if it is the other way round.",
            ),
        ],
        Behaviour(start=(0,) * stages, step=lambda s, v: (v[x], *s[:-1]), outputs=outputs),
        at_reset="all registers become 0",
        checks=60,
    )


def edge_toggle(d: Draw) -> Problem:
    """A push-button switch: each rising edge of the input inverts the output."""
    clocking = d.clocking(reset=1.0)
    x, q, last = d.name(*_SIGNAL), d.name("q", "toggle", "led", "state", "out"), d.name(*_NOT)
    falling, start = d.chance(0.35), int(d.chance(0.2))
    test = f"~{x} & {last}" if falling else f"{x} & ~{last}"
    if d.chance(0.4):
        test = f"!{x} && {last}" if falling else f"{x} && !{last}"
    hit = d.name("hit", "edge_seen", "press") if d.chance(0.4) else ""
    run = [f"{last} <= {x};", *d.branches((hit or test, [f"{q} <= {d.choose('~', '!')}{q};"]))]
    body = [f"reg {last};", *([f"wire {hit} = {test};"] if hit else []), ""]
    body += d.always_clocked(clocking, run, [f"{last} <= 1'b0;", f"{q} <= 1'b{start};"])
    kind = "falling" if falling else "rising"

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        hit_now = s[0] > v[x] if falling else s[0] < v[x]
        return v[x], s[1] ^ hit_now

    return clocked(
        d,
        clocking,
        ("edge_toggle", "push_toggle", "button_toggle", "toggle_switch", "led_toggle"),
        [
            Port(x, "input", meaning=("button or other signal", "input signal")),
            Port(q, "output", meaning=("toggled output", "state of the switch"), reg=True),
        ],
        body,
        [
            f"toggle switch that changes {q} at each {kind} edge of {x}{features(d, clocking)}",
            f"output toggled by every {kind} edge of an input",
            "push-button toggle",
        ],
        [
            (
                f"{x} is sampled on each {edge(clocking)} and compared with the sample before it.",
                f"A {kind} edge means that {x} is {int(not falling)} at one {edge(clocking)} and "
                f"was {int(falling)} at the previous one.",
            ),
            (
                "At the clock edge that sees "
                f"{'a 1 turn into a 0' if falling else 'a 0 turn into a 1'}, {q} is inverted; "
                "otherwise it stays.",
                f"Each {kind} edge so found inverts {q} at the same clock edge.",
            ),
        ],
        Behaviour(start=(0, start), step=step, outputs=lambda s, v: {q: s[1]}),
        at_reset=f"{q} becomes {start} and the remembered sample 0",
        checks=60,
    )


def edge_counter(d: Draw) -> Problem:
    """Counts the rising or falling edges of an input, with clear and optional saturation."""
    clocking = d.clocking(reset=1.0)
    width, x, last = Size(d.integer(3, 8)), d.name(*_SIGNAL), d.name(*_NOT)
    count = d.name("count", "edges", "n_edges", "events", "q")
    clear = control(d, "clr", "clear_cnt", "zero", meaning="clear of the count", probability=0.5)
    enable = enabling(d, "count enable", 0.35)
    falling, stops = d.chance(0.35), d.chance(0.4)
    top, zero = constant(d, width.mask, width), constant(d, 0, width)
    test = f"!{x} && {last}" if falling else f"{x} && !{last}"
    if enable.name:
        test = f"{enable.condition(d)} && {test}"
    if stops:
        test += f" && {count} != {top}"
    arms = [(test, [f"{count} <= {plus(d, count, width)};"])]
    if clear.name:
        arms.insert(0, (clear.condition(d), [f"{count} <= {zero};"]))
    run: Lines = [f"{last} <= {x};", *d.branches(*arms)]
    body = [
        f"reg {last};",
        "",
        *d.always_clocked(clocking, run, [f"{last} <= 1'b0;", f"{count} <= {zero};"]),
    ]

    def step(s: tuple[int, int], v: Values) -> tuple[int, int]:
        hit = s[0] > v[x] if falling else s[0] < v[x]
        if clear.name and clear.on(v):
            return v[x], 0
        total = s[1] + (hit and enable.on(v))
        return v[x], min(total, width.mask) if stops else total & width.mask

    def stimulus(random: Random, number: int) -> Values:
        values = {x: number & 1 if number % 40 > 20 else _held(random, number)}
        if enable.name:
            values[enable.name] = int((random.random() < 0.8) != enable.active_low)
        if clear.name:
            values[clear.name] = int((random.random() < 0.03) != clear.active_low)
        return values

    kind = "falling" if falling else "rising"
    facts: list[Words] = [
        (
            f"At each {edge(clocking)}, a {kind} edge is found if {x} is {int(not falling)} and "
            f"was {int(falling)} at the edge before; then the count goes up by "
            f"one{enable.clause()}.",
            f"{count} is incremented on the {edge(clocking)} at which {x} is first seen "
            f"{int(not falling)} after having been {int(falling)}{enable.clause('provided that')}.",
        ),
        (
            f"The count stops at {width.mask}.",
            f"It saturates at {width.mask}.",
        )
        if stops
        else (
            f"After {width.mask} the count goes on with 0.",
            f"The count wraps around modulo {width.mask + 1}.",
        ),
    ]
    if clear.name:
        facts.append(
            (
                f"{clear.name} (active {clear.level}) sets the count to 0 at the clock edge, even "
                f"if an edge of {x} is found at the same time.",
                f"If {clear.name} is {clear.level} the count becomes 0; clearing has priority "
                "over counting.",
            )
        )
    facts.append(f"{x} is sampled at every edge of the clock, whatever the other inputs are.")
    return clocked(
        d,
        clocking,
        ("edge_counter", "pulse_counter", "event_counter", "count_edges", "pulse_count"),
        [
            Port(x, "input", meaning=("signal whose edges are counted", "input signal")),
            *enable.ports,
            *clear.ports,
            Port(count, "output", width.bits, ("number of edges", "edge count"), True),
        ],
        body,
        [
            f"{width.bits}-bit {'saturating ' if stops else ''}counter of the {kind} edges of {x}"
            + features(d, clocking, enable.called("enable"), clear.called("clear")),
            f"counter of {kind} edges",
            f"{width.bits}-bit pulse counter",
        ],
        facts,
        Behaviour(start=(0, 0), step=step, outputs=lambda s, v: {count: s[1]}),
        at_reset="the count and the remembered sample become 0",
        stimulus=stimulus,
        checks=120,
    )


FAMILIES = (edge_detector, both_edges, edge_toggle, edge_counter)
