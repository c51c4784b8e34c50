"""Streams of life changes: their truth by definition, and the judge against perfect, forgetful and careless memories."""

from __future__ import annotations

from datetime import UTC, datetime

from mneme.arena.generated.life_changes import Change, Stream, judge, stream
from mneme.text.relations import relation


def at(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


def told(value: str, sort: str, when: datetime, said: datetime, name: str = "lives_in", instead_of: str = "") -> Change:
    return Change(subject="Ana", relation=name, object=value, sort=sort, at=when, said_at=said, instead_of=instead_of)  # type: ignore[arg-type]


def test_a_new_home_ends_the_old_one_and_a_late_telling_does_not_end_a_newer_one() -> None:
    life = Stream(
        changes=(
            told("Oslo", "assert", at(2020), at(2020)),
            told("Porto", "assert", at(2021), at(2021)),
            told("Leeds", "late", at(2018), at(2022)),
        )
    )
    assert life.truth("Ana", "lives_in", at(2020, 6)) == {"Oslo"}
    assert life.truth("Ana", "lives_in", at(2023)) == {"Porto"}
    assert life.truth("Ana", "lives_in", at(2019)) == {"Leeds"}
    assert life.truth("Ana", "lives_in", at(2019), known_at=at(2021, 6)) == frozenset()


def test_a_second_language_ends_none_and_an_end_ends_one() -> None:
    life = Stream(
        changes=(
            told("Polish", "assert", at(2018), at(2018), "speaks"),
            told("Welsh", "assert", at(2019), at(2019), "speaks"),
            told("Polish", "end", at(2020), at(2020), "speaks"),
        )
    )
    assert life.truth("Ana", "speaks", at(2019, 6)) == {"Polish", "Welsh"}
    assert life.truth("Ana", "speaks", at(2021)) == {"Welsh"}


def test_a_correction_takes_the_place_of_the_mistake_from_its_beginning() -> None:
    life = Stream(changes=(told("Oslo", "assert", at(2020), at(2020)), told("Cork", "correct", at(2020), at(2020, 2), instead_of="Oslo")))
    assert life.truth("Ana", "lives_in", at(2020, 6)) == {"Cork"}
    assert life.truth("Ana", "lives_in", at(2020, 6), known_at=at(2020, 1)) == {"Oslo"}


def test_streams_are_reproducible_and_hold_every_sort_of_change() -> None:
    life = stream(3)
    assert life == stream(3)
    assert life != stream(4)
    assert {change.sort for change in life.changes} == {"assert", "repeat", "late", "end", "correct"}
    assert {relation(change.relation).single for change in life.changes} == {True, False}
    assert [change.said_at for change in life.changes] == sorted(change.said_at for change in life.changes)


def test_a_perfect_memory_is_judged_perfect() -> None:
    life = stream(5)
    verdict = judge(
        life,
        lambda subject, name, moment: life.truth(subject, name, moment),
        lambda subject, name: {change.object for change in life.changes if (change.subject, change.relation) == (subject, name)},
        seed=1,
    )
    assert (verdict.false_invalidation, verdict.missed_update, verdict.as_of) == (0.0, 0.0, 1.0)
    assert verdict.holding > 20
    assert verdict.ended > 10


def test_a_memory_that_ends_nothing_misses_every_update() -> None:
    life = stream(5)

    def everything(subject: str, name: str) -> set[str]:
        return {change.object for change in life.changes if (change.subject, change.relation) == (subject, name)}

    verdict = judge(life, lambda subject, name, moment: everything(subject, name), everything, seed=1)
    assert (verdict.false_invalidation, verdict.missed_update) == (0.0, 1.0)
    assert verdict.as_of < 0.8


def test_a_memory_in_which_the_last_word_ends_all_others_invalidates_falsely() -> None:
    life = stream(5)

    def last_word(subject: str, name: str, moment: datetime) -> set[str]:
        values = [c.object for c in life.changes if (c.subject, c.relation) == (subject, name) and c.at <= moment]
        return {values[-1]} if values else set()

    everything = {slot: {c.object for c in life.changes if (c.subject, c.relation) == slot} for slot in life.slots}
    verdict = judge(life, last_word, lambda subject, name: everything[subject, name], seed=1)
    assert verdict.false_invalidation > 0.3
