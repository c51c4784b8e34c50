"""A process that forms a space anew under another recipe until it is killed; started by the crash test of switching."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import mneme.engine.reforming as engine
from mneme import Memory
from mneme.core.clock import FrozenClock

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
ROUNDS = 6
SAID = (
    ("Ana", "I live in Porto and I like jazz."),
    ("Ben", "I adopted a puppy called Rex."),
    ("Ana", "On 5 May 2024 I visited Oslo with Carla."),
    ("Ben", "I am allergic to nuts."),
    ("Ana", "I live in Faro now."),
    ("Ben", "I like tea and I work at Siemens."),
)


def opened(folder: str, recipe: str, days: int = 60) -> Memory:
    return Memory(folder, embedder="hash:64", recipe=recipe, clock=FrozenClock(START + timedelta(days=days)), background=False)


def fill(folder: str, recipe: str, rounds: int = ROUNDS) -> None:
    with opened(folder, recipe) as memory:
        given = [
            {"text": text, "author": author, "session": f"s{number}", "at": START + timedelta(hours=9 * number, minutes=minute)}
            for number in range(rounds)
            for minute, (author, text) in enumerate(SAID)
        ]
        memory.space("a").remember(given, wait=True)


def main(folder: str, recipe: str) -> None:
    engine.STEP = 6  # many small steps, so that a kill falls between two of them or into one
    with opened(folder, recipe) as memory:
        os.write(1, b"open\n")
        memory.space("a").drain()
        os.write(1, b"done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
