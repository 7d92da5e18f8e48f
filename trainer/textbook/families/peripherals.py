"""Peripherals: sticky flags, general-purpose pins, interrupt controller."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import comment, drive, edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_WDATA = ("wdata", "din", "data_in", "write_data")
_RDATA = ("rdata", "dout", "data_out", "read_data")
_WE = ("we", "wr", "write", "wr_en")


def status_flags(d: Draw) -> Problem:
    """Sticky flags that hardware sets and a bus write clears (or sets and toggles)."""
    clocking = d.clocking(reset=1.0)
    width, event_wins = d.width(2, 16), d.chance(0.5)
    kind = d.choose("clear-one", "clear-one", "clear-zero", "toggle")
    event = d.name("event_in", "set_flags", "hw_set", "events")
    we = d.name(*_WE)
    wdata = d.name(*_WDATA)
    flags = d.name("flags", "status", "sticky")
    any_ = d.name("any", "irq", "pending") if d.chance(0.4) else ""
    written = {
        "clear-one": f"{flags} & ~{wdata}",
        "clear-zero": f"{flags} & {wdata}",
        "toggle": f"{flags} ^ {wdata}",
    }[kind]
    if event_wins:
        run = d.branches(
            (we, [f"{flags} <= ({written}) | {event};"]), ("", [f"{flags} <= {flags} | {event};"])
        )
    else:
        run = d.branches((we, [f"{flags} <= {written};"]), ("", [f"{flags} <= {flags} | {event};"]))
    body = d.always_clocked(clocking, run, [f"{flags} <= {d.number(0, width)};"])
    any_reg = False
    if any_:
        lines, any_reg = drive(
            d, any_, d.choose(f"|{flags}", f"({flags} != {d.number(0, width)})"), 0.7
        )
        body += ["", *lines]

    def step(held: int, v: Values) -> int:
        if not v[we]:
            return held | v[event]
        new = {
            "clear-one": held & ~v[wdata],
            "clear-zero": held & v[wdata],
            "toggle": held ^ v[wdata],
        }[kind]
        return new | v[event] if event_wins else new

    effect = {
        "clear-one": ("clears the flags whose bits in {} are 1", "a 1 in {} clears the flag"),
        "clear-zero": ("clears the flags whose bits in {} are 0", "a 0 in {} clears the flag"),
        "toggle": ("inverts the flags whose bits in {} are 1", "a 1 in {} inverts the flag"),
    }[kind]
    label = {
        "clear-one": "write-1-to-clear",
        "clear-zero": "write-0-to-clear",
        "toggle": "write-1-to-toggle",
    }[kind]
    ports = [
        *d.clock_ports(clocking),
        Port(event, "input", width, ("events, one bit each", "hardware set inputs")),
        Port(we, "input", meaning=("write strobe", "write enable")),
        Port(wdata, "input", width, ("write data", "bits written")),
        Port(flags, "output", width, ("status flags", "sticky flags"), reg=True),
    ]
    facts: list[Words] = [
        (
            f"Every bit of {event} that is 1 at the {edge(clocking)} sets the same bit of "
            f"{flags}, which stays set.",
            f"{flags} collects the events: a 1 in {event} at the {edge(clocking)} sets the flag.",
        ),
        (
            f"A write (an edge with {we} high) {effect[0].format(wdata)}.",
            f"In a write, with {we} = 1, {effect[1].format(wdata)}; other flags are not written.",
        ),
        (
            "An event at the same edge as a write is not lost: the flag is set in any case.",
            f"The events of an edge with {we} high are applied after the write, so that they win.",
        )
        if event_wins
        else (
            f"Events at an edge with {we} high are ignored.",
            f"While {we} is high no event is recorded, for any flag.",
        ),
        d.reset_fact(clocking, "all flags are 0"),
    ]
    if any_:
        ports.append(
            Port(any_, "output", meaning=("some flag is set", "OR of all flags"), reg=any_reg)
        )
        facts.append(
            (f"{any_} is 1 when any flag is set.", f"{any_} is the OR of all bits of {flags}.")
        )
    return Problem(
        name=d.name("status_reg", "w1c_flags", "sticky_flags", "event_flags", "status_register"),
        ports=ports,
        body=body,
        phrases=[
            f"{width}-bit {label} status register with sticky event flags",
            f"register of {width} sticky flags, {label}",
            "status flags set by hardware and written by software",
        ],
        facts=facts,
        clocking=clocking,
        stimulus=lambda random, n: {
            event: random.getrandbits(width)
            & random.getrandbits(width)
            & random.getrandbits(width),
            we: int(random.random() < 0.4),
            wdata: random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=0,
            step=step,
            outputs=lambda s, v: {flags: s, **({any_: int(s != 0)} if any_ else {})},
        ),
    )


def port_pins(d: Draw) -> Problem:
    """General-purpose pins: direction, output value, synchronised input."""
    clocking = d.clocking(reset=1.0)
    width, depth = d.choose(2, 4, 8, 8, 16), d.choose(1, 2)
    we_dir = d.name("we_dir", "dir_wr", "wr_dir")
    we_out = d.name("we_out", "out_wr", "wr_out")
    wdata = d.name(*_WDATA)
    pins = d.name("pins_in", "pad_in", "gpio_in")
    out = d.name("pins_out", "pad_out", "gpio_out")
    oe = d.name("pins_oe", "pad_oe", "gpio_oe")
    rdata = d.name(*_RDATA)
    syncs = [d.name("sync1", "meta", "sample0"), d.name("sync2", "stable", "sample1")][:depth]
    zero = d.number(0, width)
    run = [
        *d.branches((we_dir, [f"{oe} <= {wdata};"])),
        *d.branches((we_out, [f"{out} <= {wdata};"])),
    ]
    chain = [pins, *syncs]
    moves = [f"{later} <= {earlier};" for earlier, later in zip(chain, syncs, strict=False)]
    clear = [f"{r} <= {zero};" for r in (oe, out)]
    cleared = [f"{r} <= {zero};" for r in syncs]
    body = [f"reg {span(width)}{', '.join(syncs)};", ""]
    if d.chance(0.5):
        body += d.always_clocked(clocking, [*moves, *run], [*cleared, *clear])
    else:
        body += [
            *d.always_clocked(clocking, moves, cleared),
            "",
            *d.always_clocked(clocking, run, clear),
        ]
    body += [
        "",
        *comment(d, "Outputs are read back from their register"),
        f"assign {rdata} = ({out} & {oe}) | ({syncs[-1]} & ~{oe});",
    ]

    def step(state: tuple, v: Values) -> tuple:
        direction, value, samples = state
        direction = v[wdata] if v[we_dir] else direction
        value = v[wdata] if v[we_out] else value
        return direction, value, (v[pins], *samples)[:depth]

    def outputs(state: tuple, v: Values) -> dict[str, int]:
        direction, value, samples = state
        return {out: value, oe: direction, rdata: value & direction | samples[-1] & ~direction}

    return Problem(
        name=d.name("gpio", "port_pins", "pio", f"gpio{width}", "io_port"),
        ports=[
            *d.clock_ports(clocking),
            Port(we_dir, "input", meaning=("writes the direction register", "direction strobe")),
            Port(we_out, "input", meaning=("writes the output register", "output strobe")),
            Port(wdata, "input", width, ("write data", "data to write")),
            Port(pins, "input", width, ("levels of the pins", "pin inputs")),
            Port(out, "output", width, ("output values", "output register"), reg=True),
            Port(
                oe,
                "output",
                width,
                ("output enables", "direction register, 1 for output"),
                reg=True,
            ),
            Port(rdata, "output", width, ("pin values to read", "read data")),
        ],
        body=body,
        phrases=[
            f"{width}-pin general-purpose I/O port with {depth}-stage input synchroniser",
            f"GPIO block with direction and output registers of {width} bits",
            "parallel port with programmable direction of each pin",
        ],
        facts=[
            (
                f"At the {edge(clocking)} {wdata} is written to {oe} if {we_dir} is high "
                f"and to {out} if {we_out} is high (both may be).",
                f"{we_dir} loads the direction register {oe} and {we_out} the output register "
                f"{out} from {wdata}, on the {edge(clocking)}.",
            ),
            (
                f"{pins} passes through {depth} flip-flop{'s' * (depth > 1)} a bit before it is "
                f"used.",
                f"The pins are sampled at every {edge(clocking)} by a chain of {depth} "
                f"register{'s' * (depth > 1)}.",
            ),
            (
                f"A bit of {rdata} is the bit of {out} where {oe} is 1, and the last sample of "
                f"the chain where {oe} is 0; no clock is needed for this choice.",
                f"{rdata} shows, combinationally, outputs from {out} (bits with {oe} = 1) and "
                f"inputs from the end of the sample chain.",
            ),
            d.reset_fact(clocking, f"{oe}, {out} and the input samples are zero"),
        ],
        clocking=clocking,
        behaviour=Behaviour(start=(0, 0, (0,) * depth), step=step, outputs=outputs),
    )


def interrupt_controller(d: Draw) -> Problem:
    """Pending bits, a mask, a request line and the number of the first interrupt."""
    width, clocking, low = d.choose(2, 3, 4, 4, 8, 8), d.clocking(reset=1.0), d.chance(0.7)
    irq = d.name("irq", "irq_in", "event_in", "src")
    mask = d.name("mask", "enable", "irq_en")
    clear = d.name("clear", "ack", "clr")
    pending = d.name("pending", "status", "flags")
    out = d.name("int_out", "irq_out", "interrupt", "intr")
    number = d.name("number", "vector", "irq_id", "id")
    set_wins, n = d.chance(0.5), bits_for(width)
    active = d.name("active", "masked", "enabled")
    update = f"({pending} & ~{clear}) | {irq}" if set_wins else f"({pending} | {irq}) & ~{clear}"
    body = [f"wire {span(width)}{active} = {pending} & {mask};", ""]
    body += d.always_clocked(
        clocking, [f"{pending} <= {update};"], [f"{pending} <= {d.number(0, width)};"]
    )
    lines, out_reg = drive(d, out, f"|{active}", 0.7)
    order = range(width) if low else range(width - 1, -1, -1)
    arms = [(f"{active}[{k}]", [f"{number} = {d.number(k, n)};"]) for k in order]
    body += [
        "",
        *lines,
        "",
        *d.always_comb(d.branches(*arms, ("", [f"{number} = {d.number(0, n)};"]))),
    ]

    def outputs(state: int, values: Values) -> dict[str, int]:
        there = [k for k in order if state >> k & values[mask] >> k & 1]
        return {pending: state, out: int(bool(there)), number: there[0] if there else 0}

    end = "lowest" if low else "highest"
    top = (1 << width) - 1
    return Problem(
        name=d.name("interrupt_controller", "irq_ctrl", "intc", f"irq_ctrl{width}", "pic"),
        ports=[
            *d.clock_ports(clocking),
            Port(irq, "input", width, ("interrupt events", "sources, one bit each")),
            Port(mask, "input", width, ("1 enables the source", "enable mask")),
            Port(clear, "input", width, ("1 clears the pending bit", "acknowledge of each source")),
            Port(pending, "output", width, ("pending events", "pending bits"), reg=True),
            Port(
                out,
                "output",
                meaning=("interrupt request", "some enabled event is pending"),
                reg=out_reg,
            ),
            Port(
                number, "output", n, ("number of the interrupt to serve", "vector number"), reg=True
            ),
        ],
        body=body,
        phrases=[
            f"{width}-source interrupt controller with mask and pending bits, {end} number first",
            f"interrupt controller for {width} events",
            "collector of interrupt events with priority",
        ],
        facts=[
            (
                f"At each {edge(clocking)}, bits of {irq} that are 1 set the same bits of "
                f"{pending}, which stay set.",
                f"{pending} remembers every event seen on {irq} at the {edge(clocking)}.",
            ),
            (
                f"Bits of {clear} that are 1 clear the same bits of {pending}; if an event comes "
                f"at the same edge, the bit is {'set' if set_wins else 'cleared'}.",
                f"{clear} resets pending bits one by one, and {'loses' if set_wins else 'wins'} "
                f"against an event at the same edge.",
            ),
            (
                f"{mask} does not affect {pending}; {out} is 1 when some pending bit is enabled "
                f"by {mask}.",
                f"{out} is the OR of {pending} AND {mask}, combinationally.",
            ),
            (
                f"{number} is the {end} index that is both pending and enabled, or 0 if there is "
                f"none.",
                f"Of the enabled pending events the {end} one appears on {number}; without one "
                f"{number} is 0.",
            ),
            d.reset_fact(clocking, f"{pending} is zero"),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            irq: random.getrandbits(width) & random.getrandbits(width),
            mask: random.choice((top, random.getrandbits(width))),
            clear: random.getrandbits(width) & random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: s & ~v[clear] | v[irq] if set_wins else (s | v[irq]) & ~v[clear],
            outputs=outputs,
        ),
    )


FAMILIES = (
    status_flags,
    port_pins,
    interrupt_controller,
)
