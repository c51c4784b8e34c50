"""Times of the embedded store: ``python benchmarks/store.py [--rows 100000]``; prints the bare cost of a flush beside them."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mneme.core.operations import Keep, Observe, Reinforce
from mneme.core.ports import Batch, Material
from mneme.core.records import Episode, Memory, Span
from mneme.stores.sqlite import SQLiteStore

AT = datetime(2024, 1, 1, tzinfo=UTC)
TEXT = "I moved to Porto in May and the flat by the river is small, but I can walk to work and the bakery knows me. "
WIDTH = 384


def batch(start: int, count: int, vectors: np.ndarray) -> Batch:
    """Return a batch that takes in messages as episodes and keeps each as a memory."""
    operations: list[Observe | Keep] = []
    material = {}
    for number in range(start, start + count):
        episode = Episode(id=f"ep_{number:020d}", text=TEXT + str(number), at=AT, recorded_at=AT, author="ana", session="s1")
        memory = Memory(
            id=f"mem_{number:020d}", text=episode.text, kind="turn", at=AT, recorded_at=AT, valid_from=AT, author="ana",
            session="s1", ref=f"m{number}", sources=(Span(episode=episode.id, start=0, end=len(episode.text)),),
        )  # fmt: skip
        operations += [Observe(episode=episode), Keep(memory=memory)]
        material[memory.id] = Material(terms=b"x" * 120, vectors=vectors[number % len(vectors)][None])
    return Batch(operations=operations, material=material, model="bench", verb="remember", at=AT)


def flush_ms(folder: Path, size: int, rounds: int = 100) -> float:
    """Return the median time in ms to append ``size`` bytes to a file and flush it."""
    times = []
    with (folder / "flush").open("wb") as file:
        for _ in range(rounds):
            start = time.perf_counter()
            file.write(b"x" * size)
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def median_ms(call: object, rounds: int) -> float:
    """Return the median time of a call in ms."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def single(folder: Path, vectors: np.ndarray, durability: str) -> tuple[float, float]:
    """Return the median and the 99th percentile in ms of one durable message."""
    store = SQLiteStore(folder / f"single-{durability}.sqlite", durability=durability)  # type: ignore[arg-type]
    times = []
    for number in range(400):
        one = batch(number, 1, vectors)
        start = time.perf_counter()
        store.apply(one)
        times.append((time.perf_counter() - start) * 1000)
    store.close()
    return statistics.median(times), float(np.quantile(times, 0.99))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    rows = parser.parse_args().rows
    vectors = np.random.default_rng(0).standard_normal((1000, WIDTH)).astype(np.float32)
    with tempfile.TemporaryDirectory(dir=os.environ.get("MNEME_BENCH_DIR")) as name:
        folder = Path(name)
        print(f"flush of 48 KiB              {flush_ms(folder, 49152):8.3f} ms")
        for durability in ("full", "normal"):
            p50, p99 = single(folder, vectors, durability)
            print(f"one message, {durability:6}          {p50:8.3f} ms  p99 {p99:.3f} ms")
        print(f"flush of 48 KiB, again       {flush_ms(folder, 49152):8.3f} ms")
        store = SQLiteStore(folder / "bulk.sqlite")
        ready = [batch(start, 1000, vectors) for start in range(0, rows, 1000)]
        start = time.perf_counter()
        for each in ready:
            store.apply(each)
        print(f"bulk of 1,000, per message   {(time.perf_counter() - start) / rows * 1e6:8.1f} us")
        every = store.index_rows(vectors=False).row
        print(f"last_seq                     {median_ms(store.last_seq, 500) * 1000:8.1f} us")
        print(f"index_rows without vectors   {median_ms(lambda: store.index_rows(vectors=False), 3):8.1f} ms")
        print(f"index_rows with vectors      {median_ms(store.index_rows, 3):8.1f} ms")
        print(f"index_rows_at the end        {median_ms(lambda: store.index_rows_at(store.last_seq()), 1):8.1f} ms")
        some = [int(row) for row in every[:: max(len(every) // 10, 1)]]
        print(f"ten memories by row          {median_ms(lambda: store.memories_by_row(some), 300) * 1000:8.1f} us")
        print(f"vectors of ten               {median_ms(lambda: store.vectors(some, [1] * len(some)), 300) * 1000:8.1f} us")
        at = iter(range(100))
        used = [Reinforce(id=f"mem_{number:020d}", uses=1.0, at=AT) for number in range(10)]
        feedback = Batch(operations=used, verb="feedback", at=AT)
        print(f"ten reinforced               {median_ms(lambda: (next(at), store.apply(feedback)), 50):8.3f} ms")
        print(f"check                        {median_ms(store.check, 1):8.1f} ms")
        print(f"file                         {store.counts()['bytes'] / rows:8.0f} bytes a message")
        store.close()
        again = time.perf_counter()
        SQLiteStore(folder / "bulk.sqlite").close()
        print(f"open and close               {(time.perf_counter() - again) * 1000:8.2f} ms")


if __name__ == "__main__":
    main()
