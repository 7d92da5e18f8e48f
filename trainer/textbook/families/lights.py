"""Lights with a timing of their own: traffic lights and a walking light."""

from __future__ import annotations

from collections.abc import Callable

from trainer.textbook.draw import Draw, Lines
from trainer.textbook.english import counted, listing
from trainer.textbook.families._common import edge, span
from trainer.textbook.families._machines import bits_for
from trainer.textbook.problem import Behaviour, Clocking, Port, Problem, Values


def _phased(
    d: Draw, clocking: Clocking, states: list[str], times: list[int], wait: str = ""
) -> Lines:
    """A ring of states of given durations, counted by a timer; `wait` must be high to leave the first.

    The timer counts from 0 in each state.
    """
    timer, width = d.name("timer", "count", "cnt", "ticks"), bits_for(max(times))
    zero = f"{timer} <= {d.number(0, width)};"
    arms = []
    for number, (state, time) in enumerate(zip(states, times, strict=True)):
        over = f"{timer} == {d.number(time - 1, width)}"
        if wait and not number:
            over = f"{timer} >= {d.number(time - 1, width)} && {wait}"
        onward = states[(number + 1) % len(states)]
        count = [f"{timer} <= {timer} + 1'b1;"]
        keep = (
            [(f"{timer} != {d.number(time - 1, width)}", count)]
            if wait and not number
            else [("", count)]
        )
        arms.append((state, d.branches((over, [f"state <= {onward};", zero]), *keep)))
    arms.append(("default", [f"state <= {states[0]};", zero]))
    size = bits_for(len(states))
    codes = [f"localparam {span(size)}{s} = {size}'d{n};" for n, s in enumerate(states)]
    lines = [*codes, "", f"reg {span(size)}state;", f"reg {span(width)}{timer};", ""]
    run = d.case("state", arms)
    return [*lines, *d.always_clocked(clocking, run, [f"state <= {states[0]};", zero])]


def _ring_step(times: list[int], wait: str) -> Callable[[tuple[int, int], Values], tuple[int, int]]:
    """The Python side of `_phased`: the state is (phase, cycles spent in it, at most its time)."""

    def step(state: tuple[int, int], values: Values) -> tuple[int, int]:
        phase, spent = state
        if spent + 1 >= times[phase] and not (phase == 0 and wait and not values[wait]):
            return (phase + 1) % len(times), 0
        return phase, min(spent + 1, times[phase] - 1)

    return step


def traffic_light(d: Draw) -> Problem:
    """Red, green, yellow in turn, each for a number of clock cycles."""
    clocking = d.clocking(reset=1.0)
    d.taken.add("state")
    colours = (
        ["RED", "GREEN", "YELLOW"] if d.chance(0.6) else ["RED", "RED_YELLOW", "GREEN", "YELLOW"]
    )
    times = [d.integer(1, 3) if "YELLOW" in c else d.integer(3, 10) for c in colours]
    lines = _phased(d, clocking, colours, times)
    lamps = {
        c: d.name(c, f"{c}_light", f"light_{c}", f"{c}_on") for c in ("red", "yellow", "green")
    }
    lit = {
        lamp: [n for n, c in enumerate(colours) if colour.upper() in c]
        for colour, lamp in lamps.items()
    }
    for lamp, phases in lit.items():
        test = " || ".join(f"(state == {colours[n]})" for n in phases)
        lines += [f"assign {lamp} = {test};"]
    order = listing(
        [
            f"{c.lower().replace('_', ' with ')} for {counted(t, 'cycle')}"
            for c, t in zip(colours, times, strict=True)
        ]
    )
    return Problem(
        name=d.name("traffic_light", "traffic_lights", "traffic_controller", "signal_light", "tlc"),
        ports=[
            *d.clock_ports(clocking),
            *(
                Port(lamp, "output", meaning=(f"{c} lamp", f"{c} light, active high"))
                for c, lamp in lamps.items()
            ),
        ],
        body=lines,
        phrases=[
            f"traffic light with the phases {order}",
            f"{len(colours)}-phase traffic light controller with {d.reset_phrase(clocking)}",
            f"traffic light that repeats every {sum(times)} clock cycles",
        ],
        facts=[
            (
                f"The light shows {order}, over and over.",
                f"The phases follow each other in a ring: {order}.",
            ),
            (
                f"One cycle is from one {edge(clocking)} to the next.",
                f"Times are counted in {clocking.sense} edges of {clocking.clock}.",
            ),
            (
                f"The outputs {listing(list(lamps.values()))} are 1 while their lamp is lit, in "
                f"the phase that names it.",
                f"Each of {listing(list(lamps.values()))} is high exactly in the phases that name "
                f"its colour.",
            ),
            d.reset_fact(clocking, "the light is at the beginning of the red phase"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=(0, 0),
            step=_ring_step(times, ""),
            outputs=lambda s, v: {lamp: int(s[0] in phases) for lamp, phases in lit.items()},
        ),
        checks=2 * sum(times) + 20,
    )


def crossing(d: Draw) -> Problem:
    """A main road keeps green until the side road asks for it."""
    clocking = d.clocking(reset=1.0)
    d.taken.add("state")
    states = d.choose(
        ["MAIN_GREEN", "MAIN_YELLOW", "SIDE_GREEN", "SIDE_YELLOW"],
        ["MG", "MY", "SG", "SY"],
        ["S0", "S1", "S2", "S3"],
    )
    times = [d.integer(3, 9), d.integer(1, 3), d.integer(2, 6), d.integer(1, 3)]
    car = d.name("car", "sensor", "side_request", "ped_button", "request")
    main = d.name("main_light", "main", "light_a", "highway")
    side = d.name("side_light", "side", "light_b", "farm")
    lines = _phased(d, clocking, states, times, wait=car)
    codes = d.random.sample((1, 2, 4), 3) if d.chance(0.5) else [0, 1, 2]
    width = 3 if 4 in codes else 2
    green, yellow, red = (d.number(c, width) for c in codes)
    shown = [(green, red), (yellow, red), (red, green), (red, yellow)]
    arms = [
        (state, [f"{main} = {a};", f"{side} = {b};"])
        for state, (a, b) in zip(states, shown, strict=True)
    ]
    arms.append(("default", [f"{main} = {red};", f"{side} = {red};"]))
    lines += ["", *d.always_comb(d.case("state", arms))]
    g, y, r = codes
    colours = [(g, r), (y, r), (r, g), (r, y)]
    return Problem(
        name=d.name(
            "crossing", "intersection", "traffic_junction", "road_crossing", "junction_lights"
        ),
        ports=[
            *d.clock_ports(clocking),
            Port(
                car,
                "input",
                meaning=("request of the side road", "high while the side road asks for green"),
            ),
            Port(
                main,
                "output",
                width,
                ("light of the main road", "colour code of the main road"),
                reg=True,
            ),
            Port(
                side,
                "output",
                width,
                ("light of the side road", "colour code of the side road"),
                reg=True,
            ),
        ],
        body=lines,
        phrases=[
            f"traffic lights of a crossing with a side road request and at least {times[0]} "
            f"cycles of main road green",
            "intersection controller in which the side road must ask for green",
            f"two-way traffic light controller with the sensor input {car}",
        ],
        facts=[
            (
                f"Green is coded as {g}, yellow as {y} and red as {r}.",
                f"Colour codes of both lights: {g} for green, {y} for yellow, {r} for red.",
            ),
            (
                f"The main road is green for at least {counted(times[0], 'cycle')}, and then "
                f"until {car} is high at the {edge(clocking)}.",
                f"Main road green lasts {counted(times[0], 'clock cycle')} or longer: it ends at "
                f"the first {edge(clocking)} from then on that sees {car} high.",
            ),
            (
                f"Then the main road is yellow for {counted(times[1], 'cycle')}, the side road "
                f"green for {times[2]} and yellow for {times[3]}, and the main road green again.",
                f"Main yellow ({counted(times[1], 'cycle')}), side green ({times[2]}) and side "
                f"yellow ({times[3]}) follow, and it starts over.",
            ),
            (
                "While one road is green or yellow the other is red.",
                "The other road always has red.",
            ),
            d.reset_fact(clocking, "the main road is green and its time starts"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=(0, 0),
            step=_ring_step(times, car),
            outputs=lambda s, v: {main: colours[s[0]][0], side: colours[s[0]][1]},
        ),
        checks=110,
    )


def walking_light(d: Draw) -> Problem:
    """One lit lamp that walks to one end and back."""
    clocking = d.clocking(reset=1.0)
    width, from_left = d.integer(3, 12), d.chance(0.4)
    leds = d.name("led", "leds", "lamps", "out", "light")
    left = d.name("left", "dir", "to_left", "going_left")
    enable = d.name("en", "tick", "step", "enable") if d.chance(0.5) else ""
    start = 1 << (width - 1 if from_left else 0)
    to_left = [
        f"{leds} <= {{{leds}[{width - 2}:0], 1'b0}};"
        if d.chance(0.5)
        else f"{leds} <= {leds} << 1;"
    ]
    to_right = [
        f"{leds} <= {{1'b0, {leds}[{width - 1}:1]}};"
        if d.chance(0.5)
        else f"{leds} <= {leds} >> 1;"
    ]
    run = d.branches(
        (
            left,
            [*to_left, *d.branches((f"{leds}[{width - 2}]", [f"{left} <= 1'b0;"]))],
        ),
        ("", [*to_right, *d.branches((f"{leds}[1]", [f"{left} <= 1'b1;"]))]),
    )
    if enable:
        run = d.branches((enable, run))
    reset = [f"{leds} <= {d.number(start, width)};", f"{left} <= 1'b{int(not from_left)};"]
    body = [f"reg {left};", "", *d.always_clocked(clocking, run, reset)]
    period = 2 * (width - 1)

    def outputs(phase: int, values: Values) -> dict[str, int]:
        place = min(phase, period - phase)
        return {leds: start >> place if from_left else start << place}

    near, far = ("leftmost", "rightmost") if from_left else ("rightmost", "leftmost")
    ports = [*d.clock_ports(clocking)]
    if enable:
        ports.append(Port(enable, "input", meaning=("moves the light", "step enable")))
    ports.append(Port(leds, "output", width, ("one-hot lamps", "exactly one bit is 1"), reg=True))
    return Problem(
        name=d.name(
            "walking_light", "bouncing_led", "led_scanner", "ping_pong", f"scanner_{width}"
        ),
        ports=ports,
        body=body,
        phrases=[
            f"{width}-lamp walking light that bounces between both "
            f"ends{' with step enable' if enable else ''}",
            f"{width}-bit one-hot scanner that goes back and forth",
            "bouncing LED chaser",
        ],
        facts=[
            (
                f"Exactly one of the {width} bits of {leds} is 1, and it moves by one place at "
                f"each {edge(clocking)}" + (f" with {enable} high." if enable else "."),
                f"At every {edge(clocking)}{f' at which {enable} is 1' if enable else ''} "
                f"the single 1 in {leds} "
                "moves to the neighbouring bit.",
            ),
            (
                f"From the {near} bit it goes to the {far} one, then back, and so on, without "
                f"resting at the ends.",
                f"It turns round at both ends: a full round from the {near} to the {far} bit and "
                f"back takes {period} steps.",
            ),
            d.reset_fact(
                clocking, f"the {near} bit is lit and the light is about to move away from it"
            ),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (s + v.get(enable, 1)) % period,
            outputs=outputs,
        ),
        checks=100,
    )


FAMILIES = (
    traffic_light,
    crossing,
    walking_light,
)
