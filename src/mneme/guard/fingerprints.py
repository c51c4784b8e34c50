"""What mneme itself rendered is no news: recalled lines that an agent pastes back never become new memories.

A rendered line has a form that people hardly write: a mark in brackets, the time, the author and the text (``[m3] 14:05 Ana: ...``), under
a heading with a date. A formed memory that cites such a line, or the episode of an assistant whose text only repeats stored memories, is
refused. The episode itself stays: raw input is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from mneme.core.components import Verdict
from mneme.core.context import Context, Index
from mneme.core.operations import Keep, Operation, Revise
from mneme.core.ports import FloatArray
from mneme.core.records import Episode, Memory, Span
from mneme.guard.gate import STATEMENTS, present

LINE = re.compile(r"^\W{0,4}\[m\d{1,4}\]\s+\d{2}:\d{2}\b.*$", re.MULTILINE)
HEADING = re.compile(r"^\W{0,4}## \d{4}-\d{2}-\d{2} \([A-Z][a-z]{2}\).*$", re.MULTILINE)
_BARE = re.compile(r"^\W{0,4}(?:\[m\d{1,4}\]\s+)?(?:\d{2}:\d{2}\s+)?")
_WORD = re.compile(r"\w+")
_LEAST_WORDS = 5
_WHOLE = 0.9
_LATELY = 1024
_CLOSE = 0.9
_MOST_NEAR = 8
_MOST_LOOKED = 4
_MARKS = ("[m", "## ")
_DIGESTS = ("summary", "concept")
_REPEATERS = ("assistant", "tool", "system", "ai", "bot", "model")
_ADMIT = Verdict(admit=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """Refuses formed memories that rest on text which mneme rendered.

    Args:
        share: how much of a cited passage must lie in rendered lines.
        name: its name in traces.
    """

    share: float = 0.5
    name: str = "fingerprints"

    def check(self, ctx: Context, operation: Operation) -> Verdict:
        """Return whether the memory rests on something that was said, and not on what was recalled.

        Of a revision only what it adds is judged, and that by its form alone: what was said may be said again.
        """
        if isinstance(operation, Keep):
            memory, spans = operation.memory, operation.memory.sources
            rests = self._rests(ctx, memory.kind, spans, spoken=memory.kind in STATEMENTS or memory.kind == "note")
        elif isinstance(operation, Revise) and "sources" in operation.changes:
            before = present(ctx, operation.id)
            added = cast("tuple[Span, ...]", operation.changes["sources"])
            if before is None:
                return _ADMIT
            kind = str(operation.changes.get("kind", before.kind))
            rests = self._rests(ctx, kind, [span for span in added if span not in set(before.sources)], spoken=False)
        else:
            return _ADMIT
        return Verdict(admit=False, why="fingerprints: rests on recalled text") if rests else _ADMIT

    def _rests(self, ctx: Context, kind: str, spans: Sequence[Span], *, spoken: bool) -> bool:
        """Whether a memory rests on what was recalled: a digest if nothing else is cited, others if it is more than half of what is cited.

        Args:
            ctx: the space.
            kind: of the memory.
            spans: what it cites.
            spoken: an agent's plain words count as recalled if a memory from other sources has them; so long as few spans tell.
        """
        own = {span.episode for span in spans}
        episodes = ctx.episodes(sorted(own))
        there = sorted((span for span in spans if span.episode in episodes), key=_length, reverse=True)
        said = [span for span in there if not self._rendered(episodes[span.episode], span)]
        left = sum(map(_length, said))
        enough = 1 if kind in _DIGESTS else sum(map(_length, there)) / 2
        doubtful = [span for span in said if spoken and episodes[span.episode].role in _REPEATERS][:_MOST_LOOKED]
        for number, span in enumerate(doubtful):
            if left < enough or left - sum(map(_length, doubtful[number:])) >= enough:
                break  # no answer would change anything
            if _repeats(ctx, own, episodes[span.episode], span.start, span.end):
                left -= _length(span)
        return bool(there) and left < enough

    def _rendered(self, episode: Episode, span: Span) -> bool:
        if not any(mark in episode.text for mark in _MARKS):
            return False
        covered = sum(max(0, min(span.end, stop) - max(span.start, begin)) for begin, stop in rendered_spans(episode.text))
        return covered >= self.share * max(span.end - span.start, 1)


def _length(span: Span) -> int:
    return span.end - span.start


def rendered_spans(text: str) -> list[tuple[int, int]]:
    r"""Return where a text holds lines as mneme renders them in a context.

    Example:
        >>> rendered_spans("From memory:\n[m1] 09:30 Ana: I moved to Lisbon.\nThanks!")
        [(13, 45)]
    """
    return sorted(match.span() for pattern in (LINE, HEADING) for match in pattern.finditer(text))


def _repeats(ctx: Context, own: Collection[str], episode: Episode, start: int, end: int) -> bool:
    """Whether an agent's words are those of a memory that is there from other sources."""
    cited = episode.text[start:end]
    words = _WORD.findall(_BARE.sub("", cited).casefold())
    if len(words) < _LEAST_WORDS:
        return False
    near = ctx.once(f"fingerprints near {episode.id} {start} {end}", lambda: _near(ctx, episode, cited))
    wanted = " ".join(words)
    for other in near:
        elsewhere = not any(span.episode in own for span in other.sources)
        if elsewhere and wanted in " ".join(_WORD.findall(f"{other.author or ''} {other.text}".casefold())):
            return True
    return False


def _near(ctx: Context, episode: Episode, cited: str) -> list[Memory]:
    """Return the memories whose words are nearly the cited ones, nearest first."""
    scores = ctx.index.dense(_vector(ctx, episode, cited))
    close = np.flatnonzero(scores > _CLOSE)
    if len(close) > _MOST_NEAR:
        close = close[np.argpartition(-scores[close], _MOST_NEAR - 1)[:_MOST_NEAR]]
    return ctx.memories(close[np.argsort(-scores[close], kind="stable")].tolist())


def _vector(ctx: Context, episode: Episode, cited: str) -> FloatArray:
    """Return the vector of the cited words: that of the message, if it was stored lately and says hardly more, so nothing is embedded."""
    if len(cited) >= _WHOLE * len(episode.text):
        position = ctx.once("fingerprints lately", lambda: _lately(ctx.index)).get("mem" + episode.id[2:])
        if position is not None:
            vector: FloatArray = ctx.index.vectors_at(np.array([position], np.int64))[0]
            return vector
    own: FloatArray = ctx.embedder.embed([cited])[0]
    return own


def _lately(index: Index) -> dict[str, int]:
    """Return memory -> position of what was stored last."""
    first = max(len(index.ids) - _LATELY, 0)
    return {index.ids[position]: position for position in range(first, len(index.ids))}
