"""Who goes next: arbiters with fixed and rotating priority."""

from __future__ import annotations

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_REQ = ("req", "request", "requests", "r")
_GRANT = ("grant", "gnt", "grants", "g")


def _first(requests: int, order: range) -> int:
    """The lowest place in `order` that requests, as a one-hot number."""
    return next((1 << n for n in order if requests >> n & 1), 0)


def _priority_lines(d: Draw, req: str, grant: str, width: int, low: bool, arrow: str) -> Lines:
    """An if-chain that grants the first request from one end."""
    order = range(width) if low else range(width - 1, -1, -1)
    arms = [(f"{req}[{n}]", [f"{grant} {arrow} {width}'b{1 << n:0{width}b};"]) for n in order]
    return d.branches(*arms, ("", [f"{grant} {arrow} {d.number(0, width)};"]))


def fixed_priority_arbiter(d: Draw) -> Problem:
    """One-hot grant to the highest-ranking request, combinational or registered."""
    width, low, registered = d.integer(2, 8), d.chance(0.6), d.chance(0.45)
    clocking = d.clocking(reset=1.0) if registered else None
    req, grant = d.name(*_REQ), d.name(*_GRANT)
    any_ = d.name("any", "busy", "valid", "active") if d.chance(0.4) else ""
    arrow = "<=" if clocking else "="
    lines = _priority_lines(d, req, grant, width, low, arrow)
    reg = True
    if clocking:
        if low and d.chance(0.4):
            lines = [f"{grant} <= {req} & (~{req} + 1'b1);"]
        body = d.always_clocked(clocking, lines, [f"{grant} <= {d.number(0, width)};"])
    elif d.chance(0.5):
        body = d.always_comb(lines)
    elif low and d.chance(0.5):
        body = [*comment(d, "Isolates the lowest 1"), f"assign {grant} = {req} & (~{req} + 1'b1);"]
        reg = False
    else:
        body, reg = [], False
        for n in range(width):
            above = range(n) if low else range(n + 1, width)
            body.append(
                f"assign {grant}[{n}] = {' & '.join([f'{req}[{n}]', *(f'~{req}[{k}]' for k in above)])};"
            )
    if any_:
        body += ["", f"assign {any_} = |{grant};"]
    order = range(width) if low else range(width - 1, -1, -1)
    end = "lowest" if low else "highest"

    def shown(value: int) -> dict[str, int]:
        return {grant: value, **({any_: int(value != 0)} if any_ else {})}

    timing: Words = (
        (
            f"{grant} is registered: at each {edge(clocking)} it is set according to {req}.",
            f"The decision is taken anew at every {edge(clocking)} and shown until the next.",
        )
        if clocking
        else ("The circuit is combinational.", f"There is no clock; {grant} follows {req} at once.")
    )
    facts: list[Words] = [
        (
            f"Of all bits of {req} that are 1, only the one with the {end} index is granted.",
            f"{grant} has a single 1, in the place of the {end} requesting bit.",
            f"Requester {0 if low else width - 1} has the highest priority, and "
            f"{width - 1 if low else 0} the lowest; one gets the grant.",
        ),
        (f"Without a request {grant} is zero.", f"If {req} is zero, so is {grant}."),
        timing,
    ]
    if clocking:
        facts.append(d.reset_fact(clocking, f"{grant} is zero"))
    if any_:
        facts.append(
            (
                f"{any_} is 1 when some bit of {grant} is.",
                f"{any_} is the OR of all bits of {grant}.",
            )
        )
    ports = [
        *(d.clock_ports(clocking) if clocking else []),
        Port(req, "input", width, ("requests, one bit each", "request vector")),
        Port(grant, "output", width, ("grants, one-hot or zero", "one-hot grant"), reg=reg),
    ]
    if any_:
        ports.append(Port(any_, "output", meaning=("something is granted", "grant valid")))
    return Problem(
        name=d.name("arbiter", "priority_arbiter", f"arbiter{width}", "fixed_arbiter", "arb"),
        ports=ports,
        body=body,
        phrases=[
            f"{width}-way fixed-priority arbiter, {end} index first, "
            f"{'registered' if clocking else 'combinational'}",
            f"priority arbiter with one-hot grant for {width} requesters",
            f"arbiter that grants the {end} request",
        ],
        facts=facts,
        clocking=clocking,
        behaviour=Behaviour(
            start=0,
            step=(lambda s, v: _first(v[req], order)) if clocking else None,
            outputs=lambda s, v: shown(s if clocking else _first(v[req], order)),
        ),
        checks=60,
    )


def round_robin_arbiter(d: Draw) -> Problem:
    """The search begins behind the requester served last."""
    width, clocking = d.integer(2, 6), d.clocking(reset=1.0)
    req, grant = d.name(*_REQ), d.name(*_GRANT)
    pointer, n = d.name("pointer", "next_up", "start_at", "turn"), bits_for(width)
    registered = d.chance(0.5)
    choice = d.name("choice", "pick", "chosen", "winner") if registered else grant
    nothing = d.number(0, width)
    by_case = d.chance(0.5)
    arms, after = [], []
    for start in range(width):
        chain = [((start + k) % width) for k in range(width)]
        lines = d.branches(
            *((f"{req}[{k}]", [f"{choice} = {width}'b{1 << k:0{width}b};"]) for k in chain),
            ("", [f"{choice} = {nothing};"]),
        )
        arms.append((f"{n}'d{start}", lines))
        after.append(
            (f"{width}'b{1 << start:0{width}b}", [f"{pointer} <= {n}'d{(start + 1) % width};"])
        )
    body = [f"reg {span(n)}{pointer};"]
    if by_case:
        body += [f"reg {span(width)}{choice};"] if registered else []
        logic = d.always_comb(d.case(pointer, [*arms, ("default", [f"{choice} = {nothing};"])]))
        choice_is_reg = True
    else:
        mask = d.name("mask", "behind")
        high = d.name("masked", "upper")
        low = d.name("plain", "all_req")
        body += [
            f"wire {span(width)}{mask} = {{{width}{{1'b1}}}} << {pointer};",
            f"wire {span(width)}{high} = {req} & {mask};",
            f"wire {span(width)}{low} = (|{high}) ? {high} : {req};",
        ]
        value = f"{low} & (~{low} + 1'b1)"
        logic = [f"assign {choice} = {value};"]
        choice_is_reg = False
        body += [f"wire {span(width)}{choice};"] if registered else []
    run = d.case(choice, [*after, ("default", [f"{pointer} <= {pointer};"])])
    reset = [f"{pointer} <= {d.number(0, n)};"]
    if registered:
        run, reset = [f"{grant} <= {choice};", *run], [f"{grant} <= {nothing};", *reset]
    body += [
        "",
        *comment(d, "Search from the pointer on, around the ring"),
        *logic,
        "",
        *d.always_clocked(clocking, run, reset),
    ]

    def pick(turn: int, requests: int) -> int:
        """The index of the winner, or -1."""
        ring = ((turn + k) % width for k in range(width))
        return next((k for k in ring if requests >> k & 1), -1)

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        winner = pick(state[0], values[req])
        return (state[0], 0) if winner < 0 else ((winner + 1) % width, 1 << winner)

    def outputs(state: tuple[int, int], values: Values) -> dict[str, int]:
        winner = pick(state[0], values[req])
        return {grant: state[1] if registered else 0 if winner < 0 else 1 << winner}

    kind = "registered" if registered else "combinational"
    return Problem(
        name=d.name(
            "round_robin", "rr_arbiter", f"rr_arbiter{width}", "fair_arbiter", "round_robin_arbiter"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(req, "input", width, ("requests, one bit each", "request vector")),
            Port(
                grant,
                "output",
                width,
                ("grants, one-hot or zero", "one-hot grant"),
                reg=registered or choice_is_reg,
            ),
        ],
        body=body,
        phrases=[
            f"{width}-way round-robin arbiter with {kind} one-hot grant",
            f"fair arbiter for {width} requesters",
            f"round-robin arbiter with {d.reset_phrase(clocking)}",
        ],
        facts=[
            (
                "The search for a request begins at a turn pointer and goes on to higher indices, "
                "around to 0.",
                f"Requests are looked at from the turn pointer upwards, with {width - 1} followed "
                f"by 0, and the first one wins.",
            ),
            (
                f"At the {edge(clocking)} the pointer is set to the index after the winner, "
                f"and stays if there is no request.",
                f"After a grant to k, the turn pointer becomes k + 1 modulo {width} at the "
                f"{edge(clocking)}; without a request it holds.",
            ),
            (
                f"{grant} is registered: after the edge it shows the winner of the requests "
                f"before the edge, or zero.",
                f"The winner is stored in {grant} at the same edge; without a request {grant} "
                f"becomes zero.",
            )
            if registered
            else (
                f"{grant} is combinational and shows the winner of the present requests, or zero.",
                f"{grant} is a function of {req} and the pointer, zero without a request.",
            ),
            d.reset_fact(
                clocking, "the turn pointer is 0" + (f" and {grant} is zero" if registered else "")
            ),
        ],
        clocking=clocking,
        behaviour=Behaviour(start=(0, 0), step=step, outputs=outputs),
        checks=90,
    )


def holding_arbiter(d: Draw) -> Problem:
    """A grant stays until its request goes away."""
    width, clocking, low = d.integer(2, 6), d.clocking(reset=1.0), d.chance(0.6)
    req, grant = d.name(*_REQ), d.name(*_GRANT)
    lines = _priority_lines(d, req, grant, width, low, "<=")
    kept = d.choose(f"({grant} & {req}) == {d.number(0, width)}", f"!(|({grant} & {req}))")
    body = [*comment(d, "Decide again when the owner has let go")]
    body += d.always_clocked(
        clocking, d.branches((kept, lines)), [f"{grant} <= {d.number(0, width)};"]
    )
    order = range(width) if low else range(width - 1, -1, -1)
    end = "lowest" if low else "highest"
    return Problem(
        name=d.name(
            "bus_arbiter", "arbiter", "holding_arbiter", "sticky_arbiter", f"bus_arb{width}"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(req, "input", width, ("requests, one bit each", "bus requests")),
            Port(grant, "output", width, ("grants, one-hot or zero", "bus grants"), reg=True),
        ],
        body=body,
        phrases=[
            f"{width}-way bus arbiter that keeps a grant until the request ends, {end} index first",
            f"non-preemptive priority arbiter for {width} masters",
            "arbiter with held grants",
        ],
        facts=[
            (
                f"The owner keeps the grant as long as its bit of {req} is 1 at every "
                f"{edge(clocking)}.",
                f"A grant is not taken away while its request lasts; {req} is sampled at the "
                f"{edge(clocking)}.",
            ),
            (
                f"If there is no owner, or its request is gone, the edge grants the requesting "
                f"bit with the {end} index.",
                f"When the bus is free, or becomes free at this edge, it goes to the {end} "
                f"requester at the same edge.",
            ),
            (f"Without any request {grant} becomes zero.", f"{grant} is zero when nobody asks."),
            (f"{grant} is registered.", f"{grant} changes only at clock edges or by the reset."),
            d.reset_fact(clocking, f"{grant} is zero"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {req: random.getrandbits(width) | random.getrandbits(width)},
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: s if s & v[req] else _first(v[req], order),
            outputs=lambda s, v: {grant: s},
        ),
    )


FAMILIES = (
    fixed_priority_arbiter,
    round_robin_arbiter,
    holding_arbiter,
)
