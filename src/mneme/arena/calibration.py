"""Judge a sufficiency score: does it tell answerable from unanswerable questions, and is it a probability?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mneme.arena.log import Outcome
from mneme.arena.significance import LEVEL

_RESAMPLES = 500
_BINS = 10


def calibrate(outcomes: Sequence[Outcome], *, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return ``sufficiency_auc`` and ``sufficiency_ece`` with intervals; empty without scores or without both kinds of question."""
    judged = [outcome for outcome in outcomes if outcome.sufficiency is not None]
    scores = np.array([outcome.sufficiency for outcome in judged], dtype=np.float64)
    labels = np.array([outcome.answerable for outcome in judged], dtype=bool)
    # One score for every question is no judgement.
    if not labels.any() or labels.all() or np.ptp(scores) == 0.0:
        return {}
    rng = np.random.default_rng(seed)
    picks = [rng.integers(0, len(judged), len(judged)) for _ in range(_RESAMPLES)]
    found = {}
    for name, measure in (("sufficiency_auc", auc), ("sufficiency_ece", expected_calibration_error)):
        draws = [measure(scores[pick], labels[pick]) for pick in picks if labels[pick].any() and not labels[pick].all()]
        lo, hi = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        found[name] = {"mean": measure(scores, labels), "lo": float(lo), "hi": float(hi), "n": len(judged), "of": len(outcomes)}
    return found


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def expected_calibration_error(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return the mean gap between score and share of positives over ten bins of equal width, weighted by size (Naeini et al. 2015)."""
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    gaps = [
        np.count_nonzero(bins == number) * abs(float(scores[bins == number].mean()) - float(labels[bins == number].mean()))
        for number in range(_BINS)
        if np.any(bins == number)
    ]
    return float(sum(gaps) / len(scores))
