"""Samples side by side in worker processes, each with the task, its data and its tools opened for itself."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

from mneme.arena.log import Record
from mneme.arena.recipes import get_recipe
from mneme.arena.run import Plan, Unit, run_sample
from mneme.arena.subject import Tools
from mneme.arena.task import Options, prepare
from mneme.arena.tasks import get_task
from mneme.models.cached import CachedEmbedder
from mneme.models.local import LocalEmbedder
from mneme.text.analyser import Analyser
from mneme.text.tokens import count_tokens

_COUNTED_TEXTS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a worker needs to open a plan for itself; a key in its cache of what it has opened.

    Args:
        task: its name.
        data: the file or folder.
        options: as the caller gave them.
        cache: folder of cached embeddings.
        budgets: token budgets in place of the task's own, those that the task scores; None leaves its own.
    """

    task: str
    data: Path
    options: Options
    cache: Path
    budgets: tuple[int, ...] | None = None

    def open(self) -> Plan:
        """Read the data."""
        task = get_task(self.task)
        if self.budgets is not None:
            scored = {metric.k for metric in task.metrics if metric.kind == "coverage"}
            task = replace(task, budgets=tuple(budget for budget in self.budgets if budget in scored))
        return Plan(task=task, dataset=prepare(task.read(self.data, self.options), self.options), options=self.options)


class Workers:
    """Runs recipes on samples in processes of their own; started when first needed.

    Args:
        jobs: how many processes.
        sources: the plans, by number.
    """

    def __init__(self, jobs: int, sources: Sequence[Source]) -> None:
        self._jobs = jobs
        self._sources = sources
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, Record]]:
        """Yield each unit with its record as soon as it is done; they begin in the order given."""
        if self._pool is None:
            # Spawned, not forked: the parent may have threads of a model and of a progress bar.
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=multiprocessing.get_context("spawn"))
        rest = iter(units)
        running: dict[Future[Record], Unit] = {}
        # Only a few wait in the pool, so that a run can be stopped without losing what is under way.
        for unit in islice(rest, 4 * self._jobs):
            running[self._submit(unit)] = unit
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
                for unit in islice(rest, 1):
                    running[self._submit(unit)] = unit

    def _submit(self, unit: Unit) -> Future[Record]:
        assert self._pool is not None
        return self._pool.submit(_work, self._sources[unit.plan], unit)

    def close(self) -> None:
        """End the processes; samples that have not begun are dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _work(source: Source, unit: Unit) -> Record:
    plan = _plan(source)
    return run_sample(plan.task, plan.dataset.samples[unit.sample], get_recipe(unit.key.recipe), _worker_tools(source.cache), unit.key)


@lru_cache(maxsize=16)
def _plan(source: Source) -> Plan:
    return source.open()


@cache
def _worker_tools(cache_folder: Path) -> Tools:
    # The other cores belong to the other workers.
    return make_tools(cache_folder, Path(tempfile.gettempdir()), threads=1)


def make_tools(cache_folder: Path, folder: Path, *, threads: int | None = None) -> Tools:
    """Return what recipes are built from: the shipped embedder with a cache, the analyser, the token counter.

    Args:
        cache_folder: where embeddings are kept, so that no text is embedded twice.
        folder: where samples write what is deleted after them.
        threads: how many texts are embedded side by side; None takes every core.
    """
    # Every recipe measures the same lines.
    count = lru_cache(maxsize=_COUNTED_TEXTS)(count_tokens)
    embedder = CachedEmbedder(LocalEmbedder(threads=threads), cache_folder)
    return Tools(embedder=embedder, analyser=Analyser(), count_tokens=count, folder=folder)


@contextmanager
def open_tools(cache_folder: Path) -> Iterator[Tools]:
    """Yield tools with a folder of their own that is deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="mneme-arena-") as folder:
        yield make_tools(cache_folder, Path(folder))
