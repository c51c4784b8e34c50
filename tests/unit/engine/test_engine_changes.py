"""``revise``, ``forget``, ``restore``, ``undo`` and ``history`` through the public API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.errors import CannotUndo, Conflict, InvalidInput, NotFound, Refused

WHEN = datetime(2023, 4, 1, tzinfo=UTC)


def shown(space: mneme.Space, query: str = "boat") -> list[str]:
    return sorted(hit.text for hit in space.recall(query, k=50).hits)


def test_a_correction_takes_over_the_time_of_what_was_wrong(space: mneme.Space, clock: FrozenClock) -> None:
    id = space.remember("The boat is red.", at=WHEN, session="s").id
    clock.advance(days=1)
    receipt = space.revise(id, "The boat is blue.", reason="looked again", actor="ana")
    kept = space.get(id)
    assert (receipt.id, kept.text, kept.version, kept.valid_from, kept.at) == (id, "The boat is blue.", 2, WHEN, WHEN)
    assert shown(space) == ["The boat is blue."]
    assert [hit.text for hit in space.recall("boat", as_of=WHEN).hits] == ["The boat is blue."]
    (words,) = space.episodes(receipt.episodes)
    assert (words.text, words.at) == ("The boat is blue.", clock.now())
    assert kept.sources == (mneme.Span(episode=words.id, start=0, end=len(words.text)),)
    first, second = space.history(id)
    assert (first.memory.text, second.memory.text) == ("The boat is red.", "The boat is blue.")  # type: ignore[union-attr]
    assert (second.entry.verb, second.entry.reason, second.entry.actor) == ("revise", "looked again", "ana")
    assert second.entry.recorded_at == clock.now()


def test_a_correction_with_sources_rests_on_them_and_goes_with_them(space: mneme.Space) -> None:
    first, second = space.remember(["I have a boat.", "The boat is red."]).ids
    fact = space.remember(memories=[{"text": "Has a boat.", "sources": [first]}]).id
    before = len(space.episodes())
    spans = [span for id in (first, second) for span in space.get(id).sources]
    space.revise(fact, "Has a red boat.", sources=spans)
    assert (space.get(fact).sources, len(space.episodes())) == (tuple(spans), before)
    with pytest.raises(InvalidInput, match="Span"):
        space.revise(fact, "Has a red boat.", sources=[first])
    space.forget(second, erase=True)
    assert [memory.text for memory in space.memories({"kinds": ["fact"]})] == ["Has a boat."]


def test_what_changed_in_the_world_is_a_memory_of_its_own(space: mneme.Space) -> None:
    old = space.remember("The boat is in Porto.", at=WHEN).id
    moved = WHEN + timedelta(days=90)
    new = space.revise(old, "The boat is in Faro.", since=moved).id
    assert new != old
    assert (space.get(old).valid_to, space.get(new).valid_from, space.get(new).valid_to) == (moved, moved, None)
    assert [(link.source, link.target, link.type) for link in space.links([old])] == [(new, old, "supersedes")]
    assert shown(space) == ["The boat is in Faro."]
    space.undo()
    assert shown(space) == ["The boat is in Porto."]
    assert space.links() == []


def test_other_fields_can_be_corrected(space: mneme.Space) -> None:
    id = space.remember("The boat is red.", tags=["a"]).id
    space.revise(id, tags=["b", "c"], importance=0.9, kind="fact", attributes={"colour": "red"}, valid_to=datetime(2030, 1, 1, tzinfo=UTC))
    kept = space.get(id)
    assert (kept.tags, kept.importance, kept.kind, kept.attributes["colour"]) == (("b", "c"), 0.9, "fact", "red")
    assert (kept.valid_to, kept.text, kept.version) == (datetime(2030, 1, 1, tzinfo=UTC), "The boat is red.", 2)
    assert space.recall("boat", filters={"tags": "c"}, kinds="fact").hits[0].memory.id == id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "text"), ({"text": " "}, "text"), ({"text": "a\ud800"}, "text"), ({"text": 5}, "text"), ({"colour": "red"}, "colour"),
        ({"kind": "rumour"}, "kind"), ({"kind": 5}, "kind"), ({"importance": "high"}, "importance"), ({"importance": 7}, "importance"),
        ({"tags": [5]}, "tags[0]"), ({"attributes": 5}, "attributes"), ({"sources": ["x"]}, "sources"), ({"tier": 5}, "tier"),
        ({"valid_to": datetime(2024, 1, 1)}, "valid_to"), ({"valid_to": datetime(1990, 1, 1, tzinfo=UTC)}, "valid_to"),  # noqa: DTZ001
        ({"text": "x", "since": datetime(2024, 1, 1)}, "since"), ({"since": WHEN, "tags": ["x"]}, "since"),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_a_bad_correction_is_named_and_changes_nothing(space: mneme.Space, changes: dict[str, object], field: str) -> None:
    id = space.remember("The boat is red.", at=WHEN).id
    with pytest.raises(InvalidInput) as caught:
        space.revise(id, **changes)  # type: ignore[arg-type]
    assert list(caught.value.problems) == [field]
    assert space.get(id).version == len(space.journal()) == 1


def test_a_correction_of_another_version_is_refused(space: mneme.Space) -> None:
    id = space.remember("The boat is red.").id
    space.revise(id, "The boat is blue.", expected_version=1)
    with pytest.raises(Conflict, match="is at version 2, not 1"):
        space.revise(id, "The boat is green.", expected_version=1)
    assert shown(space) == ["The boat is blue."]


def test_forgetting_archives_by_id_hit_memory_list_and_filter(space: mneme.Space) -> None:
    ids = space.remember([f"boat {i}" for i in range(6)], author="ana").ids
    space.remember("boat of ben", author="ben")
    space.forget(ids[0])
    space.forget(space.recall("boat 1", k=1).hits[0])
    space.forget(space.get(ids[2]))
    assert space.forget([ids[3], ids[3], space.get(ids[4])]).ids == (ids[3], ids[4])
    assert shown(space) == ["boat 5", "boat of ben"]
    assert space.forget({"authors": ["ana"]}).ids == (ids[5],)
    assert shown(space) == ["boat of ben"]
    assert space.restore(mneme.Filter(authors=("ana",), archived=True)).ids == ids
    assert len(shown(space)) == 7
    assert space.forget(mneme.Filter(authors=("nobody",))).ids == ()
    assert space.forget(mneme.Filter(authors=("nobody",)), erase=True).ids == ()


@pytest.mark.parametrize("target", [mneme.Filter(), {}, mneme.Filter(archived=True), 5, None, [5]])
def test_what_names_nothing_or_everything_is_refused(space: mneme.Space, target: object) -> None:
    space.remember("boat")
    with pytest.raises(InvalidInput, match=r"filter|target"):
        space.forget(target)  # type: ignore[arg-type]
    assert shown(space) == ["boat"]


def test_an_unknown_id_is_named_by_every_verb_and_nothing_happens(space: mneme.Space) -> None:
    id = space.remember("boat").id
    calls = [
        lambda: space.get("mem_none"),
        lambda: space.history("mem_none"),
        lambda: space.revise("mem_none", "x"),
        lambda: space.forget("mem_none"),
        lambda: space.forget([id, "mem_none"]),
        lambda: space.forget([id, "mem_none"], erase=True),
        lambda: space.restore("mem_none"),
        lambda: space.undo(entry=99),
        lambda: space.undo(2),
    ]
    for call in calls:
        with pytest.raises(NotFound, match=r"mem_none|entry: there is no entry 99|number 2 from the end"):
            call()
    assert shown(space) == ["boat"]
    assert len(space.journal()) == 1


@pytest.mark.parametrize("arguments", [{"count": 0}, {"count": "1"}, {"entry": 0}, {"entry": -1}, {"entry": 1.0}, {"count": 1, "entry": 1}])
def test_a_bad_undo_is_named(space: mneme.Space, arguments: dict[str, object]) -> None:
    space.remember("boat")
    with pytest.raises(InvalidInput, match=r"count|entry"):
        space.undo(**arguments)  # type: ignore[arg-type]
    assert shown(space) == ["boat"]


def test_every_change_can_be_undone_and_the_undo_too(space: mneme.Space) -> None:
    id = space.remember("The boat is red.").id
    changes = [
        lambda: space.revise(id, "The boat is blue."),
        lambda: space.revise(id, "The boat is gone.", since=datetime(2030, 1, 1, tzinfo=UTC)),
        lambda: space.revise(id, tags=["x"]),
        lambda: space.forget(id),
        lambda: space.remember("Another boat."),
        lambda: space.remember(memories=[{"text": "A fact of a boat.", "sources": [id]}]),
    ]

    def state() -> object:
        return shown(space), space.get(id).tags, space.get(id).status, space.get(id).valid_to, space.links()

    for change in changes:
        before = state()
        entry = change().entry  # type: ignore[no-untyped-call]
        after = state()
        assert after != before
        undone = space.undo()
        assert state() == before
        assert space.journal(after=undone.entry - 1)[0].undoes == entry
        redone = space.undo(entry=undone.entry)
        assert state() == after
        space.undo(entry=redone.entry)
        assert state() == before
    assert space.verify().problems == ()


def test_undo_goes_back_step_by_step(space: mneme.Space) -> None:
    for number in range(4):
        space.remember(f"boat {number}")
    space.undo(2)
    assert shown(space) == ["boat 0", "boat 1"]
    space.undo()
    assert shown(space) == ["boat 0"]
    space.remember("boat 9")
    space.undo()
    space.undo()
    assert shown(space) == []
    with pytest.raises(NotFound, match="undoable entry"):
        space.undo()
    assert len(space.episodes()) == 5  # raw input is not lost by an undo


def test_what_later_changes_rest_on_is_not_undone(space: mneme.Space) -> None:
    first = space.remember("The boat is red.")
    second = space.revise(first.id, "The boat is blue.")
    with pytest.raises(CannotUndo, match=rf"entry 1: {first.id} was changed later by entry {second.entry}; undo that first"):
        space.undo(entry=first.entry)
    space.undo(entry=second.entry)
    space.undo(entry=first.entry)
    assert shown(space) == []


def test_undo_passes_over_what_was_erased_and_never_brings_it_back(space: mneme.Space) -> None:
    space.remember("The boat is old.")
    secret = space.remember("The boat holds contraband.")
    erasure = space.forget(secret.id, erase=True)
    assert isinstance(erasure, mneme.ErasureReport)
    with pytest.raises(CannotUndo, match="erased content"):
        space.undo(entry=erasure.entry)
    with pytest.raises(CannotUndo, match="erased since"):
        space.undo(entry=secret.entry)
    with pytest.raises(NotFound):
        space.restore(secret.id)
    space.undo()
    assert shown(space) == []
    assert space.undo(entry=len(space.journal())).ids  # the undo of the first one, undone
    assert shown(space) == ["The boat is old."]
    assert space.verify().problems == ()


def test_undo_of_a_list_keeps_erased_items_erased(space: mneme.Space) -> None:
    receipt = space.remember(["boat one", "boat two", "boat three"])
    space.forget(receipt.ids[1], erase=True)
    undone = space.undo(entry=receipt.entry)
    assert [refusal.subject for refusal in undone.refused] == [receipt.ids[1]]
    assert shown(space) == []
    space.undo(entry=undone.entry)
    assert shown(space) == ["boat one", "boat three"]


def test_history_tells_who_when_and_why_and_shows_nothing_erased(space: mneme.Space, clock: FrozenClock) -> None:
    id = space.remember("The boat is red.", reason="said so", actor="ana").id
    clock.advance(days=1)
    space.forget(id, reason="stale")
    space.restore(id)
    verbs = [(step.entry.verb, step.entry.reason, step.memory.status if step.memory else None) for step in space.history(id)]
    assert verbs == [("remember", "said so", "active"), ("forget", "stale", "archived"), ("restore", None, "active")]
    space.forget(id, erase=True)
    steps = space.history(id)
    assert [step.entry.verb for step in steps] == ["remember", "forget", "restore", "forget"]
    assert {step.memory for step in steps} == {None}
    assert {step.entry.reason for step in steps} == {None}


def test_the_actor_of_the_memory_is_the_default(clock: FrozenClock) -> None:
    with mneme.Memory(":memory:", embedder="hash:64", clock=clock, actor="app") as memory:
        space = memory.space("a")
        space.remember("x")
        space.remember("y", actor="ana")
        assert [entry.actor for entry in space.journal()] == ["app", "ana"]
        with pytest.raises(InvalidInput, match="actor: must be a string"):
            space.remember("z", actor=5)  # type: ignore[arg-type]


def test_nothing_touches_what_was_erased(space: mneme.Space) -> None:
    id = space.remember("boat").id
    found = space.recall("boat")
    space.forget(id, erase=True)
    for call in (lambda: space.revise(id, "x"), lambda: space.forget(id), lambda: space.restore(id), lambda: space.get(id)):
        with pytest.raises(NotFound):
            call()
    with pytest.raises((NotFound, Refused)):
        space.feedback(found, useful=[id])
