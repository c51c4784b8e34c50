"""The fast indexes against the obvious slow ones, over any order of changes."""

import math
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mneme.index.postings import Postings
from mneme.index.vectors import ABSENT, VectorCodes
from mneme.text.analyser import Analyser
from mneme.text.terms import decode_terms, encode_terms, term_id
from mneme.text.tokens import count_tokens

ANALYSER = Analyser()
WORDS = st.sampled_from("abcdefgh")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.lists(WORDS, max_size=8), min_size=1, max_size=5)),
        st.tuples(st.just("remove"), st.integers(0, 40)),
        st.tuples(st.just("compact"), st.none()),
    ),
    max_size=12,
)


def naive_scores(documents: dict[int, list[str]], query: list[str], n_rows: int) -> list[float]:
    mean = sum(map(len, documents.values())) / max(1, len(documents)) or 1.0
    scores = [0.0] * n_rows
    for row, words in documents.items():
        counts = Counter(words)
        for word in query:
            if counts[word]:
                df = sum(word in other for other in documents.values())
                idf = math.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
                scores[row] += idf * counts[word] / (counts[word] + 0.9 * (1 - 0.4 + 0.4 * len(words) / mean))
    return scores


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, query=st.lists(WORDS, max_size=4, unique=True))
def test_bm25_equals_the_formula_after_any_changes(steps: list[tuple[str, object]], query: list[str]) -> None:
    postings = Postings(k1=0.9, b=0.4, common_share=1.0)
    documents: dict[int, list[str]] = {}
    n_rows = 0
    for step, value in steps:
        if step == "add":
            assert isinstance(value, list)
            rows = range(n_rows, n_rows + len(value))
            postings.add(rows, [encode_terms(words) for words in value])
            documents.update(zip(rows, value, strict=True))
            n_rows += len(value)
        elif step == "remove" and value in documents:
            assert isinstance(value, int)
            postings.remove([value])
            del documents[value]
        elif step == "compact":
            postings.compact()
    scores = postings.scores([term_id(word) for word in query])
    assert_allclose(scores, naive_scores(documents, query, n_rows), rtol=1e-4, atol=1e-6)
    for word in query:
        rows, counts = postings.term_postings(term_id(word))
        assert dict(zip(rows.tolist(), counts.tolist(), strict=True)) == {
            row: words.count(word) for row, words in documents.items() if word in words
        }


@settings(max_examples=100, deadline=None)
@given(
    owners=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=6),
    removed=st.sets(st.integers(0, 9)),
    seed=st.integers(0, 99),
)
def test_vector_scores_are_the_best_cosine_of_each_row(owners: list[list[int]], removed: set[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = VectorCodes(32)
    expected = np.full(max((max(rows) for rows in owners), default=-1) + 1, ABSENT)
    query = rng.standard_normal(32).astype(np.float32)
    query /= np.linalg.norm(query)
    for rows in owners:
        vectors = rng.standard_normal((len(rows), 32)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        codes.add(rows, vectors)
        np.maximum.at(expected, rows, vectors @ query)
    codes.remove(sorted(removed))
    expected[[row for row in removed if row < len(expected)]] = ABSENT
    assert_allclose(codes.scores(query), expected, atol=0.02)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(), max_size=60))
def test_any_text_has_terms_that_round_trip(text: str) -> None:
    terms = ANALYSER.terms(text)
    assert all(terms)
    assert ANALYSER.terms(text) == terms
    ids, counts = decode_terms(ANALYSER.document(text))
    assert dict(zip(ids.tolist(), counts.tolist(), strict=True)).items() >= {term_id(t): n for t, n in Counter(terms).items()}.items()
    assert count_tokens(text) >= 0


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(), max_size=60))
def test_a_text_finds_itself(text: str) -> None:
    ids, _ = decode_terms(ANALYSER.document(text))
    query = ANALYSER.query(text)
    assert set(query.terms) & set(ANALYSER.terms(text)) or not query.terms
    assert len(set(query.ids.tolist())) == len(query.ids)
    assert not len(ids) or np.isin(query.ids, ids).any()
