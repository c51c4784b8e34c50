"""``mneme arena``: run recipes on tasks, compare them, draw the report, check the published figures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

if TYPE_CHECKING:
    from mneme.arena.metrics import Metric
    from mneme.arena.task import Task

_FOLDER = Path("build/arena")
_path = click.Path(path_type=Path)
_logs = click.option("--logs", type=_path, default=_FOLDER / "logs", show_default=True, help="Folder of the run logs.")
_cache = click.option("--cache", type=_path, default=_FOLDER / "embeddings", show_default=True, help="Folder of cached embeddings.")


@click.group()
def arena() -> None:
    """Measure memory designs on real data."""


@arena.command()
@click.argument("task")
@click.option("--data", type=_path, default=None, help="File or folder of the official release; generated measures need none.")
@click.option("--recipe", "recipes", default="", help="Names, separated by commas; see `mneme arena list`.")
@click.option("--pooled", is_flag=True, help="Put all samples into one space.")
@click.option("--triples", is_flag=True, help="Also feed the triples that a model extracted (multihop).")
@click.option("--foreign", is_flag=True, help="Also ask each space questions of another, to judge sufficiency.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seeds generated streams and random recipes.")
@click.option("--limit", type=int, default=None, help="At most this many samples of each group.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Samples side by side; 1 for clean latencies.")
@click.option("--json", "out", type=click.Path(path_type=Path, allow_dash=True), help="Write the figures here; - for standard output.")
@_logs
@_cache
def run(
    task: str,
    data: Path | None,
    recipes: str,
    pooled: bool,
    triples: bool,
    foreign: bool,
    seed: int,
    limit: int | None,
    jobs: int,
    out: Path | None,
    logs: Path,
    cache: Path,
) -> None:
    """Run RECIPES on TASK; samples that the log has for the same code and data are not run again.

    The measures extraction, updating and time print figures with their targets; --limit says how many seeds, from --seed on.
    """
    from mneme.arena import show
    from mneme.arena.measures import MEASURES

    if task in MEASURES:
        _measured(task, data, recipes or "beliefs", range(seed, seed + (limit or 3)), out)
        return
    if data is None or not recipes:
        from mneme.core.errors import InvalidInput

        missing = {"data": "is missing; give the official file or folder"} if data is None else {}
        raise InvalidInput(missing | ({} if recipes else {"recipe": "is missing; give names, separated by commas"}))
    from mneme.arena.log import RunLog
    from mneme.arena.parallel import Source, Workers, open_tools
    from mneme.arena.recipes import get_recipes
    from mneme.arena.run import run_task
    from mneme.arena.summary import failures, to_json
    from mneme.arena.task import Options, prepare
    from mneme.arena.tasks import get_task

    chosen, designs = get_task(task), get_recipes([name.strip() for name in recipes.split(",") if name.strip()])
    options = Options(pooled=pooled, triples=triples, foreign=foreign, seed=seed, limit=limit)
    dataset = prepare(chosen.load(data, options), options)
    workers = Workers(jobs, Source(task=task, data=data, options=options, cache=cache)) if jobs > 1 else None
    try:
        with open_tools(cache) as tools, show.progress() as bar:
            runs = run_task(chosen, dataset, designs, options=options, tools=tools, log=RunLog(logs), progress=bar, workers=workers)
    finally:
        if workers is not None:
            workers.close()
    document = to_json(chosen.metrics, runs)
    if out is not None:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
        if str(out) == "-":
            click.echo(text)
        else:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(text + "\n", encoding="utf-8")
    if str(out) != "-":
        show.figures(chosen, document["recipes"])
    failed = failures(runs)
    if failed:
        click.echo(f"{len(failed)} samples failed; the first:\n{failed[0].error}", err=True)
        raise click.exceptions.Exit(1)


def _measured(task: str, data: Path | None, recipes: str, seeds: range, out: Path | None) -> None:
    """Run a measure for each recipe, print its figures, and fail when a target is missed."""
    from mneme.arena import show
    from mneme.arena.measures import get_measure

    found = {name: get_measure(task)(seeds, data, name) for name in (part.strip() for part in recipes.split(",")) if name}
    rows = {name: [{**asdict(figure), "ok": figure.ok} for figure in figures] for name, figures in found.items()}
    document = {"task": task, "seeds": list(seeds), "recipes": rows}
    if out is not None:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
        if str(out) == "-":
            click.echo(text)
        else:
            out.write_text(text + "\n", encoding="utf-8")
    if str(out) != "-":
        show.measured(task, seeds, found)
    if not all(figure.ok for figures in found.values() for figure in figures):
        raise click.exceptions.Exit(1)


@arena.command(name="compare")
@click.argument("task")
@click.option("--recipe", "recipes", default="", help="Names, separated by commas; all that have been run when left out.")
@click.option("--baseline", default="", help="What the others are compared with; the first recipe when left out.")
@click.option("--metric", default="", help="Such as recall@10; the task's first when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@_logs
def compare_command(task: str, recipes: str, baseline: str, metric: str, as_json: bool, logs: Path) -> None:
    """Compare the newest runs on TASK, question by question: differences, 95 % intervals, corrected p-values."""
    from mneme.arena import show
    from mneme.arena.compare import compare
    from mneme.arena.log import RunLog
    from mneme.arena.report import newest_runs
    from mneme.arena.tasks import get_task
    from mneme.core.errors import InvalidInput

    chosen = get_task(task)
    found = newest_runs(RunLog(logs), chosen.name)
    names = [name.strip() for name in recipes.split(",") if name.strip()] or list(found)
    missing = [name for name in names if name not in found]
    if missing or not names:
        raise InvalidInput({"recipe": f"no run of {', '.join(missing) or 'any recipe'} on this task's newest data in {logs}; run it first"})
    against = baseline or names[0]
    if against not in names:
        names = [against, *names]
    measured = _metric(chosen, metric)
    rows = compare(measured, {name: found.get(name, []) for name in names}, baseline=against)
    if as_json:
        plain = [{**asdict(row), "significant": row.significant} for row in rows]
        document = {"task": chosen.name, "metric": measured.name, "baseline": against, "rows": plain}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        show.comparison(chosen, measured, against, rows)


@arena.command()
@click.option("--task", "tasks", multiple=True, help="Only this task; may be given several times.")
@click.option("--baseline", default="", help="What the others are compared with; the strongest baseline when left out.")
@click.option("--out", type=_path, default=_FOLDER / "report.html", show_default=True, help="The page.")
@_logs
def report(tasks: Sequence[str], baseline: str, out: Path, logs: Path) -> None:
    """Draw the newest runs as one HTML page that needs nothing else."""
    from mneme.arena.log import RunLog
    from mneme.arena.report import build_report

    page = build_report(RunLog(logs), tasks=tasks, baseline=baseline)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    click.echo(str(out))


@arena.command()
@click.argument("tasks")
@click.option("--baseline", default="default", show_default=True, help="What the others are compared with.")
@click.option("--out", type=_path, default=Path("docs/recipes/measured.md"), show_default=True, help="The page.")
@_logs
def table(tasks: str, baseline: str, out: Path, logs: Path) -> None:
    """Write one Markdown table per task of TASKS (separated by commas) over the newest runs of every recipe."""
    from mneme.arena.log import RunLog
    from mneme.arena.table import build_table
    from mneme.arena.tasks import get_task

    chosen = [get_task(name.strip()) for name in tasks.split(",") if name.strip()]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(build_table(RunLog(logs), chosen, baseline), encoding="utf-8")
    click.echo(str(out))


@arena.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(as_json: bool) -> None:
    """List tasks with their metrics, and recipes."""
    from mneme.arena import show
    from mneme.arena.recipes import get_recipe, recipe_names
    from mneme.arena.tasks import TASKS, get_task

    tasks = [get_task(name) for name in TASKS]
    designs = [get_recipe(name) for name in recipe_names()]
    if as_json:
        document = {
            "tasks": {task.name: {"summary": task.summary, "metrics": [metric.name for metric in task.metrics]} for task in tasks},
            "recipes": {design.name: design.summary for design in designs},
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    show.catalogue(tasks, designs)


@arena.command()
@click.argument("claims", type=_path, default=Path("claims"))
@click.option("--data", "root", type=_path, default=None, help="Root of the data folders.  [default: $MNEME_DATA]")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
@_logs
@_cache
def verify(claims: Path, root: Path | None, as_json: bool, logs: Path, cache: Path) -> None:
    """Rerun every claim in CLAIMS and print OK, NEAR, FAIL or SKIP; exit code 1 when any fails."""
    from mneme.arena import show
    from mneme.arena.claims import read_claims
    from mneme.arena.claims import verify as check
    from mneme.arena.log import RunLog
    from mneme.arena.parallel import open_tools
    from mneme.core.errors import InvalidInput

    folder = root or (Path(os.environ["MNEME_DATA"]) if os.environ.get("MNEME_DATA") else None)
    if folder is None:
        raise InvalidInput({"data": "give the folder that holds the datasets with --data, or set MNEME_DATA"})
    published = read_claims(claims)
    with open_tools(cache) as tools:
        verdicts = check(published, root=folder, tools=tools, log=RunLog(logs))
    if as_json:
        click.echo(orjson.dumps([verdict.to_plain() for verdict in verdicts], option=orjson.OPT_INDENT_2).decode())
    else:
        show.verdicts(verdicts)
    if any(verdict.status == "FAIL" for verdict in verdicts):
        raise click.exceptions.Exit(1)


def _metric(task: Task, name: str) -> Metric:
    from mneme.core.errors import InvalidInput

    known = {metric.name: metric for metric in task.metrics}
    if not name:
        return task.metrics[0]
    if name not in known:
        raise InvalidInput({"metric": f"{task.name} does not measure {name!r}; it measures {', '.join(known)}"})
    return known[name]
