"""Where a stream of turns breaks into events: by turn, by pause, by topic, by surprise, or by any of them.

A segmenter returns the positions at which a new segment starts. All are deterministic and need no model; where vectors of the
turns are given they are used, else the words are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mneme.core.records import Episode
from mneme.text.stopwords import stopwords

Vectors = NDArray[np.float32]
_WORD = re.compile(r"[^\W\d_]{2,}")
_STRONG = re.compile(
    r"\b(?:omg|oh\s+my\s+god|unbelievable|terrified|furious|devastated|heartbroken|ecstatic|thrilled|shocked|horrible|terrible|awful|amazing|incredible"
    r"|hate|crying|cried|scared|angry|panic\w*|died|dead|accident|emergency|help|never\s+again|can['’]t\s+believe|worst|best\s+day|so\s+happy|so\s+sad|screaming)\b",
    re.IGNORECASE,
)


class Segmenter(Protocol):
    """Finds where segments start."""

    def starts(self, episodes: Sequence[Episode], vectors: Vectors | None = None) -> set[int]:
        """Return positions in ``(0, len(episodes))`` at which a new segment starts.

        Args:
            episodes: in the order of time.
            vectors: ``(n, width) float32 unit-norm`` of the episodes, or None.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryTurn:
    """Each turn is a segment of its own."""

    def starts(self, episodes: Sequence[Episode], vectors: Vectors | None = None) -> set[int]:
        """Return every position."""
        return set(range(1, len(episodes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGap:
    """A new session, a long pause or a new day starts a segment.

    Source: EverMemOS, arXiv 2601.02163 (forced split on a change of day, pauses of hours). Differs: no model confirms a pause.

    Args:
        pause: silence longer than this ends a segment.
        by_day: whether a change of the calendar day does too, when the pause is at least ``day_pause``.
        day_pause: so that talk past midnight stays together.
    """

    pause: timedelta = timedelta(hours=4)
    by_day: bool = True
    day_pause: timedelta = timedelta(hours=1)

    def starts(self, episodes: Sequence[Episode], vectors: Vectors | None = None) -> set[int]:
        """Return the positions after a pause, at a new session and on a new day."""
        found = set()
        for i in range(1, len(episodes)):
            last, this = episodes[i - 1], episodes[i]
            silence = this.at - last.at
            new_day = self.by_day and this.at.date() != last.at.date() and silence >= self.day_pause
            if this.session != last.session or silence > self.pause or new_day:
                found.add(i)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicShift:
    """The turns before and after are about different things.

    Source: HiMem, arXiv 2601.06377: 1 - cos(mean of the window before, mean of the window after) above mean + gamma deviations;
    lexical cohesion after TextTiling where there are no vectors. Differs: only peaks count, and a floor keeps an even talk whole.

    Args:
        window: turns on either side.
        gamma: deviations above the mean that make a shift; higher means fewer.
        least: a shift of vectors smaller than this never counts.
        least_lexical: the same for words, which overlap less even within a topic.
    """

    window: int = 3
    gamma: float = 1.0
    least: float = 0.25
    least_lexical: float = 0.7

    def starts(self, episodes: Sequence[Episode], vectors: Vectors | None = None) -> set[int]:
        """Return the peaks of the shift."""
        count = len(episodes)
        if count < 4:
            return set()
        shift = np.zeros(count)
        rows = vectors if vectors is not None else lexical_vectors([episode.text for episode in episodes])
        for i in range(2, count - 1):  # two turns on either side, or one odd turn makes a topic
            shift[i] = 1 - _cosine(rows[max(0, i - self.window) : i].sum(axis=0), rows[i : i + self.window].sum(axis=0))
        inner = shift[2 : count - 1]
        least = self.least if vectors is not None else self.least_lexical
        edge = max(float(inner.mean() + self.gamma * inner.std()), least) if len(inner) > 1 else least
        return {
            i for i in range(2, count - 1) if shift[i] > edge and shift[i] == shift[max(1, i - self.window) : i + self.window + 1].max()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """A turn that the turns before it did not lead to expect: a new subject, or a burst of feeling.

    Source: EM-LLM, arXiv 2407.09450: S_t > mu + gamma * sigma over a moving window. Differs: surprise is novelty of the turn,
    1 - cos(turn, mean of the turns before), in the place of a language model's; the jump in feeling is HiMem's second channel.

    Args:
        window: turns whose mean is expected.
        memory: turns whose surprise sets mean and deviation.
        gamma: deviations above the mean.
        feeling: how far the strength of feeling must jump; 0 leaves the channel out.
        least: novelty below this never surprises.
    """

    window: int = 8
    memory: int = 32
    gamma: float = 1.0
    feeling: float = 2.0
    least: float = 0.3

    def starts(self, episodes: Sequence[Episode], vectors: Vectors | None = None) -> set[int]:
        """Return the surprising positions that are higher than their neighbours."""
        found = self._feelings([episode.text for episode in episodes]) if self.feeling > 0 else set()
        if vectors is None:
            return found  # every turn has new words; without vectors novelty says little
        return found | surprising(vectors, window=self.window, memory=self.memory, gamma=self.gamma, least=self.least)

    def _feelings(self, texts: Sequence[str]) -> set[int]:
        strength = [feeling(text) for text in texts]
        found = set()
        for i in range(1, len(texts)):
            before = strength[max(0, i - self.window) : i]
            if strength[i] - sum(before) / len(before) >= self.feeling and strength[i] > strength[i - 1]:
                found.add(i)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A segment starts where any of the parts says so.

    Args:
        parts: the segmenters.
    """

    parts: tuple[Segmenter, ...] = (SessionGap(), TopicShift(), Surprise())

    def starts(self, episodes: Sequence[Episode], vectors: Vectors | None = None) -> set[int]:
        """Return the union of the parts' positions."""
        return set[int]().union(*(part.starts(episodes, vectors) for part in self.parts))


def segments(starts: set[int], count: int, *, least: int = 1, most: int = 500, forced: set[int] = frozenset()) -> list[range]:  # type: ignore[assignment]
    """The stretches between starts, none shorter than ``least`` (unless a forced start makes it so) nor longer than ``most``.

    Args:
        starts: positions of a segmenter.
        count: how many turns there are.
        least: a start that would leave a shorter stretch before it is dropped.
        most: a longer stretch is cut evenly.
        forced: starts that are kept whatever the length, such as those of ``SessionGap``.

    Example:
        >>> segments({5, 9}, 12)
        [range(0, 5), range(5, 9), range(9, 12)]
    """
    kept = [0]
    for start in sorted(starts | forced):
        if start in forced or (start - kept[-1] >= least and count - start >= least):
            kept.append(start)
    found = []
    for begin, end in zip(kept, [*kept[1:], count], strict=True):
        pieces = max(1, -(-(end - begin) // most))
        cuts = [begin + (end - begin) * part // pieces for part in range(pieces + 1)]
        found += [range(low, high) for low, high in pairwise(cuts) if high > low]
    return found


def surprising(rows: Vectors, *, window: int, memory: int, gamma: float, least: float = 0.0) -> set[int]:
    """Positions whose novelty is above mean + gamma deviations of the novelty before them.

    Args:
        rows: ``(n, width)``.
        window: how many rows before make what is expected.
        memory: over how many earlier novelties mean and deviation are taken.
        gamma: deviations.
        least: novelty at or below this never counts.
    """
    count = len(rows)
    novelty = np.zeros(count)
    found = set[int]()
    last = 0
    for i in range(1, count):
        # What is expected is the present event, not the one before it.
        novelty[i] = 1 - _cosine(rows[i], rows[max(last, i - window) : i].sum(axis=0))
        before = novelty[max(1, i - memory) : i]
        if i - last < 2 or not len(before):
            continue
        if novelty[i] > before.mean() + gamma * before.std() + 1e-6 and novelty[i] > least:
            found.add(i)
            last = i
    return found


def refined(starts: set[int], similarity: NDArray[np.float64], *, reach: int = 4, by: str = "modularity") -> set[int]:
    """Each start moved to where the two segments beside it are most separate, at most ``reach`` away.

    Source: EM-LLM, arXiv 2407.09450, boundary refinement. Differs: similarities of turns, not of attention keys.

    Args:
        starts: to be refined.
        similarity: ``(n, n)`` symmetric, not negative.
        reach: how far a start may move; it stays between the starts beside it.
        by: ``modularity``, of which the greatest is taken, or ``conductance``, of which the least is.
    """
    order = [0, *sorted(starts), len(similarity)]
    for number in range(1, len(order) - 1):
        low, here, high = order[number - 1], order[number], order[number + 1]
        block = similarity[low:high, low:high]
        options = [at for at in range(max(low + 1, here - reach), min(high - 1, here + reach) + 1)]
        scores = {at: separation(block, [0] * (at - low) + [1] * (high - at), by) for at in options}
        order[number] = max(options, key=lambda at: (scores[at], at == here))
    return set(order[1:-1])


def separation(similarity: NDArray[np.float64], labels: Sequence[int], by: str) -> float:
    """Return how separate two groups are, higher is better: their modularity, or one less their conductance."""
    return modularity(similarity, labels) if by == "modularity" else 1 - conductance(similarity, labels)


def conductance(similarity: NDArray[np.float64], labels: Sequence[int]) -> float:
    """What leads from one of two groups to the other, as a share of all that the smaller one leads to; 0 when they share nothing.

    Example:
        >>> import numpy as np
        >>> conductance(np.array([[1.0, 0, 0], [0, 1, 1], [0, 1, 1]]), [0, 1, 1])
        0.0
    """
    first = np.asarray(labels) == labels[0]
    degree = similarity.sum(axis=1)
    smaller = min(float(degree[first].sum()), float(degree[~first].sum()))
    return float(similarity[np.ix_(first, ~first)].sum()) / smaller if smaller > 0 else 1.0


def modularity(similarity: NDArray[np.float64], labels: Sequence[int]) -> float:
    """How much more the groups hold together than chance: 1/(4m) sum over pairs of one group of A_ij - k_i k_j / 2m.

    ``A`` are the similarities, ``k_i`` a row's sum, ``2m`` the sum of all; 0 when all are 0.
    """
    total = float(similarity.sum())
    if total <= 0:
        return 0.0
    degree = similarity.sum(axis=1)
    same = np.equal.outer(np.asarray(labels), np.asarray(labels))
    return float(((similarity - np.outer(degree, degree) / total) * same).sum() / (2 * total))


def feeling(text: str) -> float:
    """How strongly a turn is felt: strong words, exclamation marks and shouting; 0 for calm talk."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    shouted: int = sum(word.isupper() and len(word) > 3 for word in words)
    return float(min(len(_STRONG.findall(text)), 3)) + 0.5 * min(text.count("!"), 4) + 0.7 * min(shouted, 3)


def lexical_vectors(texts: Sequence[str]) -> Vectors:
    """``(n, words) float32`` unit-norm rows of content words, weighted by how rare they are among these texts."""
    bags = [Counter(_stem(word) for word in _WORD.findall(text.lower()) if word not in stopwords("en")) for text in texts]
    spread = Counter(word for bag in bags for word in bag)
    column = {word: i for i, word in enumerate(spread)}
    rows = np.zeros((len(texts), max(1, len(column))), dtype=np.float32)
    for i, bag in enumerate(bags):
        for word, times in bag.items():
            rows[i, column[word]] = (1 + np.log(times)) * np.log(1 + len(texts) / spread[word])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), dtype=np.float32)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    size = sqrt(float(one @ one) * float(other @ other))
    return float(float(one @ other) / size) if size > 0 else 0.0
