"""Writing and reading: part of the suite that every store passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mneme.core.errors import Conflict, InvalidInput, NotFound
from mneme.core.journal import inverse
from mneme.core.operations import (
    Archive,
    Configure,
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
from mneme.core.ports import Root
from mneme.core.query import Filter
from mneme.core.records import Link
from mneme.stores.conformance.common import A, B, C, refused, text_of
from mneme.stores.samples import (
    WIDTH,
    at,
    batch,
    episode,
    episode_id,
    job,
    material,
    memory,
    memory_id,
    remembered,
)


class Writing:
    """Writing and reading."""

    def test_an_empty_space_is_empty(self, root: Root) -> None:
        """Nothing is there before anything was written."""
        store = root.open("a")
        assert (store.last_seq(), store.entries(), store.memories([A]), store.meta()) == (0, [], {}, {})
        assert len(store.index_rows().row) == 0
        assert store.check() == []

    def test_what_was_kept_comes_back_unchanged(self, root: Root) -> None:
        """Every field of a memory and an episode survives."""
        store = root.open("a")
        kept = memory(
            1, "I moved to Porto. \x00 \u05e9\u05dc\u05d5\u05dd", kind="fact", author="ana", role="user", session="s", ref="r",
            channel="mail", tags=("x", "y"), attributes={"relation": "home", "n": [1, 2.5, None]}, importance=0.25, tier="long",
            valid_to=at(99), episodes=(1,),
        )  # fmt: skip
        applied = store.apply(batch(Observe(episode=episode(1)), Keep(memory=kept), minutes=5, actor="ana", reason="why"))
        found = store.memories([A, "mem_none"])
        assert found == {A: store.versions(A)[0].memory}
        assert found[A].recorded_at == at(5)
        for name in ("text", "kind", "author", "role", "session", "ref", "channel", "tags", "attributes", "importance", "tier"):
            assert getattr(found[A], name) == getattr(kept, name)
        assert (found[A].valid_from, found[A].valid_to, found[A].sources) == (kept.valid_from, kept.valid_to, kept.sources)
        assert store.episodes([episode_id(1)])[episode_id(1)].text == "raw"
        entry = store.entries()[0]
        assert applied.entry == entry
        assert (entry.seq, entry.actor, entry.reason, entry.recorded_at) == (1, "ana", "why", at(5))
        assert [(change.op, change.subject, change.before, change.after) for change in entry.changes] == [
            ("observe", episode_id(1), 0, 1), ("keep", A, 0, 1),
        ]  # fmt: skip

    def test_a_bad_operation_leaves_nothing_of_its_batch(self, root: Root) -> None:
        """A batch is applied whole or not at all."""
        store = root.open("a")
        refused(NotFound, lambda: store.apply(batch(*remembered(1, "one"), Archive(id="mem_none"))))
        assert (store.last_seq(), store.memories([A]), store.episodes([episode_id(1)])) == (0, {}, {})
        store.apply(batch(*remembered(1, "one")))
        assert store.memories_by_row([int(store.index_rows().row[0])])[0].text == "one"

    def test_recorded_time_never_goes_back(self, root: Root) -> None:
        """A clock that was set back does not disorder the journal."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), minutes=10))
        store.apply(batch(*remembered(2, "two"), minutes=3))
        assert [entry.recorded_at for entry in store.entries()] == [at(10), at(10)]
        assert [store.seq_at(at(minute)) for minute in (9, 10, 11)] == [0, 2, 2]

    def test_the_same_key_writes_once(self, root: Root) -> None:
        """A repeated call gets the first call's entry."""
        store = root.open("a")
        first = store.apply(batch(*remembered(1, "one"), key="k\u00e9"))
        again = store.apply(batch(*remembered(2, "two"), key="k\u00e9"))
        assert (again.duplicate, again.entry) == (True, first.entry)
        assert store.memories([B]) == {}

    def test_a_change_of_nothing_writes_no_entry(self, root: Root) -> None:
        """Archiving what is archived, and the like, leaves no trace in the journal."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), Archive(id=A), Connect(link=Link(source=A, target=A, type="similar"))))
        same: list[Operation] = [Archive(id=A), Reinforce(id=A), Connect(link=Link(source=A, target=A, type="similar"))]
        applied = store.apply(batch(*same, Disconnect(source=A, target=A, type="about"), Revise(id=A, text="one")))
        assert applied.entry is None
        assert store.last_seq() == 1

    def test_ids_are_used_once(self, root: Root) -> None:
        """A taken id is a conflict, an erased one too."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        refused(Conflict, lambda: store.apply(batch(Keep(memory=memory(1, "other")))))
        refused(Conflict, lambda: store.apply(batch(Observe(episode=episode(1)))))
        store.apply(batch(Erase(id=A), Erase(id=episode_id(1))))
        refused(Conflict, lambda: store.apply(batch(Keep(memory=memory(1, "other")))))
        refused(Conflict, lambda: store.apply(batch(Observe(episode=episode(1)))))
        assert store.status_of(A) == "erased"
        assert store.status_of("mem_none") is None

    def test_versions_follow_each_other(self, root: Root) -> None:
        """Each change makes a version; the old ones stay and can be asked for as of their entry."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.apply(batch(Revise(id=A, text="two", changes={"importance": 0.9}), minutes=1))
        store.apply(batch(Supersede(id=A, at=at(60)), Move(id=A, tier="long"), Quarantine(id=A, why="odd"), minutes=2))
        assert [(each.memory.version, each.memory.text, each.seq) for each in store.versions(A)] == [
            (1, "one", 1), (2, "two", 2), (3, "two", 3), (4, "two", 3), (5, "two", 3),
        ]  # fmt: skip
        head = store.memories([A])[A]
        assert (head.valid_to, head.tier, head.status, head.attributes) == (at(60), "long", "quarantined", {"quarantine": "odd"})
        assert store.memories([A], at_seq=1)[A].text == "one"
        assert store.memories([A], at_seq=2)[A].importance == 0.9
        assert store.memories([A], at_seq=0) == {}
        assert [entry.seq for entry in store.entries_of(A)] == [1, 2, 3]

    def test_an_expected_version_guards_against_lost_updates(self, root: Root) -> None:
        """A change based on an old version is refused."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), Revise(id=A, text="two")))
        refused(Conflict, lambda: store.apply(batch(Revise(id=A, text="three", expected_version=1))))
        store.apply(batch(Revise(id=A, text="three", expected_version=2)))
        assert text_of(store, A) == "three"

    def test_restoring_a_version_points_to_its_material(self, root: Root) -> None:
        """The text that comes back is searched by its own tokens and vectors."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.apply(batch(Revise(id=A, text="two")))
        row = int(store.index_rows().row[0])
        store.apply(batch(Restore(id=A, version=1)))
        rows = store.index_rows()
        assert (rows.text_version.tolist(), rows.terms, text_of(store, A)) == ([1], [material("one").terms], "one")
        assert np.array_equal(rows.vectors, material("one").vectors)
        found = store.vectors([row, row, 999], [2, 1, 1])
        assert np.array_equal(found[0], material("two").vectors)
        assert found[2].shape == (0, WIDTH)
        assert store.places(A) == [(row, 1), (row, 2)]
        assert store.index_rows_at(2).terms == [material("two").terms]

    def test_settings_that_people_decide_on_change_by_entries(self, root: Root) -> None:
        """A setting is configured with its value before and after in the entry; the inverse brings the value before."""
        store = root.open("a")
        entry = store.apply(batch(Configure(key="policies", value="one"))).entry
        assert entry is not None
        assert [(each.op, each.subject, dict(each.detail)) for each in entry.changes] == [
            ("configure", "policies", {"before": "", "after": "one"})
        ]
        assert store.apply(batch(Configure(key="policies", value="one"))).entry is None
        refused(Conflict, lambda: store.apply(batch(Configure(key="policies", value="two", expected=""))))
        refused(InvalidInput, lambda: store.apply(batch(Configure(key="model", value="other"))))
        refused(InvalidInput, lambda: store.apply(batch(Configure(key="policies", value="\ud800"))))
        store.apply(batch(Configure(key="policies", value="two \x00 ü", expected="one")))
        assert store.meta()["policies"] == "two \x00 ü"
        assert [each.seq for each in store.entries_of("policies")] == [1, 2]
        last = store.entries(after=1)[0]
        store.apply(batch(*inverse(last.changes), verb="undo", undoes=last.seq))
        assert (store.meta()["policies"], store.check()) == ("one", [])

    def test_undo_and_undo_of_undo(self, root: Root) -> None:
        """The inverse of an entry takes it back, and the inverse of that brings it again."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), *remembered(2, "two"), Enqueue(job=job(1, key="j"))))
        link = Link(source=A, target=B, type="causes", weight=0.5)
        change: list[Operation] = [
            Revise(id=A, text="new"),
            Supersede(id=A, by=B, at=at(9)),
            Connect(link=link),
            Reinforce(id=A, uses=2, state={"s": 1.0}),
        ]
        entry = store.apply(batch(*change)).entry
        assert entry is not None
        assert [(each.source, each.type) for each in store.links([A])] == [(A, "causes"), (B, "supersedes")]
        undone = store.apply(batch(*inverse(entry.changes), verb="undo", undoes=entry.seq)).entry
        assert undone is not None
        assert (text_of(store, A), store.memories([A])[A].valid_to, store.links()) == ("one", None, [])
        assert store.usage([A])[A].uses == 0.0
        store.apply(batch(*inverse(undone.changes), verb="undo", undoes=undone.seq))
        assert (text_of(store, A), store.memories([A])[A].valid_to) == ("new", at(9))
        assert {each.type for each in store.links([B])} == {"supersedes", "causes"}
        first = store.entries(limit=1)[0]
        store.apply(batch(*inverse([first.changes[-1]])))
        assert store.jobs()[0].state == "cancelled"
        assert store.check() == []

    def test_find_filters_and_pages(self, root: Root) -> None:
        """Filters hold together, statuses are as asked, and pages follow each other by id."""
        store = root.open("a")
        for number, (author, tags) in enumerate([("ana", ("x",)), ("ben", ("x", "y")), ("ana", ()), ("ana", ("y",))], start=1):
            store.apply(batch(*remembered(number, f"text {number}", author=author, tags=tags)))
        store.apply(batch(Archive(id=memory_id(4))))

        def found(**asked: Any) -> list[int]:
            options = {name: asked.pop(name) for name in ("after", "limit", "statuses") if name in asked}
            return [int(each.id[4:]) for each in store.find(Filter(**asked), **options)]

        assert found() == [1, 2, 3]
        assert found(authors=("ana",)) == [1, 3]
        assert found(authors=("ana",), archived=True) == [1, 3, 4]
        assert found(statuses=("archived",)) == [4]
        assert found(tags=("y", "z")) == [2]
        assert found(since=at(2), until=at(3)) == [2]
        assert found(ids=(A, C)) == [1, 3]
        assert found(after=A, limit=1) == [2]
        assert [each.id for each in store.list_episodes(after=episode_id(2), limit=1)] == [episode_id(3)]
