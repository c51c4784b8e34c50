"""FSRS-6: stability and difficulty from the history of uses, and a power law of forgetting; scheduling by the ``fsrs`` package.

Source: open-spaced-repetition, py-fsrs 6 (MIT): its default parameters and its equations of stability and difficulty.
Differs: a memory is born as if it had been answered "good", the day it was said; learning steps and fuzz are off, since nobody sits
through a session of cards. Legend: S stability in days, D difficulty in [1, 10], R retrievability.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from fsrs import Card, Rating, Scheduler, State

from mneme.core.clock import from_micros, to_micros
from mneme.core.errors import InvalidInput
from mneme.core.operations import Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import FloatArray

PARAMETERS: tuple[float, ...] = tuple(Scheduler().parameters)
"""The 21 weights of FSRS-6."""

LONGEST_DAYS = 36_500
"""A hundred years."""

_RATINGS = {"again": Rating.Again, "hard": Rating.Hard, "good": Rating.Good, "easy": Rating.Easy}


@lru_cache(maxsize=8)
def _scheduler(parameters: tuple[float, ...], desired: float) -> Scheduler:
    return Scheduler(parameters, desired_retention=desired, learning_steps=(), relearning_steps=(), enable_fuzzing=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fsrs:
    """R = (1 + F t / S)^C with C = -w20 and F = 0.9^(1/C) - 1, so that R(S) = 0.9.

    The stored strength is S over the stability of a memory after its first "good"; difficulty is kept in the usage's state.

    Args:
        desired_retention: what :meth:`due_in` waits for.
        parameters: the 21 weights.
    """

    desired_retention: float = 0.9
    parameters: tuple[float, ...] = field(default=PARAMETERS, repr=False)
    name: str = "fsrs"

    def __post_init__(self) -> None:
        if not 0 < self.desired_retention < 1:
            raise InvalidInput({"desired_retention": f"must be between 0 and 1, not {self.desired_retention!r}"})

    @property
    def first_stability(self) -> float:
        """Stability in days after a first "good"."""
        return self.parameters[2]

    def retention(self, strength: FloatArray, days: FloatArray) -> FloatArray:
        """Return ``(n,)`` in [0, 1]."""
        power = -self.parameters[20]
        factor = 0.9 ** (1 / power) - 1
        stability = np.maximum(np.asarray(strength, np.float64) * self.first_stability, 0.001)
        kept: FloatArray = ((1 + factor * np.asarray(days, np.float64) / stability) ** power).astype(np.float32)
        return kept

    def born(self, strength: FloatArray, uses: FloatArray) -> FloatArray:
        """Return the stored strength."""
        return strength

    def due_in(self, stability: float) -> int:
        """Return after how many days retention has fallen to ``desired_retention``, in [1, ``LONGEST_DAYS``]."""
        power = -self.parameters[20]
        factor: float = 0.9 ** (1 / power) - 1
        days: float = stability / factor * (self.desired_retention ** (1 / power) - 1)
        return min(max(round(days), 1), LONGEST_DAYS)

    def reinforced(self, id: str, usage: Usage | None, born: datetime, grade: str, at: datetime) -> Reinforce:
        """Return the change of stability and difficulty that a use of this grade makes."""
        scheduler = _scheduler(self.parameters, self.desired_retention)
        card = self._card(scheduler, usage, born, at)
        before = card.stability or self.first_stability
        reviewed, _ = scheduler.review_card(card, _RATINGS[grade], max(at, card.last_review or at))
        stored = 1.0 if usage is None else usage.strength
        after = (reviewed.stability or before) / self.first_stability
        state = {"fsrs_difficulty": float(reviewed.difficulty or 0.0), "fsrs_reviewed": float(to_micros(at))}
        return Reinforce(id=id, uses=-1.0 if grade == "again" else 1.0, strength=after - stored, at=at, state=state)

    def _card(self, scheduler: Scheduler, usage: Usage | None, born: datetime, at: datetime) -> Card:
        first, _ = scheduler.review_card(Card(card_id=1), Rating.Good, min(born, at))
        if usage is None:
            return first
        reviewed = usage.state.get("fsrs_reviewed")
        return Card(
            card_id=1,
            state=State.Review,
            step=None,
            stability=max(usage.strength * self.first_stability, 0.001),
            difficulty=float(usage.state.get("fsrs_difficulty", first.difficulty or 5.0)),
            due=at,
            last_review=first.last_review if reviewed is None else from_micros(int(reviewed)) + timedelta(0),
        )
