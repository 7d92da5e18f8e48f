"""Words to bits and bits to words: SPI, serialiser, deserialiser."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import counted
from trainer.textbook.families._common import Size, edge, span
from trainer.textbook.families._machines import bits_for, timed
from trainer.textbook.families._register import moved
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def spi_master(d: Draw) -> Problem:
    """Shifts a word out with a clock of its own, highest bit first."""
    clocking = d.clocking(reset=1.0)
    width, half = d.choose(4, 6, 8, 8, 10, 12), d.integer(1, 2)
    start, data = d.name("start", "send", "go"), d.name("data", "din", "tx_data", "word")
    sclk, mosi = d.name("sclk", "sck", "spi_clk"), d.name("mosi", "sdo", "sdata")
    cs, done = d.name("cs_n", "ss_n", "csb"), d.name("done", "finished", "ready_pulse")
    sr = d.name("sr", "shift", "shifter")
    left = d.name("left", "bits_left", "count")
    timer = d.name("timer", "div", "half_count")
    n = bits_for(width + 1)
    reload = [] if half == 1 else [f"{timer} <= {d.number(0, bits_for(half))};"]
    shifted = moved(sr, Size(width), True, "1'b0")
    fall = [
        f"{sclk} <= 1'b0;",
        f"{sr} <= {shifted};",
        f"{left} <= {left} - 1'b1;",
        *d.branches((f"{left} == {d.number(1, n)}", [f"{cs} <= 1'b1;", f"{done} <= 1'b1;"])),
    ]
    move = d.branches((f"!{sclk}", [f"{sclk} <= 1'b1;"]), ("", fall))
    load = [f"{cs} <= 1'b0;", f"{sr} <= {data};", f"{left} <= {d.number(width, n)};", *reload]
    run = [f"{done} <= 1'b0;", *d.branches((f"!{cs}", timed(d, timer, half, move)), (start, load))]
    reset = [
        f"{cs} <= 1'b1;",
        f"{sclk} <= 1'b0;",
        f"{done} <= 1'b0;",
        f"{sr} <= {d.number(0, width)};",
    ]
    reset += [f"{left} <= {d.number(0, n)};", *reload]
    body = [f"reg {span(width)}{sr};", f"reg {span(n)}{left};"]
    body += [] if half == 1 else [f"reg {span(bits_for(half))}{timer};"]
    body += ["", f"assign {mosi} = {sr}[{width - 1}];", "", *d.always_clocked(clocking, run, reset)]
    total = 2 * half * width

    def step(state: tuple[int | None, int, int], values: Values) -> tuple[int | None, int, int]:
        """(cycles since the start or None, word, done)."""
        since, word, _ = state
        if since is None:
            return (0, values[data], 0) if values[start] else (None, word, 0)
        return (None, word, 1) if since + 1 == total else (since + 1, word, 0)

    def outputs(state: tuple[int | None, int, int], values: Values) -> dict[str, int | None]:
        since, word, finished = state
        if since is None:
            return {sclk: 0, mosi: None, cs: 1, done: finished}
        bit = width - 1 - since // (2 * half)
        return {sclk: since // half % 2, mosi: word >> bit & 1, cs: 0, done: 0}

    return Problem(
        name=d.name("spi_master", "spi_tx", "spi_out", "spi_shift", "spi_writer"),
        ports=[
            *d.clock_ports(clocking),
            Port(start, "input", meaning=("starts a transfer", "send request")),
            Port(data, "input", width, ("word to send", "data, sent highest bit first")),
            Port(sclk, "output", meaning=("serial clock, low when idle", "SPI clock"), reg=True),
            Port(mosi, "output", meaning=("serial data", "data line")),
            Port(cs, "output", meaning=("chip select, active low", "active-low select"), reg=True),
            Port(
                done,
                "output",
                meaning=("high for one cycle at the end", "end of transfer pulse"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"SPI master transmitter for {width}-bit words, serial clock divided by {2 * half}",
            f"write-only SPI interface (mode 0) with {width}-bit words",
            f"serial shift-out with {sclk}, {mosi} and {cs}",
        ],
        facts=[
            (
                f"When idle, a high {start} at the {edge(clocking)} takes {data} and begins "
                f"a transfer; {cs} is low right after it.",
                f"A transfer of {data} begins at the {edge(clocking)} that sees {start} "
                f"high with {cs} high; this edge makes {cs} low.",
            ),
            (
                f"Each bit takes {2 * half} clock cycles: {sclk} is low for {half}, then high for "
                f"{half}. The highest bit is sent first.",
                f"For every bit, from the highest to the lowest, {sclk} stays low for "
                f"{counted(half, 'cycle')} and high for {counted(half, 'cycle')}.",
            ),
            (
                f"{mosi} shows the bit during its whole time.",
                f"{mosi} changes only when a bit begins and is stable around the rise of {sclk}.",
            ),
            (
                f"After {width} bits ({total} cycles) {cs} goes high, {sclk} is low and {done} is "
                f"high for one cycle.",
                f"The transfer lasts {total} cycles; then {cs} returns to 1, {sclk} to 0, and "
                f"{done} pulses for one cycle.",
            ),
            (
                f"{start} is ignored during a transfer, and {mosi} has no meaning while {cs} is "
                f"high.",
                f"While {cs} is low {start} has no effect; while it is high {mosi} does not "
                f"matter.",
            ),
            d.reset_fact(
                clocking, f"{cs} is high, {sclk} and {done} are low and nothing is being sent"
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            start: int(random.random() < 0.4),
            data: random.getrandbits(width),
        },
        behaviour=Behaviour(start=(None, 0, 0), step=step, outputs=outputs),
        checks=min(150, 2 * total + 50),
    )


def serializer(d: Draw) -> Problem:
    """A word in, its bits out one a cycle, with a valid signal."""
    clocking = d.clocking(reset=1.0)
    width, msb = d.width(3, 16), d.chance(0.5)
    load = d.name("load", "in_valid", "start", "din_valid")
    data = d.name("din", "data", "data_in", "word")
    out = d.name("dout", "bit_out", "sout", "serial_out")
    valid = d.name("out_valid", "valid", "dout_valid", "sending")
    sr = d.name("sr", "shift", "buffer")
    left = d.name("left", "count", "remaining")
    n = bits_for(width + 1)
    end = width - 1 if msb else 0
    rest = moved(sr, Size(width), msb, "1'b0")
    if d.chance(0.4):
        rest = f"{sr} << 1" if msb else f"{sr} >> 1"
    run = d.branches(
        (valid, [f"{sr} <= {rest};", f"{left} <= {left} - 1'b1;"]),
        (load, [f"{sr} <= {data};", f"{left} <= {d.number(width, n)};"]),
    )
    body = [f"reg {span(width)}{sr};", f"reg {span(n)}{left};", ""]
    body += [
        f"assign {valid} = ({left} != {d.number(0, n)});",
        f"assign {out} = {sr}[{end}] & {valid};",
        "",
    ]
    body += d.always_clocked(
        clocking, run, [f"{sr} <= {d.number(0, width)};", f"{left} <= {d.number(0, n)};"]
    )

    def step(bits: tuple[int, ...], values: Values) -> tuple[int, ...]:
        if bits:
            return bits[1:]
        order = range(width - 1, -1, -1) if msb else range(width)
        return tuple(values[data] >> k & 1 for k in order) if values[load] else ()

    order = "highest" if msb else "lowest"
    return Problem(
        name=d.name("serializer", "parallel_to_serial", "piso_valid", f"ser{width}", "p2s"),
        ports=[
            *d.clock_ports(clocking),
            Port(load, "input", meaning=("a word is offered", "load request")),
            Port(data, "input", width, ("word to send", "parallel data")),
            Port(out, "output", meaning=("serial data, 0 when idle", "bit output")),
            Port(valid, "output", meaning=("the serial data is valid", "high while bits are sent")),
        ],
        body=body,
        phrases=[
            f"{width}-bit parallel-to-serial converter with valid output, {order} bit first",
            f"serialiser of {width}-bit words, {'MSB' if msb else 'LSB'} first",
            f"word-to-bits converter with {d.reset_phrase(clocking)}",
        ],
        facts=[
            (
                f"With {valid} low, a high {load} at the {edge(clocking)} takes the word on "
                f"{data}.",
                f"A word is taken from {data} at the {edge(clocking)} when {load} is 1 and "
                f"{valid} is 0.",
            ),
            (
                f"During the following {width} cycles its bits appear on {out}, the {order} "
                f"first, with {valid} high.",
                f"{out} then delivers one bit a cycle for {width} cycles, beginning with the "
                f"{order}; {valid} is 1 in these cycles.",
            ),
            (
                f"While {valid} is high {load} is ignored.",
                "A word offered during a transmission is not taken.",
            ),
            (f"{out} is 0 while {valid} is low.", f"When idle both {out} and {valid} are 0."),
            d.reset_fact(clocking, "the transmission is given up and both outputs are 0"),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            load: int(random.random() < 0.5),
            data: random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=(), step=step, outputs=lambda s, v: {out: s[0] if s else 0, valid: int(bool(s))}
        ),
        checks=90,
    )


def deserializer(d: Draw) -> Problem:
    """Bits in, now and then, and a word out whenever enough have come."""
    clocking = d.clocking(reset=1.0)
    width, msb = d.width(3, 16), d.chance(0.5)
    bit = d.name("din", "bit_in", "sin", "serial_in")
    bit_valid = d.name("din_valid", "bit_valid", "in_valid", "en")
    word = d.name("dout", "word", "data_out", "parallel_out")
    ready = d.name("dout_valid", "word_valid", "out_valid", "done")
    sr = d.name("sr", "shift", "buffer")
    count = d.name("count", "received", "cnt")
    n = bits_for(width)
    taken_in = moved(sr, Size(width), msb, bit)
    clear = f"{count} <= {d.number(0, n)};"
    complete = [f"{word} <= {taken_in};", f"{ready} <= 1'b1;", clear]
    taken = [
        f"{sr} <= {taken_in};",
        *d.branches(
            (f"{count} == {d.number(width - 1, n)}", complete),
            ("", [f"{count} <= {count} + 1'b1;"]),
        ),
    ]
    run = [f"{ready} <= 1'b0;", *d.branches((bit_valid, taken))]
    reset = [
        f"{sr} <= {d.number(0, width)};",
        clear,
        f"{word} <= {d.number(0, width)};",
        f"{ready} <= 1'b0;",
    ]
    body = [
        f"reg {span(width)}{sr};",
        f"reg {span(n)}{count};",
        "",
        *d.always_clocked(clocking, run, reset),
    ]

    def step(state: tuple, values: Values) -> tuple:
        bits, shown, _ = state
        if not values[bit_valid]:
            return bits, shown, 0
        bits = (*bits, values[bit])
        if len(bits) < width:
            return bits, shown, 0
        ordered = bits[::-1] if msb else bits
        return (), sum(b << k for k, b in enumerate(ordered)), 1

    order = "highest" if msb else "lowest"
    return Problem(
        name=d.name("deserializer", "serial_to_parallel", "sipo_valid", f"des{width}", "s2p"),
        ports=[
            *d.clock_ports(clocking),
            Port(bit, "input", meaning=("serial data", "bit input")),
            Port(bit_valid, "input", meaning=("the input bit is valid", "bit strobe")),
            Port(word, "output", width, ("word received last", "parallel data"), reg=True),
            Port(
                ready,
                "output",
                meaning=("a word is complete", "high for one cycle a word"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"{width}-bit serial-to-parallel converter with valid flags, {order} bit first",
            f"deserialiser that collects {width} bits, {'MSB' if msb else 'LSB'} first",
            f"bits-to-word converter with {d.reset_phrase(clocking)}",
        ],
        facts=[
            (
                f"A bit is taken from {bit} at each {edge(clocking)} with {bit_valid} high.",
                f"{bit} counts only at the {edge(clocking)} when {bit_valid} is 1.",
            ),
            (
                f"Every {width} bits make a word; the first of them is its {order} bit.",
                f"The bits are collected in groups of {width}, {order} bit first.",
            ),
            (
                f"At the edge that takes the last bit the word is loaded into {word}, and {ready} "
                f"is high for the cycle after it.",
                f"When a word is complete it appears on {word} after that edge, with {ready} high "
                f"for one cycle.",
            ),
            (
                f"{word} keeps its value until the next word is complete.",
                f"Until the next complete word {word} does not change.",
            ),
            d.reset_fact(
                clocking, "the bits collected so far are forgotten and the outputs are zero"
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            bit: random.getrandbits(1),
            bit_valid: int(random.random() < 0.85),
        },
        behaviour=Behaviour(
            start=((), 0, 0), step=step, outputs=lambda s, v: {word: s[1], ready: s[2]}
        ),
        checks=min(150, 70 + 4 * width),
    )


FAMILIES = (
    spi_master,
    serializer,
    deserializer,
)
