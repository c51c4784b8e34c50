"""Score a ranking against gold labels: rank metrics by ``ir-measures``, the few that it lacks derived from its figures.

Every value is one question's, so that means, intervals and paired tests can be made from the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mneme.core.errors import InvalidInput, MissingExtra

KINDS = ("recall", "recall_all", "recall_any", "ndcg", "map", "coverage", "current_first", "stale_above_current")
_NAME = re.compile(r"(?P<session>session_)?(?P<kind>[a-z_]+)(?:@(?P<k>\d+))?")
_UNCUT = frozenset({"map", "current_first", "stale_above_current"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measure of one question's ranking or packed context.

    ``recall`` is the share of gold found, ``recall_all`` whether all of it was found, ``recall_any`` whether some was, ``ndcg``
    the discounted gain of graded gold (linear gain), ``map`` average precision, ``coverage`` the share of gold in a context of
    at most ``k`` tokens, ``current_first`` whether the best hit is the current value, ``stale_above_current`` whether any
    overwritten value outranks it (lower is better; 1 as well when the current value was not found but an overwritten one was).

    Args:
        kind: one of ``KINDS``.
        k: the rank or token budget it looks at; None for kinds without one.
        session: whether sessions are ranked (each by its best message) instead of messages.
        label: a name of its own, for a task whose unit is the session; empty for the usual name.
    """

    kind: str
    k: int | None = None
    session: bool = False
    label: str = ""

    @classmethod
    def parse(cls, name: str) -> Metric:
        """Return the metric that ``name`` denotes, such as ``recall@10`` or ``session_recall@5``.

        Raises:
            InvalidInput: no such kind, or the cut-off is missing or out of place.
        """
        match = _NAME.fullmatch(name)
        if match is None or match["kind"] not in KINDS:
            raise InvalidInput({"metric": f"{name!r} is not a metric; kinds are {', '.join(KINDS)}, with @k, as in recall@10"})
        cut = match["k"]
        if (cut is None) != (match["kind"] in _UNCUT):
            raise InvalidInput({"metric": f"{name!r}: {match['kind']} takes {'no' if cut else 'a'} cut-off"})
        return cls(kind=match["kind"], k=int(cut) if cut else None, session=match["session"] is not None)

    @property
    def name(self) -> str:
        """The name that ``parse`` reads, or the metric's own label."""
        return self.label or f"{'session_' if self.session else ''}{self.kind}{'' if self.k is None else f'@{self.k}'}"

    @property
    def lower_is_better(self) -> bool:
        """Whether a small value is a good one."""
        return self.kind == "stale_above_current"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One question with what a recipe returned.

    Args:
        id: unique among the questions that are scored together.
        ranking: refs, best first, without repeats.
        sessions: session names, best first, without repeats.
        gold: ref -> grade.
        gold_sessions: sessions with evidence.
        stale: refs of overwritten values.
        packed: token budget -> the refs in the context that was packed into it.
    """

    id: str
    ranking: Sequence[str]
    sessions: Sequence[str]
    gold: Mapping[str, int]
    gold_sessions: frozenset[str]
    stale: frozenset[str]
    packed: Mapping[int, Sequence[str]]


def score(metrics: Sequence[Metric], rows: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Return metric name -> question id -> value in [0, 1].

    A question without gold for a metric (no labelled message, no labelled session, no overwritten value, no packed context) is
    absent from it.
    """
    return {metric.name: _score_one(metric, rows) for metric in metrics}


def _score_one(metric: Metric, rows: Sequence[Judged]) -> dict[str, float]:
    if metric.kind in {"current_first", "stale_above_current"}:
        return {row.id: _currency(metric.kind, row) for row in rows if row.gold and row.stale}
    if metric.kind == "coverage":
        assert metric.k is not None
        budget = metric.k
        packed = {row.id: row.packed[budget] for row in rows if row.gold and budget in row.packed}
        gold: dict[str, Mapping[str, int]] = {row.id: row.gold for row in rows if row.id in packed}
        return _calculate("SetR", gold, packed)
    if metric.session:
        gold = {row.id: dict.fromkeys(row.gold_sessions, 1) for row in rows if row.gold_sessions}
        runs = {row.id: row.sessions for row in rows if row.gold_sessions}
    else:
        gold = {row.id: row.gold for row in rows if row.gold}
        runs = {row.id: row.ranking for row in rows if row.gold}
    if metric.kind == "recall_all":
        return {key: float(value >= 1.0) for key, value in _calculate(f"R@{metric.k}", gold, runs).items()}
    measure = {"recall": f"R@{metric.k}", "recall_any": f"Success@{metric.k}", "ndcg": f"nDCG@{metric.k}", "map": "AP"}[metric.kind]
    return _calculate(measure, gold, runs)


def _currency(kind: str, row: Judged) -> float:
    if kind == "current_first":
        return float(bool(row.ranking) and row.ranking[0] in row.gold)
    for ref in row.ranking:
        if ref in row.gold:
            return 0.0
        if ref in row.stale:
            return 1.0
    return 0.0


def _calculate(measure: str, gold: Mapping[str, Mapping[str, int]], runs: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Ask the library; a question with an empty ranking scores 0."""
    if not gold:
        return {}
    library, parsed = _measure(measure)
    # Ties are broken by name in the library, so the rank itself is the score.
    run = {key: {ref: float(-rank) for rank, ref in enumerate(refs)} for key, refs in runs.items() if refs}
    values = dict.fromkeys(gold, 0.0)
    if run:
        qrels = {key: dict(labels) for key, labels in gold.items()}
        values.update({row.query_id: float(row.value) for row in library.iter_calc([parsed], qrels, run)})
    return values


@cache
def _measure(name: str) -> tuple[Any, Any]:
    try:
        import ir_measures
    except ImportError:
        raise MissingExtra("the arena's metrics", "arena") from None
    return ir_measures, ir_measures.parse_measure(name)
