"""Jobs, erasing, bad input, settings and spaces: part of the suite that every store passes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from mneme.core.errors import Closed, Conflict, InvalidInput, MnemeError, NotFound, Refused
from mneme.core.journal import inverse
from mneme.core.operations import (
    Archive,
    Cancel,
    Connect,
    Enqueue,
    Erase,
    Keep,
    Observe,
    Reinforce,
    Restore,
    Revise,
)
from mneme.core.ports import Root, Store
from mneme.core.query import Filter
from mneme.core.records import Link
from mneme.stores.conformance.common import A, B, refused, text_of
from mneme.stores.samples import (
    at,
    batch,
    episode,
    episode_id,
    job,
    material,
    memory,
    remembered,
)


class Erasing:
    """Jobs, erasing, bad input, settings and spaces."""

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

    def test_a_lease_is_renewed_by_the_attempt_that_holds_it_and_by_no_other(self, root: Root) -> None:
        """A renewed lease ends later; one that was lost, or whose job is over, is not renewed."""
        store = root.open("a")
        store.apply(batch(Enqueue(job=job(1)), Enqueue(job=job(2, due_at=at(50)))))
        held = store.claim(now=at(0), lease_s=60)[0]
        assert store.renew(held, now=at(0.9), lease_s=120)
        assert store.jobs(states=("leased",))[0].leased_until == at(2.9)
        assert store.claim(now=at(1), lease_s=60) == []
        assert store.renew(held, now=at(2), lease_s=60)
        assert store.claim(now=at(2.99), lease_s=60) == []
        taken = store.claim(now=at(3), lease_s=60)[0]
        assert (taken.id, taken.attempts) == ("job_001", 2)
        assert not store.renew(held, now=at(3), lease_s=600)
        assert store.jobs(states=("leased",))[0].leased_until == at(4)
        assert store.finish(taken, state="done", now=at(3))
        assert not store.renew(taken, now=at(3), lease_s=60)
        assert not store.renew(replace(taken, id="job_none"), now=at(3), lease_s=60)
        assert [each.leased_until for each in store.jobs()] == [None, None]

    def test_a_job_that_was_given_up_can_be_dropped_or_put_back(self, root: Root) -> None:
        """A dead job is cancelled like a waiting one, and the same job is then taken in again."""
        store = root.open("a")
        store.apply(batch(Enqueue(job=job(1, key="k", payload={"n": 1}))))
        held = store.claim(now=at(0), lease_s=60)[0]
        assert store.apply(batch(Cancel(id="job_001"))).entry is None
        assert store.finish(held, state="dead", now=at(0), error="no")
        assert store.claim(now=at(9), lease_s=60) == []
        store.apply(batch(Cancel(id="job_001"), Enqueue(job=job(1, key="k", payload={"n": 1}, due_at=at(1)))))
        again = store.claim(now=at(1), lease_s=60)[0]
        assert (again.attempts, again.error, again.payload) == (1, None, {"n": 1})

    def test_a_batch_that_a_rival_overtook_is_refused(self, root: Root) -> None:
        """What was decided on an older state is not applied after a rival's entry, and is after any other."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        seq = store.last_seq()
        store.apply(batch(*remembered(2, "two"), verb="remember"))
        rivals: dict[str, Any] = {"based_on": seq, "rivals": ("form", "revise")}
        store.apply(batch(Revise(id=A, changes={"importance": 0.1}), verb="form", **rivals))
        error = refused(Conflict, lambda: store.apply(batch(Revise(id=A, changes={"importance": 0.2}), verb="form", key="k", **rivals)))
        assert "batch.based_on" in str(error)
        assert store.memories([A])[A].importance == 0.1
        rivals["based_on"] = store.last_seq()
        assert store.apply(batch(Revise(id=A, changes={"importance": 0.2}), verb="form", key="k", **rivals)).entry is not None
        assert store.apply(batch(Revise(id=A, changes={"importance": 0.2}), verb="form", key="k", **{**rivals, "based_on": seq})).duplicate

    def test_one_key_is_one_job(self, root: Root) -> None:
        """The same key adds no second job, finished or not; a cancelled one frees it."""
        store = root.open("a")
        store.apply(batch(Enqueue(job=job(1, key="k"))))
        assert store.apply(batch(Enqueue(job=job(2, key="k")))).entry is None
        store.apply(batch(Cancel(id="job_001")))
        store.apply(batch(Enqueue(job=job(2, key="k"))))
        assert [(each.id, each.state) for each in store.jobs()] == [("job_001", "cancelled"), ("job_002", "waiting")]
        refused(NotFound, lambda: store.apply(batch(Cancel(id="job_none"))))

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

    def test_crafted_ids_reach_nothing(self, root: Root) -> None:
        """An id that is no id finds nothing or is refused by name; it never raises what is not ours."""
        root.open("b").apply(batch(*remembered(2, "theirs")))
        store = root.open("a")
        store.apply(batch(*remembered(1, "mine")))
        for id in ("\ud800", "' OR 1=1 --", "", "%", f"{A}\x00", B, "../b", f"{A}' UNION SELECT 1 --"):
            for read in _reads(store, id):
                with suppress(InvalidInput):
                    assert not read()
            refused(MnemeError, lambda id=id: store.apply(batch(Archive(id=id))))  # type: ignore[misc]
            refused(MnemeError, lambda id=id: store.apply(batch(Erase(id=id))))  # type: ignore[misc]
            refused(MnemeError, lambda id=id: store.apply(batch(Cancel(id=id))))  # type: ignore[misc]
        assert store.memories_by_row([0, -1, 99, 2**40]) == []
        assert store.last_seq() == 1

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

    def test_a_dropped_space_takes_nothing_more(self, root: Root) -> None:
        """A store that was open when its space was dropped acknowledges no write that would be lost."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        root.drop("a")
        refused(Closed, lambda: store.apply(batch(*remembered(2, "two"))))
        refused(Closed, store.last_seq)
        assert root.open("a").last_seq() == 0
        store.close()

    def test_a_closed_store_says_so_and_opens_again(self, root: Root) -> None:
        """Closing loses nothing."""
        store = root.open("a")
        store.apply(batch(*remembered(1, "one")))
        store.close()
        store.close()
        refused(Closed, store.last_seq)
        assert text_of(root.open("a", create=False), A) == "one"


def _reads(store: Store, id: str) -> list[Callable[[], Any]]:
    """Return every read that takes an id."""
    lists: list[Callable[[list[str]], Any]] = [store.memories, store.episodes, store.resting_on, store.links, store.usage]
    singles: list[Callable[[str], Any]] = [store.versions, store.entries_of, store.places, store.status_of]
    several = [partial(read, names) for read in lists for names in ([id], [id, "mem_none"])]
    return [*several, *(partial(read, id) for read in singles), lambda: store.find(Filter(ids=(id,)))]
