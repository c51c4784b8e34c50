"""Samples side by side in worker processes, each with the task, its data and its tools opened for itself."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from mneme.arena.log import Record, RunKey
from mneme.arena.recipes import get_recipe
from mneme.arena.run import run_sample
from mneme.arena.subject import Tools
from mneme.arena.task import Dataset, Options, prepare
from mneme.arena.tasks import get_task
from mneme.models.cached import CachedEmbedder
from mneme.models.local import LocalEmbedder
from mneme.text.analyser import Analyser
from mneme.text.tokens import count_tokens

_COUNTED_TEXTS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a worker needs to open for itself; a key in its cache of what it has opened.

    Args:
        task: its name.
        data: the file or folder.
        options: as the caller gave them.
        cache: folder of cached embeddings.
    """

    task: str
    data: Path
    options: Options
    cache: Path


class Workers:
    """Runs the samples of a recipe in processes of their own; started when first needed.

    Args:
        jobs: how many processes.
        source: what they work on.
    """

    def __init__(self, jobs: int, source: Source) -> None:
        self._jobs = jobs
        self._source = source
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, key: RunKey, numbers: Sequence[int]) -> Iterable[Record]:
        """Return the records of the samples with these numbers, in order."""
        if self._pool is None:
            # Spawned, not forked: the parent may have threads of a model and of a progress bar.
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=multiprocessing.get_context("spawn"))
        count = len(numbers)
        chunk = max(1, min(16, count // (4 * self._jobs)))
        return self._pool.map(_work, [self._source] * count, [key] * count, numbers, chunksize=chunk)

    def close(self) -> None:
        """End the processes; samples that have not begun are dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _work(source: Source, key: RunKey, number: int) -> Record:
    dataset = _dataset(source)
    return run_sample(get_task(source.task), dataset.samples[number], get_recipe(key.recipe), _worker_tools(source.cache), key)


@lru_cache(maxsize=2)
def _dataset(source: Source) -> Dataset:
    return prepare(get_task(source.task).load(source.data, source.options), source.options)


@cache
def _worker_tools(cache_folder: Path) -> Tools:
    return make_tools(cache_folder, Path(tempfile.gettempdir()))


def make_tools(cache_folder: Path, folder: Path) -> Tools:
    """Return what recipes are built from: the shipped embedder with a cache, the analyser, the token counter.

    Args:
        cache_folder: where embeddings are kept, so that no text is embedded twice.
        folder: where samples write what is deleted after them.
    """
    # Every recipe measures the same lines.
    count = lru_cache(maxsize=_COUNTED_TEXTS)(count_tokens)
    return Tools(embedder=CachedEmbedder(LocalEmbedder(), cache_folder), analyser=Analyser(), count_tokens=count, folder=folder)


@contextmanager
def open_tools(cache_folder: Path) -> Iterator[Tools]:
    """Yield tools with a folder of their own that is deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="mneme-arena-") as folder:
        yield make_tools(cache_folder, Path(folder))
