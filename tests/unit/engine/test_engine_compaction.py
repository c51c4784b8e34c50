"""Compaction through the engine: the past that is kept is exact, the rest is refused by name, and the chain holds."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.compaction import CHECKPOINT
from mneme.core.errors import CannotUndo, Folded, InvalidInput
from mneme.retention.budgets import Limit


def lived(space: mneme.Space, clock: FrozenClock) -> list[str]:
    """Remember one thing a day for ten days, correct the first and archive the second; returns the ids."""
    ids: list[str] = []
    for number in range(10):
        ids += space.remember(f"On day {number} I saw {number + 3} herons.", author="Ann").ids
        clock.advance(days=1)
    space.revise(ids[0], "On day 0 I saw 30 herons.")
    space.forget(ids[1])
    clock.advance(days=1)
    space.remember("Herons again!", author="Ann")
    return ids


def test_recalls_are_the_same_and_the_chain_holds(space: mneme.Space, clock: FrozenClock) -> None:
    lived(space, clock)

    def asked() -> list[tuple[str, float]]:
        return [(hit.memory.id, hit.score) for hit in space.recall("How many herons?", k=5).hits]

    before, archived = asked(), space.recall("herons", archived=True).hits
    head = space.verify().head
    done = space.compact(timedelta(days=5))
    assert (done.entries, done.versions) == (7, 0)
    assert space.verify().ok
    assert space.journal(limit=1)[0].verb == CHECKPOINT
    assert asked() == before
    assert [hit.memory for hit in space.recall("herons", archived=True).hits] == [hit.memory for hit in archived]
    compact = space.journal(after=done.entry - 1)[0]
    assert compact.previous == head


def test_the_kept_window_is_exact_and_before_it_an_error_names_it(space: mneme.Space, clock: FrozenClock) -> None:
    lived(space, clock)
    moments = [clock.now() - timedelta(days=days) for days in (1.5, 2.5, 4.5)]
    then = [[(hit.memory, hit.score) for hit in space.recall("herons", known_at=moment).hits] for moment in moments]
    done = space.compact(timedelta(days=5))
    assert done.since is not None
    assert [[(hit.memory, hit.score) for hit in space.recall("herons", known_at=moment).hits] for moment in moments] == then
    with pytest.raises(Folded, match=re.escape(done.since.isoformat())):
        space.recall("herons", known_at=clock.now() - timedelta(days=8))


def test_folded_calls_are_not_undone_and_later_ones_are(space: mneme.Space, clock: FrozenClock) -> None:
    ids = lived(space, clock)
    done = space.compact(timedelta(days=1.5))
    assert done.to_seq == 10
    with pytest.raises(CannotUndo, match="folded into the checkpoint"):
        space.undo(entry=3)
    with pytest.raises(CannotUndo, match="restore a backup"):
        space.undo(entry=done.entry)
    space.undo(entry=12)  # the archiving
    assert space.get(ids[1]).status == "active"
    space.undo(entry=11)  # the correction, back to a version that was folded
    assert space.get(ids[0]).text == "On day 0 I saw 3 herons."
    with pytest.raises(CannotUndo, match="entries up to 10 were folded"):
        space.undo(5)
    assert space.verify().ok


def test_history_begins_with_the_checkpoint(space: mneme.Space, clock: FrozenClock) -> None:
    ids = lived(space, clock)
    clock.advance(days=30)
    space.revise(ids[0], "On day 0 I saw 31 herons.")
    done = space.compact(timedelta(days=10))
    assert done.versions == 1  # the words that were corrected before the checkpoint
    steps = space.history(ids[0])
    assert [step.entry.verb for step in steps] == [CHECKPOINT, "revise"]
    assert [step.memory.text for step in steps if step.memory] == ["On day 0 I saw 30 herons.", "On day 0 I saw 31 herons."]


def test_erasing_reaches_what_was_folded(space: mneme.Space, clock: FrozenClock) -> None:
    ids = lived(space, clock)
    space.compact(timedelta(0))
    report = space.forget(ids[0], erase=True)
    assert ids[0] in report.erased  # type: ignore[union-attr]
    assert space.verify().ok
    assert all("30 herons" not in hit.text for hit in space.recall("30 herons", archived=True).hits)


def test_a_pass_of_upkeep_is_folded_whole_or_not_at_all(space: mneme.Space, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mneme.engine.upkeep.BATCH", 2)
    lived(space, clock)
    report = space.upkeep(limits=[Limit(memories=2)])
    assert len(report.entries) > 1
    clock.advance(days=1)
    space.remember("More.")
    cut = space.journal(after=report.entries[0] - 1, limit=1)[0].recorded_at
    done = space.compact(clock.now() - cut)
    assert done.to_seq in (report.entries[0] - 1, report.entries[-1])
    space.undo(entry=report.entries[-1]) if done.to_seq < report.entries[0] else None
    assert space.verify().ok


def test_compacting_twice_and_dry(space: mneme.Space, clock: FrozenClock) -> None:
    lived(space, clock)
    told = space.compact(timedelta(days=5), dry_run=True)
    assert (told.entries, told.entry) == (7, 0)
    assert space.compact(timedelta(days=5)).entries == 7
    again = space.compact(timedelta(days=5))
    assert (again.entries, again.entry, again.to_seq) == (0, 0, 7)
    assert space.compact(timedelta(days=3)).entries == 2
    assert space.verify().ok
    with pytest.raises(InvalidInput, match="older_than"):
        space.compact(timedelta(days=-1))


def test_vacuum_shrinks_the_file_while_another_reads(tmp_path: Path, clock: FrozenClock) -> None:
    with mneme.Memory(tmp_path / "root", embedder="hash:64", clock=clock, durability="normal") as memory:
        space = memory.space("a")
        ids = space.remember([f"Number {number} of many. " + "word " * 200 for number in range(300)]).ids
        keeps = space.remember("I stay.").ids
        space.forget(list(ids), erase=True)
        with mneme.Memory(tmp_path / "root", embedder="hash:64", clock=clock) as other:
            assert [each.id for each in other.space("a").memories()] == list(keeps)
            freed = space.vacuum()
            assert 0 < freed.after <= freed.before
            assert [each.id for each in other.space("a").memories()] == list(keeps)
        assert space.verify().ok


def test_a_folded_call_that_is_repeated_is_answered_as_the_first_time(space: mneme.Space, clock: FrozenClock) -> None:
    first = space.remember(["The spare key is under the pot.", "The pot is blue."], key="import-1")
    other = space.remember("The pot is new.", key="import-2")
    for days in (10, 10):
        clock.advance(days=days)
        space.remember(f"Day {days}.")
        clock.advance(days=1)
        space.compact(timedelta(days=1))
        for receipt, key in ((first, "import-1"), (other, "import-2")):
            again = space.remember("said again", key=key)
            assert (again.duplicate, again.ids, again.episodes, again.entry) == (True, receipt.ids, receipt.episodes, receipt.entry)
    assert space.verify().ok
    space.forget(first.ids[0], erase=True)
    assert space.remember("said again", key="import-1").ids == first.ids
    assert space.verify().ok
