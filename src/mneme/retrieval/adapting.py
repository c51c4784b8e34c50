"""Which store to ask: a choice that learns from what answered, and forgets what it learned as the world moves on.

Source: SALM (arXiv 2411.00489), retrieval adapter; Thompson sampling over discounted successes and failures. Differs: questions are told
apart by a coarse kind, one beta distribution per kind and store; old evidence halves every few judgements of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

_PERSONAL = re.compile(r"\b(?:i|me|my|mine|we|us|our|you|your|she|her|he|his|they|their)\b|\b[A-Z][a-z]+['’]s\b", re.IGNORECASE)
_TIMED = re.compile(r"\b(?:when|yesterday|today|last|ago|19\d\d|20\d\d)\b", re.IGNORECASE)


def question_kind(question: str) -> str:
    """Return a coarse kind of question: ``personal``, ``dated`` or ``general``.

    Example:
        >>> [question_kind(text) for text in ("What did I buy?", "When did the war end?", "What is iron?")]
        ['personal', 'dated', 'general']
    """
    return "personal" if _PERSONAL.search(question) else "dated" if _TIMED.search(question) else "general"


@dataclass(slots=True, kw_only=True)
class StoreChoice:
    """Learns which store answers which kind of question.

    Args:
        stores: their names; the first is chosen where nothing was learned and no draw is made.
        keep: what is left of old evidence after one more judgement of the same kind.
        seed: for the draws.
    """

    stores: Sequence[str] = ("external", "parametric")
    keep: float = 0.93
    seed: int = 0
    _seen: dict[str, dict[str, tuple[float, float]]] = field(init=False, default_factory=dict)
    _draw: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._draw = np.random.default_rng(self.seed)

    def chances(self, kind: str) -> dict[str, float]:
        """Return the expected share of answers per store; even where nothing was learned."""
        return {store: (1 + good) / (2 + good + bad) for store, (good, bad) in self._counts(kind).items()}

    def choose(self, kind: str) -> str:
        """Return a store, drawn by how likely each is the better one."""
        drawn = {store: float(self._draw.beta(1 + good, 1 + bad)) for store, (good, bad) in self._counts(kind).items()}
        return max(drawn, key=lambda store: drawn[store])

    def learn(self, kind: str, store: str, answered: bool) -> None:
        """Take in whether a store answered a question of a kind."""
        faded = {name: (good * self.keep, bad * self.keep) for name, (good, bad) in self._counts(kind).items()}
        good, bad = faded[store]
        faded[store] = (good + 1, bad) if answered else (good, bad + 1)
        self._seen[kind] = faded

    def state(self) -> dict[str, dict[str, tuple[float, float]]]:
        """Return what was learned, as plain values."""
        return {kind: dict(counts) for kind, counts in self._seen.items()}

    def restore(self, state: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Take over what was learned before."""
        self._seen = {kind: {store: (pair[0], pair[1]) for store, pair in counts.items()} for kind, counts in state.items()}

    def _counts(self, kind: str) -> dict[str, tuple[float, float]]:
        known = self._seen.get(kind, {})
        return {store: known.get(store, (0.0, 0.0)) for store in self.stores}
