"""What mneme itself rendered is no news: recalled lines that an agent pastes back never become new memories.

A rendered line has a form that people hardly write: a mark in brackets, the time, the author and the text (``[m3] 14:05 Ana: ...``), under
a heading with a date. A formed memory that cites such a line, or the episode of an assistant whose text only repeats stored memories, is
refused. The episode itself stays: raw input is never lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mneme.core.components import Verdict
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory

LINE = re.compile(r"^\W{0,4}\[m\d{1,4}\]\s+\d{2}:\d{2}\b.*$", re.MULTILINE)
HEADING = re.compile(r"^\W{0,4}## \d{4}-\d{2}-\d{2} \([A-Z][a-z]{2}\).*$", re.MULTILINE)
_BARE = re.compile(r"^\W{0,4}(?:\[m\d{1,4}\]\s+)?(?:\d{2}:\d{2}\s+)?")
_WORD = re.compile(r"\w+")
_LEAST_WORDS = 5
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
        if not isinstance(operation, Keep):
            return _ADMIT
        memory = operation.memory
        episodes = ctx.episodes(list(dict.fromkeys(span.episode for span in memory.sources)))
        spans = [(episodes[span.episode], span.start, span.end) for span in memory.sources if span.episode in episodes]
        if spans and all(self._recalled(ctx, memory, *span) for span in spans):
            return Verdict(admit=False, why="fingerprints: rests on recalled text")
        return _ADMIT

    def _recalled(self, ctx: Context, memory: Memory, episode: Episode, start: int, end: int) -> bool:
        rendered = rendered_spans(episode.text)
        covered = sum(max(0, min(end, stop) - max(start, begin)) for begin, stop in rendered)
        if covered >= self.share * max(end - start, 1):
            return True
        return episode.role in _REPEATERS and _repeats(ctx, memory, episode.text[start:end])


def rendered_spans(text: str) -> list[tuple[int, int]]:
    r"""Return where a text holds lines as mneme renders them in a context.

    Example:
        >>> rendered_spans("From memory:\n[m1] 09:30 Ana: I moved to Lisbon.\nThanks!")
        [(13, 45)]
    """
    return sorted(match.span() for pattern in (LINE, HEADING) for match in pattern.finditer(text))


def _repeats(ctx: Context, memory: Memory, cited: str) -> bool:
    """Whether an agent's words are those of a memory that is there from other sources."""
    words = _WORD.findall(_BARE.sub("", cited).casefold())
    if len(words) < _LEAST_WORDS:
        return False
    own = {span.episode for span in memory.sources}
    vector = ctx.embedder.embed([cited])[0]
    scores = ctx.index.dense(vector)
    near = [int(row) for row in scores.argsort()[::-1][:8] if scores[row] > 0.9]
    wanted = " ".join(words)
    for other in ctx.memories(near):
        elsewhere = not own & {span.episode for span in other.sources}
        if elsewhere and wanted in " ".join(_WORD.findall(f"{other.author or ''} {other.text}".casefold())):
            return True
    return False
