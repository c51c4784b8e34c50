"""Preference drift: a window mean and a moving average of one measured trait, fused, with a test for change.

Source: PAMU (arXiv 2510.09720); constants of its implementation. C = |SW - EMA| / (eps + Var(SW) + Var(EMA)) over the last 8 values;
changed while C > theta. Differs: the denominator is floored at 0.02 so that a slow smooth drift is not flagged every turn; one run of
flags is one change. Legend: SW mean of the last W values, EMA exponential moving average, w = lambda SW + (1 - lambda) EMA.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, pvariance

from mneme.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The state after one value.

    Args:
        mean: SW.
        average: EMA.
        fused: w.
        change: C.
        changed: a change begins here.
    """

    mean: float
    average: float
    fused: float
    change: float
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Follows one trait over time.

    Args:
        window: W.
        keep: how much of the old average stays, alpha.
        share: lambda, the share of the window mean.
        threshold: theta.
        spread: how many values the variances look back.
        floor: eps.
    """

    window: int = 3
    keep: float = 0.7
    share: float = 0.6
    threshold: float = 0.9
    spread: int = 8
    floor: float = 0.02

    def follow(self, values: Iterable[float]) -> list[Reading]:
        """Return a reading after each value, oldest first."""
        seen: list[float] = []
        means: list[float] = []
        averages: list[float] = []
        readings: list[Reading] = []
        flagged = False
        for value in values:
            seen.append(value)
            means.append(fmean(seen[-self.window :]))
            averages.append(value if not averages else self.keep * averages[-1] + (1 - self.keep) * value)
            spread = self.floor + pvariance(means[-self.spread :]) + pvariance(averages[-self.spread :])
            change = abs(means[-1] - averages[-1]) / spread
            now = change > self.threshold
            fused = self.share * means[-1] + (1 - self.share) * averages[-1]
            readings.append(Reading(mean=means[-1], average=averages[-1], fused=fused, change=change, changed=now and not flagged))
            flagged = now
        return readings

    def follow_shares(self, values: Iterable[Mapping[str, float]]) -> list[Mapping[str, float]]:
        """Return the fused distribution after each one, oldest first, for traits that are shares of categories; each sums to 1.

        Args:
            values: category -> share; shares of one value are above 0 and are scaled to sum to 1.
        """
        seen = [_scaled(value) for value in values]
        names = sorted({name for value in seen for name in value})
        followed = {name: self.follow(value.get(name, 0.0) for value in seen) for name in names}
        return [{name: followed[name][number].fused for name in names} for number in range(len(seen))]


def _scaled(value: Mapping[str, float]) -> Mapping[str, float]:
    total = sum(value.values())
    if not value or min(value.values()) < 0 or total <= 0:
        raise InvalidInput({"values": f"must be shares of at least 0 that are not all 0, not {dict(value)!r}"})
    return {name: share / total for name, share in value.items()}
