"""``remember`` through the public API: what may be given, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidBatch

WHEN = datetime(2024, 3, 2, 10, tzinfo=UTC)


def texts(space: mneme.Space) -> list[str]:
    return [memory.text for memory in space.memories(limit=100)]


def test_a_text_keeps_what_is_said_about_it(space: mneme.Space, clock: FrozenClock) -> None:
    local = WHEN.astimezone(timezone(timedelta(hours=5)))
    receipt = space.remember(
        "I moved to Porto.", at=local, session="s1", author="alice", role="user", ref="m17", channel="chat", tags=["home"]
    )
    kept = space.get(receipt.id)
    assert (kept.text, kept.at, kept.session, kept.author, kept.role) == ("I moved to Porto.", WHEN, "s1", "alice", "user")
    assert (kept.ref, kept.channel, kept.tags, kept.kind, kept.version) == ("m17", "chat", ("home",), "turn", 1)
    assert (kept.recorded_at, kept.valid_from, kept.valid_to) == (clock.now(), WHEN, None)
    (episode,) = space.episodes(receipt.episodes)
    assert (episode.text, episode.at, episode.author, episode.ref) == ("I moved to Porto.", WHEN, "alice", "m17")
    assert kept.sources == (mneme.Span(episode=episode.id, start=0, end=17),)
    assert (receipt.verb, receipt.entry, receipt.refused, receipt.duplicate) == ("remember", 1, (), False)


def test_a_list_mixes_texts_messages_and_mappings_in_order(space: mneme.Space) -> None:
    given = ["one", mneme.Message(text="two", author="ben"), {"text": "three", "at": WHEN, "tags": ["x"], "media": [{"uri": "a.png"}]}]
    receipt = space.remember(given, session="s1", author="ana")
    kept = [space.get(id) for id in receipt.ids]
    assert [memory.text for memory in kept] == ["one", "two", "three"]
    assert [memory.author for memory in kept] == ["ana", "ben", "ana"]
    assert {memory.session for memory in kept} == {"s1"}
    assert (kept[2].at, kept[2].tags, kept[2].media) == (WHEN, ("x",), (mneme.Media(uri="a.png"),))
    assert len(space.journal()) == 1  # one transaction


def test_a_stream_is_taken_whole(space: mneme.Space) -> None:
    receipt = space.remember(f"number {i}" for i in range(1500))
    assert len(receipt.ids) == len(set(receipt.ids)) == 1500
    assert space.stats()["memories"] == 1500
    assert space.recall("number 1234", k=1).hits[0].text == "number 1234"


def test_the_same_key_is_one_write(space: mneme.Space) -> None:
    first = space.remember(["a text", "another"], key="call 7")
    again = space.remember(["a text", "another"], key="call 7")
    assert again.duplicate
    assert (again.ids, again.episodes, again.entry) == (first.ids, first.episodes, first.entry)
    assert texts(space) == ["a text", "another"]
    assert not space.remember("a text", key="call 8").duplicate
    assert space.stats()["memories"] == 3


def test_bad_items_are_all_named_and_nothing_is_stored(space: mneme.Space) -> None:
    bad = ["good", 5, {"txt": "x"}, "", "a\ud800", {"text": "y", "media": ["z"]}, mneme.Message(text="z", at=datetime(2024, 1, 1))]  # noqa: DTZ001
    with pytest.raises(InvalidBatch) as caught:
        space.remember(bad)  # type: ignore[arg-type]
    assert {place: sorted(problems) for place, problems in caught.value.items.items()} == {
        1: ["message"], 2: ["text", "txt"], 3: ["text"], 4: ["text"], 5: ["media[0]"], 6: ["at"],
    }  # fmt: skip
    assert "no time zone" in caught.value.items[6]["at"]
    assert "known fields are text" in caught.value.items[2]["txt"]
    assert texts(space) == []
    receipt = space.remember(bad, partial=True)  # type: ignore[arg-type]
    assert texts(space) == ["good"]
    assert [refusal.subject for refusal in receipt.refused] == [f"item {place}" for place in range(1, 7)]


def test_one_bad_message_among_ten_thousand_is_named(space: mneme.Space) -> None:
    messages = [f"message {i}" for i in range(10_000)]
    messages[7777] = "   "
    with pytest.raises(InvalidBatch, match=r"item 7777, text: is empty"):
        space.remember(messages)
    assert space.stats()["memories"] == 0
    receipt = space.remember(messages, partial=True)
    assert (len(receipt.ids), [refusal.subject for refusal in receipt.refused]) == (9999, ["item 7777"])
    assert space.stats()["memories"] == 9999


def test_a_caption_is_found_where_there_is_no_text(space: mneme.Space) -> None:
    photo = mneme.Media(uri="https://example.org/1.jpg", mime="image/jpeg", caption="a heron on the jetty")
    receipt = space.remember(mneme.Message(text="", media=(photo,), author="ana"))
    space.remember(["something else", "nothing of the kind"])
    hit = space.recall("heron", k=1).hits[0]
    assert (hit.memory.id, hit.text, hit.memory.media) == (receipt.id, "", (photo,))
    assert "a heron on the jetty" in space.recall("heron", k=1).context


def test_memories_of_the_callers_own_rest_on_their_sources(space: mneme.Space) -> None:
    said = space.remember("I sold the boat. I bought a kayak.", at=WHEN, ref="m1")
    receipt = space.remember(
        "Kayaks are slow.",
        ref="m2",
        memories=[
            {"text": "Sold the boat", "kind": "event", "sources": [{"episode": "m1", "start": 0, "end": 16}]},
            mneme.Given(text="Owns a kayak", sources=(said.id,), valid_to=WHEN + timedelta(days=9), importance=0.9, tags=("water",)),
            mneme.Given(text="Finds kayaks slow", kind="preference", sources=("m2",)),
        ],
    )
    turn, sold, owns, slow = (space.get(id) for id in receipt.ids)
    assert turn.text == "Kayaks are slow."
    assert (sold.kind, sold.at, sold.sources) == ("event", WHEN, (mneme.Span(episode=said.episodes[0], start=0, end=16),))
    assert (owns.kind, owns.importance, owns.tags, owns.valid_to) == ("fact", 0.9, ("water",), WHEN + timedelta(days=9))
    assert slow.sources[0].episode == receipt.episodes[0]
    assert set(space.formed_from(said.episodes)) == {said.id, sold.id, owns.id}


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"text": "x", "sources": ["m9"]}, "sources", "no episode, memory or ref"),
        ({"text": "x", "sources": [{"episode": "m1", "start": 0, "end": 99}]}, "sources", "outside the"),
        ({"text": "x", "sources": [7]}, "sources", "ids, refs, or spans"),
        ({"text": "x", "kind": "rumour"}, "kind", "known are turn"),
        ({"text": "x", "importance": 2}, "importance", r"\[0, 1\]"),
        ({"text": "x", "importance": "high"}, "importance", r"\[0, 1\]"),
        ({"text": "x", "valid_from": WHEN, "valid_to": WHEN - timedelta(days=1)}, "valid_to", "before valid_from"),
        ({"text": "x", "sources": ["m1"], "valid_to": WHEN - timedelta(days=1)}, "valid_to", "before valid_from"),
        ({"text": "x", "colour": "red"}, "colour", "known fields are text"),
        ({"kind": "fact"}, "text", "missing"),
        ("x", "memory", "must be a mneme.Given"),
    ],
)
def test_a_bad_memory_of_the_callers_own_is_named(space: mneme.Space, given: object, field: str, says: str) -> None:
    space.remember("a source", at=WHEN, ref="m1")
    with pytest.raises(InvalidBatch, match=says) as caught:
        space.remember(memories=[{"text": "good"}, given])  # type: ignore[list-item]
    assert list(caught.value.items) == [1]
    assert field in caught.value.items[1]
    receipt = space.remember(memories=[{"text": "good"}, given], partial=True)  # type: ignore[list-item]
    assert len(receipt.ids) == len(receipt.refused) == 1


def test_ids_sort_by_time_also_when_the_clock_goes_back(space: mneme.Space, clock: FrozenClock) -> None:
    first = space.remember("first").id
    before = clock.now()
    clock.advance(days=-30)
    second = space.remember("second").id
    clock.advance(minutes=1)
    third = space.remember("third").id
    assert first < second < third
    recorded = [entry.recorded_at for entry in space.journal()]
    assert recorded == sorted(recorded) == [before] * 3
    assert space.get(third).at == clock.now()  # when it happened is the clock's affair, not the journal's
    assert {hit.text for hit in space.recall("second", k=5, known_at=before).hits} == {"first", "second", "third"}
    assert space.recall("third", k=1).hits[0].text == "third"
    assert space.verify().problems == ()


def test_the_next_recall_finds_it(space: mneme.Space) -> None:
    for number in range(30):
        space.remember(f"parcel {number} waits at the depot")
        assert space.recall(f"parcel {number}", k=1).hits[0].text == f"parcel {number} waits at the depot"
