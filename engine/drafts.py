"""What each pass of an answer verifies: the heads' guesses and look-up's, in one tree of constant size.

drafter = Drafter(model, options)
drafter.read(prompt)
draft = drafter.propose(root, guesses)
drafter.add(draft, accepted)        # the path of nodes that was kept
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from engine.api import DecodingOptions
from engine.lookup import Lookup, as_answer
from engine.model import MedusaModel
from engine.tree import DraftTree, Layout, build, lay_out

NODES = 16  # of a draft on a CPU, where each costs, and for a model that has no tree of its own
SURE = 6  # tokens found again, from which on look-up may take the whole tree


def draft_size(model: MedusaModel, options: DecodingOptions, most: int | None = None) -> int:
    """Nodes of every draft, root included: as many as the model's tree has, at most `most` (by default,
    as many as are worth their cost here)."""
    if not options.speculative:
        return 1
    own = len(model.card.tree) + 1 if model.heads.count else 1
    if own == 1 and options.lookup:
        own = NODES
    if most is None:
        usual = NODES if model.device.type == "cpu" else own
        most = model.card.nodes or (model.compiled and model.compiled.nodes) or usual
    return max(1, min(own, most))


@dataclass(frozen=True)
class Draft:
    """The candidates of one pass.

    tokens [N] are those of the layout's nodes. The first `heads` nodes, root included, are the heads', of
    which look-up has drafted `shared` too; the others are look-up's alone, or fill the tree up.
    """

    layout: Layout
    tokens: list[int]
    heads: int
    shared: Sequence[int] = ()

    def sources(self, path: Sequence[int]) -> dict[str, int]:
        """How many nodes of a path from the root each source has drafted: "heads", "lookup" or "both"."""
        found: dict[str, int] = {}
        for node in path[1:]:
            own = "heads" if node < self.heads else "lookup"
            source = "both" if node in self.shared else own
            found[source] = found.get(source, 0) + 1
        return found


class Drafter:
    """Drafts for one answer: the heads' tree, whose least likely nodes give way to what look-up finds.

    A draft always has `size` nodes, so that a compiled pass fits all. `tree` is what `passes.guess` has to
    guess for. `accepted` counts accepted tokens by source; the others are the backbone's own.
    """

    def __init__(
        self, model: MedusaModel, options: DecodingOptions, most: int | None = None
    ) -> None:
        self.tokenizer, self.device = model.tokenizer, model.device
        self.size = draft_size(model, options, most)
        self.fragments = options.boundaries == "tokens"
        heads = options.speculative and model.heads.count
        self.tree: DraftTree = build(model.card.tree[: self.size - 1] if heads else [])
        self.places = list(zip(self.tree.head.tolist(), self.tree.rank.tolist(), strict=True))
        self.lookup = Lookup() if options.lookup and self.size > 1 else None
        self.accepted: dict[str, int] = {}

    def read(self, prompt: Sequence[int]) -> None:
        """Let look-up have the prompt's ids; `add` gives it the answer."""
        if self.lookup is not None:
            self.lookup.extend(as_answer(self.tokenizer, prompt, self.fragments))

    def propose(self, root: int, guesses: Tensor) -> Draft:
        """The draft for a pass that begins with the token `root`; guesses [heads, ranks] are the heads'."""
        ranked = guesses.tolist()
        tokens = [root, *(ranked[head][rank] for head, rank in self.places)]
        return self._merge(tokens, self._chain(root))

    def add(self, draft: Draft, path: Sequence[int]) -> dict[str, int]:
        """Take note of the nodes of `draft` that were kept; returns how many each source had drafted."""
        if self.lookup is not None:
            self.lookup.extend([draft.tokens[node] for node in path])
        found = draft.sources(path)
        for source, count in found.items():
            self.accepted[source] = self.accepted.get(source, 0) + count
        return found

    def _chain(self, root: int) -> list[int]:
        """What look-up proposes to follow `root`: fewer tokens where it has found little."""
        if self.lookup is None:
            return []
        chain, matched = self.lookup.propose(root, self.size - 1)
        return chain if matched >= SURE else chain[: self.size // 2]

    def _merge(self, tokens: list[int], chain: list[int]) -> Draft:
        """The heads' tree with a chain of tokens that follow the root, in `size` nodes.

        The chain goes along the nodes of the heads for as long as they have its tokens. Nodes of its own
        take the place of the tree's last, which are its least likely.
        """
        shared = self._walk(tokens, chain)
        own = len(chain) - len(shared)
        while shared and shared[-1] >= self.size - own:
            shared.pop()
            own += 1
        heads = min(len(tokens), self.size - own)
        fillers = self.size - heads - own
        parent = self.tree.parent[:heads]
        if own:
            parent += (shared[-1] if shared else 0, *range(heads, heads + own - 1))
        layout = lay_out(parent + (-1,) * fillers, self.device)
        drafted = [*tokens[:heads], *chain[len(shared) :], *tokens[:1] * fillers]
        return Draft(layout, drafted, heads, shared)

    def _walk(self, tokens: list[int], chain: list[int]) -> list[int]:
        """The nodes of the heads' tree that `chain` leads along, from below the root on."""
        found: list[int] = []
        node = 0
        for token in chain:
            below = (child for child in self.tree.children[node] if tokens[child] == token)
            node = next(below, -1)
            if node < 0:
                break
            found.append(node)
        return found
