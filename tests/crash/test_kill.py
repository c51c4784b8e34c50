"""A writer killed at any moment: what it was told was stored is stored, and the file is whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mneme.stores.samples import batch, memory_id
from mneme.stores.sqlite import SQLiteRoot

WRITER = Path(__file__).with_name("writer.py")


def killed_writer(folder: Path, first: int, delay_s: float, *, wait: bool) -> list[str]:
    """Run a writer, kill it after a while (``wait``: not before its first word), and return what it had said."""
    command = [sys.executable, str(WRITER), str(folder), str(first), "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        said = process.stdout.readline() if wait else ""
        time.sleep(delay_s)
        process.kill()
        return (said + process.stdout.read()).split("\n")[:-1]


def torture(folder: Path, rounds: int, longest_s: float) -> int:
    """Kill writers at random moments, check after each, and return how many writes were acknowledged."""
    chance = random.Random(7)
    kept: set[int] = set()
    erased: set[int] = set()
    first = 0
    for turn in range(rounds):
        for line in killed_writer(folder, first, chance.uniform(0, longest_s), wait=turn == 0):
            verb, number = line.split()
            (kept if verb == "kept" else erased).add(int(number))
        store = SQLiteRoot(folder).open("crash", create=False)
        try:
            assert store.check() == []
            present = store.memories([memory_id(number) for number in kept])
            untold = {number for number in kept if memory_id(number) not in present} - erased
            assert untold <= {max(kept, default=0)}  # the erasure that was committed when the kill came
            erased |= untold
            assert all(store.status_of(memory_id(number)) == "erased" for number in erased)
            counts = store.counts()
            assert 0 <= counts["memories"] + counts["erased"] - len(kept) <= rounds  # likewise, one more for every kill
            first = max(kept, default=first) + 10
            again = store.apply(batch(key=f"key {max(kept)}")) if kept else None
            assert again is None or again.duplicate
        finally:
            store.close()
    return len(kept)


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    assert torture(tmp_path, rounds=6, longest_s=0.3) > 0


@pytest.mark.slow
def test_a_writer_killed_two_hundred_times(tmp_path: Path) -> None:
    assert torture(tmp_path, rounds=200, longest_s=0.6) > 200
