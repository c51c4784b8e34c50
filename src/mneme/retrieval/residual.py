"""A reranker that learns from citations: residual linear maps of question and memory, moved by REINFORCE.

Source: RMM (arXiv 2503.08026): q' = q + W_q q, m' = m + W_m m, s = q'.m' + Gumbel noise, p = softmax(s / tau); reward +1 when cited, -1
when not; W += eta (R - b) grad log p. Differs: gradients and weights are clipped, without which a large eta overflows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class Residual:
    """Learns in place; fresh, it leaves the order of dot products as it is.

    Args:
        width: of vectors.
        temperature: tau.
        rate: eta.
        baseline: b.
        batch: answers between two updates.
        most_gradient, most_weight: norms above these are scaled down.
    """

    width: int
    temperature: float = 0.5
    rate: float = 1e-3
    baseline: float = 0.5
    batch: int = 4
    most_gradient: float = 10.0
    most_weight: float = 10.0
    question: Numbers = field(init=False)
    memory: Numbers = field(init=False)
    _waiting: list[tuple[Numbers, Numbers]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.question = np.zeros((self.width, self.width))
        self.memory = np.zeros((self.width, self.width))

    def scores(self, query: Numbers, memories: Numbers) -> Numbers:
        """Return ``(n,)`` scores of memories ``(n, width)`` for a question ``(width,)``."""
        return np.asarray((memories + memories @ self.memory.T) @ (query + self.question @ query))

    def noise(self, count: int, rng: np.random.Generator) -> Numbers:
        """Return ``(count,)`` Gumbel noise for the scores of one question: the same for choosing and for learning from the choice."""
        return np.asarray(rng.gumbel(size=count))

    def chosen(self, query: Numbers, memories: Numbers, count: int, noise: Numbers | None = None) -> list[int]:
        """Return ``count`` places, best first; with noise, a draw without replacement."""
        return [int(place) for place in np.argsort(-self._noisy(query, memories, noise), kind="stable")[:count]]

    def learn(self, query: Numbers, memories: Numbers, chosen: list[int], cited: set[int], noise: Numbers | None = None) -> None:
        """Take in which of the chosen memories an answer cited; weights move after every ``batch`` answers.

        Args:
            query, memories: as in :meth:`scores`.
            chosen: the places that were answered from; others get no reward.
            cited: those of them that the answer cited.
            noise: what they were chosen with.
        """
        scores = self._noisy(query, memories, noise) / self.temperature
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        pull = np.zeros(len(memories))
        for place in chosen:
            advantage = (1.0 if place in cited else -1.0) - self.baseline
            pull -= advantage * chances
            pull[place] += advantage
        pull /= self.temperature
        asked = query + self.question @ query
        gathered = pull @ memories
        self._waiting.append((np.outer(gathered + self.memory @ gathered, query), np.outer(asked, gathered)))
        if len(self._waiting) == self.batch:
            self._update()

    def _noisy(self, query: Numbers, memories: Numbers, noise: Numbers | None) -> Numbers:
        scores = self.scores(query, memories)
        return scores if noise is None else scores + noise

    def _update(self) -> None:
        for weights, gradients in ((self.question, [a for a, _ in self._waiting]), (self.memory, [b for _, b in self._waiting])):
            step = np.sum(gradients, axis=0)
            step *= min(1.0, self.most_gradient / max(float(np.linalg.norm(step)), 1e-12))
            weights += self.rate * step
            weights *= min(1.0, self.most_weight / max(float(np.linalg.norm(weights)), 1e-12))
        self._waiting.clear()
