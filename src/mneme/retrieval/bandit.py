"""Which rewrite of a question to search with, learnt from what came of it: Thompson sampling with a linear model per arm.

Source: QueryBandits: theta ~ N(mu, v^2 A^-1), the arm with the greatest theta.x is pulled; A += x x', b += r x. Differs: older evidence of
an arm fades towards the prior by a factor of 0.999 at each of its rewards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mneme.core.errors import InvalidInput

Vector = NDArray[np.float64]


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

    arms: tuple[str, ...]
    width: int
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
        """Take back what :meth:`state` gave, all of it or nothing.

        Raises:
            KeyError, ValueError: it is not the state of a bandit with these arms and features.
        """
        precision = {arm: np.array(state[arm]["precision"], float) for arm in self.arms}
        pull = {arm: np.array(state[arm]["pull"], float) for arm in self.arms}
        for arm in self.arms:
            shapes = precision[arm].shape, pull[arm].shape
            if (
                shapes != ((self.width, self.width), (self.width,))
                or not np.isfinite(precision[arm]).all()
                or not np.isfinite(pull[arm]).all()
            ):
                raise ValueError(f"arm {arm!r} is not of {self.width} features")
        self._precision, self._pull = precision, pull
