"""``recall`` through the public API: how many, which, as of when, and what a prompt gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidInput, NotFound
from mneme.core.records import Usage

DAY = timedelta(days=1)


def test_k_bounds_the_hits_best_first(space: mneme.Space) -> None:
    space.remember([f"the red kite number {i} flew" for i in range(30)])
    found = space.recall("red kite number 7", k=4)
    assert len(found.hits) == 4
    assert found.hits[0].text == "the red kite number 7 flew"
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert len(space.recall("red kite").hits) == 10
    assert len(space.recall("red kite", k=10**9).hits) == 30


def test_the_context_keeps_its_budget_and_names_its_sources(space: mneme.Space, clock: FrozenClock) -> None:
    at = clock.now()
    space.remember([mneme.Message(text=f"note {i} about the orchard wall", author="ana", at=at + i * DAY) for i in range(60)])
    for budget in (40, 120, 400):
        found = space.recall("orchard wall", budget_tokens=budget)
        assert 0 < found.context_tokens <= budget
        assert {hit.mark for hit in found.hits} == set(found.marks)
        assert {found.marks[hit.mark] for hit in found.hits} == {hit.memory.id for hit in found.hits}
        assert all(hit.mark in found.context for hit in found.hits)
    assert not found.whole
    assert "2024" in found.context
    assert "ana" in found.context


def test_a_small_space_is_given_whole(space: mneme.Space) -> None:
    space.remember(["I have a dog.", "It rained on Monday.", "The kettle is new."])
    found = space.recall("weather", budget_tokens=500)
    assert found.whole
    assert {hit.text for hit in found.hits} == {"I have a dog.", "It rained on Monday.", "The kettle is new."}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"authors": "ana"}, {"one", "three"}),
        ({"authors": ["ana", "ben"]}, {"one", "two", "three"}),
        ({"sessions": ["s2"]}, {"three"}),
        ({"roles": ["assistant"]}, {"two"}),
        ({"channels": ["mail"]}, {"two"}),
        ({"refs": ["r1", "r9"]}, {"one"}),
        ({"tags": ["y", "z"]}, {"two", "three"}),
        ({"since": datetime(2024, 1, 2, tzinfo=UTC)}, {"two", "three", "four"}),
        ({"since": datetime(2024, 1, 2, tzinfo=UTC), "until": datetime(2024, 1, 3, tzinfo=UTC)}, {"two"}),
        ({"authors": ["ana"], "tags": ["z"]}, {"three"}),
        ({"kinds": ["note"]}, {"four"}),
        ({"authors": ["nobody"]}, set()),
    ],
)
def test_filters_hold_together_in_recall_and_in_listing(space: mneme.Space, filters: dict[str, object], expected: set[str]) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    space.remember(
        [
            mneme.Message(text="one", author="ana", session="s1", ref="r1", at=at, tags=("x",)),
            mneme.Message(text="two", author="ben", role="assistant", session="s1", channel="mail", at=at + DAY, tags=("x", "y")),
            mneme.Message(text="three", author="ana", session="s2", at=at + 2 * DAY, tags=("z",)),
        ]
    )
    space.remember("four", kind="note", at=at + 3 * DAY)
    assert {hit.text for hit in space.recall("one two three four", filters=filters).hits} == expected
    assert {memory.text for memory in space.memories(filters)} == expected
    assert {hit.text for hit in space.recall("one two three four", filters=mneme.Filter(**_tuples(filters))).hits} == expected  # type: ignore[arg-type]


def _tuples(filters: dict[str, object]) -> dict[str, object]:
    return {
        name: (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value for name, value in filters.items()
    }


def test_kinds_are_a_filter_too(space: mneme.Space) -> None:
    space.remember("a turn about tea")
    space.remember("a note about tea", kind="note")
    assert [hit.text for hit in space.recall("tea", kinds=["note"]).hits] == ["a note about tea"]
    assert [hit.text for hit in space.recall("tea", kinds="turn").hits] == ["a turn about tea"]


def test_valid_time_and_recorded_time_are_asked_apart(space: mneme.Space, clock: FrozenClock) -> None:
    spring, autumn = datetime(2023, 4, 1, tzinfo=UTC), datetime(2023, 10, 1, tzinfo=UTC)
    learned = clock.now()
    old = space.remember("I live in Lisbon.", at=spring).id
    clock.advance(days=10)
    moved = clock.now()
    new = space.revise(old, "I live in Porto.", since=autumn).id

    def answers(**asked: datetime) -> list[str]:
        return sorted(hit.text for hit in space.recall("Where do I live?", **asked).hits)  # type: ignore[arg-type]

    assert answers() == ["I live in Porto."]
    assert answers(as_of=spring + 30 * DAY) == ["I live in Lisbon."]
    assert answers(as_of=autumn) == ["I live in Porto."]  # intervals are half open
    assert answers(as_of=autumn - timedelta(microseconds=1)) == ["I live in Lisbon."]
    assert answers(as_of=spring - DAY) == []
    assert answers(known_at=learned) == ["I live in Lisbon."]
    assert answers(known_at=learned, as_of=autumn + DAY) == ["I live in Lisbon."]
    assert answers(known_at=learned - DAY) == []
    assert answers(known_at=moved) == ["I live in Porto."]
    assert space.get(new).valid_from == space.get(old).valid_to == autumn


def test_known_at_shows_the_words_of_then(space: mneme.Space, clock: FrozenClock) -> None:
    id = space.remember("The meeting is in room seven.").id
    then = clock.now()
    clock.advance(hours=1)
    space.revise(id, "The meeting is in room nine.")
    clock.advance(hours=1)
    space.forget(id)
    assert space.recall("meeting room").hits == ()
    assert [hit.text for hit in space.recall("meeting room", known_at=then).hits] == ["The meeting is in room seven."]
    later = then + timedelta(hours=1)
    assert [hit.text for hit in space.recall("meeting room", known_at=later).hits] == ["The meeting is in room nine."]


def test_archived_memories_are_shown_on_request(space: mneme.Space) -> None:
    id = space.remember("The old gate code was green.").id
    space.forget(id)
    assert space.recall("gate code").hits == ()
    assert [hit.memory.id for hit in space.recall("gate code", archived=True).hits] == [id]
    assert [hit.memory.id for hit in space.recall("gate code", filters={"archived": True}).hits] == [id]


def test_explain_says_what_each_part_gave(space: mneme.Space) -> None:
    space.remember(["the harbour is deep", "nothing at all", "harbour lights", "a third thing"])
    hits = space.recall("harbour", explain=True).hits
    why = hits[0].why
    assert "lexical" in why
    assert why["evidence"]["lexical"] == ["harbour"]
    assert sum(part for part in why.values() if isinstance(part, float)) == pytest.approx(hits[0].score, abs=1e-3)


def test_a_neighbour_in_the_session_helps(space: mneme.Space, clock: FrozenClock) -> None:
    at = clock.now()
    talk = ["Which violin did you buy?", "The old one.", "I also saw a heron."]
    space.remember([mneme.Message(text=text, session="s", at=at + timedelta(minutes=i)) for i, text in enumerate(talk)])
    space.remember([mneme.Message(text=f"filler {i}", session=f"t{i}", at=at) for i in range(30)])
    assert "The old one." in [hit.text for hit in space.recall("violin", k=4).hits]


def test_several_spaces_are_merged_by_evidence_not_by_their_own_scales(memory: mneme.Memory) -> None:
    memory.space("a").remember([f"the lighthouse keeper counted {i} ships" for i in range(20)])
    memory.space("b").remember(["the saxophone is in the attic", "unrelated words here"])
    found = memory.recall("Where is the saxophone?", spaces=["a", "b"], k=5)
    assert (found.hits[0].text, found.hits[0].space) == ("the saxophone is in the attic", "b")
    assert {hit.space for hit in memory.recall("lighthouse saxophone", spaces=["a", "b"], k=4).hits} == {"a", "b"}
    assert len(found.hits) == 5
    assert found.context_tokens <= 60 or found.context
    assert 0 < memory.recall("saxophone", spaces=("a", "b"), budget_tokens=40).context_tokens <= 40
    assert memory.recall("saxophone", spaces="b", k=1).hits == memory.recall("saxophone", spaces=["b", "b"], k=1).hits


def test_an_unknown_space_among_several_is_named_and_not_made(memory: mneme.Memory) -> None:
    memory.space("a").remember("x")
    with pytest.raises(NotFound, match="no space 'nobody'"):
        memory.recall("x", spaces=["a", "nobody"])
    assert memory.spaces() == ["a"]


def test_reading_a_space_that_is_not_there_finds_nothing_and_makes_nothing(memory: mneme.Memory) -> None:
    fresh = memory.space("fresh")
    assert fresh.recall("anything").hits == ()
    assert fresh.memories() == fresh.episodes() == fresh.journal() == fresh.links() == fresh.jobs() == []
    assert fresh.verify().ok
    assert fresh.stats()["memories"] == 0
    with pytest.raises(NotFound):
        fresh.get("mem_1")
    with pytest.raises(NotFound):
        fresh.history("mem_1")
    assert memory.spaces() == []
    fresh.remember("now it is there")
    assert memory.spaces() == ["fresh"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"query": ""}, "query"), ({"query": " \n"}, "query"), ({"query": "a\udc00"}, "query"), ({"query": None}, "query"),
        ({"k": 0}, "k"), ({"k": 1.5}, "k"), ({"k": True}, "k"), ({"budget_tokens": -1}, "budget_tokens"),
        ({"as_of": datetime(2024, 1, 1)}, "as_of"), ({"known_at": "today"}, "known_at"),  # noqa: DTZ001
        ({"filters": {"colour": "red"}}, "filters.colour"), ({"filters": {"authors": 5}}, "authors"),
        ({"filters": {"since": "2024-01-01"}}, "since"), ({"filters": {"since": datetime(2024, 1, 1)}}, "since"),  # noqa: DTZ001
        ({"filters": {"since": datetime(2024, 1, 2, tzinfo=UTC), "until": datetime(2024, 1, 1, tzinfo=UTC)}}, "until"),
        ({"filters": ["ana"]}, "filters"), ({"kinds": ["rumour"]}, "kinds"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_named(space: mneme.Space, asked: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        space.recall(**{"query": "x", **asked})  # type: ignore[arg-type]
    assert list(caught.value.problems) == [field]


def test_all_bad_arguments_are_named_at_once(space: mneme.Space) -> None:
    with pytest.raises(InvalidInput) as caught:
        space.recall(" ", k=0, budget_tokens=0, as_of=datetime(2024, 1, 1))  # noqa: DTZ001
    assert set(caught.value.problems) == {"query", "k", "budget_tokens", "as_of"}


def test_texts_of_every_script_are_found(space: mneme.Space) -> None:
    said = [
        "גיטרה חדשה על המדף",
        "اشتريت كتابا عن النجوم",
        "我在波尔图买了一把小提琴",
        "新しい自転車を買いました",
        "Γεια σου Ελένη",
        "Mixed עברית and English",
        "naïve café",
    ]
    space.remember([*said, "padding one", "padding two"])
    asked = ["גיטרה", "النجوم", "小提琴", "自転車", "Ελένη", "עברית", "cafe\u0301"]
    assert [space.recall(query, k=1).hits[0].text for query in asked] == said


def test_feedback_counts_and_is_undone_with_its_time(space: mneme.Space, clock: FrozenClock) -> None:
    space.remember(["tea at four", "coffee at nine"], ref="r")
    found = space.recall("tea", k=2)
    first, second = (hit.memory.id for hit in found.hits)
    space.feedback(found, useful=first)
    then = clock.now()
    clock.advance(days=1)
    space.feedback(found, useful=[found.hits[0]], useless=[found.hits[1].mark])
    assert (space.usage([first])[first].uses, space.usage([first])[first].last_used_at) == (2.0, clock.now())
    assert space.usage([second])[second].uses == -1.0
    space.undo()
    assert (space.usage([first])[first].uses, space.usage([first])[first].last_used_at) == (1.0, then)
    assert space.usage([second]).get(second, Usage()) == Usage()
    with pytest.raises(InvalidInput, match="useless: 'mem_x' is no hit"):
        space.feedback(found, useless=["mem_x"])
    assert space.verify().ok
