"""The Hamming families belong together, and a width given as a parameter is told in every place."""

from trainer.textbook import render
from trainer.textbook.draw import Draw
from trainer.textbook.families._words import Size, circuit
from trainer.textbook.families.codes import hamming_decoder, hamming_encoder
from trainer.textbook.problem import Problem


def drawn(family, fits) -> Problem:
    """The first drawn problem that `fits`."""
    return next(p for p in (family(Draw(f"{n}")) for n in range(200)) if fits(p))


def ports(problem, direction):
    return [port for port in problem.ports if port.direction == direction]


def test_decoder_undoes_the_encoder_and_any_single_error():
    encoder = drawn(hamming_encoder, lambda p: ports(p, "output")[0].width == 7)
    decoder = drawn(hamming_decoder, lambda p: ports(p, "input")[0].width == 7)
    data, code = ports(encoder, "input")[0].name, ports(encoder, "output")[0].name
    received, decoded = ports(decoder, "input")[0].name, ports(decoder, "output")
    found = next(port.name for port in decoded if port.width == 4)
    for value in range(16):
        word = encoder.behaviour.outputs(None, {data: value})[code]
        for error in (0, *(1 << bit for bit in range(7))):
            assert decoder.behaviour.outputs(None, {received: word ^ error})[found] == value


def test_parameter_is_in_header_phrases_and_facts():
    draw, width = Draw("parameter"), Size(6, "WIDTH")
    problem = circuit(
        draw,
        ["wire_through"],
        [width.port("a")],
        [width.output("y")],
        ["assign y = a;"],
        ["6-bit wire"],
        [],
        lambda v: {"y": v["a"]},
        size=width,
    )
    header, text = render.module(problem, draw)
    assert "parameter WIDTH = 6" in header
    assert "[WIDTH-1:0]" in text
    assert all("WIDTH" in phrase for phrase in problem.phrases)
    assert all("WIDTH" in wording and "6" in wording for wording in problem.facts[0])
