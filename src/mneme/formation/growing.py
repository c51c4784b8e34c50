"""Events that go on: messages that come a few at a time are put into the event before them, or begin the next one.

What was said shortly before is read again with what is new, so that a shift of topic that shows only afterwards still ends the open event
where it began. Events before the open one stay as they are, but for messages that come late: those are put where they were said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.context import Context
from mneme.core.ports import FloatArray, IntArray
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
        before: what else is in it, oldest first.
    """

    said: Sequence[Episode]
    vectors: FloatArray
    event: Memory | None
    held: int
    before: Sequence[Episode] = ()

    @property
    def first(self) -> int:
        """The first place at which something may begin: within the open event, and not long ago."""
        return max(len(self.said) - min(self.held - 1, LATE), 0) if self.event is not None else len(self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """An event with messages that were said before its end and came after it.

    Args:
        event: its memory; None where they were said between two events, in neither.
        came: the messages, oldest first.
    """

    event: Memory | None
    came: list[Episode] = field(default_factory=list)


def ongoing(ctx: Context, new: Sequence[Episode], tier: str, call: Sequence[Episode]) -> Ongoing | None:
    """Return what came before messages of one session; None for its beginning.

    Args:
        ctx: the space.
        new: messages of one session, oldest first.
        tier: of events.
        call: all messages of the session that came with them.
    """
    there = _there(ctx, call)
    order = there[ctx.index.at[there] <= to_micros(new[0].at)][-LOOKED_BACK:].tolist()
    read = ctx.episodes(["ep" + ctx.index.ids[place][3:] for place in order])
    told = [place for place in order if "ep" + ctx.index.ids[place][3:] in read]
    told = [place for place in told if read["ep" + ctx.index.ids[place][3:]].text.strip()]
    said = [read["ep" + ctx.index.ids[place][3:]] for place in told]
    if not said:
        return None
    rising = np.sort(np.array(told, np.int64))
    vectors = ctx.index.vectors_at(rising)[np.searchsorted(rising, told)]
    event = _events(ctx, ["mem" + said[-1].id[2:]], tier).get("mem" + said[-1].id[2:])
    within = {span.episode for span in event.sources} if event is not None else set()
    held = next((number for number, episode in enumerate(reversed(said)) if episode.id not in within), len(said))
    if event is None or not held:
        return Ongoing(said=said, vectors=vectors, event=None, held=held)
    others = within - {episode.id for episode in said[len(said) - held :]}
    return Ongoing(said=said, vectors=vectors, event=event, held=held, before=members(ctx, sorted(others)))


def members(ctx: Context, ids: Sequence[str]) -> list[Episode]:
    """Return the episodes with these ids that are there, oldest first."""
    return sorted(ctx.episodes(ids).values(), key=lambda episode: (episode.at, episode.id)) if ids else []


def parted(ctx: Context, new: Sequence[Episode], tier: str, apart: Callable[[Episode, Episode], bool]) -> tuple[list[Episode], list[Late]]:
    """Return what goes on with a session, and what was said before the end of events that are there, by the event it goes into.

    Args:
        ctx: the space.
        new: messages of one session, oldest first.
        tier: of events.
        apart: whether two messages can't be of one event.
    """
    order, times = _there(ctx, new), [to_micros(episode.at) for episode in new]
    if not len(order) or times[0] >= int(ctx.index.at[order[-1]]):
        return list(new), []
    ranks = np.searchsorted(ctx.index.at[order], times, side="right").tolist()
    near = sorted({place for rank in set(ranks) for place in range(max(rank - LOOKED_BACK, 0), min(rank + LOOKED_BACK, len(order)))})
    ids = {place: ctx.index.ids[order[place]] for place in near}
    events = _events(ctx, list(ids.values()), tier)
    rest: list[Episode] = []
    found: dict[str, Late] = {}
    for rank, pairs in groupby(zip(ranks, new, strict=True), key=lambda pair: pair[0]):
        group = [episode for _, episode in pairs]
        after = next((ids[place] for place in range(rank, rank + LOOKED_BACK) if ids.get(place) in events), None)
        before = next((ids[place] for place in range(rank - 1, rank - 1 - LOOKED_BACK, -1) if ids.get(place) in events), None)
        if after is None:
            rest += group
            continue
        event = _around(ctx, group, before, after, events, apart)
        found.setdefault(event.id if event is not None else group[0].id, Late(event=event)).came.extend(group)
    return rest, list(found.values())


def _around(
    ctx: Context,
    group: Sequence[Episode],
    before: str | None,
    after: str,
    events: Mapping[str, Memory],
    apart: Callable[[Episode, Episode], bool],
) -> Memory | None:
    """Return the event that messages were said in; between two, that of the message nearest in time that they aren't apart from."""
    if before is not None and events[before].id == events[after].id:
        return events[after]
    beside = [("mem" + one.id[2:], one) for one in members(ctx, ["ep" + id[3:] for id in (before, after) if id is not None])]
    near = [
        (abs(one.at - own.at), events[id])
        for id, one in beside
        for own in (group[0 if id == before else -1],)
        if not apart(*_row(one, own))
    ]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _row(one: Episode, other: Episode) -> tuple[Episode, Episode]:
    return (one, other) if one.at <= other.at else (other, one)


def _there(ctx: Context, new: Sequence[Episode]) -> IntArray:
    """Return where the other messages of a session stand, in order of time."""
    codes, values = ctx.index.codes("session")
    kinds, kind_values = ctx.index.codes("kind")
    mine = np.isin(codes, [code for code, value in enumerate(values) if value == new[0].session])
    turns = np.isin(kinds, [code for code, value in enumerate(kind_values) if value == "turn"])
    found = np.flatnonzero(mine & turns & ctx.index.present)
    fresh = {"mem" + episode.id[2:] for episode in new}
    order = found[np.lexsort((found, ctx.index.at[found]))]
    late = int(np.searchsorted(ctx.index.at[order], to_micros(new[0].at)))
    old = [ctx.index.ids[place] not in fresh for place in order[late:].tolist()]
    return np.concatenate([order[:late], order[late:][np.array(old, np.bool_)]])


def _events(ctx: Context, ids: Sequence[str], tier: str) -> dict[str, Memory]:
    """Return the event of each of these messages that is in one."""
    mine = set(ids)
    links = [(link.source, link.target) for link in ctx.links(list(ids)) if link.type == "part_of" and link.source in mine]
    parents = {target for _, target in links}
    places = [place for place in among(ctx, "summary", tier).tolist() if ctx.index.ids[place] in parents] if parents else []
    there = {memory.id: memory for memory in ctx.memories(places) if memory.status == "active"}
    return {source: there[target] for source, target in links if target in there}
