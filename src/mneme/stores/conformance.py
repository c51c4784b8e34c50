"""What every store must do, as tests that any store can run.

Subclass :class:`StoreConformance` in a test module and give it a pytest fixture ``root`` that yields an empty
:class:`mneme.core.ports.Root`::

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def root(self):
            return MyRoot()
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import numpy as np

from mneme.core.errors import Closed, Conflict, InvalidInput, MnemeError, ModelMismatch, NotFound, Refused
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
from mneme.core.ports import Root, Store
from mneme.core.query import Filter
from mneme.core.records import Link
from mneme.stores.samples import (
    MODEL,
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

_E = TypeVar("_E", bound=MnemeError)
A, B, C = memory_id(1), memory_id(2), memory_id(3)


def refused(error: type[_E], call: Callable[[], Any]) -> _E:
    """Return the error of the given type that the call raises."""
    try:
        call()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def text_of(store: Store, id: str) -> str:
    """Return the present text of a memory."""
    return store.memories([id])[id].text


class StoreConformance:
    """The suite; see the module."""

    # Writing and reading ----------------------------------------------------------------------------------------

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

    # Versions ---------------------------------------------------------------------------------------------------

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
        assert (rows.text_version.tolist(), rows.terms, text_of(store, A)) == ([1], [b"terms of one"], "one")
        assert np.array_equal(rows.vectors, material("one").vectors)
        found = store.vectors([row, row, 999], [2, 1, 1])
        assert np.array_equal(found[0], material("two").vectors)
        assert found[2].shape == (0, WIDTH)
        assert store.places(A) == [(row, 1), (row, 2)]
        assert store.index_rows_at(2).terms == [b"terms of two"]

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

    # Links, usage, sources --------------------------------------------------------------------------------------

    def test_links_as_of_an_entry(self, root: Root) -> None:
        """A link has one weight at a time, and its past can be read."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), *remembered(2, "two")))
        link = Link(source=A, target=B, type="about")
        store.apply(batch(Connect(link=link)))
        store.apply(batch(Connect(link=Link(source=A, target=B, type="about", weight=0.5))))
        store.apply(batch(Disconnect(source=A, target=B, type="about")))
        assert [[each.weight for each in store.links([B], at_seq=seq)] for seq in (1, 2, 3, 4)] == [[], [1.0], [0.5], []]
        assert store.links() == []
        refused(NotFound, lambda: store.apply(batch(Connect(link=Link(source=A, target="mem_none", type="about")))))
        refused(InvalidInput, lambda: store.apply(batch(Connect(link=Link(source=A, target=B, type="odd")))))

    def test_usage_adds_up(self, root: Root) -> None:
        """Reinforcements are differences; a later time wins, an earlier one does not."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.apply(batch(Reinforce(id=A, uses=1, at=at(9), state={"s": 2.0}), Reinforce(id=A, uses=2, strength=-0.5, at=at(3))))
        usage = store.usage([A, B])[A]
        assert (usage.uses, usage.strength, usage.last_used_at, dict(usage.state)) == (3.0, 0.5, at(9), {"s": 2.0})
        rows = store.index_rows(after=1)
        assert (rows.uses.tolist(), rows.strength.tolist(), rows.memory) == ([3.0], [0.5], [A])
        refused(NotFound, lambda: store.apply(batch(Reinforce(id=B, uses=1))))

    def test_what_rests_on_an_episode(self, root: Root) -> None:
        """Sources of every version count, not only of the present one."""
        store = root.open("a")
        store.apply(batch(*(Observe(episode=episode(number)) for number in (1, 2, 3))))
        store.apply(batch(Keep(memory=memory(1, "one", episodes=(1, 2))), Keep(memory=memory(2, "two", episodes=(3,)))))
        store.apply(batch(Revise(id=A, changes={"sources": memory(1, "", episodes=(3,)).sources})))
        assert store.resting_on([episode_id(1)]) == {A: (episode_id(1), episode_id(2), episode_id(3))}
        assert sorted(store.resting_on([episode_id(3)])) == [A, B]

    # The index --------------------------------------------------------------------------------------------------

    def test_index_rows_follow_the_journal(self, root: Root) -> None:
        """Only what was touched comes again, erased rows among it."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one", author="ana", tags=("x",)), *remembered(2, "two")))
        rows = store.index_rows()
        assert (rows.seq, rows.memory, rows.author, rows.tags) == (1, [A, B], ["ana", None], [("x",), ()])
        assert rows.valid_to.tolist() == [np.iinfo(np.int64).max] * 2
        assert np.array_equal(rows.vectors, np.concatenate([material("one").vectors, material("two").vectors]))
        assert len(store.index_rows(vectors=False).vectors) == 0
        store.apply(batch(Archive(id=B)))
        later = store.index_rows(after=1)
        assert (later.seq, later.memory, later.status, later.row.tolist()) == (2, [B], ["archived"], [int(rows.row[1])])
        store.apply(batch(Erase(id=A)))
        gone = store.index_rows(after=2)
        assert (gone.memory, gone.status, gone.passages.tolist(), gone.terms) == ([A], ["erased"], [0], [b""])
        assert store.index_rows().memory == [B]
        assert store.index_rows_at(1).memory == [B]
        assert store.index_rows_at(1).status == ["active"]

    def test_a_memory_can_have_many_passages_or_none(self, root: Root) -> None:
        """Vectors are counted for each row."""
        store = root.open("a")
        made = {A: material("long", passages=3), B: material("none", passages=0), C: material("one")}
        keeps = [Keep(memory=memory(number, text)) for number, text in ((1, "long"), (2, "none"), (3, "one"))]
        store.apply(batch(*keeps, material=made))
        rows = store.index_rows()
        assert rows.passages.tolist() == [3, 0, 1]
        assert np.array_equal(rows.vectors, np.concatenate([made[A].vectors, made[C].vectors]))
        assert store.check() == []

    def test_vectors_of_another_model_are_refused(self, root: Root) -> None:
        """Model and width are the space's; the message names the way out."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        assert store.meta() == {"model": MODEL, "width": str(WIDTH)}
        error = refused(ModelMismatch, lambda: store.apply(batch(*remembered(2, "two"), model="other")))
        assert "mneme reembed" in str(error)
        wide = {B: material("two", width=WIDTH + 1)}
        refused(InvalidInput, lambda: store.apply(batch(Keep(memory=memory(2, "two")), material=wide)))
        refused(InvalidInput, lambda: store.apply(batch(Keep(memory=memory(2, "two")), material={})))
        assert store.last_seq() == 1

    def test_changing_the_model_is_atomic(self, root: Root) -> None:
        """New vectors gather beside the old ones and take their place all at once."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one", author="Ana")))
        store.apply(batch(Revise(id=A, text="uno"), *remembered(2, "two")))
        store.stage_vectors("wide", [1], [1], [material("x", width=16).vectors])
        assert [(row, number) for row, number, _ in store.unstaged("wide")] == [(1, 2), (2, 1)]
        assert store.unstaged("wide")[0][2] == store.memories([A])[A].indexed_text == "uno"
        assert not store.switch_model("wide", 16)
        assert store.meta()["model"] == MODEL
        missing = store.unstaged("wide")
        new = [material(text, width=16).vectors for _, _, text in missing]
        store.stage_vectors("wide", [row for row, _, _ in missing], [number for _, number, _ in missing], new)
        assert np.array_equal(store.index_rows().vectors, np.concatenate([material("uno").vectors, material("two").vectors]))
        assert store.switch_model("wide", 16)
        assert store.meta() == {"model": "wide", "width": "16"}
        assert np.array_equal(store.index_rows().vectors, np.concatenate(new))
        assert store.check() == []

    # Jobs -------------------------------------------------------------------------------------------------------

    def test_jobs_are_leased_and_finished(self, root: Root) -> None:
        """A job is given out once, again after its lease, and never after it is done."""
        store = root.open("a")
        store.apply(batch(Enqueue(job=job(1, payload={"n": 1})), Enqueue(job=job(2, task="fold", due_at=at(5)))))
        assert [each.id for each in store.claim(now=at(0), lease_s=60, limit=5)] == ["job_001"]
        assert store.claim(now=at(0.5), lease_s=60, limit=5) == []
        again = store.claim(now=at(1), lease_s=60)[0]
        assert (again.attempts, again.leased_until, again.payload) == (2, at(2), {"n": 1})
        assert store.finish(again, state="waiting", now=at(1), due_at=at(9), error="no")
        assert not store.finish(again, state="done", now=at(1))
        assert [each.id for each in store.claim(now=at(9), lease_s=60, tasks=("fold",), limit=5)] == ["job_002"]
        last = store.claim(now=at(9), lease_s=60)[0]
        assert (last.id, last.error, last.due_at) == ("job_001", "no", at(9))
        assert store.finish(last, state="done", now=at(9))
        assert [each.state for each in store.jobs()] == ["leased", "done"]
        assert [each.id for each in store.jobs(states=("done",))] == ["job_001"]

    def test_one_key_is_one_job(self, root: Root) -> None:
        """The same key adds no second job, finished or not; a cancelled one frees it."""
        store = root.open("a")
        store.apply(batch(Enqueue(job=job(1, key="k"))))
        assert store.apply(batch(Enqueue(job=job(2, key="k")))).entry is None
        store.apply(batch(Cancel(id="job_001")))
        store.apply(batch(Enqueue(job=job(2, key="k"))))
        assert [(each.id, each.state) for each in store.jobs()] == [("job_001", "cancelled"), ("job_002", "waiting")]
        refused(NotFound, lambda: store.apply(batch(Cancel(id="job_none"))))

    # Erasing ----------------------------------------------------------------------------------------------------

    def test_erasing_leaves_an_id_and_nothing_else(self, root: Root) -> None:
        """Content, old versions, reasons, links, usage, material and the payloads of jobs go; the chain stays whole."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "the zebra sleeps"), *remembered(2, "two"), reason="zebra told"))
        store.apply(batch(Revise(id=A, text='the "okapi" sleeps'), Connect(link=Link(source=A, target=B, type="about"))))
        store.apply(batch(Reinforce(id=A, uses=1), Enqueue(job=job(1, payload={"of": [A]}))))
        vector = material("the zebra sleeps").vectors.tobytes()[:24]
        wanted = [b"zebra", b"okapi", vector, b'"okapi"', b"two"]
        assert store.held(wanted) == set(wanted)
        applied = store.apply(batch(Erase(id=A), Erase(id=episode_id(1))))
        assert applied.removed == {
            "memory": 1, "memory_version": 2, "terms": 2, "vector": 2, "source": 1, "link": 1, "usage": 1, "job": 1,
            "episode": 1, "reason": 1,
        }  # fmt: skip
        store.scrub()
        searched, findings = store.scan({"zebra": b"zebra", "okapi": b"okapi", "vector": vector, "no": b"not there"})
        assert findings == []
        assert searched > 0
        assert store.held(wanted) == {b"two"}
        assert store.scan({"two": b"two"})[1][0].what == "two"
        assert (store.versions(A), store.memories([A]), store.links(), store.usage([A])) == ([], {}, [], {})
        first = store.entries()[0]
        assert (first.reason, first.reason_digest != "") == (None, True)
        assert (store.jobs()[0].state, store.jobs()[0].payload) == ("cancelled", {})
        assert (store.places(A), store.resting_on([episode_id(1)])) == ([], {})
        assert store.check() == []

    def test_nothing_brings_back_what_was_erased(self, root: Root) -> None:
        """Neither a change nor an undo."""
        store = root.open("a")
        first = store.apply(batch(*remembered(1, "one"))).entry
        second = store.apply(batch(Revise(id=A, text="two"))).entry
        store.apply(batch(Erase(id=A)))
        assert first is not None
        assert second is not None
        refused(Refused, lambda: store.apply(batch(*inverse(second.changes))))
        refused(Refused, lambda: store.apply(batch(Restore(id=A))))
        refused(Refused, lambda: store.apply(batch(Reinforce(id=A, uses=1))))
        refused(NotFound, lambda: store.apply(batch(Erase(id="mem_none"))))
        assert store.apply(batch(Erase(id=A))).entry is None

    def test_erasing_what_the_same_batch_kept(self, root: Root) -> None:
        """Order within a batch counts."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), Erase(id=A), *remembered(2, "two")))
        assert store.status_of(A) == "erased"
        assert store.index_rows().memory == [B]
        assert store.check() == []

    # Bad input, settings, spaces --------------------------------------------------------------------------------

    def test_bad_fields_are_named(self, root: Root) -> None:
        """Surrogates, naive times and numbers out of range are refused, and nothing is written."""
        store = root.open("a")
        bad = [
            batch(Keep(memory=memory(1, "lone \ud800"))),
            batch(Keep(memory=memory(1, "x", at=datetime(2024, 1, 1)))),  # noqa: DTZ001 - the naive time is the point
            batch(Keep(memory=memory(1, "x", importance=float("nan")))),
            batch(Keep(memory=memory(1, "x", kind="odd"))),
            batch(Keep(memory=memory(1, "x", valid_to=at(1) - timedelta(days=1)))),
            batch(Keep(memory=memory(1, "x", attributes={"a": object()}))),
            batch(Observe(episode=episode(1, "lone \ud800"))),
            batch(Enqueue(job=job(1, payload={"a": {1, 2}}))),
            batch(*remembered(1, "x"), reason="\ud800"),
            batch(*remembered(1, "x"), Revise(id=A, changes={"recorded_at": at(1)})),
            batch(*remembered(1, "x"), Reinforce(id=A, uses=float("inf"))),
            batch(*remembered(1, "x"), at=datetime(2024, 1, 1)),  # noqa: DTZ001 - the naive time is the point
        ]
        for each in bad:
            assert refused(InvalidInput, lambda each=each: store.apply(each)).problems  # type: ignore[misc]
        assert store.last_seq() == 0
        assert store.counts()["memories"] == 0

    def test_a_very_long_text_is_kept(self, root: Root) -> None:
        """Five megabytes in one message."""
        store = root.open("a")
        text = "long words of a long message " * 180_000
        made = {A: material("short")}
        store.apply(batch(Keep(memory=memory(1, text)), material=made))
        assert text_of(store, A) == text

    def test_settings_and_counts(self, root: Root) -> None:
        """Settings are kept; counts tell what there is."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one"), *remembered(2, "two"), Archive(id=B), Enqueue(job=job(1))))
        store.apply(batch(Connect(link=Link(source=A, target=B, type="next"))))
        store.set_meta("recipe", "default")
        assert store.meta()["recipe"] == "default"
        counts = store.counts()
        assert {name: counts[name] for name in ("memories", "active", "archived", "episodes", "links", "jobs", "entries")} == {
            "memories": 2, "active": 1, "archived": 1, "episodes": 2, "links": 1, "jobs": 1, "entries": 2,
        }  # fmt: skip
        assert counts["bytes"] > 0
        assert store.resident_bytes() > 0

    def test_spaces_do_not_see_each_other(self, root: Root) -> None:
        """The same ids in two spaces are two things, and names are told apart exactly."""
        names = ["a", "A", "a ", "\u00e4", "a\u0308", "../a", "a/b", "a\\b", "CON", "\U0001f41f" * 200, "x\x00y", "."]
        for number, name in enumerate(names):
            root.open(name).apply(batch(*remembered(1, f"text {number}")))
        assert [text_of(root.open(name), A) for name in names] == [f"text {number}" for number in range(len(names))]
        assert root.spaces() == sorted(names)
        root.drop("a")
        assert "a" not in root.spaces()
        refused(NotFound, lambda: root.open("a", create=False))
        assert root.open("a").last_seq() == 0
        refused(NotFound, lambda: root.drop("never"))
        for bad in ("", "x" * 201, "\ud800"):
            refused(InvalidInput, lambda bad=bad: root.open(bad))  # type: ignore[misc]

    def test_a_closed_store_says_so_and_opens_again(self, root: Root) -> None:
        """Closing loses nothing."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.close()
        store.close()
        refused(Closed, store.last_seq)
        assert text_of(root.open("a", create=False), A) == "one"
