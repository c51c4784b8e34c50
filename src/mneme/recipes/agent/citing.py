"""Recall that learns from what an answer cited: twenty candidates, reranked, five kept.

Source: RMM (arXiv 2503.08026), retrospective reflection: K = 20, M = 5, +1 for what was cited and -1 for what was not. Differs: the weights
are of one reader and are saved by the caller; what was cited counts as useful for the space, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mneme.core.query import Hit, Recall
from mneme.retrieval.residual import Numbers, Residual
from mneme.space import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was kept for an answer.

    Args:
        found: the recall that it was chosen from.
        hits: best first.
        places: of the hits among the candidates.
        query, memories: vectors of the question and of all candidates.
        noise: what the scores were shaken with; None when they were not.
    """

    found: Recall
    hits: tuple[Hit, ...]
    places: tuple[int, ...]
    query: Numbers
    memories: Numbers
    noise: Numbers | None = None


class Citing:
    """A reader over one space.

    Args:
        space: the space.
        reranker: learns; None makes a fresh one, which keeps the order of cosines.
        candidates, kept: how many are looked at, and how many are kept.
        seed: for the noise; None keeps the best without noise.
    """

    def __init__(
        self, space: Space, reranker: Residual | None = None, *, candidates: int = 20, kept: int = 5, seed: int | None = None
    ) -> None:
        self.space = space
        self.reranker = reranker or Residual(width=space._memory.embedder.width)
        self._candidates = candidates
        self._kept = kept
        self._draw = None if seed is None else np.random.default_rng(seed)

    def recall(self, question: str) -> Kept:
        """Return what to answer from."""
        found = self.space.recall(question, k=self._candidates)
        rows = np.asarray(self.space._memory.embedder.embed([question, *(hit.text for hit in found.hits)]), np.float64)
        noise = None if self._draw is None else self.reranker.noise(len(found.hits), self._draw)
        places = self.reranker.chosen(rows[0], rows[1:], self._kept, noise) if found.hits else []
        hits = tuple(found.hits[place] for place in places)
        return Kept(found=found, hits=hits, places=tuple(places), query=rows[0], memories=rows[1:], noise=noise)

    def cited(self, kept: Kept, numbers: Sequence[int]) -> None:
        """Take in which of the kept hits an answer cited, by their place in ``kept.hits``; none is an answer, too."""
        places = {kept.places[number] for number in numbers if 0 <= number < len(kept.places)}
        self.reranker.learn(kept.query, kept.memories, list(kept.places), places, kept.noise)
        useful = [kept.found.hits[place] for place in sorted(places)]
        if useful:
            self.space.feedback(kept.found, useful=useful)

    def save(self, path: Path) -> None:
        """Write the weights."""
        np.savez(path, question=self.reranker.question, memory=self.reranker.memory)

    def load(self, path: Path) -> None:
        """Read weights that were written."""
        with np.load(path) as file:
            self.reranker.question, self.reranker.memory = file["question"], file["memory"]
