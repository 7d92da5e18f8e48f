"""Look-up drafts: what followed the last few tokens the last time they stood in the prompt or the answer.

Prompt look-up decoding (Saxena, 2023; vLLM's "ngram"), with the longest match instead of an n-gram of one
length. Verilog repeats its names and its lines, and a small model repeats itself: what it is about to
write has often been there before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from engine.tokenizer import FragmentTokenizer, TextTokenizer

LONGEST = 12  # tokens; longer matches are as good as sure
CANDIDATES = 32  # occurrences of the last two tokens that are compared, the last first
_BETWEEN = -1  # no token: nothing matches across it

# A text is encoded in pieces, so that those that have not changed since the last prompt are found again.
_SHORTEST_PIECE, _LONGEST_PIECE = 512, 1024  # characters, up to the end of a line
_PIECES_KEPT = 1024


class Lookup:
    """An index over tokens that grows with every token in constant time.

    It chains the places at which the same two tokens stand, as LZ77 compressors do. Its memory is that of
    the tokens, which a model's window bounds.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.before: list[int] = []  # the last earlier place of the same two tokens, or -1
        self.last: dict[tuple[int, int], int] = {}

    def extend(self, tokens: Iterable[int]) -> None:
        """Add tokens that follow those there are."""
        previous = self.tokens[-1] if self.tokens else _BETWEEN
        for token in tokens:
            pair = previous, token
            self.before.append(self.last.get(pair, -1))
            self.last[pair] = len(self.tokens)
            self.tokens.append(token)
            previous = token

    def propose(self, following: int, length: int) -> tuple[list[int], int]:
        """Up to `length` tokens that may come after `following`, which itself comes next; and how many
        tokens, `following` included, were found again, from 2 to LONGEST (0 if none were).

        Of the longest matches the last counts. A match that reaches into its own continuation goes on
        periodically.
        """
        place, matched = self._find(following)
        if not matched:
            return [], 0
        known = len(self.tokens)
        found = self.tokens[place + 1 : place + 1 + length]
        period = known - place
        if len(found) < length and len(found) == period - 1:
            found.append(following)
        while len(found) < length and len(found) >= period:
            found.append(found[-period])
        if _BETWEEN in found:
            del found[found.index(_BETWEEN) :]
        return found, matched if found else 0

    def _find(self, following: int) -> tuple[int, int]:
        """Where `following` stood after the most of what it stands after now, and how many tokens agree."""
        tokens, known = self.tokens, len(self.tokens)
        best, longest = -1, 0
        place = self.last.get((tokens[-1], following), -1) if tokens else -1
        for _ in range(CANDIDATES):
            if place < 0 or longest == LONGEST:
                break
            matched = 2
            while (
                matched < LONGEST
                and matched <= place
                and tokens[place - matched] == tokens[known - matched] != _BETWEEN
            ):
                matched += 1
            if matched > longest:
                best, longest = place, matched
            place = self.before[place]
        return best, longest


def as_answer(tokenizer: TextTokenizer, prompt: Sequence[int], fragments: bool = True) -> list[int]:
    """Prompt ids as an answer would have them: where it has `fragments`, with [FRAG] after each, if the
    model knows that token. The parts of the prompt are kept apart; the answer goes on where the last ends.
    """
    ids: list[int] = []
    for part in _parts(prompt, tokenizer.special_ids):
        if ids:
            ids.append(_BETWEEN)
        ids += _with_fragments(tokenizer, part) if fragments else part
    return ids


def _parts(prompt: Sequence[int], markers: frozenset[int]) -> Iterator[list[int]]:
    part: list[int] = []
    for token in prompt:
        if token not in markers:
            part.append(token)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _with_fragments(tokenizer: TextTokenizer, part: list[int]) -> list[int]:
    if not isinstance(tokenizer, FragmentTokenizer):
        return part
    text = tokenizer.decode(part)
    ids = [token for piece in _pieces(text) for token in _encode(tokenizer, piece)]
    # Where the cursor is within a line, the end of the text is not the end of a fragment.
    return ids if text.rstrip(" \t").endswith("\n") else ids[:-1]


def _pieces(text: str) -> Iterator[str]:
    """`text` cut at blank lines, and in long parts without one at other lines. Changes at its end, and
    its beginning at another blank line, leave most pieces as they are."""
    piece: list[str] = []
    length = 0
    for line in text.splitlines(keepends=True):
        piece.append(line)
        length += len(line)
        if length >= _LONGEST_PIECE or (length >= _SHORTEST_PIECE and not line.strip()):
            yield "".join(piece)
            piece, length = [], 0
    if piece:
        yield "".join(piece)


@lru_cache(maxsize=_PIECES_KEPT)
def _encode(tokenizer: FragmentTokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode_fragments(text))
