"""Whatever is applied in whatever order, the embedded store and the obvious one agree."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mneme.core.errors import MnemeError
from mneme.core.journal import inverse
from mneme.core.operations import (
    Archive,
    Cancel,
    Connect,
    Disconnect,
    Enqueue,
    Erase,
    Keep,
    Move,
    Observe,
    Operation,
    Quarantine,
    Reinforce,
    Restore,
    Revise,
    Supersede,
)
from mneme.core.ports import IndexRows, Store
from mneme.core.query import Filter
from mneme.core.records import STATUSES, Link
from mneme.stores.dict_store import DictRoot
from mneme.stores.samples import at, batch, episode, episode_id, job, material, memory, memory_id
from mneme.stores.sqlite import SQLiteRoot

NUMBERS = st.integers(1, 5)
TEXTS = st.sampled_from(["one", "two words", "drei \u00fc", 'quote " slash \\', "\u6f22\u5b57", ""])
MEMORIES = NUMBERS.map(memory_id)
VERSIONS = st.none() | st.integers(0, 4)
WEIGHTS = st.sampled_from([0.25, 1.0])
TYPES = st.sampled_from(["about", "supersedes"])

OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(lambda n, text: Observe(episode=episode(n, text)), NUMBERS, TEXTS),
    st.builds(
        lambda n, text, rests, tags: Keep(memory=memory(n, text, episodes=rests, tags=tags)),
        NUMBERS, TEXTS, st.lists(NUMBERS, max_size=2), st.sampled_from([(), ("x",), ("x", "y")]),
    ),
    st.builds(
        lambda id, text, changes, expected: Revise(id=id, text=text, changes=changes, expected_version=expected),
        MEMORIES, st.none() | TEXTS, st.sampled_from([{}, {"importance": 0.25}, {"kind": "fact", "tags": ("z",)}]),
        st.none() | st.integers(1, 3),
    ),
    st.builds(lambda id, by, when: Supersede(id=id, by=by, at=at(when)), MEMORIES, st.none() | MEMORIES, st.integers(0, 9)),
    st.builds(
        lambda s, t, kind, weight: Connect(link=Link(source=s, target=t, type=kind, weight=weight)), MEMORIES, MEMORIES, TYPES, WEIGHTS
    ),
    st.builds(lambda s, t, kind: Disconnect(source=s, target=t, type=kind), MEMORIES, MEMORIES, TYPES),
    st.builds(
        lambda id, uses, when, state: Reinforce(id=id, uses=uses, at=None if when is None else at(when), state=state),
        MEMORIES, st.sampled_from([0.0, 1.0, -0.5]), st.none() | st.integers(0, 9), st.sampled_from([{}, {"d": 1.5}]),
    ),
    st.builds(lambda id, tier: Move(id=id, tier=tier), MEMORIES, st.sampled_from(["", "long"])),
    st.builds(lambda id: Archive(id=id), MEMORIES),
    st.builds(lambda id, why: Quarantine(id=id, why=why), MEMORIES, st.sampled_from(["", "odd"])),
    st.builds(lambda id, version: Restore(id=id, version=version), MEMORIES, VERSIONS),
    st.builds(
        lambda n, key, of: Enqueue(job=job(n, key=key, payload={"of": of})), NUMBERS, st.sampled_from([None, "k", "l"]), MEMORIES
    ),
    st.builds(lambda n: Cancel(id=f"job_{n:03d}"), NUMBERS),
)  # fmt: skip
ERASURES = st.builds(lambda id: Erase(id=id), MEMORIES | NUMBERS.map(episode_id))


def same_rows(one: IndexRows, other: IndexRows) -> None:
    for each in fields(IndexRows):
        first, second = getattr(one, each.name), getattr(other, each.name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            assert np.array_equal(first, second), each.name
        else:
            assert first == second, each.name


def outcome(call: Any) -> Any:
    """Return what a call gives, or the type of its error: entries without what is random or hashed."""
    try:
        return call()
    except MnemeError as error:
        return type(error)


class Stores(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        roots = (DictRoot(), SQLiteRoot(Path(self._folder.name), durability="normal"))
        self.oracle, self.store = (root.open("a") for root in roots)
        self.minutes = 0

    def teardown(self) -> None:
        assert self.oracle.check() == []
        assert self.store.check() == []
        self.store.close()
        self._folder.cleanup()

    def both(self, operations: list[Operation], **more: Any) -> None:
        self.minutes += 1
        ready = batch(*operations, minutes=self.minutes, **more)

        def apply(store: Store) -> Any:
            applied = store.apply(ready)
            entry = applied.entry
            changes = entry and [(each.op, each.subject, each.before, each.after, dict(each.detail)) for each in entry.changes]
            return changes, applied.duplicate, dict(applied.removed), entry and (entry.seq, entry.recorded_at)

        assert outcome(lambda: apply(self.oracle)) == outcome(lambda: apply(self.store))

    @rule(operations=st.lists(OPERATIONS, min_size=1, max_size=6), key=st.sampled_from([None, None, None, "k1", "k2"]))
    def change(self, operations: list[Operation], key: str | None) -> None:
        self.both(operations, key=key, reason="why")

    @rule(operation=OPERATIONS)
    def change_one(self, operation: Operation) -> None:
        self.both([operation])

    @rule(operations=st.lists(ERASURES | OPERATIONS, min_size=1, max_size=3))
    def erase(self, operations: list[Operation]) -> None:
        self.both(operations)

    @precondition(lambda self: self.oracle.last_seq())
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, self.oracle.last_seq()))
        self.both(inverse(self.oracle.entries(after=seq - 1, limit=1)[0].changes), undoes=seq)

    @rule(done=st.booleans(), limit=st.integers(1, 3))
    def work(self, done: bool, limit: int) -> None:
        self.minutes += 1
        claimed = [store.claim(now=at(self.minutes), lease_s=90, limit=limit) for store in (self.oracle, self.store)]
        assert claimed[0] == claimed[1]
        for each in claimed[0] if done else []:
            ended = [store.finish(each, state="done", now=at(self.minutes)) for store in (self.oracle, self.store)]
            assert ended == [True, True]

    @rule(part=st.booleans())
    def reembed(self, part: bool) -> None:
        missing = self.oracle.unstaged("sample-8", limit=2 if part else 99)
        assert missing == self.store.unstaged("sample-8", limit=2 if part else 99)
        new = [material(memory.text + "!").vectors for _, _, memory in missing]
        for store in (self.oracle, self.store):
            store.stage_vectors("sample-8", [row for row, _, _ in missing], [number for _, number, _ in missing], new)
        if not part:
            assert self.oracle.switch_model("sample-8", 8) == self.store.switch_model("sample-8", 8)

    @invariant()
    def they_agree(self) -> None:
        one, other = self.oracle, self.store
        last = one.last_seq()
        assert last == other.last_seq()
        ids = [memory_id(number) for number in range(1, 7)]
        for seq in (None, last // 2):
            assert one.memories(ids, at_seq=seq) == other.memories(ids, at_seq=seq)
            assert one.links(at_seq=seq) == other.links(at_seq=seq)
            assert one.links(ids[:2], at_seq=seq) == other.links(ids[:2], at_seq=seq)
        assert one.usage(ids) == other.usage(ids)
        assert one.jobs() == other.jobs()
        assert one.meta() == other.meta()
        assert one.list_episodes() == other.list_episodes()
        assert one.resting_on([episode_id(1), episode_id(2)]) == other.resting_on([episode_id(1), episode_id(2)])
        where = Filter(tags=("x", "z"))
        assert one.find(where, statuses=STATUSES) == other.find(where, statuses=STATUSES)
        for id in ids:
            assert one.versions(id) == other.versions(id)
            assert one.places(id) == other.places(id)
            assert [entry.seq for entry in one.entries_of(id)] == [entry.seq for entry in other.entries_of(id)]
        assert [entry.reason for entry in one.entries()] == [entry.reason for entry in other.entries()]
        assert one.seq_at(at(self.minutes - 1)) == other.seq_at(at(self.minutes - 1))
        same_rows(one.index_rows(), other.index_rows())
        same_rows(one.index_rows(after=last // 2), other.index_rows(after=last // 2))
        same_rows(one.index_rows_at(last // 2), other.index_rows_at(last // 2))
        counts, others = one.counts(), other.counts()
        assert {**counts, "bytes": 0} == {**others, "bytes": 0}


TestStoresAgree = Stores.TestCase
TestStoresAgree.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
