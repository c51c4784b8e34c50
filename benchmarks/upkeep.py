"""How long a pass of upkeep takes and how much memory: over a large space, and after a thousand new memories.

Usage: ``python benchmarks/upkeep.py [--memories 1000000] [--folder build/upkeep] [--out FILE]``. Prints one JSON object. The space
is written once and kept in the folder; every measurement works on a copy and in a process of its own, so that the peak of memory is
that of the pass. The recipe, its keepers and its curve are the default ones; the embedder costs nothing and there is no model.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from mneme import Memory, Space
from mneme.core.clock import FrozenClock
from mneme.core.operations import Keep, Observe
from mneme.core.ports import Batch, Material
from mneme.core.records import Episode, Span
from mneme.core.records import Memory as Record
from mneme.engine.places import open_root
from mneme.engine.upkeep import UpkeepBudget
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


def opened(folder: Path) -> Memory:
    """Open the space after its ten years."""
    clock = FrozenClock(START + timedelta(days=3651))
    return Memory(folder, embedder=Flat(), clock=clock, durability="normal")  # type: ignore[arg-type]


def timed(figures: dict[str, object], name: str, space: Space, **given: Any) -> None:
    """Run a pass and note how long it took, by the clock on the wall and by that of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    report = space.upkeep(budget=UpkeepBudget(seconds=600), **given)
    figures[f"{name}_s"] = round(time.perf_counter() - start, 3)
    figures[f"{name}_cpu_s"] = round(time.process_time() - cpu, 3)
    figures[f"{name}_done"] = dict(report.done)
    figures[f"{name}_finished"] = report.finished


def dry(folder: Path, count: int) -> dict[str, object]:
    """Measure a pass that only proposes, over everything, with a limit that a tenth has to go for."""
    figures: dict[str, object] = {}
    with opened(folder) as memory:
        timed(figures, "dry", memory.space("big"), dry_run=True, limits=(Limit(memories=count * 9 // 10),))
    return {**figures, "dry_rss_mb": memory_mb()}


def real(folder: Path, count: int) -> dict[str, object]:
    """Measure the first pass, and passes after a thousand new memories: statements, and in the last one almost all small talk."""
    figures: dict[str, object] = {}
    with opened(folder) as memory:
        space = memory.space("big")
        timed(figures, "first", space)
        figures["first_rss_mb"] = memory_mb()
        for number in range(4):
            draw = Random(number)
            said = [text(draw, i) if number < 3 else draw.choice(SMALL_TALK) for i in range(1000)]
            at = START + timedelta(days=3651, hours=number)
            space.remember([{"text": each, "author": "Ana", "session": f"n{number}", "at": at} for each in said])
            timed(figures, f"incremental_{number}", space)
    return {**figures, "rss_mb": memory_mb()}


PARTS = {"dry": dry, "real": real}


def apart(part: str, folder: Path, count: int) -> dict[str, object]:
    """Run a measurement on a copy of the space in a process of its own."""
    copy = folder.with_name(f"{folder.name}-measured")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    try:
        command = [sys.executable, __file__, "--part", part, "--folder", str(copy), "--memories", str(count)]
        found: dict[str, object] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    finally:
        shutil.rmtree(copy)
    return found


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--part", choices=list(PARTS), default=None)
    given = parser.parse_args()
    folder = given.folder or Path(f"build/upkeep-{given.memories}")
    if given.part:
        sys.stdout.write(json.dumps(PARTS[given.part](folder, given.memories)) + "\n")
        return
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        write(unfinished, given.memories, Analyser("en"))
        unfinished.rename(folder)
    figures: dict[str, object] = {"memories": given.memories}
    for part in PARTS:
        figures |= apart(part, folder, given.memories)
    told = json.dumps(figures, indent=1)
    if given.out is not None:
        given.out.write_text(told + "\n")
    sys.stdout.write(told + "\n")


def memory_mb() -> int:
    """Return the largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
