"""Workers that form at the same moment: neither misses what the other believes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from mneme import Memory, Message
from mneme.core.context import Context
from mneme.core.operations import Operation
from mneme.core.query import Filter
from mneme.core.recipe import Recipe
from mneme.core.records import Memory as Record
from mneme.formation.rules import RuleFormer
from mneme.guard.gate import Grounding
from mneme.organisation.duplicates import Duplicates
from mneme.organisation.links import Links
from mneme.organisation.reconcile import Reconcile
from mneme.recipes.beliefs import recipe as beliefs
from mneme.testing import ScriptedLLM

TOLD = ("I live in Lisbon.", "I live in Oslo.")


@dataclass(frozen=True, slots=True)
class Meeting:
    """An organiser that waits, once it has decided, until every other worker has decided too."""

    barrier: Barrier

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        try:
            self.barrier.wait(5)
        except BrokenBarrierError:
            pass  # those that decide again meet nobody
        else:
            self.barrier.abort()
        return list(operations)


def by_rule(*more: object) -> Recipe:
    organisers = (Duplicates(), Reconcile(), Links(), *more)
    return replace(beliefs, name="together", formers=(RuleFormer(),), guards=(Grounding(),), organisers=organisers)  # type: ignore[arg-type]


def told(folder: Path, texts: Sequence[str]) -> None:
    """Store messages with a job each and form none of them."""
    with Memory(folder, embedder="hash", recipe=by_rule(), llm=ScriptedLLM({}), background=False) as memory:
        early = Message(text="I play chess.", author="Ana", at=datetime(2023, 1, 1, tzinfo=UTC))
        memory.space("work").remember(early, wait=True)  # what all have in common, such as who Ana is, is there
        for number, text in enumerate(texts):
            memory.space("work").remember(Message(text=text, author="Ana", at=datetime(2024, 1, 1 + number, tzinfo=UTC)))
        assert len(memory.space("work").jobs(states=("waiting",))) == len(texts)


def formed_together(folder: Path, workers: int) -> None:
    barrier = Barrier(workers)

    def drain(_: int) -> None:
        with Memory(folder, embedder="hash", recipe=by_rule(Meeting(barrier)), llm=ScriptedLLM({}), background=False) as memory:
            memory.space("work").drain()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(drain, range(workers)))


def states(folder: Path, relation: str) -> list[Record]:
    with Memory(folder, embedder="hash", recipe=by_rule(), llm=ScriptedLLM({}), background=False) as memory:
        space = memory.space("work")
        assert {job.state for job in space.jobs()} == {"done"}
        assert space.verify().ok
        with space._use() as opened:
            found = opened.store.find(Filter())
    return sorted((one for one in found if one.attributes.get("relation") == relation), key=lambda one: one.at)


@pytest.mark.parametrize("order", [TOLD, TOLD[::-1]])
def test_two_values_told_to_two_workers_at_once_end_one_another(tmp_path: Path, order: Sequence[str]) -> None:
    told(tmp_path, order)
    formed_together(tmp_path, 2)
    first, second = states(tmp_path, "lives_in")
    assert (first.valid_to, second.valid_to) == (datetime(2024, 1, 2, tzinfo=UTC), None)


def test_the_same_thing_told_to_three_workers_at_once_is_one_memory(tmp_path: Path) -> None:
    told(tmp_path, ["I live in Lisbon.", "I live in Lisbon.", "I live in Lisbon."])
    formed_together(tmp_path, 3)
    (only,) = states(tmp_path, "lives_in")
    assert (only.valid_from, only.valid_to) == (datetime(2024, 1, 1, tzinfo=UTC), None)
