"""Rehearsal: what is said again strengthens what was said before it, as a use would.

Source: MaLP, the rehearsal of its short-term memory. Differs: a repetition is found by the cosine of two messages of one author, and
checked by their words: most content words are the same, and neither denies the other; the first mention counts with the second.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.operations import Operation, Reinforce
from mneme.core.records import Episode, Memory
from mneme.formation.nearby import among, nearest
from mneme.text.stopwords import stopwords

_WORD = re.compile(r"[\w’'-]+")
_NOT = re.compile(r"\b(?:not|never|no)\b|n['’]t\b", re.IGNORECASE)

TIMES, AT, BY, UNTIL = "rehearsals", "rehearsed_at", "rehearsed_by", "rehearsed_until"
"""Numbers of ``Usage.state``: how often a message was rehearsed; by which messages last, and when those were recorded, in microseconds
since 1970 (``rehearsed_by:0``, ``rehearsed_at:0`` and so on); and until when those were recorded that are no longer among them."""

_LAST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Strengthens the earliest message that a new one repeats.

    Args:
        near: cosine from which two messages may say the same.
        shared: of the content words of each, how many the other has.
        looked_at: how many earlier messages are compared by their words.
        skipped_roles: whose messages rehearse nothing.
    """

    near: float = 0.8
    shared: float = 0.6
    looked_at: int = 5
    skipped_roles: tuple[str, ...] = ("assistant", "tool", "system")

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return a ``Reinforce`` for each message that was said before."""
        said = [episode for episode in episodes if episode.text.strip() and episode.role not in self.skipped_roles]
        if not said:
            return []
        turns = among(ctx, "turn")
        done: dict[str, dict[str, float]] = {}
        operations: list[Operation] = []
        for episode, vector in zip(said, ctx.embedder.embed([episode.text for episode in said]), strict=True):

            def holds(memory: Memory, episode: Episode = episode) -> bool:
                earlier = (memory.at, memory.id) < (episode.at, "mem" + episode.id[2:])
                return earlier and memory.author == episode.author and self._same(memory.text, episode.text)

            before = nearest(ctx, turns, vector, self.looked_at, least=self.near, holds=holds)
            if not before:
                continue
            first = min((memory for memory, _ in before), key=lambda memory: (memory.at, memory.id))
            usage = ctx.usage([first.id]).get(first.id)
            stored = {} if usage is None else usage.state
            state = done.get(first.id) or dict(stored)
            number, recorded = _number(episode.id), float(to_micros(episode.recorded_at))
            if recorded <= stored.get(UNTIL, -math.inf) or number in (state.get(f"{BY}:{place}") for place in range(_LAST)):
                continue  # counted before, when this message was read the first time
            uses = 1.0 if first.id in done or (usage is not None and usage.uses > 0) else 2.0
            changes = _counted(state, number, recorded)
            done[first.id] = {**state, **changes}
            operations.append(Reinforce(id=first.id, uses=uses, strength=1.0, at=episode.at, state=changes))
            ctx.trace.note(former="rehearsed", memory=first.id)
        return operations

    def _same(self, one: str, other: str) -> bool:
        first, second = _content(one), _content(other)
        if not first or not second or (_NOT.search(one) is None) != (_NOT.search(other) is None):
            return False
        both = len(first & second)
        return both >= self.shared * len(first) and both >= self.shared * len(second)


def _counted(state: Mapping[str, float], number: float, recorded: float) -> dict[str, float]:
    """Return the numbers that change when a message is counted; it takes the place of the one that was counted longest ago."""
    times = state.get(TIMES, 0.0)
    place = int(times) % _LAST
    changes = {TIMES: times + 1, f"{BY}:{place}": number, f"{AT}:{place}": recorded}
    if (gone := state.get(f"{AT}:{place}")) is not None:
        changes[UNTIL] = max(gone, state.get(UNTIL, gone))
    return changes


def _number(id: str) -> float:
    """Return a number that stands for an id, small enough to be exact."""
    return float(int.from_bytes(hashlib.blake2b(id.encode(), digest_size=6).digest(), "big"))


def _content(text: str) -> set[str]:
    stops = stopwords("en")
    return {word for word in map(str.casefold, _WORD.findall(text)) if word not in stops}
