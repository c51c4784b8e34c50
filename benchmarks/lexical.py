"""How the lexical index compares: own postings, tantivy, bm25s and SQLite FTS5 on the same generated texts.

    python benchmarks/lexical.py --rows 10000 100000

The comparison libraries are optional (``pip install tantivy bm25s``); what is missing is left out of the table.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from mneme.index.postings import Postings
from mneme.text.analyser import Analyser
from mneme.text.stopwords import stopwords
from mneme.text.terms import encode_terms

QUERIES = 60
WORDS_PER_TEXT = 25
VOCABULARY = 60_000


def texts(n: int, seed: int = 7) -> list[list[str]]:
    """Token lists with the word frequencies of English: function words, then a long tail (Zipf's law)."""
    rng = np.random.default_rng(seed)
    words = [*sorted(stopwords("en")), *(f"word{i}x" for i in range(VOCABULARY))]
    share = 1.0 / (np.arange(len(words)) + 4.0)
    picks = rng.choice(len(words), size=(n, WORDS_PER_TEXT), p=share / share.sum())
    lengths = rng.integers(5, WORDS_PER_TEXT + 1, n)
    return [[words[i] for i in row[:length]] for row, length in zip(picks.tolist(), lengths.tolist(), strict=True)]


def p50_ms(run: Callable[[int], object], times: int = QUERIES) -> float:
    """Median time of ``run(i)`` over the queries, after one round to warm up."""
    run(0)
    spent = []
    for i in range(times):
        started = time.perf_counter()
        run(i)
        spent.append(time.perf_counter() - started)
    return statistics.median(spent) * 1e3


def own(documents: Sequence[list[str]], questions: Sequence[list[str]]) -> dict[str, float]:
    """Our postings: every row's score."""
    analyser = Analyser()
    blobs = [encode_terms(document) for document in documents]
    queries = [analyser.query(" ".join(question)) for question in questions]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    postings = Postings()
    postings.add(np.arange(len(blobs)), blobs)
    build_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scan = p50_ms(lambda i: postings.scores(queries[i].ids, queries[i].weights))
    everything = Postings(common_share=1.0)
    everything.add(np.arange(len(blobs)), blobs)
    flat = p50_ms(lambda i: everything.scores(queries[i].ids))
    next_row = iter(range(len(blobs), len(blobs) + 100_000))

    def add_and_ask(i: int) -> None:
        postings.add([next(next_row)], [blobs[i]])
        postings.scores(queries[i].ids, queries[i].weights)

    return {
        "load s": build_s,
        "query ms": scan,
        "query ms, no term left out": flat,
        "add + query ms": p50_ms(add_and_ask),
        "index MB": postings.nbytes / 1e6,
        "peak MB": (after - before) / 1e3,
    }


def tantivy(documents: Sequence[list[str]], questions: Sequence[list[str]]) -> dict[str, float]:
    """Tantivy in memory: the best 50 only."""
    import tantivy as library

    builder = library.SchemaBuilder()
    builder.add_text_field("body", stored=False, tokenizer_name="whitespace")
    builder.add_integer_field("row", stored=True)
    index = library.Index(builder.build())

    def add(first: int, rows: Sequence[list[str]]) -> None:
        writer = index.writer(num_threads=1)
        for row, words in enumerate(rows, first):
            writer.add_document(library.Document(body=" ".join(words), row=row))
        writer.commit()
        index.reload()

    started = time.perf_counter()
    add(0, documents)
    build_s = time.perf_counter() - started

    def ask(i: int) -> object:
        return index.searcher().search(index.parse_query(" ".join(f'"{word}"' for word in questions[i]), ["body"]), 50)

    def add_and_ask(i: int) -> None:
        add(len(documents) + i, [documents[i]])
        ask(i)

    return {"load s": build_s, "query ms": p50_ms(ask), "add + query ms": p50_ms(add_and_ask, 10)}


def bm25s(documents: Sequence[list[str]], questions: Sequence[list[str]]) -> dict[str, float]:
    """bm25s: every row's score, rebuilt on each change."""
    import bm25s as library

    started = time.perf_counter()
    index = library.BM25()
    index.index(list(documents), show_progress=False)
    build_s = time.perf_counter() - started
    known = [[word for word in question if word in index.vocab_dict] for question in questions]
    return {"load s": build_s, "query ms": p50_ms(lambda i: index.get_scores(known[i])), "add + query ms": build_s * 1e3}


def fts5(documents: Sequence[list[str]], questions: Sequence[list[str]]) -> dict[str, float]:
    """SQLite FTS5 in memory: the best 50 only."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(body)")
    started = time.perf_counter()
    database.executemany("INSERT INTO t(body) VALUES (?)", ((" ".join(words),) for words in documents))
    database.commit()
    build_s = time.perf_counter() - started
    best = "SELECT rowid, bm25(t) FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT 50"

    def ask(i: int) -> object:
        return database.execute(best, (" OR ".join(f'"{word}"' for word in questions[i]),)).fetchall()

    def add_and_ask(i: int) -> None:
        database.execute("INSERT INTO t(body) VALUES (?)", (" ".join(documents[i]),))
        ask(i)

    return {"load s": build_s, "query ms": p50_ms(ask, 20), "add + query ms": p50_ms(add_and_ask, 10)}


def main() -> None:
    """Print one line per index and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    for rows in parser.parse_args().rows:
        documents = texts(rows)
        questions = [document[:12] for document in texts(QUERIES, seed=8)]
        for name, run in (("own postings", own), ("tantivy", tantivy), ("bm25s", bm25s), ("SQLite FTS5", fts5)):
            if run in (tantivy, bm25s) and importlib.util.find_spec(name) is None:
                print(f"{rows:>8} {name:<13} not installed")
                continue
            figures = run(documents, questions)
            print(f"{rows:>8} {name:<13} " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
