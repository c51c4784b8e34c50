"""Reconciling by rule, through the engine: what is told in what order, and what is believed of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mneme import Memory
from mneme.arena.generated.believing import believe
from mneme.arena.generated.life_changes import stream
from mneme.core.records import Memory as Record
from mneme.space import Space


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    with Memory(tmp_path, embedder="hash", recipe="beliefs") as memory:
        yield memory.space()


def day(year: int, month: int = 1, number: int = 1) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


def tell(space: Space, text: str, at: datetime, author: str = "Ana") -> None:
    space.remember(text, author=author, at=at)


def facts(space: Space, relation: str) -> dict[str, Record]:
    found = [m for m in space.memories(limit=1000) if m.attributes.get("relation") == relation]
    return {str(memory.attributes["object"]): memory for memory in found}


def test_a_newer_home_closes_the_older_one(space: Space) -> None:
    tell(space, "I live in Oslo.", day(2020))
    tell(space, "I moved to Lisbon in March 2022.", day(2022, 4))
    homes = facts(space, "lives_in")
    assert homes["Oslo"].valid_to == day(2022, 3) == homes["Lisbon"].valid_from
    assert homes["Lisbon"].valid_to is None
    assert homes["Lisbon"].attributes["decision"] == "UPDATE"


def test_an_older_home_told_late_gets_its_own_closed_interval(space: Space) -> None:
    tell(space, "I moved to Lisbon in March 2022.", day(2022, 4))
    tell(space, "I moved to Oslo in May 2019.", day(2023))
    homes = facts(space, "lives_in")
    assert (homes["Oslo"].valid_from, homes["Oslo"].valid_to) == (day(2019, 5), day(2022, 3))
    assert homes["Lisbon"].valid_to is None


def test_a_second_language_closes_none(space: Space) -> None:
    tell(space, "I speak Polish.", day(2020))
    tell(space, "I speak Welsh.", day(2021))
    assert [memory.valid_to for memory in facts(space, "speaks").values()] == [None, None]


def test_a_repeat_adds_nothing_but_support(space: Space) -> None:
    tell(space, "I live in Oslo.", day(2020))
    receipt = space.remember("I live in Oslo.", author="Ana", at=day(2021))
    home = facts(space, "lives_in")["Oslo"]
    assert len([m for m in space.memories(limit=100) if m.attributes.get("relation") == "lives_in"]) == 1
    assert (receipt.ids[0], home.id, "supports") in [(link.source, link.target, link.type) for link in space.links([home.id])]


def test_a_denial_ends_what_it_denies(space: Space) -> None:
    tell(space, "I speak Polish.", day(2020))
    tell(space, "I don't speak Polish anymore since May 2022.", day(2022, 6))
    spoken = [m for m in space.memories(limit=100) if m.attributes.get("relation") == "speaks" and m.attributes["polarity"]]
    assert [memory.valid_to for memory in spoken] == [day(2022, 5)]


def test_a_correction_by_its_author_revises_and_keeps_the_old_version(space: Space) -> None:
    tell(space, "I moved to Oslo in May 2019.", day(2019, 6))
    tell(space, "No, I meant Bergen, not Oslo.", day(2019, 6, 2))
    home = facts(space, "lives_in")["Bergen"]
    assert "Bergen" in home.text
    assert next(step.memory.text for step in space.history(home.id) if step.memory).startswith("Ana lives in Oslo")
    space.undo()
    assert "Oslo" in facts(space, "lives_in")


def test_what_the_user_set_right_is_not_overruled_by_what_was_said_before(space: Space) -> None:
    tell(space, "I live in Oslo.", day(2020))
    space.revise(facts(space, "lives_in")["Oslo"].id, "Ana lives in Lisbon.", attributes={
        **facts(space, "lives_in")["Oslo"].attributes, "object": "Lisbon"
    })  # fmt: skip
    tell(space, "I live in Porto.", day(2021))  # said long before the correction, arrives after it
    assert list(facts(space, "lives_in")) == ["Lisbon"]


def test_hearsay_does_not_close_what_a_person_says_of_themselves(space: Space) -> None:
    tell(space, "I live in Oslo.", day(2020))
    tell(space, "Ana lives in Porto.", day(2021), author="Tomas")
    homes = facts(space, "lives_in")
    assert homes["Oslo"].valid_to is None
    found = space.recall("Where does Ana live?")
    assert [set(conflict.texts) for conflict in found.conflicts] == [{homes["Oslo"].text, homes["Porto"].text}]
    assert [moment.year for moment in found.conflicts[0].at] == [2020, 2021]


def test_two_birthdays_contradict_and_neither_wins(space: Space) -> None:
    tell(space, "My birthday is May 3.", day(2020))
    tell(space, "My birthday is June 4.", day(2021))
    days = facts(space, "birthday")
    assert [memory.valid_to for memory in days.values()] == [None, None]
    assert "contradicts" in {link.type for link in space.links([memory.id for memory in days.values()])}


def test_streams_of_life_changes_are_believed_as_they_are() -> None:
    judged = believe(stream(11), seed=11)
    assert judged.false_invalidation <= 0.01
    assert judged.missed_update <= 0.10
    assert judged.as_of >= 0.98


def test_undoing_the_formation_brings_the_older_home_back(space: Space) -> None:
    tell(space, "I live in Oslo.", day(2020))
    tell(space, "I moved to Lisbon in March 2022.", day(2022, 4))
    space.undo()
    assert facts(space, "lives_in")["Oslo"].valid_to is None
