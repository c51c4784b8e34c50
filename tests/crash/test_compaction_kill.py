"""A compaction killed at any moment is done whole or not at all: the chain holds, nothing that is remembered changes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from compactor import lived, opened

SCRIPT = Path(__file__).with_name("compactor.py")


def killed(folder: Path, delay_s: float) -> None:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(delay_s)
        process.kill()


def test_a_killed_compaction_loses_and_changes_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    lived(str(tmp_path))

    def state() -> object:
        with opened(str(tmp_path)) as memory:
            space = memory.space("a")
            assert space.verify().ok
            everything = space.memories(limit=10_000, statuses=("active", "archived"))
            hits = [(hit.memory.id, hit.score) for hit in space.recall("How many euros in Porto?", archived=True).hits]
            return everything, sorted(map(str, space.links())), hits

    before = state()
    for _ in range(5):
        killed(tmp_path, chance.uniform(0, 0.25))
        assert state() == before
    with opened(str(tmp_path)) as memory:
        done = memory.space("a").compact(timedelta(0))
        assert memory.space("a").verify().ok
        assert done.since is not None
    assert state() == before
