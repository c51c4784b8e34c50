"""Proving a space: whatever is changed behind the journal's back is found."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from mneme.core.operations import Connect, Reinforce
from mneme.core.records import Link
from mneme.stores.postgres import PostgresRoot, PostgresStore
from mneme.stores.samples import at, batch, memory_id, remembered

TAMPERED = {
    "usage": ("UPDATE mneme.usage SET uses = uses + 1 WHERE space = %s", "usage of"),
    "a lost use": ("DELETE FROM mneme.usage WHERE space = %s", "usage of"),
    "link": ("UPDATE mneme.link SET weight = 0.25 WHERE space = %s", "its rows do not agree"),
    "a lost link": ("DELETE FROM mneme.link WHERE space = %s", "its rows do not agree"),
    "history": ("DELETE FROM mneme.touch WHERE space = %s AND seq = 2", "histories"),
    "vector": (r"UPDATE mneme.vector SET data = decode(repeat('00', length(data)), 'hex') WHERE space = %s", "a vector of nothing"),
    "a lost memory": ("DELETE FROM mneme.memory WHERE space = %s AND row = 2", "its row is missing"),
    "a lost version": ("DELETE FROM mneme.memory_version WHERE space = %s AND key / 1048576 = 2", "its last version is None"),
    "author": ("UPDATE mneme.memory SET author = 'mallory' WHERE space = %s", "does not agree with its last version"),
    "moment": ("UPDATE mneme.memory SET at = at + 1 WHERE space = %s AND row = 1", "does not agree with its last version"),
    "content": ("UPDATE mneme.memory_version SET snapshot = salt WHERE space = %s AND key / 1048576 = 1", "does not fit its digest"),
    "entry": ("UPDATE mneme.entry SET actor = 'mallory' WHERE space = %s AND seq = 1", "hash does not follow"),
    "a lost entry": ("DELETE FROM mneme.entry WHERE space = %s AND seq = 2", "entries are missing"),
    "the last entry": ("DELETE FROM mneme.entry WHERE space = %s AND seq = 4", "head: it does not agree"),
    "erasure": ("UPDATE mneme.memory SET status = 'erased' WHERE space = %s AND row = 1", "on whether it was erased"),
}


@pytest.fixture
def store(root: PostgresRoot) -> Iterator[PostgresStore]:
    store = root.open("proved")
    store.apply(batch(*remembered(1, "one"), *remembered(2, "two")))
    store.apply(batch(Connect(link=Link(source=memory_id(1), target=memory_id(2), type="supports", weight=0.5))))
    store.apply(batch(Reinforce(id=memory_id(1), uses=1.0, strength=0.5, at=at(9), state={"stability": 2.0})))
    store.apply(batch(Reinforce(id=memory_id(1), uses=1.0, strength=0.5, at=at(10))))
    assert store.check() == []
    yield store
    root.drop("proved")


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_behind_the_journal_is_found(what: str, store: PostgresStore, database: tuple[str, str]) -> None:
    statement, told = TAMPERED[what]
    with psycopg.connect(database[0]) as owner:
        owner.execute("SET ROLE mneme_test_owner")
        owner.execute("SELECT set_config('mneme.space', %s, true)", (str(store.number),))
        assert owner.execute(statement, (store.number,)).rowcount > 0  # type: ignore[arg-type]
    assert any(told in problem for problem in store.check()), store.check()
