"""Compare recipes with a baseline on the questions that both answered: differences, intervals, tests, corrected for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.arena.log import Record
from mneme.arena.metrics import Metric
from mneme.arena.significance import bootstrap_mean, holm, permutation_p
from mneme.arena.summary import question_values
from mneme.core.errors import InvalidInput

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A recipe against the baseline.

    Args:
        recipe: its name.
        category: ``all``, or one of the dataset's.
        n: questions that both answered.
        mean: of the recipe on them.
        baseline_mean: of the baseline on them.
        difference: mean of the paired differences.
        lo: lower end of its 95 % bootstrap interval.
        hi: upper end.
        p: two-sided, by the paired permutation test.
        p_holm: corrected for all comparisons of the same call.
        wins: questions on which the recipe has the higher value.
        losses: questions on which it has the lower.
    """

    recipe: str
    category: str
    n: int
    mean: float
    baseline_mean: float
    difference: float
    lo: float
    hi: float
    p: float
    p_holm: float
    wins: int
    losses: int

    @property
    def significant(self) -> bool:
        """Whether the corrected p-value is below 0.05."""
        return self.p_holm < SIGNIFICANT


def compare(
    metric: Metric, records: Mapping[str, Sequence[Record]], *, baseline: str, by_category: bool = True, seed: int = 0
) -> list[Difference]:
    """Return every recipe against the baseline: overall, then by category, recipes in the order given.

    The correction runs over the overall comparisons of all recipes, and separately over those of all categories.

    Args:
        metric: what is compared.
        records: recipe -> its records, all of the same data.
        baseline: one of the recipes.
        by_category: also compare within each category.
        seed: of resampling.

    Raises:
        InvalidInput: the baseline has no records, or recipes were run on different data or different questions.
    """
    _check(records, baseline)
    values = {name: question_values([metric], rows)[metric.name] for name, rows in records.items()}
    category_of = {outcome.id: outcome.category for rows in records.values() for record in rows for outcome in record.outcomes}
    others = [name for name in records if name != baseline]
    overall = [_difference(name, "all", values[name], values[baseline], None, category_of, seed) for name in others]
    result = _corrected(overall)
    if by_category:
        categories = sorted(set(category_of.values()))
        parts = [_difference(name, part, values[name], values[baseline], part, category_of, seed) for name in others for part in categories]
        result += _corrected(parts)
    return result


def _check(records: Mapping[str, Sequence[Record]], baseline: str) -> None:
    if not records.get(baseline):
        raise InvalidInput({"baseline": f"there is no run of {baseline!r}; run it first, or choose one of {', '.join(records)}"})
    kinds = {(rows[0].key.data_sha256, str(sorted(rows[0].key.options.items()))) for rows in records.values() if rows}
    if len(kinds) > 1:
        raise InvalidInput({"recipes": "their newest runs are on different data or with different options; run them together"})


def _difference(
    name: str,
    label: str,
    ours: Mapping[str, float],
    theirs: Mapping[str, float],
    category: str | None,
    category_of: Mapping[str, str],
    seed: int,
) -> Difference | None:
    shared = [id_ for id_ in ours if id_ in theirs and (category is None or category_of[id_] == category)]
    if not shared:
        return None
    mine = np.array([ours[id_] for id_ in shared])
    base = np.array([theirs[id_] for id_ in shared])
    gaps = mine - base
    interval = bootstrap_mean(gaps, seed=seed)
    p = permutation_p(gaps, seed=seed)
    return Difference(
        recipe=name,
        category=label,
        n=len(shared),
        mean=float(mine.mean()),
        baseline_mean=float(base.mean()),
        difference=interval.mean,
        lo=interval.lo,
        hi=interval.hi,
        p=p,
        p_holm=p,
        wins=int(np.count_nonzero(gaps > 0)),
        losses=int(np.count_nonzero(gaps < 0)),
    )


def _corrected(rows: Sequence[Difference | None]) -> list[Difference]:
    found = [row for row in rows if row is not None]
    return [replace(row, p_holm=p) for row, p in zip(found, holm([row.p for row in found]), strict=True)]
