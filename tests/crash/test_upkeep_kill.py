"""A pass of upkeep killed at any moment loses nothing, doubles nothing, and the next one brings the space where one pass would have."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from mneme.retention.budgets import Limit

sys.path.insert(0, str(Path(__file__).parent))
from upkeeper import fill, opened

SCRIPT = Path(__file__).with_name("upkeeper.py")


def killed(folder: Path, delay_s: float) -> None:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(delay_s)
        process.kill()


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
