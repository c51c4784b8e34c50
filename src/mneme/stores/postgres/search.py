"""Search inside the database, for spaces that are too large to hold in a process: vectors and words of one space, ranked in SQL.

A small space has no rows here: its index is loaded into memory in less time than they would take to keep. From ``SEARCHED_FROM`` memories
on, a space has one ``embedding`` row for each passage and one ``posting`` row for each term of what can be found, kept by every change.

Vectors are scanned exactly within the space. The trap beside it: one HNSW index over all spaces, filtered by space, loses neighbours
silently. So an index is built for one large space alone (``WHERE space = n``, see :func:`index_statement`), and its scan goes on until
enough rows passed (``hnsw.iterative_scan``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mneme.core.ports import FloatArray, IntArray
from mneme.core.query import Filter
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.halfvec import HalfVector
from mneme.stores.postgres.reads import filter_clauses
from mneme.stores.postgres.rows import chunks, columns_of, keyed
from mneme.text.terms import K1, B, decode_many

SEARCHED_FROM = 5_000
"""From this many memories on, a space is kept searchable inside the database."""
HNSW_FROM = 50_000
"""From this many vectors on, an index of its own makes a space's recall faster than the exact scan."""
COMMON_SHARE = 0.5
CHEAP_ROWS = 2_048
"""As in the index in memory: a term on more than this share of the memories is left out if there is a rarer one."""
_EF_SEARCH = 400
_PASSAGES = 3
_MOST_ROWS = 500

_FOUND = f"""FROM mneme.memory m {keyed("m.text_version")} JOIN mneme.term t ON t.space = $1 AND t.key = k.key
  JOIN mneme.vector v ON v.space = $1 AND v.key = t.key
  WHERE m.space = $1 AND m.row = ANY($2::bigint[]) AND m.status IN ('active', 'archived') AND t.passages > 0"""

_LEXICAL = """
WITH asked AS (
  SELECT a.term, a.weight, (SELECT count(*) FROM mneme.posting p WHERE p.space = $1 AND p.term = a.term) AS df
  FROM unnest($2::bigint[], $3::double precision[]) a(term, weight) WHERE a.weight <> 0
), total AS (
  SELECT documents AS n, total_length::double precision / greatest(documents, 1) AS mean,
    greatest($4::double precision * documents, $5::double precision) AS most
  FROM mneme.head WHERE space = $1
), chosen AS MATERIALIZED (
  SELECT term, weight * ln(1 + (n - df + 0.5::double precision) / (df + 0.5::double precision)) AS gain, mean FROM asked, total
  WHERE df > 0 AND (df <= most OR NOT EXISTS (SELECT 1 FROM asked, total WHERE df BETWEEN 1 AND most))
)
SELECT p.row, sum(c.gain * p.tf / (p.tf + $6::double precision
  * (1 - $7::double precision + $7::double precision * p.length / greatest(c.mean, 1e-9)))) AS score
FROM chosen c JOIN mneme.posting p ON p.space = $1 AND p.term = c.term {join}
WHERE p.tf > 0 {where} GROUP BY p.row ORDER BY score DESC, p.row LIMIT $8"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found, best first; ties by row.

    Args:
        rows: ``(m,)`` rows of memories.
        scores: ``(m,)``, falling.
    """

    rows: IntArray
    scores: FloatArray


def follow(session: Session, moved: Sequence[int], *, rows: int, searched: bool) -> None:
    """Keep search in step with a change; call it at the end of the writing transaction.

    Args:
        session: holds the lock of the space's head.
        moved: rows of memories that are new, or have another text or status.
        rows: how many memories the space has had.
        searched: whether the space has rows for search.
    """
    if searched:
        for part in chunks(moved, _MOST_ROWS):
            _take_out(session, part)
            _put_in(session, part)
    elif rows >= SEARCHED_FROM:
        build(session)


def build(session: Session) -> None:
    """Make a space searchable inside the database, anew if it is; call it in a writing transaction that holds the head's lock."""
    session.run("DELETE FROM mneme.embedding WHERE space = $1")
    session.run("DELETE FROM mneme.posting WHERE space = $1")
    session.run("UPDATE mneme.head SET searched = true, documents = 0, total_length = 0 WHERE space = $1")
    every = [row for (row,) in session.all("SELECT row FROM mneme.memory WHERE space = $1 ORDER BY row")]
    for part in chunks(every, _MOST_ROWS):
        _put_in(session, part)


def _take_out(session: Session, rows: Sequence[int]) -> None:
    counted = session.one(
        """WITH gone AS (DELETE FROM mneme.posting WHERE space = $1 AND row = ANY($2::bigint[]) RETURNING row, length)
           SELECT coalesce(sum(length), 0) FROM (SELECT DISTINCT row, length FROM gone) each""",
        list(rows),
    )
    taken = session.one(
        """WITH gone AS (DELETE FROM mneme.embedding WHERE space = $1 AND row = ANY($2::bigint[]) RETURNING row)
           SELECT count(DISTINCT row) FROM gone""",
        list(rows),
    )
    _count(session, -int(taken[0] if taken else 0), -int(counted[0] if counted else 0))


def _put_in(session: Session, rows: Sequence[int]) -> None:
    found = session.all(f"SELECT m.row, v.passages, v.data, t.terms {_FOUND} ORDER BY m.row", list(rows))
    if not found:
        return
    codes: list[tuple[int, int, HalfVector]] = []
    for row, passages, data, _ in found:
        vectors = np.frombuffer(data, "<f4").reshape(passages, -1)
        codes += [(row, number, HalfVector(vector)) for number, vector in enumerate(vectors)]
    sql = "INSERT INTO mneme.embedding SELECT $1, u.* FROM unnest($2::bigint[], $3::integer[], $4::halfvec[]) u"
    for part in chunks(codes, _MOST_ROWS):
        session.run(sql, *columns_of(part))
    sizes, ids, counts = decode_many([terms for _, _, _, terms in found])
    owners = np.repeat(np.arange(len(found)), sizes)
    lengths = np.bincount(owners, weights=counts, minlength=len(found)).astype(np.int64)
    numbers = np.array([row for row, *_ in found], np.int64)
    columns = [ids.view(np.int64), numbers[owners], counts.astype(np.int64), lengths[owners]]
    if len(ids):
        sql = "INSERT INTO mneme.posting SELECT $1, u.* FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::integer[]) u"
        session.run(sql, *(column.tolist() for column in columns))
    _count(session, len(found), int(lengths.sum()))


def _count(session: Session, documents: int, length: int) -> None:
    if documents or length:
        sql = "UPDATE mneme.head SET documents = documents + $2, total_length = total_length + $3 WHERE space = $1"
        session.run(sql, documents, length)


def dense(session: Session, vector: FloatArray, k: int, *, where: Filter | None = None, hnsw: int = 0) -> Found:
    """Return the memories with the best passages for a vector.

    Args:
        session: sees the space.
        vector: ``(width,) float32``.
        k: how many memories.
        where: which memories; all that can be found if None.
        hnsw: the width of the space's own index; 0 scans exactly.
    """
    sql, values = dense_statement(session.space, vector, k, where=where, hnsw=hnsw)
    if hnsw:
        session.connection.execute(
            f"SET LOCAL hnsw.ef_search = {max(_EF_SEARCH, min(2 * k, 1000))}; "
                                  "SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL enable_sort = off",
            prepare=False,
        )  # fmt: skip
        return _found(session.planned(sql, *values))
    return _found(session.all(sql, *values))


def dense_statement(space: int, vector: FloatArray, k: int, *, where: Filter | None = None, hnsw: int = 0) -> tuple[str, list[Any]]:
    """Return the statement of :func:`dense` with its values from ``$2`` on."""
    values: list[Any] = [HalfVector(vector), k]
    join, clauses = _filter(where, values, "e.row")
    if not hnsw:
        return (
            f"""SELECT e.row, -min(e.code <#> $2::halfvec) AS score FROM mneme.embedding e {join}
              WHERE e.space = $1 {clauses} GROUP BY e.row ORDER BY score DESC, e.row LIMIT $3""",
            values,
        )
    # The number of the space stands in the text, so that the planner knows that the partial index fits.
    nearest = f"e.code::halfvec({int(hnsw)}) <#> $2::halfvec({int(hnsw)})"
    return (
        f"""SELECT row, -min(distance) AS score FROM (
              SELECT e.row, {nearest} AS distance FROM mneme.embedding e {join}
              WHERE e.space = {int(space)} AND e.space = $1 {clauses} ORDER BY {nearest} LIMIT $3 * {_PASSAGES}) near
            GROUP BY row ORDER BY score DESC, row LIMIT $3""",
        values,
    )


def lexical(session: Session, terms: Sequence[int], weights: Sequence[float], k: int, *, where: Filter | None = None) -> Found:
    """Return the memories with the best BM25 for terms, by the statistics of the space.

    Args:
        session: sees the space.
        terms: ids as the analyser makes them (unsigned 64-bit).
        weights: of each term.
        k: how many memories.
        where: which memories; all that can be found if None.
    """
    sql, values = lexical_statement(terms, weights, k, where=where)
    return _found(session.all(sql, *values))


def lexical_statement(terms: Sequence[int], weights: Sequence[float], k: int, *, where: Filter | None = None) -> tuple[str, list[Any]]:
    """Return the statement of :func:`lexical` with its values from ``$2`` on."""
    ids = np.asarray(terms, np.uint64).view(np.int64).tolist()
    values: list[Any] = [ids, [float(weight) for weight in weights], COMMON_SHARE, float(CHEAP_ROWS), float(K1), float(B), k]
    join, clauses = _filter(where, values, "p.row")
    return _LEXICAL.format(join=join, where=clauses), values


def _filter(where: Filter | None, values: list[Any], row: str) -> tuple[str, str]:
    if where is None:
        return "", ""
    clauses = filter_clauses(where, values, ("active", "archived") if where.archived else ("active",))
    return f"JOIN mneme.memory m ON m.space = $1 AND m.row = {row}", "AND " + " AND ".join(clauses)


def _found(rows: Sequence[tuple[int, float]]) -> Found:
    return Found(rows=np.array([row for row, _ in rows], np.int64), scores=np.array([score for _, score in rows], np.float32))


def index_statement(space: int, partition: str, width: int) -> str:
    """Return the SQL that builds the index of one large space, run by the owner outside a transaction."""
    return (
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS embedding_hnsw_{int(space)} ON {partition} "
        f"USING hnsw ((code::halfvec({int(width)})) halfvec_ip_ops) WHERE space = {int(space)}"
    )
