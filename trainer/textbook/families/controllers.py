"""Small controllers of everyday things: a switch, a lock, a vending machine."""

from __future__ import annotations

from random import Random

from trainer.textbook.draw import Draw
from trainer.textbook.english import listing
from trainer.textbook.families._common import comment, edge, span
from trainer.textbook.families._machines import bits_for, state_machine
from trainer.textbook.problem import Behaviour, Port, Problem, Values


def start_stop(d: Draw) -> Problem:
    """An on/off state with a start and a stop input, one of which has priority."""
    clocking = d.clocking(reset=1.0)
    start = d.name("start", "on", "go", "set_on", "power_on")
    stop = d.name("stop", "off", "halt", "kill", "power_off")
    run = d.name("running", "run", "motor", "lamp", "pump_on", "active")
    stop_wins = d.chance(0.6)
    first, second = (stop, start) if stop_wins else (start, stop)
    reg = d.chance(0.5)
    if reg:
        order = [(stop, [f"{run} <= 1'b0;"]), (start, [f"{run} <= 1'b1;"])]
        body = d.always_clocked(
            clocking, d.branches(*(order if stop_wins else order[::-1])), [f"{run} <= 1'b0;"]
        )
    else:
        off, on = d.choose(("OFF", "ON"), ("IDLE", "RUN"), ("STOPPED", "RUNNING"))
        leave, stay = (f"{start} && !{stop}", stop) if stop_wins else (start, f"{stop} && !{start}")
        body = state_machine(d, clocking, [off, on], {off: [(leave, on)], on: [(stay, off)]})
        body += ["", f"assign {run} = (state == {on});"]
    body = comment(d, f"{first} has priority over {second}") + body
    ports = [
        Port(start, "input", meaning=("start command", "switches on, active high")),
        Port(stop, "input", meaning=("stop command", "switches off, active high")),
    ]
    return Problem(
        name=d.name("start_stop", "motor_control", "on_off", "run_latch", "power_switch"),
        ports=[
            *d.clock_ports(clocking),
            *d.random.sample(ports, 2),
            Port(run, "output", meaning=("high while running", "on/off state"), reg=reg),
        ],
        body=body,
        phrases=[
            f"start/stop control in which {first} has priority over {second}",
            f"on/off state machine with {d.reset_phrase(clocking)}",
            "motor switch with a start and a stop input",
        ],
        facts=[
            (
                f"{start} turns {run} on and {stop} turns it off at the {edge(clocking)}.",
                f"At each {edge(clocking)}, {run} becomes 1 if {start} is high and 0 if "
                f"{stop} is high.",
            ),
            (
                f"If both are high, {first} wins.",
                f"{first} has priority when both inputs are high.",
                f"When {start} and {stop} are high together, {run} is "
                f"{'cleared' if stop_wins else 'set'}.",
            ),
            (f"With both low, {run} keeps its value.", "Without a command nothing changes."),
            d.reset_fact(clocking, f"{run} is 0"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=0,
            step=lambda s, v: (
                int(stop_wins is False) if v[first] else int(stop_wins) if v[second] else s
            ),
            outputs=lambda s, v: {run: s},
        ),
        checks=60,
    )


def combination_lock(d: Draw) -> Problem:
    """Opens after a secret row of digits, each with a strobe."""
    clocking = d.clocking(reset=1.0)
    width, length = d.integer(2, 4), d.integer(3, 5)
    code = [d.integer(0, min(9, (1 << width) - 1)) for _ in range(length)]
    digit = d.name("digit", "key", "code", "din")
    valid = d.name("valid", "enter", "press", "strobe")
    relock, opened = d.name("lock", "close", "relock"), d.name("open", "unlocked", "unlock")
    stem = d.choose("S", "DIGIT", "K", "ST")
    states = [f"{stem}{n}" for n in range(length)] + [d.choose("OPEN", "UNLOCKED")]
    arcs = {states[-1]: [(relock, states[0])]}
    for n, wanted in enumerate(code):
        right = f"{valid} && {digit} == {d.number(wanted, width)}"
        back = [] if n == 0 else [(valid, states[0])]
        arcs[states[n]] = [(right, states[n + 1]), *back]
    body = [
        *state_machine(d, clocking, states, arcs),
        "",
        f"assign {opened} = (state == {states[-1]});",
    ]

    def step(done: int, values: Values) -> int:
        if done == length:
            return 0 if values[relock] else done
        if not values[valid]:
            return done
        return done + 1 if values[digit] == code[done] else 0

    def stimulus(random: Random, number: int) -> Values:
        right = code[number % length] if random.random() < 0.93 else random.randrange(1 << width)
        return {
            digit: right,
            valid: int(random.random() < 0.97),
            relock: int(random.random() < 0.3),
        }

    shown = "-".join(map(str, code))
    return Problem(
        name=d.name("combination_lock", "code_lock", "digital_lock", "door_lock", "keypad_lock"),
        ports=[
            *d.clock_ports(clocking),
            Port(digit, "input", width, ("digit entered", "key value")),
            Port(valid, "input", meaning=("digit strobe", "high for one cycle a digit")),
            Port(relock, "input", meaning=("locks again", "closes the open lock")),
            Port(opened, "output", meaning=("high while unlocked", "lock is open")),
        ],
        body=body,
        phrases=[
            f"combination lock with the code {shown}",
            f"{length}-digit code lock with {width}-bit digits",
            f"digital lock that opens after the digits {shown}",
        ],
        facts=[
            (
                f"The lock opens when the digits {listing([str(c) for c in code])} are entered in "
                f"this order.",
                f"Entering {shown} digit by digit opens the lock.",
            ),
            (
                f"A digit is taken at each {edge(clocking)} at which {valid} is high.",
                f"Whenever {valid} is high at the {edge(clocking)}, {digit} is one more digit.",
            ),
            (
                "A wrong digit discards everything entered, and does not count as a first digit "
                "itself.",
                "After any wrong digit the code must be entered from its beginning, with the next "
                "digit.",
            ),
            (
                f"{opened} is 1 from the last right digit until {relock} is high at a clock edge.",
                f"Once open, {opened} stays 1 and digits are ignored until {relock} is high, "
                f"which locks again.",
            ),
            (
                f"While the lock is closed {relock} has no effect.",
                f"{relock} matters only when the lock is open.",
            ),
            d.reset_fact(clocking, "the lock is closed and no digit has been entered"),
        ],
        clocking=clocking,
        stimulus=stimulus,
        behaviour=Behaviour(start=0, step=step, outputs=lambda s, v: {opened: int(s == length)}),
        checks=110,
    )


def vending_machine(d: Draw) -> Problem:
    """Adds up coins given as a code, releases the goods and pays out the change."""
    clocking = d.clocking(reset=1.0)
    values = sorted(d.random.sample((1, 2, 3, 4, 5, 10), 3))
    price = d.integer(values[-1] + 1, 3 * values[-1] + 2)
    coin = d.name("coin", "coin_in", "coin_code")
    vend = d.name("dispense", "vend", "give", "product")
    change = d.name("change", "coin_return", "change_out")
    total = d.name("total", "sum", "amount", "credit")
    width, value = bits_for(price + values[-1]), d.name("value", "coin_value", "worth")
    arms = [
        (f"2'd{n + 1}", [f"{value} = {d.number(worth, width)};"]) for n, worth in enumerate(values)
    ]
    worth = d.always_comb(d.case(coin, [*arms, ("default", [f"{value} = {d.number(0, width)};"])]))
    paid = f"{total} + {value}"
    zero, cost = d.number(0, width), d.number(price, width)
    enough = [f"{vend} <= 1'b1;", f"{change} <= {paid} - {cost};", f"{total} <= {zero};"]
    short = [f"{vend} <= 1'b0;", f"{change} <= {zero};", f"{total} <= {paid};"]
    run = d.branches((f"{paid} >= {cost}", enough), ("", short))
    reset = [f"{vend} <= 1'b0;", f"{change} <= {zero};", f"{total} <= {zero};"]
    body = [f"reg {span(width)}{total};", f"reg {span(width)}{value};", ""]
    body += [*comment(d, "Worth of the coin"), *worth, "", *d.always_clocked(clocking, run, reset)]
    worths = {0: 0, 1: values[0], 2: values[1], 3: values[2]}

    def step(state: tuple[int, int, int], inputs: Values) -> tuple[int, int, int]:
        credit = state[0] + worths[inputs[coin]]
        return (0, 1, credit - price) if credit >= price else (credit, 0, 0)

    units = d.choose("units", "cents", "credits")
    return Problem(
        name=d.name("vending_machine", "vending", "ticket_machine", "vendor", "coin_machine"),
        ports=[
            *d.clock_ports(clocking),
            Port(
                coin,
                "input",
                2,
                (
                    f"coin: 0 none, 1 to 3 for {listing([str(v) for v in values])} {units}",
                    "code of the coin put in, 0 for none",
                ),
            ),
            Port(
                vend,
                "output",
                meaning=("high for one cycle when the price is paid", "release of the goods"),
                reg=True,
            ),
            Port(
                change,
                "output",
                width,
                ("amount to give back", "change, valid with the release"),
                reg=True,
            ),
        ],
        body=body,
        phrases=[
            f"vending machine for a price of {price} {units} with change",
            f"coin adder that releases goods at {price} {units}",
            f"vending machine that takes coins of {listing([str(v) for v in values])} {units}",
        ],
        facts=[
            (
                f"At each {edge(clocking)} a coin may be put in: {coin} is 0 for none, 1 "
                f"for {values[0]}, 2 for {values[1]} and 3 for {values[2]} {units}.",
                f"{coin} is sampled on every {edge(clocking)}; the codes 1, 2 and 3 are "
                f"worth {values[0]}, {values[1]} and {values[2]} {units}, and 0 means no coin.",
            ),
            (
                f"When the sum reaches or exceeds {price}, {vend} is high for the next cycle, "
                f"{change} is the excess, and the sum starts again at zero.",
                f"As soon as the coins, the new one included, are worth at least {price} {units}, "
                f"{vend} is registered high for one cycle together with the surplus on {change}, "
                f"and the credit is cleared.",
            ),
            (
                f"In all other cycles {vend} and {change} are 0.",
                f"{vend} and {change} are registered and zero otherwise.",
            ),
            d.reset_fact(clocking, "the sum and both outputs are cleared"),
        ],
        clocking=clocking,
        behaviour=Behaviour(
            start=(0, 0, 0), step=step, outputs=lambda s, v: {vend: s[1], change: s[2]}
        ),
    )


FAMILIES = (
    start_stop,
    combination_lock,
    vending_machine,
)
