"""Rehearsal: what is said again strengthens what was said before it, as a use would.

Source: MaLP, the rehearsal of its short-term memory. Differs: a repetition is found by the cosine of two messages of one author, and
checked by their words: most content words are the same, and neither denies the other; the first mention counts with the second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.operations import Operation, Reinforce
from mneme.core.records import Episode, Memory
from mneme.formation.nearby import among, nearest
from mneme.text.stopwords import stopwords

_WORD = re.compile(r"[\w’'-]+")
_NOT = re.compile(r"\b(?:not|never|no)\b|n['’]t\b", re.IGNORECASE)

AT, BY = "rehearsed_at", "rehearsed_by"
"""Numbers of ``Usage.state``: when a message was rehearsed last, in microseconds since 1970, and by which."""


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
        done: dict[str, int] = {}
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
            state, moment, number = ({} if usage is None else usage.state), float(to_micros(episode.at)), _number(episode.id)
            if moment < state.get(AT, -1.0) or (moment, number) == (state.get(AT), state.get(BY)):
                continue  # counted before, when this message was read the first time
            uses = 1.0 if done.get(first.id) or (usage is not None and usage.uses > 0) else 2.0
            done[first.id] = done.get(first.id, 0) + 1
            operations.append(Reinforce(id=first.id, uses=uses, strength=1.0, at=episode.at, state={AT: moment, BY: number}))
            ctx.trace.note(former="rehearsed", memory=first.id)
        return operations

    def _same(self, one: str, other: str) -> bool:
        first, second = _content(one), _content(other)
        if not first or not second or (_NOT.search(one) is None) != (_NOT.search(other) is None):
            return False
        both = len(first & second)
        return both >= self.shared * len(first) and both >= self.shared * len(second)


def _number(id: str) -> float:
    """Return a number that stands for an id, small enough to be exact."""
    return float(int.from_bytes(hashlib.blake2b(id.encode(), digest_size=6).digest(), "big"))


def _content(text: str) -> set[str]:
    stops = stopwords("en")
    return {word for word in map(str.casefold, _WORD.findall(text)) if word not in stops}
