"""The vocabulary: a byte-level BPE trained on Verilog and its English, or that of a model at hand.

The pre-tokenizer decides how many characters a token carries and whether tokens straddle fragments.
A blank joins the word that follows, and a run of punctuation takes the line end and the next
indentation along (`);` + newline + four blanks is one candidate), because a fragment ends there too.
`python -m benchmarks.tokenizers` compares it with others.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from engine.api import EngineError
from engine.tokenizer import SPECIAL_TOKENS, FragmentTokenizer, wrap

PIECES = (
    r" ?[A-Za-z_$`][A-Za-z0-9_$]*"
    r"| ?[0-9]{1,3}"
    r"| ?[^\sA-Za-z0-9_$`]+(?:\r?\n[ \t]*)?"
    r"|\s*\n[ \t]*"
    r"|[ \t]+(?= \S)"
    r"|\s+"
    r"|`"
)
"""What a token may be part of at most, as a regular expression."""


def train(texts: Iterable[str], size: int, pieces: str = PIECES) -> FragmentTokenizer:
    """A tokenizer of `size` entries, special tokens and all 256 bytes included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pieces), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap(tokenizer)


def adopt(folder: Path) -> FragmentTokenizer:
    """The tokenizer of a model folder, with the special tokens that it lacks behind its own.

    A model must have as many rows of embeddings as this tokenizer has entries. Raises EngineError if
    there is no readable tokenizer.json, or if it does not give text back as it was.
    """
    path = folder / "tokenizer.json"
    try:
        backend = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises plain Exception for everything
        raise EngineError(f"cannot read {path}: {error}") from error
    missing = [token for token in SPECIAL_TOKENS if backend.token_to_id(token) is None]
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in missing])
    tokenizer = wrap(backend)
    for piece in ("x", " x", "\n  x", ";"):
        if tokenizer.decode(tokenizer.encode(piece)) != piece:
            raise EngineError(
                f"the tokenizer in {folder} does not give {piece!r} back as it was: fragments need a "
                "byte-level one"
            )
    return tokenizer
