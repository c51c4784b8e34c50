"""Which tasks a run has, and where their files are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mneme.arena.parallel import Source
from mneme.arena.task import Options
from mneme.arena.tasks import get_task
from mneme.core.errors import InvalidInput


def sources(
    tasks: Sequence[str],
    data: Path | None,
    options: Options,
    *,
    cache: Path,
    budgets: tuple[int, ...] | None = None,
    also_given: bool = False,
) -> list[Source]:
    """Return what to run, in the order of the tasks.

    Args:
        tasks: their names.
        data: the file or folder of the one task, or a folder with the files of every task where each expects them.
        options: what the caller changes about the tasks.
        cache: folder of cached embeddings.
        budgets: token budgets in place of the tasks' own; () packs nothing.
        also_given: each task whose data ships with what a model made of the messages comes a second time, with that brought in.

    Raises:
        InvalidInput: no task or no data is given, or there are no files for a task.
        UnknownComponent: a task has no such name.
    """
    chosen = [get_task(name) for name in dict.fromkeys(tasks)]
    problems = {} if chosen else {"task": "is missing; give names, separated by commas"}
    if data is None:
        raise InvalidInput(
            problems | {"data": "is missing; give the official file or folder, or set MNEME_DATA to a folder with all of them"}
        )
    found: list[Source] = []
    for task in chosen:
        own = data / task.data
        if task.data and data.is_dir() and own.exists():
            path = own
        elif len(chosen) == 1:
            path = data
        else:
            problems[f"data of {task.name}"] = f"is not at {own}; put it there, or run this task alone with --data"
            continue
        one = Source(task=task.name, data=path, options=options, cache=cache, budgets=budgets)
        again = replace(one, options=replace(options, triples=True))
        found += [one, again] if also_given and task.given and not options.triples else [one]
    if problems:
        raise InvalidInput(problems)
    return found
