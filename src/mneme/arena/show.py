"""How the arena's results look in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mneme.arena.claims import Verdict
from mneme.arena.compare import Difference
from mneme.arena.figure import Figure
from mneme.arena.metrics import Metric
from mneme.arena.run import titled
from mneme.arena.subject import Recipe
from mneme.arena.task import Task

_PIPE_WIDTH = 240
_COLOURS = {"OK": "green", "NEAR": "yellow", "FAIL": "red", "SKIP": "dim"}


@contextmanager
def progress() -> Iterator[Callable[[str, str, int, int], None]]:
    """Yield a callback that moves a bar for each title on standard error; it stays silent where nobody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        known: dict[str, Any] = {}

        def move(title: str, sample: str, number: int, total: int) -> None:
            if title not in known:
                known[title] = bars.add_task(title, total=total)
            bars.update(known[title], completed=number)

        yield move


def measured(task: str, seeds: Sequence[int], recipes: Mapping[str, Sequence[Figure]]) -> None:
    """Print the figures of a measure with their targets."""
    for recipe, found in recipes.items():
        table = _table(f"{task}, {recipe}, seeds {seeds[0]} to {seeds[-1]}", "value", "of", "target", "")
        for figure in found:
            bounds = ((">=", figure.least), ("<=", figure.most))
            target = " ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
            verdict = "" if not target else "[green]OK[/]" if figure.ok else "[red]FAIL[/]"
            table.add_row(figure.name, f"{figure.value:.4g}", str(figure.of), target, verdict)
        _console().print(table)


def figures(task: Task, recipes: Mapping[str, Mapping[str, Any]], options: Mapping[str, object]) -> None:
    """Print a row for each recipe: the first metric with its interval and count, the means of the others, then the first by category."""
    names = [metric.name for metric in task.metrics] + ["sufficiency_auc", "sufficiency_ece"]
    names = [name for name in names if any(name in summary for summary in recipes.values())]
    if not names:
        _console().print("No question has gold labels: nothing was scored.")
        return
    first = names[0]
    table = _table(titled(task.name, options), first, "95 %", "scored", *names[1:])
    for recipe, summary in recipes.items():
        main = summary.get(first)
        interval = f"{main['lo']:.3f} .. {main['hi']:.3f}" if main else "-"
        count = f"{main['n']}/{main['of']}" if main else "-"
        table.add_row(recipe, _mean(main), interval, count, *(_mean(summary.get(name)) for name in names[1:]))
    _console().print(table)
    groups = sorted({group for summary in recipes.values() for group, values in summary["by"].items() if first in values})
    if len(groups) > 1:
        table = _table(f"{first} by category", *groups)
        for recipe, summary in recipes.items():
            table.add_row(recipe, *(_mean(summary["by"].get(group, {}).get(first)) for group in groups))
        _console().print(table)


def _mean(value: Mapping[str, float] | None) -> str:
    return "-" if value is None else f"{value['mean']:.3f}"


def comparison(task: Task, metric: Metric, baseline: str, rows: Sequence[Difference]) -> None:
    """Print the differences from the baseline, overall and by category."""
    sense = "lower is better" if metric.lower_is_better else "higher is better"
    table = _table("recipe", "category", "n", "mean", baseline, "difference", "95 % interval", "p", "p (Holm)", "wins/losses")
    table.title = f"{task.name}, {metric.name} ({sense})"
    for row in rows:
        mark = "*" if row.significant else ""
        table.add_row(
            row.recipe,
            row.category,
            str(row.n),
            f"{row.mean:.3f}",
            f"{row.baseline_mean:.3f}",
            f"{row.difference:+.3f}{mark}",
            f"{row.lo:+.3f} .. {row.hi:+.3f}",
            f"{row.p:.4f}",
            f"{row.p_holm:.4f}",
            f"{row.wins}/{row.losses}",
        )
    _console().print(table)
    _console().print("* corrected p below 0.05; paired over questions")


def catalogue(tasks: Sequence[Task], recipes: Sequence[Recipe]) -> None:
    """Print tasks with their metrics, and recipes."""
    table = _table("task", "what, and what is gold", "metrics")
    for task in tasks:
        table.add_row(task.name, task.summary, ", ".join(metric.name for metric in task.metrics))
    _console().print(table)
    table = _table("recipe", "what")
    for recipe in recipes:
        table.add_row(recipe.name, recipe.summary)
    _console().print(table)


def verdicts(found: Sequence[Verdict]) -> None:
    """Print a row for each claim, and how many of each verdict there are."""
    table = _table("", "claim", "metric", "expected", "measured", "why")
    for verdict in found:
        claim = verdict.claim
        measured = "-" if verdict.measured is None else f"{verdict.measured:.4f}"
        expected = f"{claim.expected:.4f} ± {claim.tolerance:g}"
        metric = f"{claim.metric} ({claim.by})" if claim.by else claim.metric
        table.add_row(f"[{_COLOURS[verdict.status]}]{verdict.status}[/]", claim.id, metric, expected, measured, verdict.reason)
    _console().print(table)
    counts = {status: sum(verdict.status == status for verdict in found) for status in _COLOURS}
    _console().print(", ".join(f"{count} {status}" for status, count in counts.items()))


def _table(first: str, *others: str) -> Table:
    table = Table(title_justify="left", header_style="bold")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, overflow="fold")
    return table


def _console() -> Console:
    console = Console(highlight=False)
    # A file or a pipe has no width; tables are not folded to that of an old terminal.
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)
