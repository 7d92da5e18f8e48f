"""On a processor bus: address decoder and register block."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing
from trainer.textbook.families._common import edge
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem, Values, Words

_ADDR = ("addr", "address", "a", "paddr")
_WDATA = ("wdata", "din", "data_in", "write_data")
_RDATA = ("rdata", "dout", "data_out", "read_data")
_WE = ("we", "wr", "write", "wr_en")


def address_decoder(d: Draw) -> Problem:
    """One select output for each of several address ranges."""
    bits, count = d.integer(5, 12), d.integer(2, 5)
    addr, enable = d.name(*_ADDR), d.name("en", "valid", "req") if d.chance(0.5) else ""
    pool = [("rom", "rom_sel", "cs_rom"), ("ram", "ram_sel", "cs_ram"), ("io", "io_sel", "cs_io")]
    pool += [
        ("uart", "uart_sel", "cs_uart"),
        ("timer", "timer_sel", "cs_timer"),
        ("gpio", "gpio_sel", "cs_gpio"),
    ]
    style = d.integer(1, 2)
    names = [d.name(names[style]) for names in d.random.sample(pool, count)]
    bad = d.name("none", "error", "unmapped", "miss") if d.chance(0.4) else ""
    ranges = _ranges(d, bits, count)
    low_active = d.chance(0.15)
    tests = [_in_range(d, addr, bits, low, high) for low, high in ranges]
    gate = f"{enable} && " if enable else ""
    invert = "!" if low_active else ""
    body, reg = [], False
    if low_active or d.chance(0.6):
        body = [f"assign {n} = {invert}({gate}{t});" for n, t in zip(names, tests, strict=True)]
    else:
        reg = True
        chain = d.branches(*((t, [f"{n} = 1'b1;"]) for n, t in zip(names, tests, strict=True)))
        body = d.always_comb(
            [*(f"{n} = 1'b0;" for n in names), *(d.branches((enable, chain)) if enable else chain)]
        )
    if bad:
        idle = " & ".join(names) if low_active else f"~({' | '.join(names)})"
        body += ["", f"assign {bad} = {enable + ' & ' if enable else ''}{idle};"]

    def outputs(_: object, v: Values) -> dict[str, int]:
        on = not enable or v[enable]
        chosen = [int(bool(on) and low <= v[addr] <= high) for low, high in ranges]
        shown = {n: c ^ low_active for n, c in zip(names, chosen, strict=True)}
        return {**shown, bad: int(bool(on) and not any(chosen))} if bad else shown

    edges = [x for low, high in ranges for x in (low - 1, low, high, high + 1, (low + high) // 2)]

    def stimulus(random: Random, number: int) -> Values:
        at = random.choice((random.choice(edges) % (1 << bits), random.getrandbits(bits)))
        return {addr: at, **({enable: int(random.random() < 0.8)} if enable else {})}

    digits = (bits + 3) // 4
    level = 0 if low_active else 1
    shown = [f"0x{low:0{digits}X} to 0x{high:0{digits}X}" for low, high in ranges]
    table = listing([f"{n} for {r}" for n, r in zip(names, shown, strict=True)])
    ports = [Port(addr, "input", bits, ("address", "bus address"))]
    if enable:
        ports.append(Port(enable, "input", meaning=("access enable", "decoder enable")))
    ports += [
        Port(
            n,
            "output",
            meaning=(f"select of {r}", f"active-{'low' if low_active else 'high'} select"),
            reg=reg,
        )
        for n, r in zip(names, shown, strict=True)
    ]
    if bad:
        ports.append(Port(bad, "output", meaning=("no range is selected", "unmapped address")))
    facts: list[Words] = [
        (
            f"Each output selects a range of {addr}, both ends included: {table}.",
            f"Address map (inclusive): "
            f"{'; '.join(f'{n}: {r}' for n, r in zip(names, shown, strict=True))}.",
        ),
        (
            f"A select output is {level} when the address lies in its range and {1 - level} "
            f"otherwise.",
            f"The selects are active {'low' if low_active else 'high'}, and combinational.",
        ),
    ]
    if enable:
        facts.append(
            (
                f"While {enable} is low nothing is selected.",
                f"All of this requires {enable} = 1; else no output is active.",
            )
        )
    if bad:
        facts.append(
            (
                f"{bad} is 1 when{f' {enable} is high and' if enable else ''} no range contains "
                f"the address.",
            )
        )
    return Problem(
        name=d.name("address_decoder", "addr_decode", "chip_select", "bus_decoder", "memory_map"),
        ports=ports,
        body=body,
        phrases=[
            f"address decoder with the outputs {listing(names)} for a {bits}-bit address",
            f"chip select logic for {count} address ranges",
            f"memory map decoder: {table}",
        ],
        facts=facts,
        stimulus=stimulus,
        behaviour=Behaviour(outputs=outputs),
    )


def _ranges(d: Draw, bits: int, count: int) -> list[tuple[int, int]]:
    """Disjoint ranges: aligned blocks, or with any bounds."""
    if d.chance(0.6):
        block = bits - bits_for(count) - d.integer(0, 1)
        places = d.random.sample(range(1 << (bits - block)), count)
        return [(p << block, (p + 1 << block) - 1) for p in sorted(places)]
    cuts = sorted(d.random.sample(range(1 << bits), 2 * count))
    return [(cuts[2 * k], cuts[2 * k + 1]) for k in range(count)]


def _in_range(d: Draw, addr: str, bits: int, low: int, high: int) -> str:
    """The test as bounds, or on the upper bits of an aligned block."""
    size = high - low + 1
    block = size.bit_length() - 1
    if size == 1 << block and low % size == 0 and block < bits:
        upper = f"{addr}[{bits - 1}:{block}]" if bits - block > 1 else f"{addr}[{block}]"
        return f"({upper} == {bits - block}'h{low >> block:x})"
    above = f"{addr} >= {bits}'h{low:x}"
    below = f"{addr} <= {bits}'h{high:x}"
    return f"({below})" if low == 0 else f"({above} && {below})"


def register_block(d: Draw) -> Problem:
    """Control registers at given addresses, written and read over a small bus."""
    clocking = d.clocking(reset=1.0)
    width, count = d.choose(4, 8, 8, 16), d.integer(2, 4)
    bits = d.integer(bits_for(count + 1), 4)
    places = (
        sorted(d.random.sample(range(1 << bits), count)) if d.chance(0.5) else list(range(count))
    )
    pool = d.random.sample(
        ["control", "config_reg", "limit", "period", "mode", "gain", "offset", "level", "prescale"],
        count,
    )
    regs = [d.name(r) for r in pool]
    starts = [d.choose(0, 0, d.random.getrandbits(width)) for _ in regs]
    we, addr, wdata, rdata = d.name(*_WE), d.name(*_ADDR), d.name(*_WDATA), d.name(*_RDATA)
    re = d.name("re", "rd", "read", "rd_en") if d.chance(0.5) else ""
    labels = [f"{bits}'d{p}" for p in places]
    arms = [(label, [f"{r} <= {wdata};"]) for label, r in zip(labels, regs, strict=True)]
    if d.chance(0.7):
        write = d.branches((we, d.case(addr, [*arms, ("default", [";"])])))
    else:
        write = [
            line
            for label, r in zip(labels, regs, strict=True)
            for line in d.branches((f"{we} && {addr} == {label}", [f"{r} <= {wdata};"]))
        ]
    reset = [f"{r} <= {width}'h{s:x};" for r, s in zip(regs, starts, strict=True)]
    zero = d.number(0, width)
    arrow = "<=" if re else "="
    choice = d.case(
        addr,
        [
            *((label, [f"{rdata} {arrow} {r};"]) for label, r in zip(labels, regs, strict=True)),
            ("default", [f"{rdata} {arrow} {zero};"]),
        ],
    )
    if re:
        body = [
            *d.always_clocked(
                clocking, [*write, *d.branches((re, choice))], [*reset, f"{rdata} <= {zero};"]
            )
        ]
    else:
        body = [*d.always_clocked(clocking, write, reset), "", *d.always_comb(choice)]
    at = {p: k for k, p in enumerate(places)}

    def step(state: tuple[tuple[int, ...], int], v: Values) -> tuple[tuple[int, ...], int]:
        held, shown = state
        k = at.get(v[addr])
        if re and v[re]:
            shown = 0 if k is None else held[k]
        if v[we] and k is not None:
            held = (*held[:k], v[wdata], *held[k + 1 :])
        return held, shown

    def outputs(state: tuple[tuple[int, ...], int], v: Values) -> dict[str, int]:
        held, shown = state
        k = at.get(v[addr])
        direct = 0 if k is None else held[k]
        return {**dict(zip(regs, held, strict=True)), rdata: shown if re else direct}

    table = listing([f"{r} at {p}" for r, p in zip(regs, places, strict=True)])
    ports = [*d.clock_ports(clocking), Port(we, "input", meaning=("write strobe", "write enable"))]
    ports += [Port(re, "input", meaning=("read strobe", "read enable"))] if re else []
    ports += [
        Port(addr, "input", bits, ("register address", "address")),
        Port(wdata, "input", width, ("write data", "data to write")),
        Port(rdata, "output", width, ("read data", "register read"), reg=True),
        *(
            Port(r, "output", width, (f"register at address {p}", "register value"), reg=True)
            for r, p in zip(regs, places, strict=True)
        ),
    ]
    return Problem(
        name=d.name("register_block", "csr", "ctrl_regs", "bus_registers", "reg_bank"),
        ports=ports,
        body=body,
        phrases=[
            f"bus register block with the {width}-bit registers {table}",
            f"{count} control registers on a bus with {bits}-bit address",
            f"configuration registers {listing(regs)} with read-back",
        ],
        facts=[
            (
                f"The {width}-bit registers are {table}.",
                f"Register map: {'; '.join(f'{p}: {r}' for r, p in zip(regs, places, strict=True))}.",
            ),
            (
                f"If {we} is high at the {edge(clocking)}, {wdata} is written to the "
                f"register at {addr}; other addresses are ignored.",
                f"A write takes place at the {edge(clocking)} with {we} = 1, and has no "
                f"effect at addresses without a register.",
            ),
            (
                f"If {re} is high at the edge, {rdata} is loaded with the register at {addr} as "
                f"it was before the edge, or 0 if there is none; otherwise it holds.",
                f"Reading is registered: an edge with {re} = 1 loads {rdata} with the old value "
                f"of the addressed register (0 at unused addresses).",
            )
            if re
            else (
                f"{rdata} is the register at {addr}, combinationally, and 0 at other addresses.",
                f"Reading needs no strobe: {rdata} always shows the addressed register, or 0 at "
                f"unused addresses.",
            ),
            d.reset_fact(
                clocking,
                listing(
                    [f"{r} is 0x{s:x}" for r, s in zip(regs, starts, strict=True)]
                    + ([f"{rdata} is 0"] if re else [])
                ),
            ),
        ],
        clocking=clocking,
        stimulus=lambda random, n: {
            we: int(random.random() < 0.5),
            addr: random.choice((random.choice(places), random.getrandbits(bits))),
            wdata: random.getrandbits(width),
            **({re: int(random.random() < 0.7)} if re else {}),
        },
        behaviour=Behaviour(start=(tuple(starts), 0), step=step, outputs=outputs),
    )


FAMILIES = (
    address_decoder,
    register_block,
)
