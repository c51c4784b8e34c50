"""Which rewrite of a question to search with, learnt from what came of it: Thompson sampling with a linear model per arm.

Source: QueryBandits: theta ~ N(mu, v^2 A^-1), the arm with the greatest theta.x is pulled; A += x x', b += r x. Differs: eight cheap
features of the question; older evidence fades by a factor of 0.999 per reward.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mneme.core.errors import InvalidInput

ARMS = ("keep", "simplify", "split", "expand")
Vector = NDArray[np.float64]

_POLITE = re.compile(
    r"\b(?:please|could you|can you|would you|tell me|i(?:'d| would) like to know|do you (?:know|remember))\b[,:]?\s*", re.I
)
_CLAUSE = re.compile(r"\s*(?:,|;|\band\b|\bbut\b|\bwhich\b)\s*", re.I)


def features(question: str) -> Vector:
    """Return ``(8,)``: bias, length, pronoun, negation, clauses, question word, name, number."""
    words = question.split()
    low = question.casefold()
    return np.array(
        [
            1.0,
            min(len(words), 30) / 30,
            float(bool(re.search(r"\b(?:he|she|it|they|that|this|those)\b", low))),
            float(bool(re.search(r"\b(?:not|never|no)\b|n't\b", low))),
            min(len(_CLAUSE.findall(question)), 4) / 4,
            float(bool(re.match(r"\W*(?:who|what|when|where|why|how|which)\b", low))),
            float(any(word[:1].isupper() for word in words[1:])),
            float(any(character.isdigit() for character in question)),
        ]
    )


def rewritten(question: str, arm: str, near: Sequence[str] = ()) -> str:
    """Return the question as an arm rewrites it; ``near`` are words seen with its words, for ``expand``.

    Example:
        >>> rewritten("Could you tell me where Ana lives, and why?", "simplify")
        'where Ana lives, and why?'
    """
    if arm == "simplify":
        return _POLITE.sub("", question).strip() or question
    if arm == "split":
        return max(_CLAUSE.split(question), key=len).strip() or question
    if arm == "expand":
        return " ".join([question, *near])
    return question


@dataclass(slots=True, kw_only=True)
class QueryBandit:
    """Chooses an arm per question and learns.

    Args:
        arms: what can be done with a question.
        width: features of a question.
        ridge: lambda, the prior's strength.
        spread: v, how much is tried out.
        keep: how much of the evidence stays at each reward.
        seed: of the draws.
    """

    arms: tuple[str, ...] = ARMS
    width: int = 8
    ridge: float = 1.0
    spread: float = 0.3
    keep: float = 0.999
    seed: int = 0
    _precision: dict[str, Vector] = field(init=False)
    _pull: dict[str, Vector] = field(init=False)
    _rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the prior stands again."""
        self._precision = {arm: self.ridge * np.eye(self.width) for arm in self.arms}
        self._pull = {arm: np.zeros(self.width) for arm in self.arms}

    def choose(self, x: Vector) -> str:
        """Return the arm whose drawn model promises most for these features."""
        promised = {}
        for arm in self.arms:
            inverse = np.linalg.inv(self._precision[arm])
            mean = inverse @ self._pull[arm]
            drawn = mean + self.spread * np.linalg.cholesky(inverse) @ self._rng.standard_normal(self.width)
            promised[arm] = float(drawn @ x)
        return max(self.arms, key=lambda arm: promised[arm])

    def learn(self, arm: str, x: Vector, reward: float) -> None:
        """Take in a reward in [0, 1] for an arm that was pulled."""
        if not 0.0 <= reward <= 1.0 or arm not in self.arms:
            raise InvalidInput({"reward": f"must be in [0, 1] for one of {', '.join(self.arms)}"})
        prior = self.ridge * np.eye(self.width)
        self._precision[arm] = self.keep * self._precision[arm] + (1 - self.keep) * prior + np.outer(x, x)
        self._pull[arm] = self.keep * self._pull[arm] + reward * x

    def state(self) -> dict[str, object]:
        """Return what was learnt as plain values, for keeping."""
        return {arm: {"precision": self._precision[arm].tolist(), "pull": self._pull[arm].tolist()} for arm in self.arms}

    def restore(self, state: Mapping[str, Mapping[str, object]]) -> None:
        """Take back what :meth:`state` gave."""
        for arm in self.arms:
            self._precision[arm] = np.array(state[arm]["precision"], float)
            self._pull[arm] = np.array(state[arm]["pull"], float)
