"""Switching the recipe of a space with data, killed at any moment: no message is lost, nothing is doubled, the rest is done by the next."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mneme

sys.path.insert(0, str(Path(__file__).parent))
from reformer import ROUNDS, SAID, fill, opened

SCRIPT = Path(__file__).with_name("reformer.py")
PAIRS = [("default", "beliefs"), ("memoryos", "engram"), ("think-in-memory", "structural-memory"), ("beliefs", "memorybank")]


def killed(folder: Path, recipe: str, delay_s: float) -> None:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(folder), recipe], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(delay_s)
        process.kill()


def formed(space: mneme.Space) -> list[tuple[str, str, str]]:
    return sorted((one.id, one.kind, one.text) for one in space.memories(limit=10_000) if one.kind != "turn")


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_switch_that_is_killed_loses_no_message_and_ends_where_an_undisturbed_one_does(tmp_path: Path, old: str, new: str) -> None:
    chance = random.Random(old + new)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    for folder in (calm, rough):
        fill(str(folder), old)
    with opened(str(calm), new) as memory:
        memory.space("a").drain()
        wanted = formed(memory.space("a"))
        texts = sorted(text for _, _, text in wanted)
    for _ in range(2):
        killed(rough, new, chance.uniform(0, 0.15))
    with opened(str(rough), new, days=61) as memory:  # what the killed held has run out
        space = memory.space("a")
        assert space.verify().ok
        space.drain()
        assert space.stats()["recipe"] == new
        said = [text for _, text in SAID] * ROUNDS
        assert sorted(episode.text for episode in space.episodes(limit=1000)) == sorted(said)
        assert sorted(one.text for one in space.memories({"kinds": ["turn"]}, limit=1000)) == sorted(said)
        now = formed(space)
        assert sorted(text for _, _, text in now) == texts
        assert len({id for id, _, _ in now}) == len(now)
        assert not space.jobs(states=("waiting", "leased", "dead"))
        assert space.verify().ok
