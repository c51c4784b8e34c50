"""Policies change by operations: in the journal with who, when, why, before and after; proved, and taken back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.errors import CannotUndo, Conflict, InvalidInput, Refused
from mneme.core.operations import Configure
from mneme.core.ports import Batch

NOW = datetime(2024, 5, 1, tzinfo=UTC)
HOLD = '[[hold]]\nname = "case 12"\ntags = ["case-12"]\n'
LIMIT = "[[limit]]\nmemories = 10\n"


@pytest.fixture(params=["memory", "sqlite"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Memory]:
    where: str | Path = ":memory:" if request.param == "memory" else tmp_path
    with Memory(where, embedder="hash", clock=FrozenClock(NOW), seed=3) as memory:
        yield memory


def test_a_change_says_who_when_why_from_what_to_what(memory: Memory) -> None:
    space = memory.space("s")
    space.policies(HOLD, reason="the court asked", actor="Ann")
    space.policies(HOLD + LIMIT, actor="Ben")
    assert space.policies(HOLD + LIMIT) == HOLD + LIMIT  # the same again is no change
    first, second = space.policy_changes()
    assert (first.at, first.actor, first.reason, first.before, first.after) == (NOW, "Ann", "the court asked", "", HOLD)
    assert (second.actor, second.reason, second.before, second.after) == ("Ben", None, HOLD, HOLD + LIMIT)
    entry = space.journal(after=second.entry - 1)[0]
    assert (entry.verb, entry.changes[0].op, entry.changes[0].subject) == ("policies", "configure", "policies")
    assert space.verify().ok


def test_a_hold_that_was_taken_away_comes_back_with_undo(memory: Memory) -> None:
    space = memory.space("s")
    space.policies(HOLD)
    kept = space.remember("The contract was signed in March.", tags=("case-12",)).ids[0]
    space.policies("", reason="over")
    (taken,) = [change for change in space.policy_changes() if change.reason == "over"]
    space.undo(entry=taken.entry, reason="not over", actor="Ann")
    assert space.policies() == HOLD
    with pytest.raises(Refused, match="case 12"):
        space.forget(kept, erase=True)
    assert [change.after for change in space.policy_changes()] == [HOLD, "", HOLD]
    space.undo()  # the last change that stands is the memory: the taking away and its undo cancel out
    assert space.policies() == HOLD
    assert not space.recall("When was the contract signed?").hits
    space.undo()
    assert space.policies() == ""
    assert space.verify().ok


def test_an_old_change_is_not_taken_back_over_a_later_one(memory: Memory) -> None:
    space = memory.space("s")
    space.policies(HOLD)
    space.policies(LIMIT)
    first, second = space.policy_changes()
    with pytest.raises(CannotUndo, match=f"changed later by entry {second.entry}; undo that first"):
        space.undo(entry=first.entry)
    assert space.policies() == LIMIT


def test_bad_policies_change_nothing_and_leave_no_entry(memory: Memory) -> None:
    space = memory.space("s")
    space.policies(HOLD)
    with pytest.raises(InvalidInput):
        space.policies("[[rule]]\nname = 'x'\n")
    assert (space.policies(), len(space.policy_changes())) == (HOLD, 1)


def test_compaction_folds_old_changes_and_keeps_the_policies(memory: Memory) -> None:
    space = memory.space("s")
    space.policies(HOLD)
    space.remember("The contract was signed in March.")
    memory.clock.advance(days=100)  # type: ignore[attr-defined]
    space.remember("Lunch was good.")
    space.compact(timedelta(days=30))
    assert space.policies() == HOLD
    assert space.policy_changes() == []
    space.policies(LIMIT)
    assert [(change.before, change.after) for change in space.policy_changes()] == [(HOLD, LIMIT)]
    assert space.verify().ok


def test_only_settings_that_people_decide_on_are_configured_and_held_to_what_was_read(memory: Memory) -> None:
    space = memory.space("s")
    space.policies(HOLD)
    with space._use() as opened:
        store = opened.store

        def apply(operation: Configure) -> None:
            store.apply(Batch(operations=[operation], verb="policies", at=NOW))

        with pytest.raises(InvalidInput, match="can't be configured"):
            apply(Configure(key="model", value="other"))
        with pytest.raises(Conflict, match="was changed since"):
            apply(Configure(key="policies", value=LIMIT, expected=""))
        assert store.meta()["policies"] == HOLD


def test_policies_changed_behind_the_journal_are_found(tmp_path: Path) -> None:
    with Memory(tmp_path, embedder="hash", clock=FrozenClock(NOW), seed=3) as memory:
        memory.space("s").policies(HOLD)
    (file,) = (tmp_path / "spaces").glob("*.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '' WHERE key = 'policies'")
    connection.close()
    with Memory(tmp_path, embedder="hash", clock=FrozenClock(NOW), seed=3) as memory:
        assert memory.space("s").verify().problems == ("settings: policies are not what the journal says",)
