"""Search inside the database: the same scores as the index in memory, the intended plans, and no neighbour lost to other spaces."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import psycopg
import pytest

from mneme.core.errors import NotFound
from mneme.core.operations import Archive, Erase, Keep, Revise
from mneme.core.ports import FloatArray, Material
from mneme.core.query import Filter
from mneme.index.view import SpaceIndex
from mneme.stores.postgres import PostgresRoot, PostgresStore, apply, glance, index, reads, search
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.initialise import build_indexes
from mneme.stores.postgres.schema import Setup
from mneme.stores.samples import batch, memory, memory_id
from mneme.text.terms import encode_terms, term_id

WIDTH = 16
SETUP = Setup(app_role="mneme_test_app", owner_role="mneme_test_owner", partitions=4)


def unit(seed: int, count: int = 1) -> FloatArray:
    made = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def words_of(number: int) -> list[str]:
    chance = np.random.default_rng(number)
    return [f"w{int(word)}" for word in chance.zipf(1.5, 12) % 60]


def fill(store: PostgresStore, count: int, first: int = 1) -> None:
    operations, made = [], {}
    for number in range(first, first + count):
        operations.append(Keep(memory=memory(number, " ".join(words_of(number)), author="ana" if number % 3 else "ben")))
        vectors = unit(number, 2 if number % 5 == 0 else 1)
        made[memory_id(number)] = Material(terms=encode_terms(words_of(number)), vectors=vectors)
    store.apply(batch(*operations, material=made))


@pytest.fixture
def store(root: PostgresRoot) -> PostgresStore:
    """A space that is searched in the database, with changed, archived and erased memories."""
    store = root.open("searched")
    fill(store, 200)
    store.build_search()
    fill(store, 100, first=201)
    made = {memory_id(7): Material(terms=encode_terms(["w1", "w2"]), vectors=unit(9007))}
    store.apply(batch(Revise(id=memory_id(7), text="w1 w2"), Archive(id=memory_id(8)), Erase(id=memory_id(9)), material=made))
    return store


def index_of(store: PostgresStore) -> SpaceIndex:
    index = SpaceIndex(WIDTH, store.vectors)
    index.refresh(store.index_rows())
    return index


def test_scores_are_those_of_the_index_in_memory(store: PostgresStore) -> None:
    assert store.check() == []
    index = index_of(store)
    rows = index.columns["row"]
    terms = [term_id(word) for word in ("w1", "w3", "w17", "nowhere")]
    weights = [1.0, 0.5, 2.0, 1.0]
    expected = index.lexical(np.array(terms, np.uint64), np.array(weights, np.float32))
    found = store.lexical(terms, weights, 500)
    by_row = dict(zip(rows.tolist(), expected.tolist(), strict=True))
    assert len(found.rows) == int((expected > 0).sum())
    assert np.allclose(found.scores, [by_row[row] for row in found.rows.tolist()], rtol=1e-4)
    query = unit(77)[0]
    cosines = dict(zip(rows.tolist(), index.dense(query).tolist(), strict=True))
    near = store.dense(query, 10)
    assert np.allclose(near.scores, [cosines[row] for row in near.rows.tolist()], atol=0.02)
    best = sorted(store.index_rows().row.tolist(), key=lambda row: -exact(store, row, query))[:10]
    assert len(set(best) & set(near.rows.tolist())) >= 9


def exact(store: PostgresStore, row: int, query: FloatArray) -> float:
    rows = store.index_rows()
    version = int(rows.text_version[rows.row.tolist().index(row)])
    return float((store.vectors([row], [version])[0] @ query).max())


def test_filters_hold_inside_the_search(store: PostgresStore) -> None:
    where = Filter(authors=("ben",))
    ids = {found.id for found in store.memories_by_row(store.dense(unit(1)[0], 20, where=where).rows.tolist())}
    assert len(ids) == 20
    assert {int(id[4:]) % 3 for id in ids} == {0}
    words = store.lexical([term_id("w1")], [1.0], 20, where=where)
    assert {found.author for found in store.memories_by_row(words.rows.tolist())} == {"ben"}
    assert memory_id(8) not in {found.id for found in store.memories_by_row(store.dense(unit(8)[0], 300, where=Filter()).rows.tolist())}
    assert store.memories_by_row(store.dense(unit(8)[0], 1, where=Filter(archived=True)).rows.tolist())[0].id == memory_id(8)


def test_a_small_space_keeps_no_rows_for_search(root: PostgresRoot) -> None:
    small = root.open("small")
    fill(small, 5)
    assert not small.searched()
    with pytest.raises(NotFound, match="small"):
        small.dense(unit(1)[0], 3)


def test_a_space_becomes_searchable_when_it_is_large(root: PostgresRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SEARCHED_FROM", 50)
    large = root.open("large")
    fill(large, 49)
    assert not large.searched()
    fill(large, 1, first=50)
    assert large.searched()
    assert len(large.dense(unit(3)[0], 100).rows) == 50
    assert large.check() == []


# Plans ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(root: PostgresRoot, database: tuple[str, str]) -> PostgresStore:
    """A space among others, in tables whose statistics are known."""
    for number in range(12):
        other = root.open(f"other {number}")
        fill(other, 60)
        other.build_search()
    store = root.open("one")
    fill(store, 300)
    fill(store, 5, first=301)
    store.build_search()
    with psycopg.connect(database[0], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    return store


def plan(store: PostgresStore, sql: str, *values: Any) -> str:
    """Return the plan that the store's own connections make for a statement."""

    def explain(session: Session) -> str:
        return "\n".join(line for (line,) in session.all(f"EXPLAIN (ANALYZE, TIMING off, SUMMARY off, BUFFERS off) {sql}", *values))

    return store.snapshot(explain)


def partitions(text: str, table: str) -> set[str]:
    return set(re.findall(rf"\b{table}_(\d+)\b", text))


HOT = {
    "last entry": ("SELECT seq FROM mneme.head WHERE space = $1", (), "head", "head_"),
    "settings": ("SELECT key, value FROM mneme.meta WHERE space = $1", (), "meta", "meta_"),
    "look": (glance._LOOK, (), "head", "head_"),
    "contents": (glance._CONTENTS, ([5, 6, 7],), "memory", "memory_version_"),
    "memories by row": (
        f"SELECT m.row, v.snapshot FROM mneme.memory m {reads._HEAD} WHERE m.space = $1 AND m.row = ANY($2::bigint[])", ([5, 6, 7],),
        "memory", "memory_version_",
    ),
    "memories by row, as of an entry": (
        f"SELECT m.row, v.snapshot FROM mneme.memory m {reads._AS_OF} WHERE m.space = $1 AND m.row = ANY($2::bigint[])", ([5, 6, 7], 1),
        "memory", "memory_version_",
    ),
    "heads of a batch": (apply._HEADS, ([memory_id(5), memory_id(6)],), "memory", "memory_version_"),
    "refresh of the index": (index.CHANGED, (1,), "memory", "_space_seq_"),
    "rows for search": (f"SELECT m.row {search._FOUND}", ([5, 6, 7],), "memory", "memory_"),
    "memories by id": (
        "SELECT id FROM mneme.memory m WHERE m.space = $1 AND m.id = ANY($2::text[])", ([memory_id(5)],), "memory", "_space_id_",
    ),
    "vectors": ("SELECT data FROM mneme.vector WHERE space = $1 AND key = ANY($2::bigint[])", ([1048577],), "vector", "vector_"),
    "entries": ("SELECT seq FROM mneme.entry WHERE space = $1 AND seq > $2 ORDER BY seq LIMIT 10", (0,), "entry", "entry_"),
    "changed rows": ("SELECT row FROM mneme.memory WHERE space = $1 AND seq > $2", (1,), "memory", "_space_seq_"),
    "due jobs": (
        "SELECT id FROM mneme.job WHERE space = $1 AND state = 'waiting' AND due_at <= $2 ORDER BY due_at, id LIMIT 1", (0,), "job",
        "_space_state_",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOT)
@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
def test_hot_queries_use_their_index_in_one_partition(many: PostgresStore, name: str, mode: str) -> None:
    sql, values, table, index = HOT[name]

    def explain(session: Session) -> str:
        session.connection.execute(f"SET LOCAL plan_cache_mode = {mode}")  # type: ignore[arg-type]
        return "\n".join(line for (line,) in session.all(f"EXPLAIN (ANALYZE, TIMING off, SUMMARY off, BUFFERS off) {sql}", *values))

    shown = many.snapshot(explain)
    assert "Seq Scan" not in shown
    assert index in shown
    assert len(partitions(shown, table)) == 1
    assert rows_read(shown) <= 20  # of 300 in the space


def rows_read(shown: str) -> int:
    """Return how many rows the scan of a plan read that read most, over all its loops."""
    scans = re.findall(r"Scan using \w+ on .*?\(actual rows=([\d.]+) loops=(\d+)\)", shown)
    return max((int(float(rows) * int(loops)) for rows, loops in scans), default=0)


def test_searches_use_their_index_in_one_partition(many: PostgresStore) -> None:
    sql, values = search.dense_statement(many.number, unit(1)[0], 10)
    shown = plan(many, sql, *values)
    assert "Seq Scan" not in shown
    assert len(partitions(shown, "embedding")) == 1
    sql, values = search.lexical_statement([term_id("w1"), term_id("w20")], [1.0, 1.0], 10)
    shown = plan(many, sql, *values)
    assert "posting" in shown
    assert "Index Only Scan" in shown
    assert "Seq Scan" not in shown
    assert len(partitions(shown, "posting")) == 1


def test_a_large_space_gets_an_index_of_its_own_and_loses_nothing(database: tuple[str, str], root: PostgresRoot) -> None:
    for number in range(6):
        other = root.open(f"other {number}")
        fill(other, 400)
        other.build_search()
    store = root.open("large")
    fill(store, 1500)
    store.build_search()
    made = build_indexes(database[0], SETUP, at_least=1500)
    assert [(each.space, each.width) for each in made] == [("large", WIDTH)]
    assert build_indexes(database[0], SETUP, at_least=1500) == []
    sql, values = search.dense_statement(store.number, unit(1)[0], 10, hnsw=WIDTH)

    def explain(session: Session) -> str:
        session.connection.execute("SET LOCAL enable_sort = off")
        lines = session.connection.execute(f"EXPLAIN {sql}", (session.space, *values), prepare=False).fetchall()  # type: ignore[arg-type]
        return "\n".join(line for (line,) in lines)

    assert f"embedding_hnsw_{store.number}" in store.snapshot(explain)
    shares = []
    for seed in range(5000, 5040):
        query = unit(seed)[0]
        scanned = set(store.dense(query, 10, exact=True).rows.tolist())
        shares.append(len(scanned & set(store.dense(query, 10).rows.tolist())) / 10)
    assert np.mean(shares) >= 0.98
    few = Filter(refs=("none",))
    assert len(store.dense(unit(1)[0], 10, where=few).rows) == 0
    fill(store, 5, first=5001)
    assert store.memories_by_row(store.dense(unit(5003)[0], 1).rows.tolist())[0].id == memory_id(5003)


def test_isolation_holds_inside_search(database: tuple[str, str], many: PostgresStore) -> None:
    with psycopg.connect(database[1], autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM mneme.embedding").fetchone() == (0,)
    assert len(many.dense(unit(1)[0], 10_000).rows) == 305


def test_rewritten_token_rows_are_searched(store: PostgresStore) -> None:
    rows, versions = [3, 4, 9], [1, 1, 1]  # 9 was erased
    store.rewrite_terms(rows, versions, [encode_terms(["zebra", "w1"])] * 3)
    found = store.lexical([term_id("zebra")], [1.0], 10)
    assert sorted(found.rows.tolist()) == [3, 4]
    assert store.check() == []
