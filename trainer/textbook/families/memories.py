"""RAMs: one port in four read modes, two ports, write enables for parts of a word."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for, sized, upto
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_MEM = ("mem", "ram", "memory", "storage", "array")
_WE = ("we", "wr_en", "write", "wen", "write_enable")
_UNWRITTEN = (
    "The contents are undefined until they are written.",
    "Words never written have no defined value.",
)


def _few(d: Draw, depth: int) -> list[int]:
    """Addresses that the stimuli keep to, so that words are read back."""
    return [*d.random.sample(range(depth), min(depth, 5)), depth - 1]


Ram = tuple[dict[int, int], int | None]
"""The words written so far, and the word in the output register."""


def single_port_ram(d: Draw) -> Problem:
    """One address for reading and writing; four ways of reading."""
    clocking = d.clocking(reset=0)
    width, depth = d.width(4, 32), d.choose(4, 8, 16, 32, 64, 128, 256, 1024)
    mode = d.choose("asynchronous", "read-first", "write-first", "no-change")
    address_bits = bits_for(depth)
    size, parameters = sized(d, 0.3, WIDTH=width, ADDR_WIDTH=address_bits)
    words = "(1 << ADDR_WIDTH) - 1" if parameters else depth - 1
    we, addr = d.name(*_WE), d.name("addr", "address", "a")
    din, dout = d.name("din", "data_in", "wdata", "d"), d.name("dout", "data_out", "rdata", "q")
    enable = d.name("en", "ce", "cs", "enable") if mode != "asynchronous" and d.chance(0.3) else ""
    mem = d.name(*_MEM)
    word = f"{mem}[{addr}]"
    write, read = [f"{word} <= {din};"], [f"{dout} <= {word};"]
    body = [f"reg {upto(size['WIDTH'])} {mem} [0:{words}];", ""]
    if mode == "asynchronous":
        body += [
            *d.always_clocked(clocking, d.branches((we, write))),
            "",
            f"assign {dout} = {word};",
        ]
    else:
        run = {
            "read-first": [*d.branches((we, write)), *read],
            "write-first": d.branches((we, [*write, f"{dout} <= {din};"]), ("", read)),
            "no-change": d.branches((we, write), ("", read)),
        }[mode]
        body += d.always_clocked(clocking, d.branches((enable, run)) if enable else run)
    addresses = _few(d, depth)

    def step(state: Ram, values: Values) -> Ram:
        cells, shown = state
        if enable and not values[enable]:
            return state
        at = values[addr]
        after = {**cells, at: values[din]} if values[we] else cells
        if mode == "read-first" or not values[we]:
            shown = cells.get(at)
        elif mode == "write-first":
            shown = values[din]
        return after, shown

    def outputs(state: Ram, values: Values) -> dict[str, int | None]:
        return {dout: state[0].get(values[addr]) if mode == "asynchronous" else state[1]}

    reading: dict[str, Words] = {
        "asynchronous": (
            f"{dout} shows the addressed word at all times, without a clock.",
            f"Reading is asynchronous: {dout} is the word at {addr}, combinationally.",
        ),
        "read-first": (
            f"{dout} is registered: each edge loads the addressed word, during a write the old "
            f"one.",
            "Reading takes one cycle, and a write in the same cycle reads the previous contents.",
        ),
        "write-first": (
            f"{dout} is registered: each edge loads the addressed word, during a write the new "
            f"one.",
            f"Reading takes one cycle; during a write {dout} receives the data being written.",
        ),
        "no-change": (
            f"{dout} is registered: it loads the addressed word when {we} is low and holds during "
            f"writes.",
            f"Reading takes one cycle; {dout} does not change in a cycle that writes.",
        ),
    }
    facts: list[Words] = [
        (
            f"The memory has {depth} words of {width} bits.",
            f"It stores {depth} words, {width} bits each.",
        ),
        (
            f"When {we} is high at the {edge(clocking)}, {din} is written to the word at {addr}.",
            f"A write of {din} to address {addr} takes place at the {edge(clocking)} if {we} is 1.",
        ),
        reading[mode],
        _UNWRITTEN,
    ]
    if enable:
        facts.append(
            (
                f"While {enable} is low nothing is written or read, and {dout} holds.",
                f"{enable} enables the memory: at edges with {enable} low nothing changes.",
            )
        )
    enables = [Port(enable, "input", meaning=("memory enable", "chip enable"))] if enable else []

    def stimulus(random: Random, number: int) -> Values:
        values = {we: random.getrandbits(1), addr: random.choice(addresses)}
        values[din] = random.getrandbits(width)
        return {**values, enable: int(random.random() < 0.8)} if enable else values

    return Problem(
        name=d.name(
            "ram", "single_port_ram", "spram", f"ram_{depth}x{width}", "sram", "memory_block"
        ),
        ports=[
            *d.clock_ports(clocking),
            *enables,
            Port(we, "input", meaning=("write enable", "write enable, active high")),
            Port(
                addr,
                "input",
                address_bits,
                ("address", "word address"),
                bounds=_bound(size, "ADDR_WIDTH", parameters),
            ),
            Port(
                din,
                "input",
                width,
                ("write data", "data to write"),
                bounds=_bound(size, "WIDTH", parameters),
            ),
            Port(
                dout,
                "output",
                width,
                ("read data", "word read"),
                mode != "asynchronous",
                bounds=_bound(size, "WIDTH", parameters),
            ),
        ],
        body=body,
        phrases=[
            f"{depth}x{width} single-port RAM with "
            f"{'asynchronous' if mode == 'asynchronous' else 'synchronous ' + mode} read",
            f"single-port memory of {depth} words of {width} bits, {mode}",
            f"RAM with {address_bits}-bit address and {width}-bit data",
        ],
        facts=facts,
        parameters=parameters,
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(start=({}, None), step=step, outputs=outputs),
    )


def _bound(size: dict[str, str], name: str, parameters: list[tuple[str, int]]) -> str:
    """The bounds of a port that a parameter sizes."""
    return upto(size[name]) if parameters else ""


def dual_port_ram(d: Draw) -> Problem:
    """A write port and a read port of their own."""
    clocking = d.clocking(reset=0)
    width, depth = d.width(4, 32), d.choose(4, 8, 16, 32, 64, 256, 512)
    address_bits, registered = bits_for(depth), d.chance(0.7)
    size, parameters = sized(d, 0.3, DATA_WIDTH=width, ADDR_WIDTH=address_bits)
    words = "(1 << ADDR_WIDTH) - 1" if parameters else depth - 1
    we, waddr = d.name(*_WE), d.name("waddr", "wr_addr", "write_addr", "addr_w")
    wdata = d.name("wdata", "wr_data", "din", "data_in")
    raddr = d.name("raddr", "rd_addr", "read_addr", "addr_r")
    rdata, mem = d.name("rdata", "rd_data", "dout", "data_out"), d.name(*_MEM)
    re = d.name("re", "rd_en", "read") if registered and d.chance(0.4) else ""
    store, fetch = f"{mem}[{waddr}] <= {wdata};", [f"{rdata} <= {mem}[{raddr}];"]
    load = d.branches((re, fetch)) if re else fetch
    body = [f"reg {upto(size['DATA_WIDTH'])} {mem} [0:{words}];", ""]
    if not registered:
        body += [
            *d.always_clocked(clocking, d.branches((we, [store]))),
            "",
            f"assign {rdata} = {mem}[{raddr}];",
        ]
    elif d.chance(0.5):
        body += d.always_clocked(clocking, [*d.branches((we, [store])), *load])
    else:
        body += [
            *d.always_clocked(clocking, d.branches((we, [store]))),
            "",
            *d.always_clocked(clocking, load),
        ]
    addresses = _few(d, depth)

    def step(state: Ram, values: Values) -> Ram:
        cells, shown = state
        after = {**cells, values[waddr]: values[wdata]} if values[we] else cells
        return after, cells.get(values[raddr]) if values.get(re, 1) else shown

    def stimulus(random: Random, number: int) -> Values:
        values = {we: int(random.random() < 0.6), waddr: random.choice(addresses)}
        values |= {wdata: random.getrandbits(width), raddr: random.choice(addresses)}
        return {**values, re: int(random.random() < 0.7)} if re else values

    data = _bound(size, "DATA_WIDTH", parameters)
    address = _bound(size, "ADDR_WIDTH", parameters)
    when = f" with {re} high" if re else ""
    ports = [
        *d.clock_ports(clocking),
        Port(we, "input", meaning=("write enable", "write strobe")),
        Port(
            waddr,
            "input",
            address_bits,
            ("write address", "address of the write port"),
            bounds=address,
        ),
        Port(wdata, "input", width, ("write data", "data to write"), bounds=data),
        Port(
            raddr,
            "input",
            address_bits,
            ("read address", "address of the read port"),
            bounds=address,
        ),
        Port(rdata, "output", width, ("read data", "word read"), registered, bounds=data),
    ]
    if re:
        ports.insert(-2, Port(re, "input", meaning=("read enable", "read strobe")))
    return Problem(
        name=d.name(
            "dual_port_ram", "sdp_ram", "dpram", f"ram_{depth}x{width}_dp", "simple_dual_port"
        ),
        ports=ports,
        body=body,
        phrases=[
            f"{depth}x{width} simple dual-port RAM with "
            f"{'registered' if registered else 'asynchronous'} read",
            f"memory of {depth} words of {width} bits with separate read and write addresses",
            "RAM with one write port and one read port",
        ],
        facts=[
            (
                f"The memory has {depth} words of {width} bits.",
                f"It holds {depth} {width}-bit words.",
            ),
            (
                f"At the {edge(clocking)} {wdata} is written to address {waddr} if {we} is high.",
                f"{we} high at the {edge(clocking)} stores {wdata} at {waddr}.",
            ),
            (
                f"Each {clocking.sense} edge{when} loads {rdata} with the word at {raddr}; if "
                f"the same word is "
                "being written, the old contents are read.",
                f"Reading is synchronous{when.replace(' with', ', only with')}: {rdata} receives "
                f"the word at "
                f"{raddr} as it was before the edge.",
            )
            if registered
            else (
                f"{rdata} is always the word at {raddr}, without a clock.",
                f"Reading is combinational: {rdata} shows the word at {raddr}.",
            ),
            *(
                [(f"With {re} low {rdata} holds.", f"{rdata} keeps its value while {re} is low.")]
                if re
                else []
            ),
            _UNWRITTEN,
        ],
        parameters=parameters,
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(
            start=({}, None),
            step=step,
            outputs=lambda s, v: {rdata: s[1] if registered else s[0].get(v[raddr])},
        ),
    )


Lanes = tuple[dict[int, tuple], tuple | None]
"""As `Ram`, with every word as a tuple of its lanes; None for a lane never written."""


def byte_ram(d: Draw) -> Problem:
    """A RAM whose bytes are written one by one or together."""
    clocking = d.clocking(reset=0)
    lanes, depth = d.choose(2, 4, 4, 8), d.choose(8, 16, 32, 64, 256)
    lane = d.choose(8, 8, 8, 4)
    width, address_bits = lanes * lane, bits_for(depth)
    be, addr = d.name("be", "wstrb", "byte_en", "we", "lane_en"), d.name("addr", "address", "a")
    din, dout, mem = d.name("din", "wdata", "data_in"), d.name("dout", "rdata", "q"), d.name(*_MEM)
    body = [f"reg {span(width)}{mem} [0:{depth - 1}];", ""]
    if d.chance(0.5):
        i = d.name("i", "k", "lane")
        part = f"[{i}*{lane} +: {lane}]"
        loop = d.block(
            f"for ({i} = 0; {i} < {lanes}; {i} = {i} + 1)",
            d.branches((f"{be}[{i}]", [f"{mem}[{addr}]{part} <= {din}{part};"])),
        )
        body.insert(1, f"integer {i};")
        run = loop
    else:
        run = []
        for n in range(lanes):
            part = f"[{n * lane + lane - 1}:{n * lane}]"
            run += d.branches((f"{be}[{n}]", [f"{mem}[{addr}]{part} <= {din}{part};"]))
    body += d.always_clocked(clocking, [*run, f"{dout} <= {mem}[{addr}];"])
    addresses = _few(d, depth)[:3]

    def step(state: Lanes, values: Values) -> Lanes:
        """A word is a tuple of its lanes, None for a lane never written."""
        cells, _ = state
        old = cells.get(values[addr], (None,) * lanes)
        new = tuple(
            values[din] >> n * lane & (1 << lane) - 1 if values[be] >> n & 1 else old[n]
            for n in range(lanes)
        )
        return {**cells, values[addr]: new}, old

    def outputs(state: Lanes, values: Values) -> dict[str, int | None]:
        word = state[1]
        if word is None or None in word:
            return {dout: None}
        return {dout: sum(part << n * lane for n, part in enumerate(word))}

    unit = "byte" if lane == 8 else "nibble"
    return Problem(
        name=d.name("byte_ram", "ram_be", f"{unit}_write_ram", f"ram{width}", "data_memory"),
        ports=[
            *d.clock_ports(clocking),
            Port(be, "input", lanes, (f"write enable of each {unit}", f"{unit} enables")),
            Port(addr, "input", address_bits, ("word address", "address")),
            Port(din, "input", width, ("write data", "data to write")),
            Port(dout, "output", width, ("read data", "word read, one cycle later"), reg=True),
        ],
        body=body,
        phrases=[
            f"{depth}x{width} RAM with {unit} write enables",
            f"memory of {depth} {width}-bit words in which each {unit} can be written alone",
            f"RAM with {lanes} {unit} enables and registered read",
        ],
        facts=[
            (
                f"The memory has {depth} words of {width} bits.",
                f"It stores {depth} words, {width} bits each.",
            ),
            (
                f"At each {edge(clocking)}, {unit} n of the word at {addr} is replaced by "
                f"{unit} n of {din} for "
                f"every n with {be}[n] high; {unit} 0 is the lowest.",
                f"{be}[n] = 1 writes bits {lane}n+{lane - 1} to {lane}n of {din} to the same bits "
                f"of the word at {addr}, "
                f"at the {edge(clocking)}.",
            ),
            (
                f"The same edge loads {dout} with the word at {addr} as it was before the write.",
                f"Reading is registered and read-first: {dout} receives the old word at {addr} at "
                f"every edge.",
            ),
            _UNWRITTEN,
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            be: random.choice(((1 << lanes) - 1, random.getrandbits(lanes))),
            addr: random.choice(addresses),
            din: random.getrandbits(width),
        },
        behaviour=Behaviour(start=({}, None), step=step, outputs=outputs),
    )


FAMILIES = (
    single_port_ram,
    dual_port_ram,
    byte_ram,
)
