"""A process that looks after a space until it is killed; started by the crash test of upkeep."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import mneme.engine.upkeep as engine
from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.retention.budgets import Limit

START = datetime(2024, 3, 4, 9, tzinfo=UTC)


def opened(folder: str, recipe: str = "default") -> Memory:
    return Memory(folder, embedder="hash", clock=FrozenClock(START + timedelta(days=60)), durability="normal", recipe=recipe)


def fill(folder: str, recipe: str = "default") -> None:
    with opened(folder, recipe) as memory:
        said = ("I went to Porto with Lia and we paid {} euros. It was a nice day.", "Thanks!", "Lia bought {} bowls there. Wow!")
        times = [START + timedelta(hours=8 * number) for number in range(90)]
        memory.space("a").remember(
            [{"text": said[n % 3].format(n + 7), "author": "Ann", "session": f"s{n // 3}", "at": at} for n, at in enumerate(times)]
        )


def main(folder: str, recipe: str = "default") -> None:
    engine.BATCH = 3  # many small entries, so that a kill falls between two of them
    with opened(folder, recipe) as memory:
        memory.space("a").memories()
        os.write(1, b"open\n")
        memory.space("a").upkeep(limits=[Limit(tokens=400)])
        os.write(1, b"done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
