"""A space as the baselines see it: exact vectors and sparse term counts in memory, nothing stored.

Kept apart from the engine's index on purpose: a baseline must not move when the engine does, and the two check each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mneme.arena.subject import indexed_text
from mneme.core.ports import Embedder, FloatArray
from mneme.core.records import Message
from mneme.text.analyser import Analyser, QueryTerms
from mneme.text.terms import LANGUAGE_MARKS, decode_many

K1 = 1.2
B = 0.75
_BLOCK = 512
Scores = NDArray[np.float64]


class Corpus:
    """Messages in the order in which they were fed.

    Args:
        embedder: for :meth:`dense`; asked only when vectors are first needed.
        analyser: for :meth:`bm25`.
    """

    def __init__(self, embedder: Embedder, analyser: Analyser) -> None:
        self._embedder = embedder
        self._analyser = analyser
        self.messages: list[Message] = []
        self.refs: list[str] = []
        self._vectors: list[FloatArray] = []
        self._blobs: list[bytes] = []
        self._bm25: dict[int, Bm25] = {}

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, messages: Sequence[Message]) -> None:
        """Append messages; indexes are rebuilt when they are next needed."""
        self.messages.extend(messages)
        self.refs.extend(message.ref or "" for message in messages)
        self._bm25.clear()

    def prepare_vectors(self) -> None:
        """Embed what has no vectors yet: a message's passages, one row each."""
        parts = [self._embedder.passages(indexed_text(message)) for message in self.messages[len(self._vectors) :]]
        if not parts:
            return
        passages = [passage for part in parts for passage in part]
        # In blocks, so that a cache keeps what a stopped run has embedded.
        blocks = [self._embedder.embed(passages[start : start + _BLOCK]) for start in range(0, len(passages), _BLOCK)]
        vectors = np.concatenate(blocks)
        ends = np.cumsum([len(part) for part in parts])
        self._vectors.extend(np.split(vectors, ends[:-1]))

    def prepare_terms(self) -> None:
        """Analyse what has no terms yet."""
        self._blobs.extend(self._analyser.document(indexed_text(message)) for message in self.messages[len(self._blobs) :])

    def embed_query(self, text: str) -> FloatArray:
        """Return ``(width,) float32 unit-norm``: the mean of the passages of a query that is too long for one."""
        mean = self._embedder.embed(self._embedder.passages(text)).mean(axis=0)
        norm = float(np.linalg.norm(mean))
        vector: FloatArray = mean / np.float32(norm if norm > 0 else 1.0)
        return vector

    def dense(self, query: FloatArray) -> Scores:
        """Return ``(n,)`` cosines of each message's best passage."""
        self.prepare_vectors()
        sizes = np.array([len(rows) for rows in self._vectors])
        cosines = np.concatenate(self._vectors) @ query
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        best: Scores = np.maximum.reduceat(cosines, starts).astype(np.float64)
        return best

    def session_vectors(self) -> tuple[list[list[int]], FloatArray]:
        """Return the positions of each session, and the means of their vectors.

        Sessions are in the order of their first message; means are ``(s, width) float32 unit-norm``.
        """
        self.prepare_vectors()
        members = list(self.sessions().values())
        means = np.array([np.concatenate([self._vectors[position] for position in positions]).mean(axis=0) for positions in members])
        norms = np.linalg.norm(means, axis=1, keepdims=True)
        vectors: FloatArray = (means / np.where(norms > 0, norms, 1.0)).astype(np.float32)
        return members, vectors

    def sessions(self) -> dict[str, list[int]]:
        """Return session -> positions in order; a message without a session is one of its own."""
        found: dict[str, list[int]] = {}
        for position, message in enumerate(self.messages):
            found.setdefault(message.session if message.session is not None else f"\0{position}", []).append(position)
        return found

    def windows(self, reach: int) -> sparse.csr_array:
        """Return ``(n, n)`` with a 1 where a message is in another's window.

        A window is the message itself and ``reach`` messages on each side, within the session.
        """
        rows, columns = [], []
        for positions in self.sessions().values():
            for place, position in enumerate(positions):
                window = positions[max(0, place - reach) : place + reach + 1]
                rows.extend([position] * len(window))
                columns.extend(window)
        size = len(self)
        return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))

    def bm25(self, query: str, *, reach: int = 0) -> Scores:
        """Return ``(n,)`` BM25 scores of the messages, or of the windows around them."""
        if reach not in self._bm25:
            self.prepare_terms()
            counts, ids = _term_counts(self._blobs)
            self._bm25[reach] = Bm25(self.windows(reach) @ counts if reach else counts, ids)
        index = self._bm25[reach]
        return index.score(self._analyser.query(query, languages=index.languages))


def _term_counts(blobs: Sequence[bytes]) -> tuple[sparse.csr_array, NDArray[np.uint64]]:
    sizes, ids, counts = decode_many(blobs)
    vocabulary, columns = np.unique(ids, return_inverse=True)
    rows = np.repeat(np.arange(len(blobs)), sizes)
    matrix = sparse.csr_array((counts.astype(np.float64), (rows, columns)), shape=(len(blobs), max(1, len(vocabulary))))
    return matrix, vocabulary


class Bm25:
    """BM25 over a matrix of term counts.

    Source: Robertson et al. 1994, with the idf that can't be negative. Differs: query terms are weighted, function words low.

    Args:
        counts: ``(n, t)``, how often each document has each term; entries of 0 mark a document's language.
        ids: ``(t,)`` the terms' ids, rising.
    """

    def __init__(self, counts: sparse.csr_array, ids: NDArray[np.uint64]) -> None:
        known = set(ids.tolist())
        self.languages = [code for code, mark in LANGUAGE_MARKS.items() if mark in known]
        self._ids = ids
        self._columns = counts.tocsc()
        self._columns.eliminate_zeros()
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        self._norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()) if len(lengths) else 0.0, 1e-9))

    def score(self, query: QueryTerms) -> Scores:
        """Return ``(n,)`` scores."""
        documents = self._columns.shape[0]
        scores = np.zeros(documents)
        for term, weight in zip(query.ids.tolist(), query.weights.tolist(), strict=True):
            column = int(np.searchsorted(self._ids, np.uint64(term)))
            if column >= len(self._ids) or int(self._ids[column]) != term:
                continue
            start, end = self._columns.indptr[column : column + 2]
            rows, counts = self._columns.indices[start:end], self._columns.data[start:end]
            idf = np.log1p((documents - len(rows) + 0.5) / (len(rows) + 0.5))
            scores[rows] += weight * idf * counts * (K1 + 1) / (counts + self._norm[rows])
        return scores
