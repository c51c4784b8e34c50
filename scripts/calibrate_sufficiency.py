"""Fit the sufficiency of the default recipe, and judge it on conversations that were left out.

    python scripts/calibrate_sufficiency.py --data ../shared/data

Answerable questions against unanswerable ones: LoCoMo's category 5 (asked of the wrong speaker), LongMemEval's ``_abs`` questions, and
questions of another person's space. Needs the ``arena`` extra.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mneme.arena.task import Options, Sample, prepare
from mneme.arena.tasks import get_task
from mneme.core.trace import Trace
from mneme.engine import recalling
from mneme.memory import Memory
from mneme.models.cached import CachedEmbedder
from mneme.models.embedder import resolve_embedder
from mneme.recipes.default import SUFFICIENCY, SUFFICIENCY_BIAS
from mneme.retrieval.linear import LinearSum
from mneme.retrieval.sufficiency import SIGNALS, signals

TASKS = ("locomo", "longmemeval")
L2 = 1e-4
BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One question: where it comes from, its signals, and whether the space can answer it."""

    task: str
    group: str
    kind: str
    signals: Floats
    answerable: bool


def main() -> None:
    """Gather, fit, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("build/vectors"))
    parser.add_argument("--tasks", default=",".join(TASKS))
    asked = parser.parse_args()
    judged = [item for name in asked.tasks.split(",") for item in questions(name, asked.data, asked.cache)]
    present = np.array([SUFFICIENCY_BIAS, *(SUFFICIENCY[name] for name in SIGNALS)])
    report("recipe", judged, chances(judged, present))
    fitted = fit(judged)
    print("fitted", {name: round(float(weight), 2) for name, weight in zip(("bias", *SIGNALS), fitted, strict=True)})
    report("held out", judged, held_out(judged))


def questions(name: str, data: Path, cache: Path) -> Iterator[Judged]:
    """Yield every question of a task with its signals."""
    options = Options(foreign=True)
    embedder = CachedEmbedder(resolve_embedder("local"), cache)
    for sample in prepare(get_task(name).load(data / name, options), options).samples:
        with Memory(tempfile.mkdtemp(), embedder=embedder, durability="normal") as memory:
            yield from _of_sample(name, memory, sample)


def _of_sample(name: str, memory: Memory, sample: Sample) -> Iterator[Judged]:
    space = memory.space("fit")
    space.remember(list(sample.messages))
    ranker = memory.recipe.ranker
    assert isinstance(ranker, LinearSum)
    with space._use() as opened:
        reader = memory._reader("fit", opened)
        index = opened.current.now()
        for question in sample.questions:
            wanted = recalling.check(question.text, 10, None, recalling.Filter(), None, None, False)
            ctx = reader.context(index, None, Trace(id="", verb="fit"))
            query = reader._query(wanted, index, memory.embedder.embed([question.text])[0])
            scores = {channel.name: channel.search(ctx, query) for channel in memory.recipe.channels}
            scene, parts = ranker.parts(ctx, query, scores)
            found = signals(ctx, query, scene, parts)
            values = np.array([1.0, *(found[name] for name in SIGNALS)])
            yield Judged(task=name, group=sample.id, kind=question.category, signals=values, answerable=question.answerable)


def chances(judged: list[Judged], weights: Floats) -> Floats:
    """Return the probability of each question."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.stack([item.signals for item in judged]) @ weights)))


def fit(judged: list[Judged]) -> Floats:
    """Return bias and weights: logistic regression, both answers of every task counting the same."""
    features = np.stack([item.signals for item in judged])
    truth = np.array([item.answerable for item in judged], float)
    sizes = {key: sum((item.task, item.answerable) == key for item in judged) for key in {(i.task, i.answerable) for i in judged}}
    share = np.array([1.0 / sizes[item.task, item.answerable] for item in judged]) / len(sizes)

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = features @ weights
        value = float(share @ (np.logaddexp(0, odds) - truth * odds)) + L2 * float(weights[1:] @ weights[1:])
        slope = features.T @ (share * (1 / (1 + np.exp(-odds)) - truth))
        slope[1:] += 2 * L2 * weights[1:]
        return value, slope

    return np.asarray(minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B").x)


def held_out(judged: list[Judged]) -> Floats:
    """Return each question's probability under a fit without its conversation."""
    found = np.zeros(len(judged))
    for group in {item.group for item in judged}:
        weights = fit([item for item in judged if item.group != group])
        here = [place for place, item in enumerate(judged) if item.group == group]
        found[here] = chances([judged[place] for place in here], weights)
    return found


def report(name: str, judged: list[Judged], found: Floats) -> None:
    """Print area under the curve and calibration error, whole and by kind of unanswerable question."""
    truth = np.array([item.answerable for item in judged])
    print(f"{name:10} auc {area(found, truth):.3f}  calibration error {error(found, truth):.3f}  n {len(judged)}")
    for task in sorted({item.task for item in judged}):
        of_task = np.array([item.task == task for item in judged])
        for kind in sorted({item.kind for item in judged if item.task == task and not item.answerable}):
            of_kind = np.array([item.kind == kind and not item.answerable for item in judged])
            chosen = of_task & (truth | of_kind)
            print(f"    {task} {kind:24} auc {area(found[chosen], truth[chosen]):.3f}  n {int((of_task & of_kind).sum())}")


def area(found: Floats, truth: NDArray[np.bool_]) -> float:
    """Return the chance that an answerable question has the higher probability; ties count half."""
    order = np.argsort(np.argsort(found, kind="stable"), kind="stable") + 1.0
    for value in np.unique(found):
        same = found == value
        order[same] = order[same].mean()
    yes, no = int(truth.sum()), int((~truth).sum())
    return float((order[truth].sum() - yes * (yes + 1) / 2) / max(yes * no, 1))


def error(found: Floats, truth: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    places = np.minimum((found * BINS).astype(int), BINS - 1)
    return sum(
        float((places == place).mean() * abs(found[places == place].mean() - truth[places == place].mean())) for place in np.unique(places)
    )


if __name__ == "__main__":
    main()
