"""UART frames, out and in."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import counted
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for, timed
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def uart_transmitter(d: Draw) -> Problem:
    """Start bit, data from the lowest bit on, perhaps parity, stop bits."""
    clocking = d.clocking(reset=1.0)
    width, time, stops = d.choose(5, 7, 8, 8, 8), d.integer(1, 4), d.choose(1, 1, 2)
    parity = d.choose("", "", "even", "odd")
    send = d.name("send", "start", "tx_start", "wr", "tx_valid")
    data = d.name("data", "din", "tx_data", "byte_in")
    tx, busy = d.name("tx", "txd", "serial_out", "line"), d.name("busy", "active", "tx_busy")
    frame = d.name("frame", "shift", "shifter")
    left = d.name("left", "bits_left", "remaining")
    timer = d.name("timer", "baud_count", "ticks")
    total = 1 + width + bool(parity) + stops
    n = bits_for(total + 1)
    check = {"": "", "even": f"^{data}, ", "odd": f"~^{data}, "}[parity]
    ones = "1'b1" if stops == 1 else "2'b11"
    reload = [] if time == 1 else [f"{timer} <= {d.number(0, bits_for(time))};"]
    load = [
        f"{frame} <= {{{ones}, {check}{data}, 1'b0}};",
        f"{left} <= {d.number(total, n)};",
        *reload,
    ]
    move = [f"{frame} <= {{1'b1, {frame}[{total - 1}:1]}};", f"{left} <= {left} - 1'b1;"]
    idle = d.branches((send, load))
    if d.chance(0.5):
        run = d.branches((busy, timed(d, timer, time, move)), (send, load))
    else:
        run = d.branches((f"{left} == {d.number(0, n)}", idle), ("", timed(d, timer, time, move)))
    all_ones = f"{{{total}{{1'b1}}}}"
    body = [f"reg {span(total)}{frame};", f"reg {span(n)}{left};"]
    body += [] if time == 1 else [f"reg {span(bits_for(time))}{timer};"]
    body += ["", f"assign {tx} = {frame}[0];", f"assign {busy} = ({left} != {d.number(0, n)});", ""]
    body += [*comment(d, "The lowest bit of the frame is on the line")]
    body += d.always_clocked(
        clocking, run, [f"{frame} <= {all_ones};", f"{left} <= {d.number(0, n)};", *reload]
    )

    def framed(word: int) -> tuple[int, ...]:
        bits = [word >> k & 1 for k in range(width)]
        check = [] if not parity else [(sum(bits) + (parity == "odd")) % 2]
        return tuple(level for level in (0, *bits, *check, *[1] * stops) for _ in range(time))

    def step(levels: tuple[int, ...], values: Values) -> tuple[int, ...]:
        return levels[1:] if levels else framed(values[data]) if values[send] else ()

    style = f"{width} data bits, {parity or 'no'} parity and {counted(stops, 'stop bit')}"
    rest = f", then a parity bit ({parity} parity)" if parity else ""
    return Problem(
        name=d.name("uart_tx", "transmitter", "serial_tx", "uart_transmitter", "async_tx"),
        ports=[
            *d.clock_ports(clocking),
            Port(send, "input", meaning=("starts a transmission", "send request")),
            Port(data, "input", width, ("word to send", "data to transmit")),
            Port(tx, "output", meaning=("serial output, high when idle", "serial line")),
            Port(busy, "output", meaning=("transmission in progress", "high while sending")),
        ],
        body=body,
        phrases=[
            f"UART transmitter with {style}, {counted(time, 'clock cycle')} a bit",
            f"asynchronous serial transmitter with {style}",
            f"UART-like serialiser of {width}-bit words",
        ],
        facts=[
            (
                f"If {send} is high at the {edge(clocking)} while {busy} is low, {data} is "
                f"taken and sent as one frame.",
                f"A frame with the value of {data} starts at the {edge(clocking)} that sees "
                f"{send} high and {busy} low.",
            ),
            (
                f"The frame is a start bit 0, the {width} data bits from the lowest to the "
                f"highest{rest}, and {counted(stops, 'stop bit')} at 1.",
                f"In the frame a 0 comes first, then {data} with bit 0 first{rest}, and at the "
                f"end {counted(stops, 'high stop bit')}.",
            ),
            (
                f"Each bit stays on {tx} for {counted(time, 'clock cycle')}; the start bit begins "
                f"right after the edge that takes the data.",
                f"A bit lasts {counted(time, 'clock cycle')}, and the start bit follows directly "
                f"on the accepting edge.",
            ),
            (
                f"{busy} is high during the whole frame of {counted(total * time, 'cycle')}; "
                f"requests in this time are ignored.",
                f"From the start bit to the end of the last stop bit {busy} is 1 and {send} has "
                f"no effect.",
            ),
            (f"When nothing is sent {tx} is high.", f"The idle level of {tx} is 1."),
            d.reset_fact(
                clocking, f"{tx} is high and {busy} low, and a frame under way is given up"
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, k: {
            send: int(random.random() < 0.3),
            data: random.getrandbits(width),
        },
        behaviour=Behaviour(
            start=(),
            step=step,
            outputs=lambda s, v: {tx: s[0] if s else 1, busy: int(bool(s))},
        ),
        checks=min(150, max(90, 3 * total * time)),
    )


def uart_receiver(d: Draw) -> Problem:
    """Samples in the middle of every bit; a word and a pulse at the stop bit."""
    clocking = d.clocking(reset=1.0)
    width, time = d.choose(4, 5, 7, 8, 8), d.choose(2, 2, 3, 4)
    rx = d.name("rx", "rxd", "serial_in", "line")
    data = d.name("data", "dout", "rx_data", "byte_out")
    valid = d.name("valid", "ready", "rx_valid", "done")
    count = d.name("count", "timer", "tick_count")
    shift_in = d.name("shift", "bits", "sr")
    state = d.name("state")
    index, half = d.name("index", "bit_index", "nbits"), time // 2
    names = d.choose(
        ("IDLE", "START", "DATA", "STOP"),
        ("S_IDLE", "S_START", "S_DATA", "S_STOP"),
        ("WAIT_LOW", "CHECK", "RECEIVE", "FINISH"),
    )
    c, b = bits_for(time), bits_for(width)
    clear = f"{count} <= {d.number(0, c)};"
    more = [f"{count} <= {count} + 1'b1;"]
    due = f"{count} == {d.number(time - 1, c)}"
    idle, start, receive, stop = names
    begin = d.branches(
        (f"{rx}", [f"{state} <= {idle};"]),
        ("", [f"{state} <= {receive};", f"{index} <= {d.number(0, b)};"]),
    )
    taken = [
        clear,
        f"{shift_in} <= {{{rx}, {shift_in}[{width - 1}:1]}};",
        f"{index} <= {index} + 1'b1;",
        *d.branches((f"{index} == {d.number(width - 1, b)}", [f"{state} <= {stop};"])),
    ]
    finish = [
        f"{state} <= {idle};",
        *d.branches((rx, [f"{data} <= {shift_in};", f"{valid} <= 1'b1;"])),
    ]
    arms = [
        (idle, d.branches((f"!{rx}", [f"{state} <= {start};", clear]))),
        (start, d.branches((f"{count} == {d.number(half - 1, c)}", [clear, *begin]), ("", more))),
        (receive, d.branches((due, taken), ("", more))),
        (stop, d.branches((due, finish), ("", more))),
        ("default", [f"{state} <= {idle};"]),
    ]
    body = [f"localparam {n} = 2'd{k};" for k, n in enumerate(names)]
    body += [
        "",
        f"reg [1:0] {state};",
        f"reg {span(c)}{count};",
        f"reg {span(b)}{index};",
        f"reg {span(width)}{shift_in};",
        "",
    ]
    reset = [
        f"{state} <= {idle};",
        clear,
        f"{index} <= {d.number(0, b)};",
        f"{shift_in} <= {d.number(0, width)};",
    ]
    reset += [f"{data} <= {d.number(0, width)};", f"{valid} <= 1'b0;"]
    body += d.always_clocked(clocking, [f"{valid} <= 1'b0;", *d.case(state, arms)], reset)
    frames = [d.random.getrandbits(width) for _ in range(9)]

    def step(s: tuple, values: Values) -> tuple:
        """(edges since the start bit was noticed or None, bits so far, data, valid)."""
        since, bits, word, _ = s
        level = values[rx]
        if since is None:
            return (None if level else 0, (), word, 0)
        since += 1
        place, rest = divmod(since - half, time)
        if since < half or rest:
            return since, bits, word, 0
        if place == 0:
            return (None if level else since, (), word, 0)
        if place <= width:
            return since, (*bits, level), word, 0
        if not level:
            return None, (), word, 0
        return None, (), sum(bit << k for k, bit in enumerate(bits)), 1

    def stimulus(random: Random, number: int) -> Values:
        slot = number // time % (width + 4)
        word = frames[number // time // (width + 4) % len(frames)]
        level = (
            1
            if slot > width + 1
            else 0
            if slot == 0
            else 1
            if slot == width + 1
            else word >> slot - 1 & 1
        )
        return {rx: level if random.random() < 0.985 else 1 - level}

    return Problem(
        name=d.name("uart_rx", "receiver", "serial_rx", "uart_receiver", "async_rx"),
        ports=[
            *d.clock_ports(clocking),
            Port(rx, "input", meaning=("serial input, high when idle", "serial line")),
            Port(data, "output", width, ("word received last", "received data"), reg=True),
            Port(
                valid,
                "output",
                meaning=("a word has just arrived", "high for one cycle a word"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"UART receiver for {width} data bits without parity, {time} clock cycles a bit",
            f"asynchronous serial receiver that samples in the middle of bits of {time} cycles",
            f"UART-like deserialiser to {width}-bit words",
        ],
        facts=[
            (
                f"A frame on {rx} is a start bit 0, {width} data bits with the lowest first, and "
                f"a stop bit 1; each lasts {time} clock cycles.",
                f"The line format is one low start bit, {width} data bits (bit 0 first) and one "
                f"high stop bit, {time} cycles each.",
            ),
            (
                f"{rx} is looked at on the {edge(clocking)}: the first edge that finds it "
                f"low when idle is edge 0 of the frame.",
                f"When idle, the {edge(clocking)} at which {rx} is low counts as edge 0.",
            ),
            (
                f"The start bit is checked again at edge {half}, data bit k is sampled at edge "
                f"{half} + {time}(k+1), and the stop bit at edge {half + time * (width + 1)}.",
                f"Sampling takes place at edge {half} (start bit), then every {time} edges: "
                f"{width} data bits and the stop bit at edge {half + time * (width + 1)}.",
            ),
            (
                "If the start bit has gone at its check, it is idle again.",
                f"A start bit that is high at edge {half} is a glitch and ends the frame.",
            ),
            (
                f"If the stop bit is 1 the word is put on {data} and {valid} is high for one "
                f"cycle; if it is 0 the word is dropped.",
                f"At the sample of the stop bit {data} is updated and {valid} pulses for a cycle, "
                f"provided that the bit is 1.",
            ),
            (
                "After the sample of the stop bit it is idle again.",
                "From the edge after the stop bit sample on a new start bit is accepted.",
            ),
            d.reset_fact(clocking, f"the receiver is idle, and {data} and {valid} are zero"),
        ],
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(
            start=(None, (), 0, 0), step=step, outputs=lambda s, v: {data: s[2], valid: s[3]}
        ),
        checks=150,
    )


FAMILIES = (
    uart_transmitter,
    uart_receiver,
)
