"""Machines that go through steps: a handshake, joined events, a timed sequence."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import counted, listing, nth
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for, state_machine
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def handshake(d: Draw) -> Problem:
    """The answering side of a four-phase handshake, with data and a fixed delay."""
    clocking = d.clocking(reset=1.0)
    delay, width = d.integer(1, 5), d.width(4, 16)
    req, ack = d.name("req", "request", "req_i"), d.name("ack", "acknowledge", "ack_o")
    data, q = d.name("data", "din", "data_in"), d.name("q", "dout", "data_out", "captured")
    zero = d.number(0, width)
    take = [f"{ack} <= 1'b1;", f"{q} <= {data};"]
    if delay == 1:
        run = d.branches((f"{req} && !{ack}", take), (f"!{req}", [f"{ack} <= 1'b0;"]))
        body, reset = [], [f"{ack} <= 1'b0;", f"{q} <= {zero};"]
    else:
        wait, size = d.name("wait_count", "delay", "timer", "cnt"), bits_for(delay)
        clear = f"{wait} <= {d.number(0, size)};"
        run = d.branches(
            (f"!{req}", [f"{ack} <= 1'b0;", clear]),
            (
                f"!{ack}",
                d.branches(
                    (f"{wait} == {d.number(delay - 1, size)}", take),
                    ("", [f"{wait} <= {wait} + 1'b1;"]),
                ),
            ),
        )
        body = [f"reg {span(size)}{wait};", ""]
        reset = [f"{ack} <= 1'b0;", f"{q} <= {zero};", clear]
    body += [*comment(d, "Four-phase handshake"), *d.always_clocked(clocking, run, reset)]

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        seen, kept = state
        if not values[req]:
            return 0, kept
        return min(seen + 1, delay), values[data] if seen == delay - 1 else kept

    times = "the first edge" if delay == 1 else f"{delay} edges in a row"
    return Problem(
        name=d.name("handshake", "ack_responder", "four_phase_ack", "handshake_target", "req_ack"),
        ports=[
            *d.clock_ports(clocking),
            Port(req, "input", meaning=("request", "request from the other side")),
            Port(data, "input", width, ("data of the request", "data input")),
            Port(ack, "output", meaning=("acknowledge", "acknowledgement"), reg=True),
            Port(q, "output", width, ("data taken last", "captured data"), reg=True),
        ],
        body=body,
        phrases=[
            f"four-phase handshake responder with a delay of {counted(delay, 'cycle')} and "
            f"{width}-bit data",
            f"request/acknowledge receiver that captures {width}-bit data",
            "target side of a req/ack handshake",
        ],
        facts=[
            (
                f"{ack} goes high when {req} has been high at {times} ({edge(clocking)}).",
                f"The request is acknowledged at the {edge(clocking)} that finds {req} high "
                + ("for the first time." if delay == 1 else f"for the {nth(delay)} time in a row."),
            ),
            (
                f"At the edge at which {ack} rises, {data} is stored in {q}.",
                f"{q} captures {data} together with the rise of {ack} and keeps it until the next "
                f"one.",
            ),
            (
                f"{ack} stays high as long as {req} does, and falls at the first edge that sees "
                f"{req} low.",
                f"When {req} is found low at an edge, {ack} becomes 0; until then it stays 1.",
            ),
            (
                f"A request withdrawn before it is acknowledged is forgotten and leaves {q} "
                f"unchanged.",
                f"If {req} falls too early, counting starts again with the next request.",
            )
            if delay > 1
            else f"While {ack} is high {q} does not change.",
            d.reset_fact(clocking, f"{ack} and {q} are zero and no request is pending"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            req: int(n % (delay + 5) > 2) if random.random() < 0.9 else random.getrandbits(1),
            data: random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=(0, 0), step=step, outputs=lambda s, v: {ack: int(s[0] == delay), q: s[1]}
        ),
        checks=100,
    )


def joined_events(d: Draw) -> Problem:
    """Waits until each of two or three events has happened, in any order."""
    clocking = d.clocking(reset=1.0)
    pool = (
        ("a_done", "b_done", "c_done")
        if d.chance(0.4)
        else d.choose(("a", "b", "c"), ("ev0", "ev1", "ev2"), ("ready1", "ready2", "ready3"))
    )
    events = [d.name(e) for e in pool[: d.choose(2, 2, 3)]]
    clear = d.name("clr", "restart", "again", "ack") if d.chance(0.5) else ""
    out = d.name(
        "all_done", "done", "both" if len(events) == 2 else "all_seen", "joined", "complete"
    )
    if len(events) == 2 and d.chance(0.6):
        a, b = events
        idle, got_a, got_b, both = d.choose(
            ("IDLE", "GOT_A", "GOT_B", "BOTH"),
            ("NONE", "FIRST", "SECOND", "ALL"),
            ("S0", "S1", "S2", "S3"),
        )
        arcs = {
            idle: [(f"{a} && {b}", both), (a, got_a), (b, got_b)],
            got_a: [(b, both)],
            got_b: [(a, both)],
            both: [],
        }
        if clear:
            arcs = {s: [(clear, idle), *pairs] for s, pairs in arcs.items()}
        body = [
            *state_machine(d, clocking, [idle, got_a, got_b, both], arcs),
            "",
            f"assign {out} = (state == {both});",
        ]
    else:
        flags = [d.name(f"seen_{e}", f"{e}_seen", f"got_{e}") for e in events]
        zero = [f"{f} <= 1'b0;" for f in flags]
        if d.chance(0.5):
            run = [f"{f} <= {f} | {e};" for f, e in zip(flags, events, strict=True)]
        else:
            run = [
                line
                for f, e in zip(flags, events, strict=True)
                for line in d.branches((e, [f"{f} <= 1'b1;"]))
            ]
        if clear:
            run = d.branches((clear, zero), ("", run))
        body = [f"reg {', '.join(flags)};", "", *d.always_clocked(clocking, run, zero)]
        body += ["", f"assign {out} = {d.choose(' & ', ' && ').join(flags)};"]

    def step(seen: tuple[int, ...], values: Values) -> tuple[int, ...]:
        if clear and values[clear]:
            return (0,) * len(events)
        return tuple(s or values[e] for s, e in zip(seen, events, strict=True))

    names = listing(events)
    facts: list[str | tuple[str, ...]] = [
        (
            f"{out} goes high when each of {names} has been high at a clock edge at least once.",
            f"The circuit waits until {names} have all occurred, and then sets {out}.",
        ),
        (
            "The order does not matter, and several may come at the same edge.",
            "Events may arrive in any order or together.",
        ),
        (
            f"Events are sampled at the {edge(clocking)}; {out} follows right after the last one.",
            f"{out} depends on stored events only: it rises after the {edge(clocking)} that "
            f"sees the last one.",
        ),
        (
            f"{out} then stays high until {clear} or the reset."
            if clear
            else f"{out} then stays high until the reset.",
            f"Only {clear + ' or ' if clear else ''}a reset makes {out} low again.",
        ),
        d.reset_fact(clocking, "all events are forgotten"),
    ]
    if clear:
        facts.insert(
            4,
            (
                f"When {clear} is high at an edge all events are forgotten, also those of this "
                f"edge.",
                f"{clear} has priority over the events and clears the memory of all of them.",
            ),
        )

    def stimulus(random: Random, n: int) -> Values:
        rare = {e: int(random.random() < 0.2) for e in events}
        return {**rare, clear: int(random.random() < 0.08)} if clear else rare

    ports = [
        Port(e, "input", meaning=(f"event {n + 1}", "event input, sampled"))
        for n, e in enumerate(events)
    ]
    if clear:
        ports.append(Port(clear, "input", meaning=("forgets all events", "synchronous clear")))
    return Problem(
        name=d.name("event_join", "wait_all", "join_events", "rendezvous", "event_collector"),
        ports=[
            *d.clock_ports(clocking),
            *ports,
            Port(out, "output", meaning=("all events seen", "high when complete")),
        ],
        body=body,
        phrases=[
            f"join of {len(events)} events{' with clear' if clear else ''} that waits for {names} "
            f"in any order",
            f"event collector that remembers {names}",
            f"wait-for-all circuit with {len(events)} event inputs",
        ],
        facts=facts,
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(
            start=(0,) * len(events), step=step, outputs=lambda s, v: {out: int(all(s))}
        ),
        checks=100,
    )


def step_sequence(d: Draw) -> Problem:
    """After a start pulse, outputs are switched on one after the other, as when powering up."""
    clocking = d.clocking(reset=1.0)
    steps, gap = d.integer(2, 5), d.integer(2, 7)
    start = d.name("start", "go", "power_good", "begin_seq", "trigger")
    on = d.name("enables", "on", "rails", "steps", "stage")
    done = d.name("done", "ready", "all_on", "finished")
    timer, size = d.name("timer", "count", "wait_count", "cnt"), bits_for(gap)
    going = d.name("busy", "going", "running")
    clear = f"{timer} <= {d.number(0, size)};"
    fill = f"{on} <= {{{on}[{steps - 2}:0], 1'b1}};"
    due = [clear, fill, *d.branches((f"{on}[{steps - 2}]", [f"{going} <= 1'b0;"]))]
    run = d.branches(
        (
            going,
            d.branches(
                (f"{timer} == {d.number(gap - 1, size)}", due),
                ("", [f"{timer} <= {timer} + 1'b1;"]),
            ),
        ),
        (f"{start} && !{done}", [f"{going} <= 1'b1;", clear]),
    )
    reset = [f"{on} <= {d.number(0, steps)};", f"{going} <= 1'b0;", clear]
    body = [
        f"reg {span(size)}{timer};",
        f"reg {going};",
        "",
        f"assign {done} = {on}[{steps - 1}];",
        "",
    ]
    body += [
        *comment(d, "One more output every time the timer runs out"),
        *d.always_clocked(clocking, run, reset),
    ]

    def step(elapsed: int | None, values: Values) -> int | None:
        """Cycles since the start, None before it."""
        if elapsed is None:
            return 0 if values[start] else None
        return min(elapsed + 1, steps * gap)

    def outputs(elapsed: int | None, values: Values) -> dict[str, int]:
        lit = (elapsed or 0) // gap
        return {on: (1 << lit) - 1, done: int(lit == steps)}

    return Problem(
        name=d.name(
            "power_sequencer", "step_sequencer", "sequencer", "startup_sequence", "enable_chain"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(start, "input", meaning=("starts the sequence", "start command")),
            Port(
                on,
                "output",
                steps,
                ("outputs that are switched on in turn", "enables, bit 0 first"),
                reg=True,
            ),
            Port(done, "output", meaning=("all outputs are on", "sequence complete")),
        ],
        body=body,
        phrases=[
            f"sequencer that turns on {steps} outputs {gap} cycles apart",
            f"{steps}-step power-up sequencer with {d.reset_phrase(clocking)}",
            f"start-up sequence of {steps} enables",
        ],
        facts=[
            (
                f"The sequence starts at the {edge(clocking)} that sees {start} high; "
                f"{start} is ignored afterwards.",
                f"A high {start} at the {edge(clocking)} starts the sequence, once; later "
                f"levels do not matter.",
            ),
            (
                f"{gap} cycles after the start {on}[0] goes high, and every {gap} cycles the next "
                f"bit, up to {on}[{steps - 1}].",
                f"The bits of {on} go high one after the other from bit 0, the first {gap} clock "
                f"edges after the edge of the start, then one every {gap} edges.",
            ),
            (
                "Bits that are on stay on until the reset.",
                "No bit is switched off again except by the reset.",
            ),
            (
                f"{done} is high when all {steps} bits are on.",
                f"{done} equals the last bit, {on}[{steps - 1}].",
            ),
            d.reset_fact(clocking, f"all bits of {on} are off and the machine waits for {start}"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {start: int(random.random() < 0.3)},
        behaviour=Behaviour(start=None, step=step, outputs=outputs),
        checks=120,
    )


FAMILIES = (
    handshake,
    joined_events,
    step_sequence,
)
