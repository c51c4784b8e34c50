"""What mneme itself rendered is no news: recalled lines that an agent pastes back never become new memories.

A rendered line has a form that people hardly write: a mark in brackets, the time, the author and the text (``[m3] 14:05 Ana: ...``), under
a heading with a date. A formed memory that cites such a line, or the episode of an assistant whose text only repeats stored memories, is
refused. The episode itself stays: raw input is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import numpy as np

from mneme.core.components import Verdict
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation, Revise
from mneme.core.ports import FloatArray
from mneme.core.records import Episode, Span

LINE = re.compile(r"^\W{0,4}\[m\d{1,4}\]\s+\d{2}:\d{2}\b.*$", re.MULTILINE)
HEADING = re.compile(r"^\W{0,4}## \d{4}-\d{2}-\d{2} \([A-Z][a-z]{2}\).*$", re.MULTILINE)
_BARE = re.compile(r"^\W{0,4}(?:\[m\d{1,4}\]\s+)?(?:\d{2}:\d{2}\s+)?")
_WORD = re.compile(r"\w+")
_LEAST_WORDS = 5
_WHOLE = 0.9
_LATELY = 1024
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
        """Return whether the memory rests on something that was said, and not on what was recalled."""
        if isinstance(operation, Keep):
            sources = operation.memory.sources
        elif isinstance(operation, Revise) and "sources" in operation.changes:
            sources = cast("tuple[Span, ...]", operation.changes["sources"])
        else:
            return _ADMIT
        own = {span.episode for span in sources}
        episodes = ctx.episodes(sorted(own))
        recalled = [
            self._recalled(ctx, own, episodes[span.episode], span.start, span.end) for span in sources if span.episode in episodes
        ]  # fmt: skip
        # What a memory rested on before was let in: one recalled text among the sources of a revision is what it would add.
        adds = any(recalled) if isinstance(operation, Revise) else all(recalled) or (recalled[:1] == [True] and _of_one(operation))
        if recalled and adds:
            return Verdict(admit=False, why="fingerprints: rests on recalled text")
        return _ADMIT

    def _recalled(self, ctx: Context, own: Collection[str], episode: Episode, start: int, end: int) -> bool:
        rendered = rendered_spans(episode.text)
        covered = sum(max(0, min(end, stop) - max(start, begin)) for begin, stop in rendered)
        if covered >= self.share * max(end - start, 1):
            return True
        return episode.role in _REPEATERS and _repeats(ctx, own, episode, start, end)


def _of_one(operation: Keep) -> bool:
    """Whether a memory is made of its first source and only coloured by others, as a note is and a summary is not."""
    return operation.memory.kind not in ("summary", "concept")


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
    scores = ctx.index.dense(_vector(ctx, episode, cited))
    near = [int(row) for row in scores.argsort()[::-1][:8] if scores[row] > 0.9]
    wanted = " ".join(words)
    for other in ctx.memories(near):
        elsewhere = not any(span.episode in own for span in other.sources)
        if elsewhere and wanted in " ".join(_WORD.findall(f"{other.author or ''} {other.text}".casefold())):
            return True
    return False


def _vector(ctx: Context, episode: Episode, cited: str) -> FloatArray:
    """Return the vector of the cited words: that of the message, if it was stored lately and says hardly more, so nothing is embedded."""
    if len(cited) >= _WHOLE * len(episode.text):
        turn, ids = "mem" + episode.id[2:], ctx.index.ids
        for position in range(len(ids) - 1, max(len(ids) - _LATELY, 0) - 1, -1):
            if ids[position] == turn:
                vector: FloatArray = ctx.index.vectors_at(np.array([position], np.int64))[0]
                return vector
    own: FloatArray = ctx.embedder.embed([cited])[0]
    return own
