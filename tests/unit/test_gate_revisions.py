"""What the guards say of revisions and of memories of many messages: only what is new, or most of it, counts as recalled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import mneme
from mneme.core.composing import compose
from mneme.core.context import Context
from mneme.core.operations import Keep, Revise
from mneme.core.records import Memory as Record
from mneme.core.records import Span
from mneme.core.trace import Trace
from mneme.guard.fingerprints import Fingerprints
from mneme.guard.gate import Grounding

AT = datetime(2023, 5, 8, 9, tzinfo=UTC)
HELLO = "Hello, how can I help you today?"
BYE = "Let me know if you need anything else!"
PASTED = "[m1] 09:30 Ana: I moved to Lisbon in March 2023."


@dataclass
class Told:
    """A space's messages, in which memories can be put before guards."""

    space: mneme.Space

    def say(self, text: str, *, role: str = "user", session: str = "one") -> Span:
        receipt = self.space.remember(text, author="Ana" if role == "user" else "helper", role=role, session=session, at=AT)
        return Span(episode=receipt.episodes[0], start=0, end=len(text))

    @contextmanager
    def context(self) -> Iterator[Context]:
        with self.space._use() as opened, opened.current.lock:
            yield self.space._deferred(opened)._context(Trace(id="tr_1", verb="form"))

    def keep(self, text: str, kind: str, *sources: Span) -> Record:
        """Store a memory as a former would."""
        made = record(text, kind, sources)
        with self.space._use() as opened:
            deferred = self.space._deferred(opened)
            self.space._apply(opened, [Keep(memory=made)], Trace(id="tr_2", verb="form"), material=deferred._material([Keep(memory=made)]))
        return made

    def admits(self, guard: Fingerprints | Grounding, operation: Keep | Revise) -> bool:
        with self.context() as ctx:
            return guard.check(ctx, operation).admit


def record(text: str, kind: str, sources: Sequence[Span]) -> Record:
    return Record(
        id=f"mem_{abs(hash((text, kind))):032x}", text=text, kind=kind, at=AT, recorded_at=AT, valid_from=AT, sources=tuple(sources)
    )


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with mneme.Memory(tmp_path, embedder="hash:64", recipe="default", background=False) as memory:
        yield Told(space=memory.space())


def test_what_an_assistant_says_again_is_no_reason_to_refuse_a_revision(told: Told) -> None:
    told.say(BYE, role="assistant")
    first, again = told.say("I moved to Lisbon in March.", session="two"), told.say(BYE, role="assistant", session="two")
    for kind in ("summary", "note"):
        made = told.keep("Ana moved.", kind, first)
        assert told.admits(Fingerprints(), Revise(id=made.id, text="Ana moved, and more.", changes={"sources": (first, again)}))


def test_only_what_a_revision_adds_is_judged_as_recalled(told: Told) -> None:
    first, pasted, later = (
        told.say("I moved to Lisbon in March."),
        told.say(PASTED),
        told.say("I like it there, and I work as a nurse now."),
    )
    made = told.keep("Ana moved.", "note", first)
    assert not told.admits(Fingerprints(), Revise(id=made.id, changes={"sources": (first, pasted)}))
    assert not told.admits(Fingerprints(), Revise(id=made.id, changes={"sources": (pasted,)}))
    held = told.keep("Ana moved, as she said.", "summary", first, pasted)
    assert told.admits(Fingerprints(), Revise(id=held.id, changes={"sources": (first, pasted, later)}))
    assert told.admits(Fingerprints(), Revise(id=held.id, changes={"sources": (first, pasted)}))
    assert told.admits(Fingerprints(), Revise(id="mem_unknown", changes={"sources": (first, pasted)}))


def test_a_summary_that_grew_by_a_recalled_message_goes_on_growing_with_the_next(told: Told) -> None:
    first, pasted, later = told.say("I moved to Lisbon in March."), told.say(PASTED), told.say("Nice.")
    made = told.keep("Ana moved.", "summary", first)
    assert not told.admits(Fingerprints(), Revise(id=made.id, changes={"sources": (first, pasted)}))
    assert told.admits(Fingerprints(), Revise(id=made.id, changes={"sources": (first, pasted, later)}))


def test_a_talk_that_opens_with_a_greeting_of_earlier_can_be_thought_over(told: Told) -> None:
    told.say(HELLO, role="assistant")
    opening = told.say(HELLO, role="assistant", session="two")
    answer = told.say("I moved to Lisbon in March and I work as a nurse.", session="two")
    for kind in ("note", "fact"):
        assert told.admits(Fingerprints(), Keep(memory=record("Ana moved.", kind, (opening, answer))))
        assert not told.admits(Fingerprints(), Keep(memory=record(HELLO, kind, (opening,))))


def test_a_memory_of_many_messages_is_not_looked_up_for_each(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = [told.say(f"{BYE} This is answer number {number}.", role="assistant") for number in range(12)]
    looked: list[int] = []
    with told.context() as ctx:

        class Counted:
            def __getattr__(self, name: str) -> Any:
                if name == "dense":
                    looked.append(1)
                return getattr(ctx.index, name)

        counted = replace(ctx, index=Counted())
        for kind in ("summary", "concept", "note", "fact"):
            assert Fingerprints().check(counted, Keep(memory=record("Ana was helped.", kind, spans))).admit
        assert looked == []
        assert Fingerprints().check(counted, Keep(memory=record("Answers.", "note", spans[:1]))).admit
        assert Fingerprints().check(counted, Keep(memory=record("An answer.", "fact", spans[:1]))).admit
        assert looked == [1]


def test_a_revised_fact_may_not_say_more_than_the_sources_that_it_has(told: Told) -> None:
    first = told.say("I have 2 cats and I do not smoke.")
    made = told.keep("Ana has 2 cats.", "fact", first)
    assert told.admits(Grounding(), Revise(id=made.id, text="Ana has 2 cats, she said."))
    assert not told.admits(Grounding(), Revise(id=made.id, text="Ana has 14 cats."))
    assert told.admits(Grounding(), Revise(id="mem_unknown", text="Ana has 14 cats."))


def test_a_revised_fact_is_judged_as_a_fact(told: Told) -> None:
    first, more = told.say("I smoke."), told.say("I have 2 cats.")
    denied = {"text": "Ana does not smoke.", "changes": {"sources": (first, more)}}
    fact, note = told.keep("Ana smokes.", "fact", first), told.keep("Ana smokes.", "note", first)
    with told.context() as ctx:
        of_note = Grounding().check(ctx, Keep(memory=record("Ana does not smoke.", "note", (first, more))))
        of_fact = Grounding().check(ctx, Keep(memory=record("Ana does not smoke.", "fact", (first, more))))
        assert Grounding().check(ctx, Revise(id=note.id, **denied)) == of_note  # type: ignore[arg-type]
        assert Grounding().check(ctx, Revise(id=fact.id, **denied)) == of_fact  # type: ignore[arg-type]
    assert of_note.admit
    assert not of_fact.admit


def test_an_event_goes_on_growing_past_what_was_said_in_another_session(tmp_path: Path) -> None:
    recipe = compose(name="events", formers=[{"use": "segmented", "boundaries": ["gap"], "join": 3.0}])
    talks = {"one": ("I moved to Lisbon.", "It rains."), "two": ("My cat Mia sleeps.", "She eats fish.")}
    with mneme.Memory(tmp_path, embedder="hash:64", recipe=recipe, background=False) as memory:
        space = memory.space()
        for day, (session, (first, last)) in enumerate(talks.items()):
            for number, text in enumerate([first, BYE, last]):
                role, moment = "assistant" if text == BYE else "user", AT + timedelta(days=day, minutes=number)
                space.remember(text, author=role, role=role, session=session, at=moment, wait=True)
        events = space.memories({"kinds": ("summary",)}, limit=10)
        assert [len(space.get(event.id).sources) for event in events] == [3, 3]
