"""Measure what feedback teaches: half of each conversation's questions are judged, the other half is asked before and after.

    python scripts/feedback_effect.py --data ../shared/data

The caller of the simulation calls useful what is evidence among the ten hits, and nothing useless. Prints recall@10 of the other half, with
what was learned from right judgements and, for comparison, from judgements drawn at random. Needs the ``arena`` extra.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mneme import Memory, Space
from mneme.arena.task import Options, Question, Sample, prepare
from mneme.arena.tasks import get_task
from mneme.core.clock import FrozenClock, SystemClock
from mneme.models.cached import CachedEmbedder
from mneme.models.embedder import resolve_embedder

HITS = 10


def main() -> None:
    """Run the simulation on every conversation and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("build/vectors"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    options = Options()
    samples = prepare(get_task("locomo").load(asked.data / "locomo", options), options).samples
    embedder = CachedEmbedder(resolve_embedder("local"), asked.cache)
    for judge in ("evidence", "chance"):
        before: list[float] = []
        after: list[float] = []
        for sample in samples:
            with Memory(tempfile.mkdtemp(), embedder=embedder, durability="normal", clock=FrozenClock(SystemClock().now())) as memory:
                first, second = learn(memory.space("s"), sample, judge, asked.seed)
            before += first
            after += second
        print(f"{judge:9} recall@{HITS} before {mean(before):.4f} after {mean(after):.4f}, {len(after)} questions")


def learn(space: Space, sample: Sample, judge: str, seed: int) -> tuple[list[float], list[float]]:
    """Return recall on the questions that are not judged, before and after the others were."""
    receipt = space.remember(list(sample.messages))
    refs = dict(zip(receipt.ids, (message.ref for message in sample.messages), strict=True))
    rng = random.Random(f"{seed} {sample.id}")
    questions = [question for question in sample.questions if question.gold]
    rng.shuffle(questions)
    judged, others = questions[::2], questions[1::2]
    before = measured(space, others, refs)
    for question in judged:
        found = space.recall(question.text, k=HITS)
        right = [hit for hit in found.hits if refs[hit.memory.id] in question.gold]
        space.feedback(found, useful=right if judge == "evidence" else rng.sample(list(found.hits), len(right)))
    return before, measured(space, others, refs)


def measured(space: Space, questions: Sequence[Question], refs: dict[str, str | None]) -> list[float]:
    """Return recall at ten of each question."""
    recalls = []
    for question in questions:
        found = {refs[hit.memory.id] for hit in space.recall(question.text, k=HITS).hits}
        recalls.append(len(found & set(question.gold)) / len(question.gold))
    return recalls


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
