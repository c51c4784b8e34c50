"""Choose the weights of the default recipe on development data, and show what each feature adds.

    python scripts/choose_weights.py --data ../shared/data

Every question of every task gives one list: the candidates with the features that the recipe's own code works out for them, and which of
them are gold. The weights maximise the likelihood of each gold candidate against all others of its question (a softmax over the list), with
an L2 penalty; every task counts the same but LoCoMo, the largest, three times. They are judged on conversations that were left out of the
fit; nothing is fitted to single questions. Needs the ``arena`` extra.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from mneme.recipes.default import WEIGHTS
from mneme.retrieval.linear import LinearSum

TASKS: Mapping[str, tuple[str, bool]] = {
    "locomo": ("locomo", False),
    "beam": ("beam", False),
    "longmemeval": ("longmemeval", True),
    "multihop": ("multihop", False),
    "memsim": ("memsim", False),
    "babi": ("babi", False),
}
COUNTS = {"locomo": 3.0}
MOST_QUESTIONS = 400
L2 = 1e-3
NAMES = list(WEIGHTS)
CUTS = (1, 5, 10, 50)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: features of its candidates, which are gold, and how many gold ones are no candidates."""

    group: str
    category: str
    features: Floats
    gold: NDArray[np.bool_]
    missed: int


def main() -> None:
    """Work out the features, fit, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--cache", type=Path, default=Path("build/vectors"))
    parser.add_argument("--fit", action="store_true", help="fit; otherwise judge the recipe's weights and their ablation")
    asked = parser.parse_args()
    args_tasks = asked.tasks.split(",")
    data = {name: list(questions(name, asked.data, asked.cache)) for name in args_tasks}
    present = np.array([WEIGHTS[name] for name in NAMES])
    print(f"{'recipe':16}", summary(data, present))
    if asked.fit:
        fitted = fit(data)
        print("fitted", {name: round(float(weight), 2) for name, weight in zip(NAMES, fitted, strict=True)})
        print(f"{'fitted':16}", summary(data, fitted))
        print(f"{'held out':16}", held_out(data))
        return
    for name in NAMES:
        print(f"without {name:16}", summary(data, np.where(np.array(NAMES) == name, 0.0, present)))


def questions(name: str, data: Path, cache: Path) -> Iterator[Asked]:
    """Yield the questions of a task with the features of their candidates."""
    folder, pooled = TASKS[name]
    options = Options(pooled=pooled)
    samples = prepare(get_task(name).load(data / folder, options), options).samples
    share = sum(len(sample.questions) for sample in samples) / MOST_QUESTIONS
    embedder = CachedEmbedder(resolve_embedder("local"), cache)
    for place, sample in enumerate(samples):
        if name == "babi" and place % max(1, int(share)):
            continue
        with Memory(tempfile.mkdtemp(), embedder=embedder, durability="normal") as memory:
            yield from _of_sample(memory, sample)


def _of_sample(memory: Memory, sample: Sample) -> Iterator[Asked]:
    space = memory.space("fit")
    receipt = space.remember(list(sample.messages))
    refs = dict(zip(receipt.ids, (message.ref for message in sample.messages), strict=True))
    latest = max((message.at for message in sample.messages if message.at), default=None)
    ranker = memory.recipe.ranker
    assert isinstance(ranker, LinearSum)
    with space._use() as opened:
        reader = memory._reader("fit", opened)
        index = opened.current.now()
        for question in sample.questions:
            if not question.gold:
                continue
            moment = question.at if question.at and latest and question.at >= latest else None
            wanted = recalling.check(question.text, 50, None, recalling.Filter(), moment, None, False)
            ctx = reader.context(index, None, Trace(id="", verb="fit"))
            query = reader._query(wanted, index, memory.embedder.embed([question.text])[0])
            scores = {channel.name: channel.search(ctx, query) for channel in memory.recipe.channels}
            scene, parts = ranker.parts(ctx, query, scores)
            features = np.stack([parts[name] / WEIGHTS[name] for name in NAMES], axis=1).astype(float)
            found = [refs[index.columns.ids[position]] for position in scene.positions.tolist()]
            gold = np.array([ref in question.gold for ref in found], bool)
            missed = len(question.gold) - int(gold.sum())
            yield Asked(group=sample.id, category=question.category, features=features, gold=gold, missed=missed)


def fit(tasks: Mapping[str, Sequence[Asked]]) -> Floats:
    """Return the weights that make gold candidates most likely against all others of their question."""
    lists = []
    for name, task in tasks.items():
        counts = COUNTS.get(name, 1.0) / len(task)
        for question in task:
            gold = question.gold
            if gold.any() and not gold.all():
                lists.append((question.features, np.flatnonzero(gold), np.flatnonzero(~gold), counts / gold.sum()))

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = L2 * float(weights @ weights), 2 * L2 * weights
        for features, gold, others, share in lists:
            scores = features @ weights
            top = scores[others].max()
            odds = np.exp(scores[others] - top)
            rest = top + np.log(odds.sum())
            mean_other = (odds / odds.sum()) @ features[others]
            lost = np.logaddexp(scores[gold], rest) - scores[gold]
            value += share * float(lost.sum())
            chance = 1.0 - np.exp(-lost)
            slope = slope + share * (chance.sum() * mean_other - chance @ features[gold])
        return value, slope

    start = np.array([WEIGHTS[name] for name in NAMES])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


def held_out(data: Mapping[str, list[Asked]]) -> str:
    """Return the summary of every LoCoMo conversation under weights that were fitted without it."""
    judged: list[Asked] = []
    recalls: list[str] = []
    for group in sorted({question.group for question in data["locomo"]}):
        kept = {name: [question for question in task if question.group != group] for name, task in data.items()}
        weights = fit(kept)
        here = [replace(question, features=question.features @ weights[:, None]) for question in data["locomo"] if question.group == group]
        judged += here
        recalls.append(f"{group} {measure(here, np.ones(1))[10]:.3f}")
    return "locomo " + shown(measure(judged, np.ones(1))) + " | " + " ".join(recalls)


def measure(asked: Sequence[Asked], weights: Floats) -> dict[int, float]:
    """Return recall at each cut."""
    found: dict[int, list[float]] = {cut: [] for cut in CUTS}
    for question in asked:
        order = np.argsort(-(question.features @ weights), kind="stable")
        hits = question.gold[order]
        total = int(hits.sum()) + question.missed
        for cut in CUTS:
            found[cut].append(hits[:cut].sum() / total)
    return {cut: float(np.mean(values)) for cut, values in found.items()}


def shown(recalls: Mapping[int, float]) -> str:
    """Return recalls as text."""
    return " ".join(f"{value:.3f}" for value in recalls.values())


def summary(data: Mapping[str, list[Asked]], weights: Floats) -> str:
    """Return recall at 1, 5, 10 and 50 for every task, and LoCoMo's questions that need several pieces of evidence."""
    parts = [f"{name} {shown(measure(asked, weights))}" for name, asked in data.items()]
    if "locomo" in data:
        several = [question for question in data["locomo"] if question.category == "1"]
        parts.append(f"several {measure(several, weights)[10]:.3f}")
    return " | ".join(parts)


if __name__ == "__main__":
    main()
