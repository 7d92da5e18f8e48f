"""The tokenizer of a model folder, with [FRAG] and the markers of the prompt formats.

Text is never searched for special tokens: a buffer that happens to contain "[FRAG]" is just text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from engine.api import EngineError
from engine.verilog import fragments as verilog_fragments

PAD = "[PAD]"
START = "[START]"
END = "[END]"
FRAG = "[FRAG]"
INSTRUCTION = "[INSTRUCTION]"
SUFFIX = "[SUFFIX]"
PREFIX = "[PREFIX]"
MIDDLE = "[MIDDLE]"
SPECIAL_TOKENS = (PAD, START, END, FRAG, INSTRUCTION, SUFFIX, PREFIX, MIDDLE)


@dataclass(frozen=True)
class FragmentTokenizer:
    """A byte-level BPE tokenizer plus the ids of the special tokens."""

    backend: Tokenizer
    pad: int
    start: int
    end: int
    frag: int
    instruction: int
    suffix: int
    prefix: int
    middle: int

    @property
    def special_ids(self) -> frozenset[int]:
        markers = (self.instruction, self.suffix, self.prefix, self.middle)
        return frozenset((self.pad, self.start, self.end, self.frag, *markers))

    @property
    def size(self) -> int:
        return self.backend.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text: no special token is added or recognised.

        Half of a surrogate pair, which an editor can leave behind, is read as a question mark.
        """
        return self.backend.encode(_whole(text), add_special_tokens=False).ids

    def encode_pieces(self, pieces: Sequence[str]) -> list[list[int]]:
        """`encode` for many texts at once."""
        encodings = self.backend.encode_batch([*map(_whole, pieces)], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_fragments(self, text: str, cuts: Sequence[int] | None = None) -> list[int]:
        """Token ids of `text` with [FRAG] after every fragment (paper 1, III-C).

        `cuts` are the fragment ends if they are known already, ascending, the last at `len(text)`.
        """
        cuts = verilog_fragments.boundaries(text) if cuts is None else cuts
        pieces = [text[a:b] for a, b in zip([0, *cuts], cuts, strict=False)]
        ids: list[int] = []
        for piece in self.encode_pieces(pieces):
            ids += piece
            ids.append(self.frag)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens, [FRAG] among them, leave no trace."""
        special = self.special_ids
        return self.backend.decode([i for i in ids if i not in special], skip_special_tokens=False)

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and the tokenizer_config.json that transformers expects beside it."""
        from transformers import PreTrainedTokenizerFast

        PreTrainedTokenizerFast(
            tokenizer_object=self.backend,
            pad_token=PAD,
            bos_token=START,
            eos_token=END,
            additional_special_tokens=[FRAG, INSTRUCTION, SUFFIX, PREFIX, MIDDLE],
            clean_up_tokenization_spaces=False,
        ).save_pretrained(folder)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def wrap(backend: Tokenizer) -> FragmentTokenizer:
    """Use `backend`; raises EngineError if it lacks one of our special tokens."""
    backend.encode_special_tokens = True
    ids = [backend.token_to_id(token) for token in SPECIAL_TOKENS]
    missing = [token for token, i in zip(SPECIAL_TOKENS, ids, strict=True) if i is None]
    if missing:
        raise EngineError(
            f"the tokenizer lacks {', '.join(missing)}: fine-tune the model with trainer.finetune first"
        )
    return FragmentTokenizer(backend, *ids)


def load(folder: Path) -> FragmentTokenizer:
    """Read tokenizer.json of a model folder; raises EngineError if it is missing or damaged."""
    path = folder / "tokenizer.json"
    try:
        return wrap(Tokenizer.from_file(str(path)))
    except EngineError:
        raise
    except Exception as error:  # the Rust side raises plain Exception for everything
        raise EngineError(f"cannot read {path}: {error}") from error
