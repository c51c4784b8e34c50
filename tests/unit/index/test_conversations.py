"""Conversations: neighbours and groups kept row by row are those worked out from scratch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mneme
from mneme.index.columns import Columns
from mneme.index.view import SpaceIndex

START = datetime(2024, 1, 1, tzinfo=UTC)

said = st.tuples(st.sampled_from(["s1", "s2", None]), st.sampled_from(["Ana", None]), st.integers(0, 400))


def partition(index: SpaceIndex) -> set[frozenset[str]]:
    groups, bound = index.groups
    assert groups[index.present].max(initial=0) < max(bound, 1)
    found: dict[int, set[str]] = {}
    for position in np.flatnonzero(index.present).tolist():
        found.setdefault(int(groups[position]), set()).add(index.columns.ids[position])
    return {frozenset(ids) for ids in found.values()}


def chains(index: SpaceIndex) -> dict[str, str]:
    ids = index.columns.ids
    places = np.flatnonzero(index.present).tolist()
    return {ids[place]: ids[int(index.previous[place])] for place in places if index.previous[place] < index.size}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(said, min_size=1, max_size=5), min_size=1, max_size=6), st.integers(0, 10))
def test_what_is_kept_row_by_row_is_what_a_new_index_has(batches: list[list[tuple[str | None, str | None, int]]], gone: int) -> None:
    with mneme.Memory(":memory:", embedder="hash:64") as memory:
        space = memory.space("a")
        ids: list[str] = []
        for batch in batches:
            messages = [
                mneme.Message(text=f"word {minutes}", session=session, author=author, at=START + timedelta(minutes=minutes))
                for session, author, minutes in batch
            ]
            ids += space.remember(messages).ids
            space.recall("word")
        space.forget(ids[gone % len(ids)], erase=True)
        with space._use() as opened:
            kept = opened.current.now()
            opened.current.drop()
            fresh = opened.current.now()
        assert partition(kept) == partition(fresh)
        assert chains(kept) == chains(fresh)


def test_a_pause_of_more_than_an_hour_ends_a_conversation() -> None:
    with mneme.Memory(":memory:", embedder="hash:64") as memory:
        space = memory.space("a")
        ids = space.remember(
            [mneme.Message(text="word", session="s", at=START + timedelta(minutes=minutes)) for minutes in (0, 59, 200)]
        ).ids
        with space._use() as opened:
            index = opened.current.now()
            assert partition(index) == {frozenset(ids[:2]), frozenset(ids[2:])}
            assert chains(index) == {ids[1]: ids[0]}


def test_many_that_come_into_the_middle_of_a_long_session_are_linked_in_one_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    key = Columns._key

    def counted(columns: Columns, position: int) -> tuple[int, int]:
        nonlocal looks
        looks += 1
        return key(columns, position)

    monkeypatch.setattr(Columns, "_key", counted)
    with mneme.Memory(":memory:", embedder="hash:16", recipe="default") as memory:
        space = memory.space("a")
        space.remember([mneme.Message(text=f"even {n}", session="s", at=START + timedelta(seconds=2 * n)) for n in range(400)])
        space.recall("even")
        space.remember([mneme.Message(text=f"odd {n}", session="s", at=START + timedelta(seconds=2 * n + 1)) for n in range(399)])
        space.recall("odd")
        with space._use() as opened:
            assert len(chains(opened.current.now())) == 798
    assert looks < 5 * 800
