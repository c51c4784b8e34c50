"""Switching the recipe of a space with data: what the new one forms is there, what the old one formed is not, no message is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.registry import names

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
SAID = (
    ("Ana", "I live in Porto and I like jazz."),
    ("Ben", "I adopted a puppy called Rex."),
    ("Ana", "On 5 May 2024 I visited Oslo with Carla."),
    ("Ben", "I am allergic to nuts."),
    ("Ana", "I live in Faro now."),
    ("Ben", "I like tea and I work at Siemens."),
)
ROUNDS = 4
TEXTS = sorted(text for _, text in SAID) * ROUNDS
PAIRS = [
    ("default", "beliefs"), ("beliefs", "default"), ("memoryos", "engram"), ("think-in-memory", "structural-memory"),
    ("mem0", "memory-r1"), ("light", "scm"), ("malp", "rmm"), ("evermemos", "ld-agent"),
]  # fmt: skip


def opened(folder: Path | str, recipe: str, days: int = 60) -> mneme.Memory:
    clock = FrozenClock(START + timedelta(days=days))
    return mneme.Memory(folder, embedder="hash:64", recipe=recipe, clock=clock, background=False)


def fill(memory: mneme.Memory) -> mneme.Space:
    space = memory.space("a")
    given = [
        {"text": text, "author": author, "session": f"s{number}", "at": START + timedelta(hours=9 * number, minutes=minute)}
        for number in range(ROUNDS)
        for minute, (author, text) in enumerate(SAID)
    ]
    space.remember(given, wait=True)
    return space


def formed(space: mneme.Space) -> list[str]:
    return sorted(one.text for one in space.memories(limit=1000) if one.kind != "turn")


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_switch_leaves_what_the_new_recipe_would_have_formed_and_every_message(tmp_path: Path, old: str, new: str) -> None:
    with opened(tmp_path, old) as memory:
        before = formed(fill(memory))
    with opened(tmp_path, new) as memory:
        space = memory.space("a")
        space.recall("Porto")
        assert [job.task for job in space.jobs(states=("waiting",))] == ["re-form"]  # in the background: nothing waited for it
        space.drain()
        assert not space.jobs(states=("waiting", "leased", "dead"))
        assert space.stats()["recipe"] == new
        assert sorted(episode.text for episode in space.episodes(limit=1000)) == sorted(TEXTS)
        assert sorted(one.text for one in space.memories({"kinds": ["turn"]}, limit=1000)) == sorted(TEXTS)
        assert "Siemens" in space.recall("Where does Ben work?", k=3).hits[0].text
        assert space.verify().ok
        after = formed(space)
    with opened(":memory:", new) as memory:
        fresh = formed(fill(memory))
    if old == "default":
        assert after == fresh
    assert set(after) >= set(fresh)
    with opened(tmp_path, old, days=61) as memory:
        space = memory.space("a")
        space.drain()
        assert not space.jobs(states=("waiting", "leased", "dead"))
        assert set(formed(space)) >= set(before)
        assert space.verify().ok


@pytest.mark.parametrize("name", names("recipe"))
def test_every_recipe_takes_over_a_space_in_which_things_are_said_again_and_again(name: str, tmp_path: Path) -> None:
    with opened(tmp_path, "default" if name != "default" else "beliefs") as memory:
        fill(memory)
    with opened(tmp_path, name) as memory:
        space = memory.space("a")
        space.drain()
        assert not space.jobs(states=("waiting", "leased", "dead"))
        assert len(space.memories({"kinds": ["turn"]}, limit=1000)) == len(TEXTS)
        assert space.verify().ok
