"""Register file and content-addressed memory."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import listing
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for, sized, upto
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words


def register_file(d: Draw) -> Problem:
    """One write port, one to three asynchronous read ports, register 0 perhaps zero."""
    count, width = d.choose(4, 8, 8, 16, 16, 32), d.choose(4, 8, 8, 16, 32, 32)
    reads, zero, bypass = d.choose(1, 2, 2, 2, 3), d.chance(0.4), d.chance(0.25)
    clocking = d.clocking(reset=0.5)
    size, parameters = sized(d, 0.25, WIDTH=width)
    index_bits = bits_for(count)
    we, rd = d.name("we", "wr_en", "reg_write", "write"), d.name("rd", "waddr", "wr_addr", "dest")
    wdata = d.name("wdata", "wr_data", "din", "write_data")
    regs = d.name("regs", "rf", "file", "registers")
    numbers = [
        d.name(*names)
        for names in (("rs1", "raddr1", "ra"), ("rs2", "raddr2", "rb"), ("rs3", "raddr3", "rc"))[
            :reads
        ]
    ]
    datas = [
        d.name(*names)
        for names in (
            ("rdata1", "q1", "a_out"),
            ("rdata2", "q2", "b_out"),
            ("rdata3", "q3", "c_out"),
        )[:reads]
    ]
    none = d.number(0, index_bits)
    nothing = "{WIDTH{1'b0}}" if parameters else d.number(0, width)
    allowed = f"{we} && {rd} != {none}" if zero else we
    write = d.branches((allowed, [f"{regs}[{rd}] <= {wdata};"]))
    body = [f"reg {upto(size['WIDTH'])} {regs} [0:{count - 1}];"]
    clear: Lines = []
    if clocking.reset:
        i = d.name("i", "k", "n")
        body.append(f"integer {i};")
        clear = d.block(
            f"for ({i} = 0; {i} < {count}; {i} = {i} + 1)", [f"{regs}[{i}] <= {nothing};"]
        )
    body += ["", *d.always_clocked(clocking, write, clear), ""]
    for number, data in zip(numbers, datas, strict=True):
        value = f"{regs}[{number}]"
        if bypass:
            value = f"({we} && {rd} == {number}) ? {wdata} : {value}"
        if zero:
            value = f"({number} == {none}) ? {nothing} : {value}"
        body.append(f"assign {data} = {value};")

    def outputs(cells: dict[int, int], values: Values) -> dict[str, int | None]:
        shown = {}
        for number, data in zip(numbers, datas, strict=True):
            at = values[number]
            stored = cells.get(at, 0 if clocking.reset else None)
            if bypass and values[we] and values[rd] == at:
                stored = values[wdata]
            shown[data] = 0 if zero and at == 0 else stored
        return shown

    few = [0, 1, count - 1, *d.random.sample(range(count), 2)]

    def stimulus(random: Random, number: int) -> Values:
        values = {name: random.choice(few) for name in (rd, *numbers)}
        return {**values, we: int(random.random() < 0.7), wdata: random.getrandbits(width)}

    data_bound = upto(size["WIDTH"]) if parameters else ""
    facts: list[Words] = [
        (
            f"There are {count} registers of {width} bits.",
            f"The file has {count} {width}-bit registers.",
        ),
        (
            f"If {we} is high at the {edge(clocking)}, {wdata} is written to register {rd}.",
            f"{we} = 1 at the {edge(clocking)} writes {wdata} to the register with the "
            f"number {rd}.",
        ),
        (
            "Reading is combinational: "
            + listing([f"{q} is register {n}" for n, q in zip(numbers, datas, strict=True)])
            + ".",
            f"Without a clock, {listing(datas)} always show{'s' if reads == 1 else ''} the "
            f"register{'s' * (reads > 1)} numbered {listing(numbers)}.",
        ),
        (
            "A register that is read and written in the same cycle shows the new value already "
            "before the edge.",
            f"Reads bypass the write: while {we} is high, a read of register {rd} yields {wdata}.",
        )
        if bypass
        else (
            "A write becomes visible after the edge, not before.",
            "There is no bypass: until the edge a read sees the old value.",
        ),
    ]
    if zero:
        facts.append(
            (
                "Register 0 always reads as zero.",
                "Writes to register 0 have no effect; it reads as 0.",
            )
        )
    if clocking.reset:
        facts.append(d.reset_fact(clocking, "all registers are cleared"))
    else:
        facts.append(("Registers are undefined until written.", "There is no reset."))
    return Problem(
        name=d.name("register_file", "regfile", "reg_file", f"rf_{count}x{width}", "rf"),
        ports=[
            *d.clock_ports(clocking),
            Port(we, "input", meaning=("write enable", "register write")),
            Port(rd, "input", index_bits, ("number of the register to write", "write address")),
            Port(wdata, "input", width, ("data to write", "write data"), bounds=data_bound),
            *(
                Port(n, "input", index_bits, ("number of a register to read", "read address"))
                for n in numbers
            ),
            *(
                Port(n, "output", width, ("register read", "read data"), bounds=data_bound)
                for n in datas
            ),
        ],
        body=body,
        phrases=[
            f"{count}x{width} register file with {reads} read port{'s' * (reads > 1)} and one "
            f"write port" + (", register 0 being zero" if zero else ""),
            f"register file of {count} {width}-bit "
            f"registers{' with write bypass' if bypass else ''}",
            f"processor register bank with {index_bits}-bit register numbers",
        ],
        facts=facts,
        parameters=parameters,
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(
            start={},
            step=lambda cells, v: {**cells, v[rd]: v[wdata]} if v[we] else cells,
            outputs=outputs,
        ),
    )


def content_match(d: Draw) -> Problem:
    """A small content-addressed memory: written by index, searched by key."""
    entries, width = d.choose(2, 4, 4, 8), d.integer(3, 12)
    clocking = d.clocking(reset=1.0)
    lowest = d.chance(0.7)
    index_bits = bits_for(entries)
    we, slot = d.name("we", "write", "wr_en", "store"), d.name("slot", "windex", "entry", "wr_addr")
    data, key = d.name("data", "wdata", "tag_in", "value"), d.name("key", "search", "lookup", "tag")
    hit = d.name("hit", "found", "match")
    index = d.name("index", "match_addr", "where", "hit_index")
    cells = d.name("cells", "entries", "tags", "mem")
    used = d.name("used", "valid", "occupied")
    i = d.name("i", "k")
    order = (
        f"{i} = {entries - 1}; {i} >= 0; {i} = {i} - 1"
        if lowest
        else f"{i} = 0; {i} < {entries}; {i} = {i} + 1"
    )
    found = [f"{hit} = 1'b1;", f"{index} = {i};"]
    look = d.block(f"for ({order})", d.branches((f"{used}[{i}] && {cells}[{i}] == {key}", found)))
    store = d.branches((we, [f"{cells}[{slot}] <= {data};", f"{used}[{slot}] <= 1'b1;"]))
    body = [
        f"reg {span(width)}{cells} [0:{entries - 1}];",
        f"reg {span(entries)}{used};",
        f"integer {i};",
        "",
        *d.always_clocked(clocking, store, [f"{used} <= {d.number(0, entries)};"]),
        "",
        *comment(d, f"The {'lowest' if lowest else 'highest'} matching entry is assigned last"),
        *d.always_comb([f"{hit} = 1'b0;", f"{index} = {d.number(0, index_bits)};", *look]),
    ]

    def outputs(stored: dict[int, int], values: Values) -> dict[str, int]:
        where = [n for n, value in stored.items() if value == values[key]]
        if not where:
            return {hit: 0, index: 0}
        return {hit: 1, index: min(where) if lowest else max(where)}

    pool = [d.random.getrandbits(width) for _ in range(4)]
    side = "lowest" if lowest else "highest"
    return Problem(
        name=d.name("cam", "content_match", f"cam_{entries}x{width}", "tag_lookup", "tag_store"),
        ports=[
            *d.clock_ports(clocking),
            Port(we, "input", meaning=("write enable", "stores an entry")),
            Port(slot, "input", index_bits, ("entry to write", "index of the written entry")),
            Port(data, "input", width, ("value to store", "write data")),
            Port(key, "input", width, ("value searched for", "search key")),
            Port(hit, "output", meaning=("some entry matches", "key found"), reg=True),
            Port(
                index,
                "output",
                index_bits,
                ("index of the matching entry", "position of the match"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"{entries}-entry content-addressed memory of {width}-bit values, {side} match first",
            f"CAM with {entries} entries and combinational search",
            f"tag store that looks up a {width}-bit key among {entries} entries",
        ],
        facts=[
            (
                f"If {we} is high at the {edge(clocking)}, {data} is stored in entry "
                f"{slot}, which is valid from then on.",
                f"At the {edge(clocking)}, a high {we} writes {data} to the entry {slot} "
                f"and marks it valid.",
            ),
            (
                f"{hit} is 1 when a valid entry equals {key}, and {index} is its number; without "
                f"a match both are 0.",
                f"The search is combinational: {hit} tells whether {key} is stored in a valid "
                f"entry, {index} where; "
                "they are 0 if it is not.",
            ),
            (
                f"Of several matching entries the one with the {side} number is reported.",
                f"If more than one entry matches, {index} is the {side} of them.",
            ),
            d.reset_fact(clocking, "all entries become invalid"),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            we: int(random.random() < 0.4),
            slot: random.randrange(entries),
            data: random.choice(pool),
            key: random.choice(pool),
        },
        behaviour=Behaviour(
            start={},
            step=lambda s, v: {**s, v[slot]: v[data]} if v[we] else s,
            outputs=outputs,
        ),
    )


FAMILIES = (
    register_file,
    content_match,
)
