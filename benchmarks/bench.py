"""``make bench``: what mneme costs beyond the model, beside baselines in the same run. Writes ``build/bench.json``.

Every figure is a median (p50) of repeated calls; fsync and embedding are measured in the same loop and taken out where the name says
``overhead``. Baselines: plain NumPy + SQLite without mneme, and chromadb with the same vectors where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from corpus import RandomVectors, messages, texts

import mneme
from mneme.models.embedder import resolve_embedder

WRITES = 300
QUERIES = 200
BULK = 2000
FILL_PART = 5000

Figures = dict[str, float | str]


def main() -> None:
    """Run everything, print the table, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a look")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    asked = parser.parse_args()
    figures: Figures = {"python": platform.python_version(), "cores": os.cpu_count() or 0}
    with tempfile.TemporaryDirectory(dir=asked.out.parent if asked.out.parent.is_dir() else None) as scratch:
        folder = Path(scratch)
        figures["import_ms"] = import_ms()
        figures |= writing(folder)
        figures |= ingesting(folder)
        for count, name in ((10_000, "10k"),) if asked.quick else ((10_000, "10k"), (100_000, "100k")):
            root = folder / name
            fill(root, count)
            figures |= in_fresh_process(root, name)
            figures |= baselines(folder, count, name)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(figures, indent=2) + "\n")
    for key, value in figures.items():
        print(f"{key:44} {value:>12.3f}" if isinstance(value, float) else f"{key:44} {value:>12}")


def timed(call: Callable[[], object]) -> float:
    """Return how many milliseconds a call takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def import_ms() -> float:
    """Return the median time of ``import mneme`` in fresh processes, the interpreter's own start left out."""
    code = "import time; t = time.perf_counter(); import mneme; print((time.perf_counter() - t) * 1000)"
    return median(float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in range(9))


def fsync_ms(folder: Path) -> float:
    """Return the time of one small append with fsync."""
    with (folder / "fsync").open("ab") as file:
        file.write(b"x" * 4096)
        file.flush()
        return timed(lambda: os.fsync(file.fileno()))


def writing(folder: Path) -> Figures:
    """Measure durable single writes beyond the embedding and one fsync, and the same by hand."""
    said = messages(WRITES + 50, seed=3)
    embedder = resolve_embedder("local")
    embedder.embed([said[0].text])
    overheads, totals, embeds, syncs, plain = [], [], [], [], []
    database = plain_database(folder / "plain.sqlite")
    with mneme.Memory(folder / "writing") as memory:
        space = memory.space("bench")
        for number, message in enumerate(said):
            embed = timed(lambda message=message: embedder.embed([message.text]))
            sync = fsync_ms(folder)
            total = timed(lambda message=message: space.remember(message))
            by_hand = timed(lambda message=message: plain_write(database, message, embedder))
            if number >= 50:
                overheads.append(total - embed - sync)
                totals.append(total)
                embeds.append(embed)
                syncs.append(sync)
                plain.append(by_hand - embed - sync)
    return {
        "remember_ms_p50": median(totals),
        "embed_one_ms_p50": median(embeds),
        "fsync_ms_p50": median(syncs),
        "remember_overhead_ms_p50": median(overheads),
        "baseline_plain_write_overhead_ms_p50": median(plain),
    }


def ingesting(folder: Path) -> Figures:
    """Measure bulk ingest beside the bare embedder on the same texts, alternating, three rounds."""
    embedder = resolve_embedder("local")
    shares, rates = [], []
    for round_number in range(3):
        said = messages(BULK, seed=10 + round_number)
        bare = timed(lambda said=said: embedder.embed([message.text for message in said]))
        with mneme.Memory(folder / f"ingest{round_number}") as memory:
            space = memory.space("bench")
            whole = timed(lambda space=space, said=said: space.remember(said))
        shares.append(bare / whole)
        rates.append(BULK / whole * 1000)
    return {"ingest_share_of_embedder": median(shares), "ingest_texts_per_s": median(rates)}


def fill(root: Path, count: int) -> None:
    """Fill a space without the model's cost."""
    stand_in = RandomVectors(resolve_embedder("local"))
    with mneme.Memory(root, embedder=stand_in, durability="normal") as memory:
        space = memory.space("bench")
        said = messages(count, seed=5)
        for start in range(0, count, FILL_PART):
            space.remember(said[start : start + FILL_PART])


def in_fresh_process(root: Path, name: str) -> Figures:
    """Measure the first recall, recalls after it, and resident memory in a process that did nothing else."""
    firsts, runs = [], []
    for _ in range(3):
        start = time.perf_counter()
        fresh = [sys.executable, str(Path(__file__).with_name("fresh_process.py")), str(root)]
        done = subprocess.run(fresh, capture_output=True, check=True)
        whole_s = time.perf_counter() - start
        run = json.loads(done.stdout)
        firsts.append(run["first_s"])
        runs.append(run)
        run["whole_s"] = whole_s
    return {
        f"first_recall_s_{name}": median(firsts),
        f"recall_ms_p50_{name}": median(run["recall_ms"] for run in runs),
        f"recall_overhead_ms_p50_{name}": median(run["overhead_ms"] for run in runs),
        f"recall_overhead_ms_p95_{name}": median(run["overhead_ms_p95"] for run in runs),
        f"rss_mb_{name}": max(run["rss_mb"] for run in runs),
        f"disk_mb_{name}": sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / 1e6,
    }


def plain_database(path: Path) -> sqlite3.Connection:
    """Return the baseline's database: one table, durable like ours."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE turn (id INTEGER PRIMARY KEY, author TEXT, session TEXT, at TEXT, text TEXT, vector BLOB)")
    return database


def plain_write(database: sqlite3.Connection, message: mneme.Message, embedder: object) -> None:
    """Write a message the plain way."""
    vector = embedder.embed([message.text])[0]  # type: ignore[attr-defined]
    row = (message.author, message.session, str(message.at), message.text, vector.tobytes())
    database.execute("INSERT INTO turn (author, session, at, text, vector) VALUES (?, ?, ?, ?, ?)", row)


def baselines(folder: Path, count: int, name: str) -> Figures:
    """Measure the same question by a plain stack and by chromadb, embedding left out."""
    like = resolve_embedder("local")
    stand_in = RandomVectors(like)
    said = texts(count, seed=5)
    vectors = stand_in.embed(said)
    asked = stand_in.embed(texts(QUERIES, seed=9))
    database = plain_database(folder / f"plain-{name}.sqlite")
    database.execute("BEGIN")
    rows = zip(said, vectors, strict=True)
    database.executemany("INSERT INTO turn (text, vector) VALUES (?, ?)", ((text, vector.tobytes()) for text, vector in rows))
    database.execute("COMMIT")
    plain = median(timed(lambda q=q: plain_recall(database, vectors, q)) for q in asked)
    figures: Figures = {f"baseline_numpy_sqlite_dense_ms_p50_{name}": plain}
    try:
        import chromadb
    except ImportError:
        return figures
    client = chromadb.PersistentClient(str(folder / f"chroma-{name}"))
    collection = client.create_collection("bench", metadata={"hnsw:space": "cosine"})
    start = time.perf_counter()
    for at in range(0, count, FILL_PART):
        part = slice(at, at + FILL_PART)
        collection.add(ids=[str(i) for i in range(count)[part]], embeddings=vectors[part], documents=said[part])
    figures[f"baseline_chroma_add_ms_{name}"] = (time.perf_counter() - start) * 1000 / count
    chroma = median(timed(lambda q=q: collection.query(query_embeddings=[q], n_results=10)) for q in asked)
    figures[f"baseline_chroma_dense_ms_p50_{name}"] = chroma
    return figures


def plain_recall(database: sqlite3.Connection, vectors: np.ndarray, query: np.ndarray) -> list[tuple[str]]:
    """Answer a question the plain way: one matrix product and ten reads; dense only."""
    scores = vectors @ query
    best = np.argpartition(scores, -10)[-10:]
    marks = ",".join("?" * len(best))
    return database.execute(f"SELECT text FROM turn WHERE id IN ({marks})", (best + 1).tolist()).fetchall()


if __name__ == "__main__":
    main()
