"""The part of a large space that a question may need, found inside the database.

The nearest by vector and the best by words come with what was said around them, since ranking looks at windows and conversations:
memories that were remembered one after another have rows one after another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mneme.core.ports import Excerpt, FloatArray, IntArray
from mneme.core.query import Filter
from mneme.index.columns import PAUSE_MICROS
from mneme.stores.postgres import search
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.index import index_rows
from mneme.stores.postgres.rows import from_text

FOUND = 200
"""How many memories each kind of search finds."""
WIDE = 60
"""Of this many of the best, the whole conversation is read, as far as it lies within ``FAR`` rows."""
FAR, NEAR = 40, 4
_RECENT_ROWS = 20_000
_EVERYTHING = Filter()


def documents(session: Session) -> int:
    """Return how many memories can be searched here; 0 where the space has no rows for it."""
    found = session.one("SELECT documents FROM mneme.head WHERE space = $1 AND searched")
    return int(found[0]) if found else 0


def read(session: Session, vector: FloatArray, terms: Sequence[int], weights: Sequence[float], where: Filter) -> Excerpt:
    """Return what was found, without a way to ask for frequencies yet and who spoke; call it in a snapshot."""
    head = session.one(
        "SELECT h.documents, h.total_length, s.hnsw FROM mneme.head h JOIN mneme.space s ON s.id = h.space WHERE h.space = $1"
    )
    count, length, hnsw = head or (0, 0, 0)
    # What a plain question leaves out (archived, ended) is little: it is left out after the search, which needs no join then.
    narrowed = None if where == _EVERYTHING else where
    near = search.dense(session, vector, FOUND, where=narrowed, hnsw=int(hnsw)).rows
    worded = search.lexical(session, terms, weights, FOUND, where=narrowed).rows if len(terms) else near[:0]
    return Excerpt(
        rows=index_rows(session, after=0, vectors=True, rows=_around(session, near, worded)),
        documents=int(count),
        total_length=int(length),
        authors=(),
        span=_span(session),
        frequencies=lambda terms: [0] * len(terms),
    )


def _around(session: Session, *found: IntArray) -> list[int]:
    """Return the rows found with those beside them: their conversations for the best, the next ones for the others."""
    best = np.unique(np.concatenate([rows[:WIDE] for rows in found]))
    told = session.all(
        """SELECT DISTINCT n.row FROM unnest($2::bigint[]) b
           CROSS JOIN LATERAL (SELECT b - $3::bigint AS low, b + $3::bigint AS high OFFSET 0) k
           JOIN mneme.memory m ON m.space = $1 AND m.row = b
           JOIN mneme.memory n ON n.space = $1 AND n.row BETWEEN k.low AND k.high AND n.session = m.session""",
        best.tolist(), FAR,
    )  # fmt: skip
    near = (np.concatenate(found)[:, None] + np.arange(-NEAR, NEAR + 1)).ravel()
    rows = np.unique(np.concatenate([near, np.array([row for (row,) in told], np.int64)]))
    wanted: list[int] = rows[rows > 0].tolist()
    return wanted


def frequencies(session: Session, terms: Sequence[int]) -> list[int]:
    """Return how many memories have each term."""
    ids = np.asarray(list(terms), np.uint64).view(np.int64).tolist()
    rows = session.all("SELECT term, count(*) FROM mneme.posting WHERE space = $1 AND term = ANY($2::bigint[]) GROUP BY term", ids)
    found: dict[int, int] = dict(rows)
    return [int(found.get(id, 0)) for id in ids]


def judged(session: Session, prefix: str) -> list[str]:
    """Return the memories whose usage holds numbers with names that begin so."""
    rows = session.all(
        """SELECT m.id FROM mneme.usage u JOIN mneme.memory m ON m.space = $1 AND m.row = u.memory
           WHERE u.space = $1 AND position($2::bytea IN u.state) > 0 ORDER BY m.id""",
        b'"' + prefix.encode(),
    )
    return [from_text(id) for (id,) in rows]


def _span(session: Session) -> tuple[int, int]:
    """Return when the first and the last memory were said that were remembered."""
    end = "SELECT at FROM mneme.memory WHERE space = $1 AND status <> 'erased' ORDER BY row"
    first, last = session.one(f"{end} LIMIT 1"), session.one(f"{end} DESC LIMIT 1")
    return (int(first[0]), int(last[0])) if first and last else (0, 0)


def lately(session: Session) -> tuple[tuple[str, ...], int]:
    """Return who spoke lately, and how many conversations there are, if they are everywhere as long as lately."""
    found = session.one(
        f"""SELECT count(*), count(*) FILTER (WHERE session IS DISTINCT FROM before OR abs(at - moment) > {PAUSE_MICROS}
              OR session IS NULL AND author IS NULL), array_agg(DISTINCT author) FILTER (WHERE author IS NOT NULL)
            FROM (SELECT author, session, at, lag(session) OVER places AS before, lag(at) OVER places AS moment FROM
              (SELECT author, session, at, row FROM mneme.memory WHERE space = $1 ORDER BY row DESC LIMIT $2::bigint) late
              WINDOW places AS (ORDER BY row DESC)) each""",
        _RECENT_ROWS,
    )
    seen, starts, authors = found or (0, 0, None)
    conversations = round(documents(session) * starts / seen) if seen else 0
    return tuple(sorted(from_text(author) for author in authors or ())), conversations
