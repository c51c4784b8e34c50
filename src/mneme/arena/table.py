"""One Markdown table per task over all recipes that the log has: recall, context coverage, what a write and a recall take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from mneme.arena.compare import compare
from mneme.arena.log import Record, RunLog
from mneme.arena.report import newest_runs
from mneme.arena.summary import summarise
from mneme.arena.task import Task

COVERAGE = "coverage@1000"


def build_table(log: RunLog, tasks: Sequence[Task], baseline: str = "default") -> str:
    """Return a page with one table per task that has runs, best first, compared with ``baseline`` question by question."""
    parts = ["# Recipes measured", "", "Rule-based siblings, no language model. Written by `mneme arena table`.", ""]
    for task in tasks:
        runs = newest_runs(log, task.name)
        if runs:
            parts += [f"## {task.name}", "", _extent(task, runs), "", *_rows(task, runs, baseline), ""]
    return "\n".join(parts)


def _extent(task: Task, runs: Mapping[str, Sequence[Record]]) -> str:
    records = next(iter(runs.values()))
    asked = sum(len(record.outcomes) for record in records)
    told = task.summary[:1].upper() + task.summary[1:]
    return f"{told}. {len(records)} samples, {sum(record.messages for record in records):,} messages, {asked:,} questions."


def _rows(task: Task, runs: Mapping[str, Sequence[Record]], baseline: str) -> list[str]:
    metric = task.metrics[0]
    against = baseline if baseline in runs else next(iter(runs))
    order = [against, *(name for name in runs if name != against)]
    compared = compare(metric, {name: list(runs[name]) for name in order}, baseline=against)
    differences = {row.recipe: row for row in compared if row.category == "all"}
    lines = [
        f"| recipe | {metric.name} | 95 % | {COVERAGE} | write, ms a message | recall, median ms | against {against} |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = []
    for name in order:
        figures = summarise(task.metrics, runs[name])
        main, covered = figures.get(metric.name), figures.get(COVERAGE)
        if main is None:
            continue
        row = differences.get(name)
        told = "-" if row is None else f"{row.difference:+.3f}{' *' if row.significant else ''}"
        cells = [
            name,
            f"{main['mean']:.3f}",
            f"{main['lo']:.3f} .. {main['hi']:.3f}",
            f"{covered['mean']:.3f}" if covered else "-",
            f"{_write_ms(runs[name]):.1f}",
            f"{_recall_ms(runs[name]):.1f}",
            told,
        ]
        rows.append((main["mean"], f"| {' | '.join(cells)} |"))
    return [
        *lines,
        *(line for _, line in sorted(rows, key=lambda row: -row[0])),
        "",
        "\\* significant after correction for the number of recipes",
    ]


def _write_ms(records: Sequence[Record]) -> float:
    return sum(record.feed_ms for record in records) / max(sum(record.messages for record in records), 1)


def _recall_ms(records: Sequence[Record]) -> float:
    times = [outcome.stages_ms["total"] for record in records for outcome in record.outcomes if "total" in outcome.stages_ms]
    return median(times) if times else 0.0
