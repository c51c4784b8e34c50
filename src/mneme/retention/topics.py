"""The topic tree: what is named again and again gets a page of dated sentences, under the broader topic that goes with it.

Source: H-MEM (category, trace, episode) for the levels; Sanderson and Croft 1999 for the order of topics: x is above y when most days
that name y name x too, and not the other way round. Differs: topics are names and phrases, so a page needs no model; a day counts
once; pages are made from the day summaries of the time tree and cite the same sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.operations import Archive, Connect, Operation
from mneme.core.records import Link, Memory, Span
from mneme.core.upkeep import Proposal, Round, kept, made_id
from mneme.retention.timetree import TAG as TREE

TAG = "topic:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Keeps one page per topic.

    Args:
        least_days: on so many days a phrase must be named.
        most: topics in a space; those named on the most days.
        lines: sentences on a page, the newest.
        above: share of a topic's days that the topic above it must share.
    """

    least_days: int = 3
    most: int = 200
    lines: int = 8
    above: float = 0.8
    name: str = "topics"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose pages that are missing or have something new."""
        census = ctx.census
        mine = census.tags.where(lambda tags: f"{TREE}day" in tags) & census.status.among(("active", "archived"))
        if not np.any(mine & ctx.fresh):
            return
        days = sorted(ctx.memories(np.flatnonzero(mine).tolist()), key=lambda memory: memory.at)
        named = self._named(days)
        ids: dict[str, str] = {}
        old = _pages(ctx)
        for phrase, having in named.items():
            if ctx.out_of_time():
                return
            page = self._page(phrase, [days[number] for number in having])
            if page is None:
                continue
            ids[phrase] = page.id
            operations: list[Operation] = [] if old.get(phrase) == page.id else list(kept(ctx, page))
            if operations and phrase in old:
                operations.append(Archive(id=old[phrase]))
            parent = self._parent(phrase, named)
            if parent in ids:
                link = Link(source=page.id, target=ids[parent], type="part_of")
                operations += [Connect(link=link)] if operations else []
            if operations:
                yield Proposal(keeper=self.name, why=f"named on {len(having)} days", operations=tuple(operations))

    def _named(self, days: Sequence[Memory]) -> dict[str, list[int]]:
        """Return phrase -> numbers of the days that name it, the most named first."""
        having: dict[str, list[int]] = {}
        for number, day in enumerate(days):
            phrases = day.attributes.get("phrases", ())
            for phrase in phrases if isinstance(phrases, list | tuple) else ():
                having.setdefault(str(phrase), []).append(number)
        often = [(phrase, numbers) for phrase, numbers in having.items() if len(numbers) >= self.least_days]
        return dict(sorted(often, key=lambda pair: (-len(pair[1]), pair[0]))[: self.most])

    def _parent(self, phrase: str, named: Mapping[str, Sequence[int]]) -> str:
        own = set(named[phrase])
        best, shared = "", 0.0
        for other, numbers in named.items():
            if other == phrase or len(numbers) <= len(own):
                continue
            share = len(own & set(numbers)) / len(own)
            if share >= self.above and share > shared:
                best, shared = other, share
        return best

    def _page(self, phrase: str, days: Sequence[Memory]) -> Memory | None:
        lines: list[str] = []
        sources: list[Span] = []
        for day in days:
            told = [part for part in day.text.split(". ")[1:] if phrase in part.casefold()]
            if told:
                lines.append(f"{day.at.day} {day.at:%B %Y}: {told[0].rstrip('.')}.")
                sources += day.sources
        if not lines:
            return None
        first, last = days[0].at, days[-1].at
        head = f"{phrase[:1].upper()}{phrase[1:]}: named on {len(days)} days, {first.day} {first:%B %Y} to {last.day} {last:%B %Y}."
        text = " ".join([head, *lines[-self.lines :]])
        return replace(
            days[-1],
            id=made_id(days[0].id, f"topic|{phrase}|{text}"),
            text=text,
            kind="concept",
            version=1,
            status="active",
            tags=("topic", f"{TAG}{phrase}"),
            attributes={"topic": phrase, "days": len(days), "from": first.isoformat(), "until": last.isoformat()},
            sources=tuple(dict.fromkeys(sources)),
        )


def _pages(ctx: Round) -> dict[str, str]:
    census = ctx.census
    mine = census.active & census.tags.where(lambda tags: any(each.startswith(TAG) for each in tags))
    found: dict[str, str] = {}
    for place in np.flatnonzero(mine).tolist():
        for each in census.tags.values[int(census.tags.codes[place])]:
            if each.startswith(TAG):
                found[each[len(TAG) :]] = census.ids[place]
    return found
