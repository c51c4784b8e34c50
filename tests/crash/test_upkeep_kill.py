"""A pass of upkeep killed at any moment loses nothing, doubles nothing, and the next one brings the space where one pass would have."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mneme.retention.budgets import Limit
from mneme.space import Space

sys.path.insert(0, str(Path(__file__).parent))
from upkeeper import fill, opened

SCRIPT = Path(__file__).with_name("upkeeper.py")


def killed(folder: Path, delay_s: float, recipe: str = "default") -> None:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(folder), recipe], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(delay_s)
        process.kill()


def recalled(space: Space) -> list[list[tuple[str, float]]]:
    asked = ("What did we pay in Porto?", "How many bowls did Lia buy?", "thanks")
    return [[(hit.memory.id, hit.score) for hit in space.recall(question).hits] for question in asked]


def sound(space: Space, originals: dict[str, str]) -> None:
    """Assert that nothing was lost or doubled, and that limits hold."""
    everything = space.memories(limit=10_000, statuses=("active", "archived"))
    assert originals.items() <= {each.id: each.text for each in everything}.items()
    assert space.tokens() <= 400
    active = [each for each in everything if each.status == "active"]
    shortened = [each.attributes["condensed_from"] for each in active if "condensed_from" in each.attributes]
    assert len(shortened) == len(set(shortened))
    assert not set(shortened) & {each.id for each in active}
    made = [each.tags[1] for each in everything if each.kind == "summary"]
    assert len(made) == len(set(made))
    assert space.verify().ok


def taken_back(space: Space) -> int:
    """Undo every pass, the last one first; returns how many there were."""
    passes = {entry.trace_id for entry in space.journal(limit=10_000) if entry.verb == "upkeep"}
    for _ in passes:
        space.undo()
    return len(passes)


def test_a_killed_pass_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(5)
    fill(str(tmp_path))
    with opened(str(tmp_path)) as memory:
        originals = {each.id: each.text for each in memory.space("a").memories(limit=1000)}
    for _ in range(4):
        killed(tmp_path, chance.uniform(0, 0.3))
    with opened(str(tmp_path)) as memory:
        space = memory.space("a")
        assert space.verify().ok
        while not space.upkeep(limits=[Limit(tokens=400)]).finished:
            pass
        sound(space, originals)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["default", "beliefs"])
def test_passes_killed_hundreds_of_times_are_finished_and_taken_back_whole(tmp_path: Path, recipe: str) -> None:
    chance, kills = random.Random(recipe), 0
    for number in range(25):
        folder = tmp_path / str(number)
        fill(str(folder), recipe)
        with opened(str(folder), recipe) as memory:
            space = memory.space("a")
            originals = {each.id: each.text for each in space.memories(limit=1000)}
            before = recalled(space)
        for _ in range(6):
            killed(folder, chance.uniform(0, 0.5), recipe)
            kills += 1
        with opened(str(folder), recipe) as memory:
            space = memory.space("a")
            assert space.verify().ok
            while not space.upkeep(limits=[Limit(tokens=400)]).finished:
                pass
            sound(space, originals)
            assert taken_back(space) >= 1
            assert {each.id: each.text for each in space.memories(limit=1000)} == originals
            assert recalled(space) == before
            assert space.verify().ok
    assert kills == 150
