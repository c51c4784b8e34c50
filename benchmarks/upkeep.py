"""How long a pass of upkeep takes: over a large space, and after a thousand new memories.

Usage: python benchmarks/upkeep.py [MEMORIES] [FOLDER]. Prints one JSON object. The space is written once and kept in FOLDER.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.operations import Keep, Observe
from mneme.core.ports import Batch, Material
from mneme.core.records import Episode, Span
from mneme.core.records import Memory as Record
from mneme.engine.places import open_root
from mneme.retention.budgets import Limit
from mneme.text.analyser import Analyser

START = datetime(2014, 1, 1, tzinfo=UTC)
WORDS = [f"{a}{b}" for a in "ba ce di fo gu la me ni po ru sa te vi wo".split() for b in "bor cal den fin gor hal jin kem lop mun".split()]
PEOPLE = "Ana Ben Carla Dev Elif Farid".split()
SMALL_TALK = ("Thanks a lot!", "Hello there, how are you?", "Wow, that is great!", "Good night, see you tomorrow.")
WIDTH = 8


def text(draw: Random, number: int) -> str:
    """Return a message: small talk, or a made-up statement."""
    if draw.random() < 0.02:
        return draw.choice(SMALL_TALK)
    words = draw.choices(WORDS, k=draw.randint(5, 14))
    return f"I saw {draw.choice(PEOPLE)} at the {' '.join(words)} on {1 + number % 28} May, {draw.randint(2, 900)} times."


def write(path: Path, count: int, analyser: Analyser) -> None:
    """Write a space of ``count`` memories, ten years of them."""
    root = open_root(path, "normal")
    store = root.open("big")
    draw, vectors = Random(7), np.random.default_rng(7).normal(size=(64, 1, WIDTH)).astype(np.float32)
    step = timedelta(days=3650) / count
    for start in range(0, count, 10_000):
        operations, material = [], {}
        for number in range(start, min(start + 10_000, count)):
            said, at = text(draw, number), START + step * number
            id = f"{number:020d}"
            shared = {"author": PEOPLE[number % 2], "session": f"s{number // 40}", "role": "user"}
            operations.append(Observe(episode=Episode(id=f"ep_{id}", text=said, at=at, recorded_at=at, **shared)))
            sources = (Span(episode=f"ep_{id}", start=0, end=len(said)),)
            memory = Record(id=f"mem_{id}", text=said, kind="turn", at=at, recorded_at=at, valid_from=at, sources=sources, **shared)
            operations.append(Keep(memory=memory))
            material[memory.id] = Material(terms=analyser.document(said), vectors=vectors[number % 64])
        store.apply(Batch(operations=operations, material=material, model=f"bench-{WIDTH}", verb="remember", at=START + step * start))
    root.close()


class Flat:
    """An embedder that costs nothing, so that upkeep alone is measured."""

    identity, width = f"bench-{WIDTH}", WIDTH

    def embed(self, texts: list[str]) -> np.ndarray:
        """Return one vector for all."""
        return np.tile(np.eye(1, WIDTH, dtype=np.float32), (len(texts), 1))

    def passages(self, text: str) -> list[str]:
        """Return the text."""
        return [text]


def main() -> None:
    """Write, measure, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else f"build/upkeep-{count}")
    if not folder.exists():
        write(folder, count, Analyser("en"))
        sys.stdout.write(f"written {count}\n")
        return
    clock = FrozenClock(START + timedelta(days=3651))
    figures: dict[str, float] = {"memories": count}
    with Memory(folder, embedder=Flat(), clock=clock, durability="normal") as memory:  # type: ignore[arg-type]
        space = memory.space("big")
        for name, limits in (("first_dry", ()), ("held_dry", (Limit(memories=count * 9 // 10),))):
            start, cpu = time.perf_counter(), time.process_time()
            report = space.upkeep(dry_run=True, limits=limits)
            figures[f"{name}_s"] = round(time.perf_counter() - start, 2)
            figures[f"{name}_cpu_s"] = round(time.process_time() - cpu, 2)
            figures[f"{name}_proposals"] = sum(report.done.values())
            print(name, report.done, report.finished, memory_mb(), flush=True)
        start = time.perf_counter()
        report = space.upkeep()
        figures["first_s"] = round(time.perf_counter() - start, 2)
        print("first", report.done, report.finished, report.operations, flush=True)
        for number in range(3):
            space.remember([{"text": text(Random(number * 1000 + i), i), "author": "Ana", "session": f"n{number}"} for i in range(1000)])
            clock.advance(hours=1)
            start, cpu = time.perf_counter(), time.process_time()
            report = space.upkeep()
            figures[f"incremental_{number}_s"] = round(time.perf_counter() - start, 3)
            figures[f"incremental_{number}_cpu_s"] = round(time.process_time() - cpu, 3)
            print(report.done, report.fresh, report.finished, dict(), flush=True)
    figures["rss_mb"] = memory_mb()
    sys.stdout.write(json.dumps(figures) + "\n")


def memory_mb() -> int:
    """Return the largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
