"""A connection that is lost while it commits: what was written is found, what was not is written again, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pg_proxy import Cut, Proxy

from mneme.core.errors import StorageError
from mneme.core.operations import Enqueue
from mneme.stores.postgres import PostgresRoot, PostgresStore
from mneme.stores.samples import at, batch, job, memory_id, remembered

CUTS: tuple[Cut, ...] = ("unheard", "unanswered", "heard late")


@pytest.fixture
def wire(root: PostgresRoot) -> Iterator[Proxy]:
    proxy = Proxy(root.url)
    yield proxy
    proxy.close()


@pytest.fixture
def store(wire: Proxy) -> Iterator[PostgresStore]:
    """A space behind a wire that can be cut, with one entry."""
    root = PostgresRoot(wire.url, timeout_s=5)
    store = root.open("lost")
    store.apply(batch(*remembered(1, "one"), Enqueue(job=job(1)), Enqueue(job=job(2))))
    yield store
    root.close()


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("key", [None, "key"])
def test_a_batch_is_applied_once(store: PostgresStore, wire: Proxy, root: PostgresRoot, how: Cut, key: str | None) -> None:
    wire.cut(how)
    applied = store.apply(batch(*remembered(2, "two"), key=key))
    assert wire.cuts == 1
    assert applied.entry is not None
    assert (applied.entry.seq, applied.duplicate) == (2, False)
    seen = root.open("lost")
    assert [entry.hash for entry in seen.entries(after=1)] == [applied.entry.hash]
    assert [each.text for each in seen.memories([memory_id(1), memory_id(2)]).values()] == ["one", "two"]
    assert seen.check() == []


@pytest.mark.parametrize("how", CUTS)
def test_jobs_are_claimed_and_finished_once(store: PostgresStore, wire: Proxy, how: Cut) -> None:
    wire.cut(how)
    (claimed,) = store.claim(now=at(1), lease_s=60, limit=1)
    assert claimed.attempts == 1
    assert [each.state for each in store.jobs()].count("leased") == 1
    wire.cut(how)
    assert store.finish(claimed, state="done", now=at(2))
    assert sorted(each.state for each in store.jobs()) == ["done", "waiting"]
    assert not store.finish(claimed, state="done", now=at(3))  # its lease has ended
    assert wire.cuts == 2


@pytest.mark.parametrize("how", CUTS)
def test_folding_and_changing_the_model_are_done_once(store: PostgresStore, wire: Proxy, how: Cut) -> None:
    store.apply(batch(*remembered(2, "two")))
    wire.cut(how)
    folding = store.fold(1, batch(verb="compact"))
    assert (folding.to_seq, folding.entries) == (1, 1)
    model, width = "another", 4
    rows = store.unstaged(model)
    store.stage_vectors(
        model, [row for row, _, _ in rows], [number for _, number, _ in rows], [np.eye(1, width, dtype=np.float32)] * len(rows)
    )
    wire.cut(how)
    assert store.switch_model(model, width)
    assert store.meta()["model"] == model
    assert store.check() == []
    assert wire.cuts == 2


@pytest.mark.parametrize("how", CUTS)
def test_another_writer_in_between_does_not_confuse(store: PostgresStore, wire: Proxy, root: PostgresRoot, how: Cut) -> None:
    other = root.open("lost")
    wire.cut(how)
    first = store.apply(batch(*remembered(2, "two")))
    second = other.apply(batch(*remembered(3, "three")))
    wire.cut(how)
    third = store.apply(batch(*remembered(4, "four")))
    assert [each.entry.seq for each in (first, second, third) if each.entry is not None] == [2, 3, 4]
    assert other.check() == []


def test_an_outcome_that_nobody_can_tell_is_told_as_such(store: PostgresStore, wire: Proxy, root: PostgresRoot) -> None:
    store._connections.timeout_s = 0.5
    wire.cut("unanswered")
    wire.close()  # nothing comes through from here on
    with pytest.raises(StorageError, match=r"not known.*same key"):
        store.apply(batch(*remembered(2, "two"), key="key"))
    assert root.open("lost").last_seq() == 2
    again = root.open("lost").apply(batch(*remembered(2, "two"), key="key"))
    assert again.duplicate
