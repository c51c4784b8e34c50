"""Events that go on: messages that come a few at a time are put into the event before them, or begin the next one.

What was said shortly before is read again with what is new, so that a shift of topic that shows only afterwards still ends the open event
where it began. Events before the open one stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.ports import FloatArray
from mneme.core.records import Episode, Memory
from mneme.formation.nearby import among

LOOKED_BACK = 40
"""Messages before the new ones that say what was to be expected."""

LATE = 3
"""How many messages back an event may still end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ongoing:
    """What came before new messages of a session.

    Args:
        said: messages, oldest first.
        vectors: ``(n, width)`` of them.
        event: the memory of the open event, None where the last of them is in none.
        held: how many of the last of them are in it.
    """

    said: Sequence[Episode]
    vectors: FloatArray
    event: Memory | None
    held: int

    @property
    def first(self) -> int:
        """The first place at which something may begin: within the open event, and not long ago."""
        return max(len(self.said) - min(self.held - 1, LATE), 0) if self.event is not None else len(self.said)


def ongoing(ctx: Context, new: Sequence[Episode], tier: str, call: Sequence[Episode]) -> Ongoing | None:
    """Return what came before messages of one session; None for its beginning, or where what came before is new itself.

    Args:
        ctx: the space.
        new: messages of one session, oldest first.
        tier: of events.
        call: all messages that came with them.
    """
    codes, values = ctx.index.codes("session")
    kinds, kind_values = ctx.index.codes("kind")
    mine = np.isin(codes, [code for code, value in enumerate(values) if value == new[0].session])
    turns = np.isin(kinds, [code for code, value in enumerate(kind_values) if value == "turn"])
    earlier = np.flatnonzero(mine & turns & ctx.index.present & (ctx.index.at <= to_micros(new[0].at)))
    fresh = {"mem" + episode.id[2:] for episode in new}
    order = [place for place in earlier[np.lexsort((earlier, ctx.index.at[earlier]))][-LOOKED_BACK - len(new) :].tolist()]
    order = [place for place in order if ctx.index.ids[place] not in fresh][-LOOKED_BACK:]
    came = {"mem" + episode.id[2:] for episode in call}
    if not order or ctx.index.ids[order[-1]] in came:
        return None
    read = ctx.episodes(["ep" + ctx.index.ids[place][3:] for place in order])
    told = [place for place in order if "ep" + ctx.index.ids[place][3:] in read]
    told = [place for place in told if read["ep" + ctx.index.ids[place][3:]].text.strip()]
    said = [read["ep" + ctx.index.ids[place][3:]] for place in told]
    if not said:
        return None
    rising = np.sort(np.array(told, np.int64))
    vectors = ctx.index.vectors_at(rising)[np.searchsorted(rising, told)]
    event = _event(ctx, said[-1], tier)
    within = {span.episode for span in event.sources} if event is not None else set()
    held = next((number for number, episode in enumerate(reversed(said)) if episode.id not in within), len(said))
    return Ongoing(said=said, vectors=vectors, event=event if held else None, held=held)


def _event(ctx: Context, last: Episode, tier: str) -> Memory | None:
    """Return the event that a message is in."""
    id = "mem" + last.id[2:]
    parents = {link.target for link in ctx.links([id]) if link.type == "part_of" and link.source == id}
    places = [place for place in among(ctx, "summary", tier).tolist() if ctx.index.ids[place] in parents]
    return next((memory for memory in ctx.memories(places) if memory.status == "active"), None)
