"""A process that compacts and vacuums a space until it is killed; started by the crash test of compaction."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from upkeeper import START, fill

from mneme import Memory
from mneme.core.clock import FrozenClock

DAYS = 60


def opened(folder: str) -> Memory:
    return Memory(folder, embedder="hash", clock=FrozenClock(START + timedelta(days=DAYS)), durability="normal")


def lived(folder: str) -> None:
    """Fill the space, then correct and archive on several days, so that there is much to fold."""
    fill(folder)
    for day in range(1, 12):
        clock = FrozenClock(START + timedelta(days=DAYS + day))
        with Memory(folder, embedder="hash", clock=clock, durability="normal") as memory:
            space = memory.space("a")
            ids = [each.id for each in space.memories(limit=1000)]
            for id in ids[day * 3 : day * 3 + 3]:
                space.revise(id, f"We were in Porto for {day} days and paid {day * 11} euros.")
                space.forget(id)


def main(folder: str) -> None:
    with Memory(folder, embedder="hash", clock=FrozenClock(START + timedelta(days=DAYS + 12)), durability="normal") as memory:
        space = memory.space("a")
        space.memories()
        os.write(1, b"open\n")
        for days in range(12, 0, -1):
            space.compact(timedelta(days=days))
            space.vacuum()
        os.write(1, b"done\n")


if __name__ == "__main__":
    main(sys.argv[1])
