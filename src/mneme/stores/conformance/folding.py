"""Folding the journal into a checkpoint: part of the suite that every store passes whose journal can be compacted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mneme.core.compaction import CHECKPOINT, Foldable, folded
from mneme.core.errors import Folded
from mneme.core.operations import Archive, Connect, Disconnect, Erase, Keep, Reinforce, Revise
from mneme.core.ports import Batch, IndexRows, Root, Store
from mneme.core.records import Link
from mneme.stores.conformance.common import A, B, refused
from mneme.stores.samples import at, batch, episode_id, material, memory, remembered


def _compact(minute: int) -> Batch:
    return Batch(operations=(), verb="compact", actor="tester", reason="old", trace_id="tr_fold", at=at(minute))


def _lived(root: Root) -> Store:
    """Return a space with eleven entries: kept, linked, used, revised, archived, erased."""
    store = root.open("a")
    store.apply(batch(*remembered(1, "one"), *remembered(2, "two"), *remembered(3, "three"), at=at(1), key="first"))
    link = Link(source=A, target=B, type="about")
    store.apply(batch(Connect(link=link), at=at(2)))
    store.apply(batch(Connect(link=Link(source=A, target=B, type="about", weight=0.5)), at=at(3)))
    store.apply(batch(Reinforce(id=A, uses=2.0, strength=1.25, at=at(3), state={"d": 4.5}), at=at(4)))
    store.apply(batch(Revise(id=A, text="uno"), material={A: material("uno")}, at=at(5)))
    store.apply(batch(Revise(id=A, text="eins"), material={A: material("eins")}, at=at(6)))
    store.apply(batch(Archive(id=B), at=at(7)))
    store.apply(batch(Erase(id=memory(3, "three").id), Erase(id=episode_id(3)), at=at(8)))
    store.apply(batch(Revise(id=A, changes={"importance": 0.9}), at=at(9)))
    store.apply(batch(Disconnect(source=A, target=B, type="about"), at=at(10)))
    store.apply(batch(*remembered(4, "four"), at=at(11)))
    return store


def _same(before: IndexRows, after: IndexRows) -> bool:
    arrays = ("row", "text_version", "at", "valid_from", "valid_to", "importance", "uses", "strength", "vectors", "passages")
    lists = ("memory", "kind", "status", "author", "session", "tier", "tags", "terms")
    return all(np.array_equal(getattr(before, name), getattr(after, name)) for name in arrays) and all(
        getattr(before, name) == getattr(after, name) for name in lists
    )


class Compacting:
    """Folding old entries into a checkpoint."""

    def _folding(self, root: Root, use: Callable[[Any], None]) -> None:
        store = _lived(root)
        if isinstance(store, Foldable):
            use(store)

    def test_folding_keeps_the_present_and_every_later_state(self, root: Root) -> None:
        """Rows, memories, links and usage are the same from the checkpoint on, and the chain holds."""

        def use(store: Any) -> None:
            last, head = store.last_seq(), store.entries(after=10, limit=1)[0]
            now, past = store.index_rows(), {seq: store.index_rows_at(seq) for seq in range(8, last + 1)}
            links = {seq: store.links(at_seq=seq) for seq in range(8, last + 1)}
            usage = store.usage([A, B])
            done = store.fold(8, _compact(20))
            assert (done.to_seq, done.since, done.entries, done.versions, done.links) == (8, at(8), 8, 2, 1)
            assert store.check() == []
            assert store.last_seq() == last + 1 == done.entry
            assert _same(now, store.index_rows())
            assert all(_same(rows, store.index_rows_at(seq)) for seq, rows in past.items())
            assert {seq: store.links(at_seq=seq) for seq in links} == links
            assert store.usage([A, B]) == usage
            assert store.entries(after=10, limit=1) == [head]
            assert [version.memory.text for version in store.versions(A)] == ["eins", "eins"]
            assert folded(store.meta()) == (8, at(8))

        self._folding(root, use)

    def test_what_lies_before_the_checkpoint_is_refused(self, root: Root) -> None:
        """A moment before the window has no answer; the message names the window. The edge and what is behind it have one."""

        def use(store: Any) -> None:
            store.fold(8, _compact(20))
            error = refused(Folded, lambda: store.seq_at(at(7)))
            assert at(8).isoformat() in str(error)
            assert [store.seq_at(at(minute)) for minute in (8, 9, 10, 11, 30)] == [8, 9, 10, 11, 12]
            assert all(entry.verb == CHECKPOINT for entry in store.entries(limit=10) if entry.seq <= 8)

        self._folding(root, use)

    def test_what_was_erased_stays_erased_and_folded_content_can_be_erased(self, root: Root) -> None:
        """Ids and keys stay taken; erasing what was folded leaves nothing of it."""

        def use(store: Any) -> None:
            store.fold(8, _compact(20))
            gone = memory(3, "three").id
            assert store.status_of(gone) == "erased"
            assert store.entries_of(episode_id(3))[0].verb == CHECKPOINT
            first = batch(*remembered(1, "one"), key="first")
            again = store.apply(first)
            assert (again.duplicate, again.entry.seq, again.entry.verb) == (True, 1, first.verb)
            kept = [("keep", id) for id in (A, B, gone)]
            assert [(each.op, each.subject) for each in again.entry.changes] == [*kept, *(("observe", episode_id(n)) for n in (1, 2, 3))]
            store.fold(10, _compact(22))  # what is folded twice is still answered
            assert store.apply(batch(*remembered(1, "one"), key="first")).entry == again.entry
            store.apply(batch(Erase(id=A), Erase(id=episode_id(1)), at=at(21)))
            assert store.versions(A) == []
            assert store.held([b"eins", b"uno"]) == set()
            assert store.check() == []

        self._folding(root, use)

    def test_folding_again_takes_the_checkpoint_in(self, root: Root) -> None:
        """A second fold stands for the first one too, and life goes on from it; what is folded already is folded once."""

        def use(store: Any) -> None:
            store.fold(4, _compact(20))
            rows = store.index_rows()
            again = store.fold(12, _compact(21))
            assert (again.entries, again.to_seq, again.entry) == (8, 12, 13)
            assert _same(rows, store.index_rows())
            assert store.fold(12, _compact(22)).entry == 0
            fresh = memory(9, "nine")
            store.apply(batch(Keep(memory=fresh), material={fresh.id: material("nine")}, at=at(23)))
            assert store.check() == []

        self._folding(root, use)

    def test_a_dry_run_of_folding_changes_nothing(self, root: Root) -> None:
        """It counts what would go."""

        def use(store: Any) -> None:
            entries = store.entries()
            told = store.fold(8, _compact(20), dry_run=True)
            assert (told.entries, told.versions, told.links, told.entry) == (8, 2, 1, 0)
            assert store.entries() == entries
            assert folded(store.meta()) == (0, None)

        self._folding(root, use)
