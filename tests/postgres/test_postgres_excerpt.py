"""A large space that is not loaded: the database searches, and what it found is ranked as within the whole space."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.query import Recall
from mneme.core.records import Message
from mneme.engine import glimpsing
from mneme.index.excerpt import ExcerptIndex
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres import PostgresRoot
from mneme.text.analyser import Analyser
from mneme.text.terms import term_id

START = datetime(2024, 5, 1, tzinfo=UTC)
PLACES = ("Porto", "Lisbon", "Faro", "Braga", "Evora", "Sines", "Tomar")
THINGS = ("flat", "bicycle", "piano", "garden", "dog", "boat", "oven", "ladder", "lamp", "desk", "clock")
DEEDS = ("bought", "painted", "repaired", "lost", "sold", "borrowed")


def conversation(count: int) -> list[Message]:
    draw = np.random.default_rng(3)
    return [
        Message(
            text=f"I {DEEDS[draw.integers(6)]} the {THINGS[draw.integers(11)]} in {PLACES[draw.integers(7)]} "
            f"with the help of number{i % 97} and word{draw.integers(400)}.",
            author=("Ana", "Ben")[i % 2], session=f"s{i // 12}", at=START + timedelta(hours=i), ref=f"r{i}",
        )
        for i in range(count)
    ]  # fmt: skip


QUESTIONS = [f"Who {deed} the {thing} in {place}?" for deed, thing, place in zip(DEEDS, THINGS, PLACES, strict=False)]


def ids(found: Recall) -> list[str]:
    return [hit.memory.id for hit in found.hits]


@pytest.fixture
def pair(root: PostgresRoot, tmp_path: Path) -> Iterator[tuple[Memory, Memory]]:
    """The same space on files and in a database that searches it."""
    clock = FrozenClock(START + timedelta(days=300))
    made = [Memory(where, embedder=HashEmbedder(), clock=clock, seed=1) for where in (str(tmp_path / "root"), root.url)]
    yield made[0], made[1]
    for memory in made:
        memory.close()


def search_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glimpsing, "EXCERPT_FROM", 1)
    monkeypatch.setattr(glimpsing, "MOST_LOADED", 0)


def searched(memory: Memory, root: PostgresRoot) -> None:
    root.open("a").build_search()
    memory.space("a").close()


def test_where_everything_is_found_answers_are_those_of_the_whole_index(
    pair: tuple[Memory, Memory], root: PostgresRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for memory in pair:
        memory.space("a").remember(conversation(240))
    searched(pair[1], root)
    search_only(monkeypatch)
    for question in QUESTIONS:
        whole, excerpt = (memory.space("a").recall(question, k=10) for memory in pair)
        assert excerpt.trace.notes[0]["searched"] == "in the store"
        assert [hit.ref for hit in excerpt.hits] == [hit.ref for hit in whole.hits]
        assert [hit.score for hit in excerpt.hits] == pytest.approx([hit.score for hit in whole.hits], abs=1e-3)


def test_of_a_large_space_the_best_are_found_with_the_numbers_of_the_whole(
    pair: tuple[Memory, Memory], root: PostgresRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for memory in pair:
        memory.space("a").remember(conversation(3000))
    searched(pair[1], root)
    search_only(monkeypatch)
    same = []
    for question in QUESTIONS:
        whole, excerpt = (memory.space("a").recall(question, k=10) for memory in pair)
        same.append(len({hit.ref for hit in whole.hits} & {hit.ref for hit in excerpt.hits}))
        assert excerpt.hits[0].score == pytest.approx(whole.hits[0].score, rel=0.1)
    assert np.mean(same) >= 8
    only = pair[1].space("a").recall(QUESTIONS[0], k=10, filters={"authors": ["Ben"]})
    assert {hit.author for hit in only.hits} == {"Ben"}


def test_frequencies_are_those_of_the_whole_space(pair: tuple[Memory, Memory], root: PostgresRoot) -> None:
    pair[1].space("a").remember(conversation(3000))
    searched(pair[1], root)
    store = root.open("a")
    with pair[1]._pool.use("a") as opened:
        full = opened.current.now()
    embedder, analyser = HashEmbedder(), Analyser()
    found = glimpsing.ask(store, analyser, QUESTIONS[0], embedder.embed([QUESTIONS[0]])[0], glimpsing.Filter())
    part = ExcerptIndex(embedder.width, store.vectors, found)
    assert len(found.rows.row) < 3000 == part.size
    for word in (*THINGS[:4], "number5", "nowher"):
        term = term_id(analyser.terms(word)[0])
        assert part.idf(term) == pytest.approx(full.idf(term))
        assert len(part.postings(term)[0]) == len(full.postings(term)[0])
    assert part.lengths.mean() == pytest.approx(full.lengths.mean(), rel=1e-4)
    assert list(part.languages()) == list(full.languages())


def test_the_index_is_loaded_beside_and_answers_from_then_on(
    pair: tuple[Memory, Memory], root: PostgresRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair[1].space("a").remember(conversation(500))
    searched(pair[1], root)
    monkeypatch.setattr(glimpsing, "EXCERPT_FROM", 1)
    space = pair[1].space("a")
    assert space.recall(QUESTIONS[0]).trace.notes
    end = time.monotonic() + 30
    while space.recall(QUESTIONS[0]).trace.notes:
        assert time.monotonic() < end
        time.sleep(0.02)
    space.remember("The zeppelin lands at noon.")
    assert space.recall("When does the zeppelin land?", k=1).hits[0].text == "The zeppelin lands at noon."


def test_what_was_erased_or_archived_is_not_found(
    pair: tuple[Memory, Memory], root: PostgresRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = pair[1].space("a")
    space.remember(conversation(200))
    erased = space.remember("The xylophone is under the stairs.").id
    archived = space.remember("The trombone is behind the stove.").id
    searched(pair[1], root)
    search_only(monkeypatch)
    assert ids(space.recall("Where is the xylophone?", k=1)) == [erased]
    space.forget(erased, erase=True)
    space.forget(archived)
    assert erased not in ids(space.recall("Where is the xylophone?", k=50))
    assert archived not in ids(space.recall("Where is the trombone?", k=50))
    assert ids(space.recall("Where is the trombone?", k=1, archived=True)) == [archived]


def test_lessons_of_feedback_hold_where_nothing_is_loaded(
    pair: tuple[Memory, Memory], root: PostgresRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = []
    for memory in pair:
        space = memory.space("a")
        space.remember(conversation(240))
        for deed in DEEDS:
            for thing in THINGS[:6]:
                found = space.recall(f"Who {deed} the {thing}?", k=5)
                space.feedback(found, useful=[found.hits[-1].memory.id])
        with memory._pool.use("a") as opened:
            learned.append(dict(opened.lessons.lifts(opened.store, opened.current.now())))
    assert learned[0]
    assert learned[1] == pytest.approx(learned[0])
    searched(pair[1], root)
    search_only(monkeypatch)
    for question in QUESTIONS:
        whole, excerpt = (memory.space("a").recall(question, k=5) for memory in pair)
        assert excerpt.trace.notes[0]["searched"] == "in the store"
        assert [hit.score for hit in excerpt.hits] == pytest.approx([hit.score for hit in whole.hits], abs=1e-3)
    with pair[1]._pool.use("a") as opened:
        assert opened.current._index is None
        assert dict(opened.lessons._lifts) == pytest.approx(learned[0])
