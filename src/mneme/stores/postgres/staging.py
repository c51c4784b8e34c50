"""Changing the embedding model: the new vectors gather beside the old ones and replace them in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.ports import FloatArray
from mneme.core.records import Memory
from mneme.stores.applying import VERSIONS, memory_from
from mneme.stores.postgres import search
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.reads import lock, meta, put_meta
from mneme.stores.postgres.rows import columns_of
from mneme.stores.semantics import check_vectors


def stage(
    session: Session,
    model: str,
    rows: Sequence[int],
    text_versions: Sequence[int],
    vectors: Sequence[FloatArray],
) -> None:
    """Store another model's vectors beside those in use; those of a third model go. Call it inside a writing transaction."""
    lock(session)
    settings = meta(session)
    if settings.get("staged_model") != model:
        session.run("DELETE FROM mneme.staged WHERE space = $1")
        settings.pop("staged_width", None)
    width = check_vectors(vectors, int(settings.get("staged_width", "0")))
    put_meta(session, {"staged_model": model, "staged_width": str(width)})
    keys = [int(row) * VERSIONS + int(number) for row, number in zip(rows, text_versions, strict=True)]
    values = {
        key: (key, len(array), np.ascontiguousarray(array, "<f4").tobytes()) for key, array in zip(keys, vectors, strict=True)
    }
    if not values:
        return
    # What was erased since it was read has no term row any more and must not come back.
    session.run(
        """INSERT INTO mneme.staged SELECT $1, u.* FROM unnest($2::bigint[], $3::integer[], $4::bytea[]) u(key, passages, data)
           WHERE EXISTS (SELECT 1 FROM mneme.term t WHERE t.space = $1 AND t.key = u.key)
           ON CONFLICT (space, key) DO UPDATE SET passages = excluded.passages, data = excluded.data""",
        *columns_of(list(values.values())),
    )


def unstaged(session: Session, model: str, limit: int) -> list[tuple[int, int, Memory]]:
    """Return (row, text version, memory) of what has no staged vectors of a model yet, oldest first."""
    lacking = ""
    if meta(session).get("staged_model") == model:
        lacking = "AND NOT EXISTS (SELECT 1 FROM mneme.staged s WHERE s.space = $1 AND s.key = t.key)"
    sql = f"""SELECT t.key, v.snapshot FROM mneme.term t JOIN mneme.memory_version v ON v.space = $1 AND v.key = t.key
      WHERE t.space = $1 {lacking} ORDER BY t.key LIMIT $2"""
    return [(key // VERSIONS, key % VERSIONS, memory_from(snapshot)) for key, snapshot in session.all(sql, limit)]


def switch(session: Session, model: str, width: int) -> bool:
    """Put the staged vectors in the place of those in use; False while some are missing. Call it in a writing transaction."""
    searched = lock(session)
    if unstaged(session, model, 1):
        return False
    settings = meta(session)
    staged = session.one("SELECT count(*) FROM mneme.staged WHERE space = $1")
    if staged and staged[0] and settings.get("staged_width") != str(width):
        raise InvalidInput({"width": f"is {width}, the staged vectors have {settings.get('staged_width')}"})
    session.run(
        "UPDATE mneme.term t SET passages = s.passages FROM mneme.staged s WHERE t.space = $1 AND s.space = $1 AND s.key = t.key"
    )
    session.run("DELETE FROM mneme.vector WHERE space = $1")
    session.run("INSERT INTO mneme.vector SELECT * FROM mneme.staged WHERE space = $1 AND passages > 0")
    session.run("DELETE FROM mneme.staged WHERE space = $1")
    session.run("DELETE FROM mneme.meta WHERE space = $1 AND key IN ('staged_model', 'staged_width')")
    put_meta(session, {"model": model, "width": str(width)})
    if searched:
        search.build(session)
    return True


def rewrite_terms(session: Session, rows: Sequence[int], text_versions: Sequence[int], terms: Sequence[bytes]) -> None:
    """Replace token rows, and what the search inside the database made of them. Call it in a writing transaction."""
    searched = lock(session)
    keys = [int(row) * VERSIONS + int(number) for row, number in zip(rows, text_versions, strict=True)]
    session.run(
        """UPDATE mneme.term t SET terms = u.terms FROM unnest($2::bigint[], $3::bytea[]) u(key, terms)
           WHERE t.space = $1 AND t.key = u.key""",
        keys,
        list(terms),
    )
    if searched:
        search.follow(session, [int(row) for row in rows], rows=0, searched=True)
