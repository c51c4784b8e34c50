"""Stable preferences: what someone said several times, on several days, becomes a line of their profile with counts and dates.

Source: the preference and profile distillation of MemoryBank, MemoryOS and PAMU. Differs: counts, and asks no model. Works on facts
and preferences with a subject, a relation and an object, as formers write them; what was superseded does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Archive, Connect, Operation
from mneme.core.records import Link, Memory
from mneme.core.upkeep import Proposal, Round, kept, made_id
from mneme.retention.duplicates import SAID

TAG = "profile:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Distils repeated statements, and lets a line go when what it rests on was superseded, undone or erased.

    Args:
        least_days: on so many different days it was said.
        kinds: what counts as evidence.
    """

    least_days: int = 2
    kinds: tuple[str, ...] = ("preference", "fact")
    name: str = "preferences"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose a profile line per statement with new evidence."""
        census = ctx.census
        stating = census.kind.among(self.kinds)
        if not np.any(stating & ctx.fresh):
            return
        evidence = stating & census.status.among(("active", "archived")) & (census.valid_to > to_micros(ctx.now))
        stated: dict[tuple[str, str, str], list[Memory]] = {}
        for memory in ctx.memories(np.flatnonzero(evidence).tolist()):
            key = _statement(memory)
            if key is not None:
                stated.setdefault(key, []).append(memory)
        old, held = _lines(ctx), set[str]()
        for key, memories in stated.items():
            days = _days(ctx, memories) if len(memories) > 1 or memories[0].attributes.get(SAID) else []
            if len(days) >= self.least_days and not ctx.out_of_time():
                held.add(TAG + "|".join(key))
                yield from self._line(ctx, key, sorted(memories, key=lambda each: (each.at, each.id)), days, old)
        for name in sorted(set(old) - held):
            if ctx.out_of_time():
                return
            yield Proposal(keeper=self.name, why="what it rests on no longer holds", operations=(Archive(id=old[name]),))

    def _line(
        self, ctx: Round, key: tuple[str, str, str], memories: Sequence[Memory], days: Sequence[str], old: dict[str, str]
    ) -> Iterator[Proposal]:
        # Merged memories carry the sources of those they stand for, so the messages are counted, each once.
        said = len({span.episode for memory in memories for span in memory.sources})
        newest = memories[-1]
        text = f"{newest.text.rstrip('.')} (said {said} times, {days[0]} to {days[-1]})."
        name = TAG + "|".join(key)
        id = made_id(memories[0].id, f"{name}|{said}|{days[-1]}")
        if old.get(name) == id:
            return
        line = replace(
            newest,
            id=id,
            text=text,
            kind="profile",
            version=1,
            status="active",
            tags=("profile", name),
            attributes={"subject": key[0], "relation": key[1], "object": key[2], "said": said, "days": list(days)},
            sources=tuple(dict.fromkeys(span for memory in memories for span in memory.sources)),
            importance=max(newest.importance, 0.7),
        )
        operations: list[Operation] = list(kept(ctx, line))
        if not operations:
            return
        operations += [Connect(link=Link(source=memory.id, target=id, type="supports")) for memory in memories]
        if name in old:
            operations.append(Archive(id=old[name]))
        yield Proposal(keeper=self.name, why=f"said {said} times on {len(days)} days", operations=tuple(operations))


def _statement(memory: Memory) -> tuple[str, str, str] | None:
    parts = [str(memory.attributes.get(name, "")).strip().casefold() for name in ("subject", "relation", "object")]
    return (parts[0], parts[1], parts[2]) if all(parts) else None


def _days(ctx: Round, memories: Sequence[Memory]) -> list[str]:
    """Return the days on which it was said, in order."""
    episodes = ctx.episodes(sorted({span.episode for memory in memories for span in memory.sources}))
    return sorted({episode.at.date().isoformat() for episode in episodes.values()})


def _lines(ctx: Round) -> dict[str, str]:
    census = ctx.census
    mine = census.active & census.tags.where(lambda tags: any(each.startswith(TAG) for each in tags))
    return {
        next(each for each in census.tags.values[int(census.tags.codes[place])] if each.startswith(TAG)): census.ids[place]
        for place in np.flatnonzero(mine).tolist()
    }
