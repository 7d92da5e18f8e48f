"""Read-only memory."""

from __future__ import annotations

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Port, Problem


def rom(d: Draw) -> Problem:
    """A table of constants, combinational or registered, as case or as array."""
    width, depth = d.integer(3, 12), d.choose(4, 8, 8, 16)
    address_bits = bits_for(depth)
    words = [d.random.getrandbits(width) for _ in range(depth)]
    clocking = d.clocking(reset=0) if d.chance(0.5) else None
    addr = d.name("addr", "address", "a", "index")
    data = d.name("data", "dout", "q", "value", "word")
    base = d.choose("x", "x", "d", "b") if width <= 8 else "x"
    sign = {"x": "h", "d": "d", "b": "b"}[base]
    form = {"x": f"0{(width + 3) // 4}x", "d": "d", "b": f"0{width}b"}[base]
    texts = [f"{w:{form}}" for w in words]
    arrow = "<=" if clocking else "="
    if d.chance(0.75):
        arms = [
            (f"{address_bits}'d{n}", [f"{data} {arrow} {width}'{sign}{t};"])
            for n, t in enumerate(texts)
        ]
        choice = d.case(
            addr,
            [*arms[:-1], ("default", arms[-1][1])]
            if d.chance(0.3)
            else [*arms, ("default", [f"{data} {arrow} {d.number(0, width)};"])],
        )
        body, reg = d.always_clocked(clocking, choice) if clocking else d.always_comb(choice), True
    else:
        table = d.name("rom", "table_data", "contents", "lut")
        fill = d.block(
            "initial", [f"{table}[{n}] = {width}'{sign}{t};" for n, t in enumerate(texts)]
        )
        body = [f"reg {span(width)}{table} [0:{depth - 1}];", "", *fill, ""]
        access = f"{data} <= {table}[{addr}];"
        body += (
            d.always_clocked(clocking, [access])
            if clocking
            else [f"assign {data} = {table}[{addr}];"]
        )
        reg = clocking is not None
    prefix = {"x": "hexadecimal", "d": "decimal", "b": "binary"}[base]
    reading = (
        (
            f"{data} is registered: at each {edge(clocking)} it receives the word at {addr}.",
            f"The word at {addr} appears on {data} after the {edge(clocking)}.",
        )
        if clocking
        else (
            f"{data} is the word at {addr}; the circuit is combinational.",
            "Reading is asynchronous, without a clock.",
        )
    )
    return Problem(
        name=d.name("rom", "lookup_rom", f"rom_{depth}x{width}", "const_table", "lut_rom"),
        ports=[
            *(d.clock_ports(clocking) if clocking else []),
            Port(addr, "input", address_bits, ("address", "word address")),
            Port(data, "output", width, ("word read", "ROM data"), reg=reg),
        ],
        body=body,
        phrases=[
            f"{depth}x{width} ROM with {'registered' if clocking else 'combinational'} output "
            f"holding {', '.join(texts)} ({prefix})",
            f"read-only memory of {depth} words of {width} bits",
            f"constant table with {address_bits}-bit address",
        ],
        facts=[
            (
                f"The contents from address 0 on are, in {prefix}: {', '.join(texts)}.",
                f"Words 0 to {depth - 1} ({prefix}): {', '.join(texts)}.",
                f"It contains {listing([f'{t} at {n}' for n, t in enumerate(texts)])}, all data in "
                f"{prefix}.",
            ),
            (f"Each word has {width} bits.", f"The data width is {width} bits."),
            reading,
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=None,
            step=lambda s, v: words[v[addr]],
            outputs=(lambda s, v: {data: s}) if clocking else (lambda s, v: {data: words[v[addr]]}),
        ),
        checks=40,
    )


FAMILIES = (rom,)
