"""``mneme arena simulate``, ``stream`` and ``worth``: what is still found when a space is held small, over conversations and over years."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import orjson

_path = click.Path(path_type=Path)
_OUT = Path("build/arena/retention")
_data = click.option("--data", type=_path, default=None, help="Root of the data folders.  [default: $MNEME_DATA]")
_out = click.option("--out", type=_path, default=_OUT, show_default=True, help="Folder of the figures; `mneme arena report` draws them.")
_cache = click.option("--cache", type=_path, default=Path("build/arena/embeddings"), show_default=True, help="Folder of cached embeddings.")
_embedder = click.option("--embedder", default="local", show_default=True, help="The embedding model, or `hash`.")
_limit = click.option("--limit", type=click.IntRange(1), default=None, help="At most this many samples of each task.")


@click.command()
@click.argument("tasks", default="locomo,longmemeval")
@_data
@click.option("--policies", default="", help="Names, separated by commas; all when left out.")
@click.option("--shares", default="50,25,10", show_default=True, help="Percentages of a conversation's tokens that a space is held to.")
@click.option("--folds", type=int, default=0, show_default=True, help="Fit the weights of worth on the other folds; 0 takes the constants.")
@_limit
@_embedder
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Trials side by side.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@_out
@_cache
def simulate(
    tasks: str,
    data: Path | None,
    policies: str,
    shares: str,
    folds: int,
    limit: int | None,
    embedder: str,
    jobs: int,
    as_json: bool,
    out: Path,
    cache: Path,
) -> None:
    """Hold spaces to a share of their tokens while the conversations of TASKS arrive, and ask: which policy still finds what is asked?"""
    from mneme.arena import show
    from mneme.arena.retention import POLICIES
    from mneme.arena.simulation import Plan, TrialLog, crossed, run, table
    from mneme.core.errors import InvalidInput
    from mneme.retention.replacement import policy

    chosen = tuple(name.strip() for name in policies.split(",") if name.strip()) or POLICIES
    for name in chosen:
        policy(name.removesuffix("-whole"))
    held = _shares(shares)
    if folds == 1 or folds < 0:
        raise InvalidInput({"folds": f"must be 0 or at least 2, not {folds}"})
    paths = _paths(tasks, data)
    weights = tuple(crossed(paths, folds=folds, limit=limit)[0]) if folds else ()
    documents: list[dict[str, Any]] = []
    for task, path in paths.items():
        plan = Plan(task=task, data=path, cache=cache, policies=chosen, shares=held, limit=limit, weights=weights, embedder=embedder)
        with show.progress() as bar:
            documents.append(run(plan, TrialLog(path=out / f"{task}.trials.jsonl"), jobs=jobs, progress=bar))
        name = f"{task}-folds" if folds else task
        _write(out / f"{name}.json", documents[-1])
        if not as_json:
            click.echo(f"{task}, {documents[-1]['samples']} samples, weights: {documents[-1]['weights']}\n\n{table(documents[-1])}\n")
    if as_json:
        click.echo(orjson.dumps(documents, option=orjson.OPT_INDENT_2).decode())


@click.command()
@click.option("--messages", type=click.IntRange(1), default=200_000, show_default=True, help="In all.")
@click.option("--months", type=click.IntRange(1), default=120, show_default=True, help="Over how many they arrive.")
@click.option("--most", type=click.IntRange(1), default=20_000, show_default=True, help="Memories that the space is held to.")
@_embedder
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@_out
def stream(messages: int, months: int, most: int, embedder: str, as_json: bool, out: Path) -> None:
    """Live ten years on an injected clock: how large the space gets, how fast it answers, whether planted facts are still found."""
    import tempfile

    from mneme.arena.stream import document, side_by_side, stream, summary

    with tempfile.TemporaryDirectory(prefix="mneme-stream-") as folder:
        found = stream(
            Path(folder),
            embedder,
            messages=messages,
            months=months,
            most=most,
            progress=lambda month: click.echo(str(month), err=True) if month.number % 12 == 0 else None,
        )
        compared = side_by_side(Path(folder), embedder, messages=messages, months=months, most=most)
    made = document(found, messages=messages, most=most, embedder=embedder, compared=compared)
    _write(out / "stream.json", made)
    click.echo(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() if as_json else summary(made))


@click.command()
@click.argument("tasks", default="locomo,longmemeval")
@_data
@click.option("--folds", type=click.IntRange(2), default=2, show_default=True, help="For the held-out figures.")
@_limit
def worth(tasks: str, data: Path | None, folds: int, limit: int | None) -> None:
    """Fit what makes a sentence worth keeping on the conversations of TASKS: weights of all, of each fold, and how they do outside it."""
    from mneme.arena.simulation import crossed, fitted
    from mneme.retention.worth import DEFAULT_WEIGHTS

    paths = _paths(tasks, data)
    weights, areas = crossed(paths, folds=folds, limit=limit)
    rows = {"constants": DEFAULT_WEIGHTS, "fit to all": fitted(paths, limit=limit)}
    rows |= {f"fit without fold {number}": found for number, found in enumerate(weights)}
    for name, row in rows.items():
        click.echo(f"{name:20} " + " ".join(f"{feature} {value:+.2f}" for feature, value in row.items()))
    for task, found in areas.items():
        mean = sum(found) / len(found) if found else float("nan")
        click.echo(f"{task}: area under the curve on held-out conversations {mean:.3f} (n {len(found)})")


def _paths(tasks: str, data: Path | None) -> dict[str, Path]:
    from mneme.arena.tasks import get_task
    from mneme.core.errors import InvalidInput

    root = data or (Path(os.environ["MNEME_DATA"]) if os.environ.get("MNEME_DATA") else None)
    if root is None:
        raise InvalidInput({"data": "give the folder that holds the datasets with --data, or set MNEME_DATA"})
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    if root.is_file() and len(names) == 1:
        return {names[0]: root}
    return {name: root / get_task(name).data for name in names}


def _shares(text: str) -> tuple[float, ...]:
    from mneme.core.errors import InvalidInput

    try:
        found = tuple(float(part) / 100 for part in text.split(",") if part.strip())
    except ValueError:
        found = ()
    if not found or not all(0 < share < 1 for share in found):
        raise InvalidInput({"shares": f"must be percentages between 0 and 100, such as 50,25,10, not {text!r}"})
    return found


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
