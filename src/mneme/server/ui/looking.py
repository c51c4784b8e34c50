"""What the pages ask: timelines, a memory with all around it, the journal newest first, what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mneme.core.journal import Entry
from mneme.core.query import Filter
from mneme.core.records import STATUSES, Link
from mneme.core.records import Memory as Record
from mneme.server.ui import shaping
from mneme.service import Caller, Service

MOST_NODES = 80
MOST_LINKS = 200
MOST_CONFLICTS = 200
_EVER = datetime.max.replace(tzinfo=UTC)
_CHANGES_AT_ONCE = 1000
_ENTRIES_AT_ONCE = 64
_CHANGES_OF_A_PAGE = 8000
_ALL = tuple(status for status in STATUSES if status != "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One space as one caller may see it.

    Args:
        service: the verbs.
        caller: who looks.
        space: what at.
    """

    service: Service
    caller: Caller
    space: str

    def memories(self, ids: Iterable[str]) -> dict[str, Record]:
        """Return memories by id, whatever their status; erased ones are left out."""
        wanted = tuple(dict.fromkeys(ids))
        found: dict[str, Record] = {}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            page = self.service.memories(self.caller, self.space, Filter(ids=part), after="", limit=len(part), statuses=_ALL)
            found |= {memory.id: memory for memory in page}
        return found

    def last_entry(self) -> int:
        """Return the number of the newest journal entry."""
        return self.service.entry_at(self.caller, self.space, _EVER)

    def newest(self, before: int) -> Iterator[Entry]:
        """Yield journal entries with a lower number, newest first; few at a time where entries are large."""
        size = 1
        while before > 1:
            start = max(before - size, 1)
            found = self.service.journal(self.caller, self.space, after=start - 1, limit=before - start)
            if not found:
                return
            yield from reversed(found)
            before = start
            many = sum(len(entry.changes) for entry in found) > _CHANGES_AT_ONCE
            size = max(size // 2, 1) if many else min(2 * size, _ENTRIES_AT_ONCE)


def journal(view: View, before: int | None, limit: int) -> dict[str, Any]:
    """Return a page of the journal, newest first; it ends early after entries with very many changes."""
    found: list[Entry] = []
    changes = 0
    for entry in view.newest(view.last_entry() + 1 if before is None else before):
        found.append(entry)
        changes += len(entry.changes)
        if len(found) == limit or changes > _CHANGES_OF_A_PAGE:
            break
    return {"items": [shaping.entry(one) for one in found], "next": found[-1].seq if found and found[-1].seq > 1 else None}


def timeline(view: View, before: tuple[int, int] | None, at: datetime | None, limit: int) -> dict[str, Any]:
    """Return a page of episodes, the last that came first, each with what was formed from it.

    Args:
        view: the space.
        before: where the page before ended: an entry and how many of its changes were shown.
        at: begin with what was recorded at or before this moment.
        limit: how many rows.
    """
    if before is None:
        before = (view.last_entry() if at is None else view.service.entry_at(view.caller, view.space, at), 0)
    taken, following = _subjects(view, before, limit)
    episodes = {one.id: one for one in view.service.episodes_named(view.caller, view.space, [s for _, s in taken if s.startswith("ep_")])}
    resting = view.service.formed_from(view.caller, view.space, list(episodes)) if episodes else {}
    formed = view.memories([*resting, *(subject for _, subject in taken if subject.startswith("mem_"))])
    rows: list[dict[str, Any]] = []
    for entry, subject in taken:
        told = {"seq": entry.seq, "verb": entry.verb, "actor": entry.actor, "recorded_at": entry.recorded_at}
        if subject in episodes:
            born = [shaping.brief(formed[id]) for id, on in sorted(resting.items()) if subject in on and id in formed]
            rows.append({**told, "episode": shaping.brief_episode(episodes[subject]), "memories": born})
        elif subject in formed and not formed[subject].sources:
            rows.append({**told, "episode": None, "memories": [shaping.brief(formed[subject])]})
    return {"items": rows, "next": None if following is None else f"{following[0]}.{following[1]}"}


def _subjects(view: View, start: tuple[int, int], limit: int) -> tuple[list[tuple[Entry, str]], tuple[int, int] | None]:
    """Return (entry, episode or new memory), newest first, and where to go on; an entry may be larger than a page."""
    seq, skip = start
    taken: list[tuple[Entry, str]] = []
    for entry in view.newest(seq + 1):
        # Memories that rest on an episode are shown with it, so new ones are of interest only in entries without episodes.
        born = [change.subject for change in reversed(entry.changes) if change.op == "observe"]
        born = born or [change.subject for change in reversed(entry.changes) if change.op == "keep"]
        room = limit - len(taken)
        taken += [(entry, subject) for subject in born[skip : skip + room]]
        if len(taken) == limit:
            done = skip + room
            return taken, ((entry.seq, done) if done < len(born) else (entry.seq - 1, 0) if entry.seq > 1 else None)
        skip = 0
    return taken, None


def memory(view: View, id: str) -> dict[str, Any]:
    """Return a memory with its sources, versions, links, strength and neighbours."""
    found = view.service.get(view.caller, view.space, id)
    steps = view.service.history(view.caller, view.space, id)
    cited = {one.id: one for one in view.service.episodes_named(view.caller, view.space, list({s.episode for s in found.sources}))}
    links = view.service.links(view.caller, view.space, [id])
    others = view.memories(_other(link, id) for link in links[:MOST_LINKS])
    usage = view.service.usage(view.caller, view.space, [id]).get(id)
    return {
        "memory": shaping.whole(found),
        "sources": shaping.sources(found.sources, cited),
        "steps": [
            {"entry": shaping.entry(step.entry), "memory": None if step.memory is None else shaping.whole(step.memory)} for step in steps
        ],
        "links": [_link(link, id, others) for link in links[:MOST_LINKS]],
        "more_links": max(len(links) - MOST_LINKS, 0),
        "usage": usage,
        "fading": [] if found.status == "undone" else view.service.fading(view.caller, view.space, id, None),
        "strength": strength(id, [step.entry for step in steps]),
    }


def strength(id: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return how a memory's strength and uses went, step by step, from its birth on."""
    uses, now = 0.0, 1.0
    points: list[dict[str, Any]] = []
    for entry in entries:
        moved = [change for change in entry.changes if change.subject == id]
        for change in moved:
            if change.op == "reinforce":
                uses, now = uses + float(change.detail.get("uses", 0.0)), now + float(change.detail.get("strength", 0.0))
        if moved and (not points or any(change.op == "reinforce" for change in moved)):
            points.append({"at": entry.recorded_at, "uses": uses, "strength": now, "verb": entry.verb, "seq": entry.seq})
    return points


def graph(view: View, id: str) -> dict[str, Any]:
    """Return what lies around a memory: two links away, and what rests on the same episodes."""
    centre = view.service.get(view.caller, view.space, id)
    distance = {id: 0}
    edges: dict[tuple[str, str, str], float] = {}
    frontier = [id]
    for step in (1, 2):
        found = view.service.links(view.caller, view.space, frontier) if frontier else []
        frontier = []
        for link in found:
            new = [end for end in (link.source, link.target) if end not in distance]
            if len(distance) + len(new) > MOST_NODES:
                continue
            frontier += new
            distance.update(dict.fromkeys(new, step))
            edges[link.source, link.target, link.type] = link.weight
    if centre.sources:
        episodes = sorted({span.episode for span in centre.sources})
        for other in view.service.formed_from(view.caller, view.space, episodes):
            if other != id and len(distance) < MOST_NODES:
                distance.setdefault(other, 1)
                edges[id, other, "same source"] = 1.0
    records = view.memories(distance)
    return {
        "nodes": [{**shaping.brief(records[node]), "distance": far} for node, far in distance.items() if node in records],
        "edges": [
            {"source": source, "target": target, "type": type, "weight": weight}
            for (source, target, type), weight in edges.items()
            if source in records and target in records
        ],
    }


def review(view: View) -> dict[str, Any]:
    """Return what waits for a person: quarantined memories, and pairs that contradict each other while both are active."""
    held = view.service.memories(view.caller, view.space, Filter(), after="", limit=MOST_CONFLICTS, statuses=("quarantined",))
    against = [link for link in view.service.links(view.caller, view.space, None) if link.type == "contradicts"]
    ends = view.memories(end for link in against[: 5 * MOST_CONFLICTS] for end in (link.source, link.target))
    pairs = [
        {"source": shaping.brief(ends[link.source]), "target": shaping.brief(ends[link.target]), "weight": link.weight}
        for link in against
        if all(end in ends and ends[end].status == "active" and ends[end].valid_to is None for end in (link.source, link.target))
    ]
    waiting = [{**shaping.brief(one), "why": str(one.attributes.get("quarantine", ""))} for one in held]
    return {"quarantined": waiting, "conflicts": pairs[:MOST_CONFLICTS]}


def _other(link: Link, id: str) -> str:
    return link.target if link.source == id else link.source


def _link(link: Link, id: str, others: dict[str, Record]) -> dict[str, Any]:
    other = _other(link, id)
    shown = shaping.brief(others[other]) if other in others else None
    return {"type": link.type, "weight": link.weight, "out": link.source == id, "id": other, "memory": shown}
