"""The engine on PostgreSQL answers as it does on files: the same hits, the same history, the same erasure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.errors import MnemeError
from mneme.core.records import Message
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres import PostgresRoot

START = datetime(2024, 5, 1, tzinfo=UTC)
PLACES = ("Porto", "Lisbon", "Faro", "Braga")
THINGS = ("flat", "bicycle", "piano", "garden", "dog")


def conversation() -> list[Message]:
    return [
        Message(
            text=f"{('Ana', 'Ben')[i % 2]} talks about the {THINGS[i % 5]} in {PLACES[i % 4]}, turn {i}, and about number {i * 7 % 31}.",
            author=("Ana", "Ben")[i % 2], session=f"s{i // 12}", at=START + timedelta(hours=i), ref=f"r{i}",
        )
        for i in range(240)
    ]  # fmt: skip


@pytest.fixture
def pair(root: PostgresRoot, tmp_path: Path) -> tuple[Memory, Memory]:
    clock = FrozenClock(START + timedelta(days=30))
    made = [Memory(where, embedder=HashEmbedder(), clock=clock, seed=1) for where in (str(tmp_path / "root"), root.url)]
    for memory in made:
        memory.space("a").remember(conversation())
    return made[0], made[1]


def test_recalls_are_the_same(pair: tuple[Memory, Memory]) -> None:
    files, database = (memory.space("a") for memory in pair)
    for number, thing in enumerate(THINGS * 4):
        question = f"What did {('Ana', 'Ben')[number % 2]} say about the {thing} in {PLACES[number % 4]}?"
        one, other = files.recall(question, k=10), database.recall(question, k=10)
        assert [hit.ref for hit in one.hits] == [hit.ref for hit in other.hits]
        assert [hit.score for hit in one.hits] == pytest.approx([hit.score for hit in other.hits], abs=1e-5)
        assert one.context == other.context
    for memory in pair:
        memory.close()


def test_another_connection_sees_a_write_at_once(pair: tuple[Memory, Memory], root: PostgresRoot) -> None:
    first = pair[1].space("a")
    second = Memory(root.url, embedder=HashEmbedder())
    assert second.space("a").recall("zeppelin", k=1).hits[0].text != "The zeppelin lands at noon."
    first.remember("The zeppelin lands at noon.")
    assert second.space("a").recall("zeppelin lands", k=1).hits[0].text == "The zeppelin lands at noon."
    second.close()
    for memory in pair:
        memory.close()


def test_erasing_through_the_engine_is_proved_and_says_what_is_left(pair: tuple[Memory, Memory]) -> None:
    reports = []
    for memory in pair:
        space = memory.space("a")
        id = space.remember("The password is xylophone-quartz.").id
        space.revise(id, "The password is xylophone-marble.")
        reports.append(space.forget(id, erase=True))
        assert space.verify().ok
        assert "xylophone" not in space.recall("What is the password?").context
    files, database = reports
    assert database.findings == ()
    assert database.needles == files.needles
    assert database.places == files.places
    assert set(files.outside) < set(database.outside)
    assert any("write-ahead log" in line for line in database.outside)
    for memory in pair:
        memory.close()


def test_a_wrong_url_is_told_without_its_password(root: PostgresRoot) -> None:
    with pytest.raises(MnemeError) as raised:
        Memory("postgresql://me:secret@h:notaport/x")
    assert "secret" not in str(raised.value)
