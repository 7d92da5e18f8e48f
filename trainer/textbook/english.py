"""The little English that descriptions need: articles, lists, ordinals, plurals."""

from __future__ import annotations

from collections.abc import Sequence

_PRONOUNCED = {
    "FIFO",
    "LIFO",
    "RAM",
    "ROM",
    "MUX",
    "SIPO",
    "PISO",
    "SISO",
    "NAND",
    "NOR",
    "CAM",
    "MAC",
}
_CONSONANT_SOUND = ("uni", "one", "use", "uart", "usb")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def article(phrase: str) -> str:
    """`phrase` with "a" or "an" before it, as it is spoken: an 8-bit adder, an LFSR, a UART."""
    first = phrase.split()[0]
    letters = first.rstrip("s,.").split("-")[0]
    if first[0].isdigit():
        vowel = first[0] == "8" or letters in ("11", "18")
    elif letters.isupper() and len(letters) > 1 and letters not in _PRONOUNCED:
        vowel = letters[0] in "AEFHILMNORSX"
    else:
        vowel = first[0].lower() in "aeiou" and not first.lower().startswith(_CONSONANT_SOUND)
    return f"{'an' if vowel else 'a'} {phrase}"


def capital(text: str) -> str:
    """`text` with a capital at its start."""
    return text[:1].upper() + text[1:]


def listing(items: Sequence[str], word: str = "and") -> str:
    """ "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def nth(number: int) -> str:
    """ "2nd", "11th"."""
    teen = number // 10 % 10 == 1
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def counted(number: int, noun: str) -> str:
    """ "1 cycle", "3 cycles"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def count_word(number: int) -> str:
    """Small numbers as words."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)
