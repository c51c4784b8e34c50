"""From records to figures: means with intervals, overall and by category, in the form that ``arena run --json`` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mneme.arena.calibration import calibrate
from mneme.arena.log import Outcome, Record
from mneme.arena.metrics import Judged, Metric, score
from mneme.arena.run import Run
from mneme.arena.significance import bootstrap_mean

Values = Mapping[str, Mapping[str, float]]


def question_values(metrics: Sequence[Metric], records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return metric name -> question id -> value, over the questions of samples that ran without an error."""
    outcomes = [outcome for record in records if not record.error for outcome in record.outcomes if outcome.answerable]
    return score(metrics, [_judged(outcome) for outcome in outcomes])


def _judged(outcome: Outcome) -> Judged:
    return Judged(
        id=outcome.id,
        ranking=[ref for ref, _ in outcome.hits],
        sessions=outcome.sessions,
        gold=outcome.gold,
        gold_sessions=frozenset(outcome.gold_sessions),
        stale=frozenset(outcome.stale),
        packed=outcome.packed,
    )


def summarise(metrics: Sequence[Metric], records: Sequence[Record]) -> dict[str, Any]:
    """Return ``{metric: {"mean", "lo", "hi", "n", "of"}, "by": {category: {metric: ...}}}``.

    ``n`` questions were scored of ``of`` that were asked or should have been; a metric that no question has gold for is left out.
    """
    values = question_values(metrics, records)
    outcomes = [outcome for record in records for outcome in record.outcomes]
    members: dict[str, list[str]] = {}
    for outcome in outcomes:
        members.setdefault(outcome.category, []).append(outcome.id)
    summary: dict[str, Any] = _table(values, [outcome.id for outcome in outcomes])
    summary.update(calibrate(outcomes))
    summary["by"] = {category: _table(values, ids) for category, ids in sorted(members.items())}
    return summary


def _table(values: Values, ids: Sequence[str]) -> dict[str, dict[str, float]]:
    table = {}
    for name, by_question in values.items():
        scored = [by_question[id_] for id_ in ids if id_ in by_question]
        if scored:
            interval = bootstrap_mean(scored)
            table[name] = {"mean": interval.mean, "lo": interval.lo, "hi": interval.hi, "n": len(scored), "of": len(ids)}
    return table


def to_json(metrics: Sequence[Metric], runs: Sequence[Run]) -> dict[str, Any]:
    """Return the document that ``arena run --json`` writes."""
    first = runs[0].key
    return {
        "task": first.task,
        "options": dict(first.options),
        "data_sha256": first.data_sha256,
        "commit": first.commit,
        "seed": first.seed,
        "recipes": {run.key.recipe: summarise(metrics, run.records) for run in runs},
    }


def failures(runs: Sequence[Run]) -> list[Record]:
    """Return the records of samples that failed."""
    return [record for run in runs for record in run.records if record.error]
