"""Flow control: credits, a token bucket, valid/ready stages."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import counted, nth
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def credit_counter(d: Draw) -> Problem:
    """Sending uses up a credit, an acknowledgement brings one back."""
    clocking = d.clocking(reset=1.0)
    top = d.integer(2, 20)
    n = bits_for(top + 1)
    want = d.name("want", "valid", "request", "send")
    back = d.name("credit_return", "ret", "give_back", "ack")
    go = d.name("go", "grant", "allowed", "fire")
    left = d.name("credits", "left", "tokens", "available")
    full, none = d.number(top, n), d.number(0, n)
    down, up = [f"{left} <= {left} - 1'b1;"], [f"{left} <= {left} + 1'b1;"]
    room = f"{back} && !{go} && {left} != {full}"
    body = [f"assign {go} = {want} && ({left} != {none});", ""]
    body += d.always_clocked(
        clocking, d.branches((f"{go} && !{back}", down), (room, up)), [f"{left} <= {full};"]
    )

    def step(n: int, v: Values) -> int:
        return min(top, n - int(v[want] and n > 0) + v[back])

    return Problem(
        name=d.name(
            "credit_counter", "credit_ctrl", "flow_control", "credit_gate", "credit_manager"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(want, "input", meaning=("wish to send", "send request")),
            Port(back, "input", meaning=("one credit comes back", "credit return")),
            Port(go, "output", meaning=("sending is allowed now", "send grant")),
            Port(left, "output", n, ("credits left", "number of credits"), reg=True),
        ],
        body=body,
        phrases=[
            f"credit counter for {top} credits with send grant",
            f"credit-based flow control of at most {counted(top, 'transfer')} under way",
            f"flow control gate with {d.reset_phrase(clocking)}",
        ],
        facts=[
            (
                f"{go} is 1 when {want} is high and at least one credit is left, combinationally.",
                f"A wish to send on {want} is granted on {go} in the same cycle unless {left} is "
                f"0.",
            ),
            (
                f"At the {edge(clocking)} a grant costs one credit and {back} returns one; "
                f"both together leave {left} unchanged.",
                f"{left} goes down by one for {go} and up by one for {back}, at each "
                f"{edge(clocking)}; together they cancel.",
            ),
            (
                f"{left} never exceeds {top}: a credit that comes back then is dropped.",
                f"Returns are ignored when all {top} credits are there and none is used.",
            ),
            d.reset_fact(clocking, f"{left} is {top}"),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            want: int(random.random() < (0.9 if k // 25 % 2 == 0 else 0.2)),
            back: int(random.random() < (0.25 if k // 25 % 2 == 0 else 0.9)),
        },
        behaviour=Behaviour(
            start=top,
            step=step,
            outputs=lambda s, v: {go: int(v[want] and s > 0), left: s},
        ),
        checks=110,
    )


def rate_limiter(d: Draw) -> Problem:
    """A token bucket: one token every few cycles, up to a burst."""
    clocking = d.clocking(reset=1.0)
    period, burst = d.integer(2, 8), d.integer(1, 6)
    p, n = bits_for(period), bits_for(burst + 1)
    want = d.name("want", "req", "valid", "event_in")
    pass_ = d.name("pass", "allow", "granted", "event_out")
    tokens, timer = d.name("tokens", "bucket", "level"), d.name("timer", "count", "refill_count")
    add = d.name("refill", "add", "tick")
    full, none = d.number(burst, n), d.number(0, n)
    body = [
        f"reg {span(n)}{tokens};",
        f"reg {span(p)}{timer};",
        f"wire {add} = ({timer} == {d.number(period - 1, p)});",
        "",
        f"assign {pass_} = {want} && ({tokens} != {none});",
        "",
    ]
    count = d.choose(
        [f"{timer} <= {add} ? {d.number(0, p)} : {timer} + 1'b1;"],
        d.branches((add, [f"{timer} <= {d.number(0, p)};"]), ("", [f"{timer} <= {timer} + 1'b1;"])),
    )
    move = d.branches(
        (
            f"{add} && !{pass_}",
            d.branches((f"{tokens} != {full}", [f"{tokens} <= {tokens} + 1'b1;"])),
        ),
        (f"{pass_} && !{add}", [f"{tokens} <= {tokens} - 1'b1;"]),
    )
    body += d.always_clocked(
        clocking, [*count, *move], [f"{tokens} <= {full};", f"{timer} <= {d.number(0, p)};"]
    )

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        left, age = state
        left -= int(values[want] and left > 0)
        age += 1
        return (min(burst, left + 1), 0) if age == period else (left, age)

    return Problem(
        name=d.name("rate_limiter", "token_bucket", "event_limiter", "throttle", "traffic_shaper"),
        ports=[
            *d.clock_ports(clocking),
            Port(want, "input", meaning=("event that asks to pass", "request")),
            Port(pass_, "output", meaning=("the event may pass", "grant")),
        ],
        body=body,
        phrases=[
            f"token bucket with one token every {period} cycles and a burst of {burst}",
            f"rate limiter that lets one event pass every {period} clock cycles on average",
            "event throttle with a small burst allowance",
        ],
        facts=[
            (
                f"{pass_} is 1 when {want} is high and a token is left, combinationally.",
                f"A high {want} passes to {pass_} in the same cycle if the bucket is not empty.",
            ),
            (
                f"Each {edge(clocking)} with {pass_} high takes one token out.",
                f"A passed event uses up a token at the {edge(clocking)}.",
            ),
            (
                f"Every {nth(period)} edge brings a token, counted from the reset without a "
                f"pause; the bucket holds at most {counted(burst, 'token')}.",
                f"A free-running timer adds a token every {period} edges, unless the bucket holds "
                f"{burst} already.",
            ),
            (
                "If a token comes at the same edge as one is used, their number does not change.",
                "A token added and one used at the same edge cancel out.",
            ),
            d.reset_fact(
                clocking, f"the bucket holds {counted(burst, 'token')} and the timer starts"
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {want: int(random.random() < (0.8, 0.1, 0.4)[k // 20 % 3])},
        behaviour=Behaviour(
            start=(burst, 0),
            step=step,
            outputs=lambda s, v: {pass_: int(v[want] and s[0] > 0)},
        ),
        checks=110,
    )


def register_slice(d: Draw) -> Problem:
    """A valid/ready pipeline register, with or without a second (skid) place."""
    clocking = d.clocking(reset=1.0)
    width, skid = d.width(4, 32), d.chance(0.5)
    iv = d.name("in_valid", "s_valid", "up_valid")
    ir = d.name("in_ready", "s_ready", "up_ready")
    x = d.name("in_data", "s_data", "din")
    ov = d.name("out_valid", "m_valid", "dn_valid")
    or_ = d.name("out_ready", "m_ready", "dn_ready")
    y = d.name("out_data", "m_data", "dout")
    zero = d.number(0, width)
    if skid:
        spare = d.name("spare", "skid_data", "buffer")
        held = d.name("held", "skid_valid", "spare_valid")
        body = [f"reg {span(width)}{spare};", f"reg {held};", "", f"assign {ir} = ~{held};", ""]
        from_spare = [f"{y} <= {spare};", f"{held} <= 1'b0;"]
        from_input = [f"{y} <= {x};", f"{ov} <= {iv};"]
        free = f"{or_} || !{ov}"
        run = d.branches(
            (free, d.branches((held, from_spare), ("", from_input))),
            (f"{iv} && {ir}", [f"{spare} <= {x};", f"{held} <= 1'b1;"]),
        )
        reset = [f"{ov} <= 1'b0;", f"{held} <= 1'b0;", f"{y} <= {zero};", f"{spare} <= {zero};"]
    else:
        body = [f"assign {ir} = {d.choose(f'!{ov} || {or_}', f'~{ov} | {or_}')};", ""]
        if d.chance(0.5):
            run = d.branches((ir, [f"{ov} <= {iv};", f"{y} <= {x};"]))
        else:
            run = d.branches(
                (f"{iv} && {ir}", [f"{y} <= {x};", f"{ov} <= 1'b1;"]), (or_, [f"{ov} <= 1'b0;"])
            )
        reset = [f"{ov} <= 1'b0;", f"{y} <= {zero};"]
    body += [
        *comment(d, "A word moves on when valid and ready are both high"),
        *d.always_clocked(clocking, run, reset),
    ]
    places = 1 + skid

    def ready(words: tuple[int, ...], values: Values) -> bool:
        return len(words) < 2 if skid else not words or bool(values[or_])

    def step(words: tuple[int, ...], values: Values) -> tuple[int, ...]:
        kept = words[1:] if words and values[or_] else words
        return (*kept, values[x]) if values[iv] and ready(words, values) else kept

    name = "skid buffer" if skid else "register slice"
    return Problem(
        name=d.name(
            *(
                ("skid_buffer", "skid", "pipe_skid")
                if skid
                else ("register_slice", "pipe_stage", "stream_reg")
            ),
            "valid_ready_stage",
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(iv, "input", meaning=("input word is valid", "valid of the input side")),
            Port(ir, "output", meaning=("a word can be taken", "ready of the input side")),
            Port(x, "input", width, ("input word", "input data")),
            Port(
                ov, "output", meaning=("output word is valid", "valid of the output side"), reg=True
            ),
            Port(or_, "input", meaning=("the receiver takes the word", "ready of the output side")),
            Port(y, "output", width, ("output word", "output data"), reg=True),
        ],
        body=body,
        phrases=[
            f"{width}-bit valid/ready {name} for {counted(places, 'word')}",
            f"pipeline stage with handshake and {'registered' if skid else 'combinational'} ready",
            f"stream register for {width}-bit data",
        ],
        facts=[
            (
                f"A word enters at the {edge(clocking)} with {iv} and {ir} high, and leaves "
                f"at one with {ov} and {or_} high.",
                f"Transfers happen at the {edge(clocking)}: in when {iv} and {ir} are 1, "
                f"out when {ov} and {or_} are 1.",
            ),
            (
                "Words leave in the order in which they entered, and none is lost or doubled.",
                f"Every word that enters leaves once on {y}, in the same order.",
            ),
            (
                f"Up to two words are stored; {ir} comes from a register and is low exactly when "
                f"both places are taken.",
                f"{ir} is 1 unless two words are stored, so it does not depend on {or_} in the "
                f"same cycle.",
            )
            if skid
            else (
                f"One word is stored; {ir} is 1 when none is, or when {or_} is high.",
                f"{ir} is combinational: it is high if the register is empty or is being emptied "
                f"in this cycle.",
            ),
            (
                f"{ov} is high while a word is stored; {y} then shows the oldest one, from the "
                f"edge after it entered at the earliest. With {ov} low {y} does not matter.",
                f"Both {y} and {ov} are registered, the latency of an empty stage is one edge, "
                f"and {y} has no meaning while {ov} is 0.",
            ),
            d.reset_fact(clocking, "nothing is stored"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            iv: int(random.random() < (0.9, 0.4)[n // 15 % 2]),
            or_: int(random.random() < (0.4, 0.9, 0.7)[n // 20 % 3]),
            x: random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=(),
            step=step,
            outputs=lambda s, v: {ov: int(bool(s)), y: s[0] if s else None, ir: int(ready(s, v))},
        ),
        checks=100,
    )


FAMILIES = (
    credit_counter,
    rate_limiter,
    register_slice,
)
