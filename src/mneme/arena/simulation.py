"""Running the retention simulation: trials side by side, a log of them, the fitted weights of each fold, and the document of figures."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.log import code_version, hash_sample
from mneme.arena.retention import (
    MEASURES,
    POLICIES,
    SHARES,
    TARGETS,
    Outcome,
    Score,
    Trial,
    compared,
    conditions,
    gathered,
    relative,
    trial,
)
from mneme.arena.task import Dataset, Options
from mneme.arena.tasks import get_task
from mneme.arena.worth import auc, fit, labelled
from mneme.core.ports import Embedder
from mneme.core.records import NO_NUMBERS
from mneme.models.cached import CachedEmbedder
from mneme.models.embedder import resolve_embedder
from mneme.retention.replacement import DEFAULT
from mneme.retention.worth import DEFAULT_WEIGHTS

Progress = Callable[[str, str, int, int], None]
TASKS = ("locomo", "longmemeval")
TESTED = ("recall", "content")
"""Measures that are compared with a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is simulated.

    Args:
        task: whose conversations.
        data: its file or folder.
        cache: folder of cached embeddings.
        policies, shares: what is compared.
        limit: at most this many samples.
        weights: one mapping per fold; sample ``n`` is kept by those of fold ``n`` modulo their number. Empty takes the constants.
        embedder: the embedding model; ``local`` is the shipped one.
    """

    task: str
    data: Path
    cache: Path
    policies: tuple[str, ...] = POLICIES
    shares: tuple[float, ...] = SHARES
    limit: int | None = None
    weights: tuple[Mapping[str, float], ...] = ()
    embedder: str = "local"

    def weights_of(self, number: int) -> Mapping[str, float]:
        """Return the weights that keep a sample."""
        return self.weights[number % len(self.weights)] if self.weights else NO_NUMBERS


@dataclass(slots=True, kw_only=True)
class TrialLog:
    """Trials that are done, one JSON line each, so that a run that was cut short goes on.

    Args:
        path: the file.
    """

    path: Path
    _done: dict[str, Trial] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.path.read_bytes().splitlines() if self.path.exists() else ():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            scores = tuple(Score(**score) for score in row["trial"].pop("scores"))
            self._done[row["key"]] = Trial(**row["trial"], scores=scores)

    def get(self, key: str) -> Trial | None:
        """Return the trial of a key, if it was done."""
        return self._done.get(key)

    def add(self, key: str, done: Trial) -> None:
        """Write a trial down."""
        self._done[key] = done
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(orjson.dumps({"key": key, "trial": asdict(done)}) + b"\n")


def run(plan: Plan, log: TrialLog, *, jobs: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Run the trials that the log does not have and return the document: settings, figures, and what each question scored.

    Args:
        plan: what is simulated.
        log: is read for what is done and appended to.
        jobs: trials side by side.
        progress: told the condition, the sample, how many are done and of how many.
    """
    dataset = _dataset(plan.task, plan.data, plan.limit)
    commit = code_version()
    wanted = [(policy, share, number) for policy, share in conditions(plan.policies, plan.shares) for number in range(len(dataset.samples))]
    keys = {each: _key(plan, dataset, commit, *each) for each in wanted}
    missing = [each for each in wanted if log.get(keys[each]) is None]
    count = len(wanted) - len(missing)
    for each, done in _trials(plan, missing, jobs):
        log.add(keys[each], done)
        count += 1
        if progress is not None:
            progress(plan.task, done.sample, count, len(wanted))
    trials = [found for each in wanted if (found := log.get(keys[each])) is not None]
    return _document(plan, dataset, commit, gathered(trials))


def crossed(tasks: Mapping[str, Path], *, folds: int, limit: int | None = None) -> tuple[list[dict[str, float]], dict[str, list[float]]]:
    """Return the weights of each fold, fitted on the samples of all tasks outside it, and per task the held-out areas under the curve.

    Args:
        tasks: task -> its data.
        folds: how many; sample ``n`` is in fold ``n`` modulo it.
        limit: at most this many samples of a task.
    """
    parts = {task: [labelled(sample) for sample in _dataset(task, path, limit).samples] for task, path in tasks.items()}
    weights, areas = [], {task: [] for task in tasks}  # type: tuple[list[dict[str, float]], dict[str, list[float]]]
    for fold in range(folds):
        weights.append(fit([[part for number, part in enumerate(rows) if number % folds != fold] for rows in parts.values()]))
        for task, rows in parts.items():
            areas[task] += [area for part in rows[fold::folds] if (area := auc(weights[-1], part)) is not None]
    return weights, areas


def fitted(tasks: Mapping[str, Path], *, limit: int | None = None) -> dict[str, float]:
    """Return the weights fitted on every sample of all tasks."""
    return fit([[labelled(sample) for sample in _dataset(task, path, limit).samples] for task, path in tasks.items()])


def _trials(plan: Plan, wanted: Sequence[tuple[str, float, int]], jobs: int) -> Iterator[tuple[tuple[str, float, int], Trial]]:
    if jobs <= 1 or len(wanted) < 2:
        for each in wanted:
            yield each, _one(plan, *each)
        return
    # Spawned, not forked: the parent may have threads of a model and of a progress bar.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(_one, plan, *each): each for each in wanted}
        for ready in as_completed(waiting):
            yield waiting[ready], ready.result()


def _one(plan: Plan, policy: str, share: float, number: int) -> Trial:
    sample = _dataset(plan.task, plan.data, plan.limit).samples[number]
    return trial(sample, _embedder(plan.cache, plan.embedder), policy, share, weights=plan.weights_of(number))


@lru_cache(maxsize=4)
def _dataset(task: str, data: Path, limit: int | None) -> Dataset:
    return get_task(task).read(data, Options(limit=limit))


@lru_cache(maxsize=1)
def _embedder(cache: Path, name: str) -> Embedder:
    return CachedEmbedder(resolve_embedder(name), cache)


def _key(plan: Plan, dataset: Dataset, commit: str, policy: str, share: float, number: int) -> str:
    sample = dataset.samples[number]
    weights = "" if policy != DEFAULT else orjson.dumps(dict(plan.weights_of(number)), option=orjson.OPT_SORT_KEYS).decode()
    return "|".join((commit, dataset.sha256[:16], sample.id, hash_sample(sample), policy, f"{share:g}", plan.embedder, weights))


def _document(plan: Plan, dataset: Dataset, commit: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    rows = figures(outcomes)
    return {
        "kind": "retention",
        "task": plan.task,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "data_sha256": dataset.sha256,
        "samples": len(dataset.samples),
        "messages": sum(len(sample.messages) for sample in dataset.samples),
        "embedder": plan.embedder,
        "weights": "held out" if plan.weights else "constants",
        "folds": [dict(weights) for weights in plan.weights],
        "constants": dict(DEFAULT_WEIGHTS),
        "rows": rows,
    }


def figures(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return one row per outcome: means with intervals, shares of the unlimited space, p of the test against the default policy."""
    shares = {measure: relative(outcomes, measure) for measure in MEASURES}
    p = {measure: compared(outcomes, measure=measure) for measure in TESTED}
    rows = []
    for outcome in outcomes:
        key = (outcome.policy, outcome.share)
        means = {measure: outcome.mean(measure) for measure in MEASURES}
        rows.append(
            {
                "policy": outcome.policy,
                "share": outcome.share,
                "n": len(outcome.scores),
                "left": round(outcome.left, 4),
                "seconds": round(outcome.seconds, 2),
                **{name: {"mean": round(m.mean, 4), "lo": round(m.lo, 4), "hi": round(m.hi, 4)} for name, m in means.items()},
                "of_unlimited": {measure: round(shares[measure][key], 4) for measure in MEASURES},
                "target": TARGETS.get(outcome.share) if outcome.policy == DEFAULT else None,
                "p": {measure: p[measure][key] for measure in TESTED if key in p[measure]},
            }
        )
    return rows


def table(document: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    heads = (
        "tokens",
        "policy",
        "recall@10",
        "of unlimited",
        "content@10",
        "of unlimited",
        "coverage@1000",
        "kept",
        "p recall",
        "p content",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in document["rows"]:
        ps = [f"{row['p'][measure]:.4f}" if measure in row["p"] else "" for measure in TESTED]
        spans = [f"{row[name]['mean']:.3f} [{row[name]['lo']:.3f}, {row[name]['hi']:.3f}]" for name in TESTED]
        of = [f"{row['of_unlimited'][name]:.2f}" for name in TESTED]
        cells = [f"{row['share']:.0%}", row["policy"], spans[0], of[0], spans[1], of[1]]
        lines.append(f"| {' | '.join([*cells, format(row['coverage']['mean'], '.3f'), format(row['kept']['mean'], '.3f'), *ps])} |")
    return "\n".join(lines)
