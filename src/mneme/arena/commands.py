"""``mneme arena``: run recipes on tasks, compare them, draw the report, check the published figures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from mneme.arena.retention_commands import simulate, stream, worth

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
@click.argument("tasks")
@click.option("--data", type=_path, default=None, help="File or folder of the task, or of all of them.  [default: $MNEME_DATA]")
@click.option("--recipe", "recipes", default="", help="Names, paths of TOML files, or all; see `mneme arena list`.")
@click.option("--pooled", is_flag=True, help="Put all samples into one space.")
@click.option("--given", "--triples", "given", is_flag=True, help="Also bring the triples or facts that ship with the data.")
@click.option("--also-given", is_flag=True, help="Run tasks that ship with triples or facts without and with them.")
@click.option("--foreign", is_flag=True, help="Also ask each space questions of another, to judge sufficiency.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seeds generated streams and random recipes.")
@click.option("--limit", type=int, default=None, help="At most this many samples of each group.")
@click.option("--budgets", default=None, help="Context sizes in tokens, separated by commas; none packs nothing.  [default: the task's]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Samples side by side; 1 for clean latencies.")
@click.option("--any-code", is_flag=True, help="A whole run by other code counts as done, if data and settings are the same.")
@click.option("--json", "out", type=click.Path(path_type=Path, allow_dash=True), help="Write the figures here; - for standard output.")
@_logs
@_cache
def run(
    tasks: str,
    data: Path | None,
    recipes: str,
    pooled: bool,
    given: bool,
    also_given: bool,
    foreign: bool,
    seed: int,
    limit: int | None,
    budgets: str | None,
    jobs: int,
    any_code: bool,
    out: Path | None,
    logs: Path,
    cache: Path,
) -> None:
    """Run recipes on TASKS (separated by commas); samples that the log has for the same code and data are not run again.

    The measures extraction, updating and time print figures with their targets; --limit says how many seeds, from --seed on.
    """
    from mneme.arena.measures import MEASURES

    if tasks in MEASURES:
        _measured(tasks, data, recipes or "beliefs", range(seed, seed + (limit or 3)), out)
        return
    from mneme.arena import show
    from mneme.arena.log import RunLog
    from mneme.arena.parallel import Workers, open_tools
    from mneme.arena.planning import sources
    from mneme.arena.recipes import get_recipes
    from mneme.arena.run import run_plans
    from mneme.arena.summary import failures, to_json
    from mneme.arena.task import Options
    from mneme.core.errors import InvalidInput

    if not recipes:
        raise InvalidInput({"recipe": "is missing; give names, separated by commas"})
    designs = get_recipes(_names(recipes))
    options = Options(pooled=pooled, triples=given, foreign=foreign, seed=seed, limit=limit)
    folder = data or _data_root()
    found = sources(_names(tasks), folder, options, cache=cache, budgets=_budgets(budgets), also_given=also_given)
    plans = [source.open() for source in found]
    workers = Workers(jobs, found) if jobs > 1 else None
    try:
        with open_tools(cache) as tools, show.progress() as bar:
            runs = run_plans(plans, designs, tools=tools, log=RunLog(logs), progress=bar, workers=workers, any_code=any_code)
    finally:
        if workers is not None:
            workers.close()
    documents = [to_json(plan.task.metrics, of_plan) for plan, of_plan in zip(plans, runs, strict=True)]
    if out is not None:
        text = orjson.dumps(documents[0] if len(documents) == 1 else documents, option=orjson.OPT_INDENT_2).decode()
        if str(out) == "-":
            click.echo(text)
        else:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(text + "\n", encoding="utf-8")
    if str(out) != "-":
        for plan, document in zip(plans, documents, strict=True):
            show.figures(plan.task, document["recipes"], document["options"])
    failed = [record for of_plan in runs for record in failures(of_plan)]
    if failed:
        click.echo(f"{len(failed)} samples failed; the first, {failed[0].key.recipe} on {failed[0].key.task}:\n{failed[0].error}", err=True)
        raise click.exceptions.Exit(1)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _budgets(listed: str | None) -> tuple[int, ...] | None:
    from mneme.core.errors import InvalidInput

    if listed is None:
        return None
    names = [] if listed == "none" else _names(listed)
    if not all(name.isdecimal() and int(name) for name in names):
        raise InvalidInput({"budgets": f"{listed!r} is no list of token counts; write 500,1000 or none"})
    return tuple(int(name) for name in names)


def _data_root() -> Path | None:
    return Path(os.environ["MNEME_DATA"]) if os.environ.get("MNEME_DATA") else None


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
@click.option("--given/--not-given", default=None, help="Only runs with, or without, triples or facts that ship with the data.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@_logs
def compare_command(task: str, recipes: str, baseline: str, metric: str, given: bool | None, as_json: bool, logs: Path) -> None:
    """Compare the newest runs on TASK, question by question: differences, 95 % intervals, corrected p-values."""
    from mneme.arena import show
    from mneme.arena.compare import compare
    from mneme.arena.log import RunLog
    from mneme.arena.report import newest_runs
    from mneme.arena.tasks import get_task
    from mneme.core.errors import InvalidInput

    chosen = get_task(task)
    found = newest_runs(RunLog(logs), chosen.name, given=given)
    names = _names(recipes) or list(found)
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
@click.option("--retention", type=_path, default=None, help="Figures of `simulate` and `stream`.  [default: beside the logs]")
@_logs
def report(tasks: Sequence[str], baseline: str, out: Path, retention: Path | None, logs: Path) -> None:
    """Draw the newest runs as one HTML page that needs nothing else."""
    from mneme.arena.log import RunLog
    from mneme.arena.report import build_report
    from mneme.arena.retention_report import documents, sections

    extra = [] if tasks else sections(documents(retention or logs.parent / "retention"))
    page = build_report(RunLog(logs), tasks=tasks, baseline=baseline, extra=extra)
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

    chosen = [get_task(name) for name in _names(tasks)]
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
    from mneme.core.errors import InvalidInput

    tasks = [get_task(name) for name in TASKS]
    designs, broken = [], []
    for name in recipe_names():
        try:
            designs.append(get_recipe(name))
        except InvalidInput as error:  # another package's, which must not hide the rest
            broken.append(f"{name}: {error}")
    if as_json:
        document = {
            "tasks": {task.name: {"summary": task.summary, "metrics": [metric.name for metric in task.metrics]} for task in tasks},
            "recipes": {design.name: design.summary for design in designs},
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    show.catalogue(tasks, designs)
    for told in broken:
        click.echo(told, err=True)


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

    folder = root or _data_root()
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


arena.add_command(simulate)
arena.add_command(stream)
arena.add_command(worth)
