"""All families of the textbook by name, and those that only an exam asks about.

A family is a function of a module of this package that the module's FAMILIES names.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from trainer.textbook.draw import Draw
from trainer.textbook.problem import Problem

_MODULES = [
    import_module(f"{__name__}.{found.name}")
    for found in iter_modules(__path__)
    if not found.name.startswith("_")
]

FAMILIES: dict[str, Callable[[Draw], Problem]] = {
    family.__name__: family for module in _MODULES for family in module.FAMILIES
}
HELD_OUT: frozenset[str] = frozenset(
    (
        "saturating_adder",
        "median",
        "thermometer_decoder",
        "byte_merge",
        "exchange",
        "bit_edit",
        "set_bit_test",
        "split_compare",
        "quantizer",
        "saturating_counter",
        "capture_register",
        "switching_delay",
        "gated_counter",
        "moving_sum",
        "phase_generator",
        "listed_counter",
        "holding_arbiter",
        "square_root",
        "stability_detector",
        "narrow",
        "status_flags",
    )
)
"""Families never trained on: solving one needs its parts, known from others, put together anew."""
