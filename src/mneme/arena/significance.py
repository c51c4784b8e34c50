"""Intervals and paired tests over questions: percentile bootstrap, sign-flip permutation test, Holm's correction.

Source: Efron and Tibshirani 1993 (percentile interval); Holm 1979. Values are one per question; a run's seed makes the figures repeatable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
BOOTSTRAPS = 2000
PERMUTATIONS = 10_000
_BLOCK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its interval.

    Args:
        mean: of the sample.
        lo: lower end.
        hi: upper end.
    """

    mean: float
    lo: float
    hi: float


def bootstrap_mean(values: Sequence[float] | NDArray[np.float64], *, seed: int = 0, resamples: int = BOOTSTRAPS) -> Interval:
    """Return the mean of ``values`` and its 95 % percentile interval.

    Args:
        values: one per question; not empty.
        seed: of the resampling.
        resamples: how often the questions are drawn anew, with replacement.

    Raises:
        ValueError: there are no values.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        raise ValueError("values: at least one is needed")
    mean = float(data.mean())
    if data.size == 1 or np.ptp(data) == 0.0:
        return Interval(mean=mean, lo=mean, hi=mean)
    rng = np.random.default_rng(seed)
    means = np.concatenate(
        [data[rng.integers(0, data.size, (min(_BLOCK, resamples - done), data.size))].mean(axis=1) for done in range(0, resamples, _BLOCK)]
    )
    lo, hi = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean=mean, lo=float(lo), hi=float(hi))


def permutation_p(differences: Sequence[float] | NDArray[np.float64], *, seed: int = 0, resamples: int = PERMUTATIONS) -> float:
    """Return the two-sided p-value of the paired sign-flip test that the mean difference is zero.

    With at most 12 questions that differ, all sign patterns are tried; else ``resamples`` random ones, counting the observed
    one, so that p is never 0.

    Args:
        differences: one per question, recipe minus baseline.
        seed: of the random patterns.
        resamples: how many patterns are drawn.
    """
    data = np.asarray(differences, dtype=np.float64)
    data = data[data != 0.0]
    if data.size == 0:
        return 1.0
    # The slack keeps sums that are equal on paper equal in floating point.
    observed = abs(float(data.sum())) - 1e-9 * float(np.abs(data).sum())
    if data.size <= 12:
        patterns = (np.arange(2**data.size)[:, None] >> np.arange(data.size)) & 1
        return float(np.mean(np.abs((1.0 - 2.0 * patterns) @ data) >= observed))
    rng = np.random.default_rng(seed)
    extreme = 0
    for done in range(0, resamples, _BLOCK):
        signs = rng.integers(0, 2, (min(_BLOCK, resamples - done), data.size)) * 2.0 - 1.0
        extreme += int(np.count_nonzero(np.abs(signs @ data) >= observed))
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted by Holm's step-down procedure, in the order given."""
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * float(p_values[index])))
        adjusted[index] = running
    return adjusted
