"""Scenes: cells gathered by likeness and nearness in time, around running centroids.

Source: EverMemOS (arXiv 2601.02163): a cell joins the scene with the greatest cosine if that is at least tau and the scene's last cell
is at most a gap ago; the centroid is the running mean. Differs: a scene rests on the first message of each of its cells, and its text is
the keywords of those of the newest cells; nobody sums it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from mneme.core.clock import to_micros
from mneme.core.components import Former
from mneme.core.context import Context
from mneme.core.operations import Connect, Keep, Operation, Revise
from mneme.core.records import Episode, Link, Memory, Span
from mneme.formation.nearby import among
from mneme.formation.rules import derived_id
from mneme.formation.stretches import keywords

Vector = NDArray[np.float64]
NEWEST = 64
"""Cells of a scene that its text is taken from, however many it has."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """A scene.

    Args:
        centroid: mean of its cells.
        last: when its last cell was.
        cells: their numbers.
        memory: what is kept of it; None for one that is only worked out.
        joined: ids of the cells that came now.
    """

    centroid: Vector
    last: datetime
    cells: list[int] = field(default_factory=list)
    memory: Memory | None = None
    joined: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Scenes:
    """Grows as cells come in.

    Args:
        near: tau; 0.70 for long friendships, 0.50 for many short tasks.
        gap: how long a scene stays open.
    """

    near: float = 0.65
    gap: timedelta = timedelta(days=7)
    scenes: list[Scene] = field(default_factory=list)
    _count: int = field(init=False, default=0)

    def add(self, vector: Vector, at: datetime) -> Scene:
        """Return the scene that a cell joins, a new one if none is near enough in kind and time."""
        open_now = [scene for scene in self.scenes if abs(at - scene.last) <= self.gap]
        best = nearest(open_now, vector)
        if best is None or cosine(best.centroid, vector) < self.near:
            best = Scene(centroid=np.zeros_like(vector), last=at)
            self.scenes.append(best)
        count = len(best.cells)
        best.centroid = (count * best.centroid + vector) / (count + 1)
        best.last = max(best.last, at)
        best.cells.append(self._count)
        self._count += 1
        return best


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFormer:
    """Gathers the cells that another former makes into scenes, kept as concepts whose parts are the cells.

    Args:
        by_rule: makes the cells, as memories of kind ``summary``.
        near: tau.
        gap_days: how long a scene stays open.
        words: of a scene's text.
        tier: of the scenes.
    """

    by_rule: Former
    near: float = 0.65
    gap_days: float = 7.0
    words: int = 12
    tier: str = "scene"

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the cells, and the scenes that they open or join."""
        operations = list(self.by_rule.form(ctx, episodes))
        cells = [operation.memory for operation in operations if isinstance(operation, Keep) and operation.memory.kind == "summary"]
        if not cells:
            begun = self._begun(ctx, operations)
            return operations + [Revise(id=scene.id, changes={"sources": (*scene.sources, *more)}) for scene, more in begun]
        scenes = Scenes(near=self.near, gap=timedelta(days=self.gap_days), scenes=self._there(ctx, cells))
        known = {scene.memory.id for scene in scenes.scenes if scene.memory is not None}
        vectors = ctx.embedder.embed([cell.text for cell in cells]).astype(np.float64)
        for cell, vector in zip(cells, vectors, strict=True):
            scene = scenes.add(vector, cell.at)
            memory = scene.memory or self._opened(cell)
            scene.memory = replace(memory, sources=(*memory.sources, cell.sources[0]), at=max(memory.at, cell.at))
            scene.joined.append(cell.id)
        joined = {scene.memory.id: scene for scene in scenes.scenes if scene.memory is not None and scene.joined}
        for memory, more in self._begun(ctx, operations):
            grown = joined.get(memory.id)
            if grown is not None and grown.memory is not None:
                grown.memory = replace(grown.memory, sources=(*grown.memory.sources, *more))
            else:
                operations.append(Revise(id=memory.id, changes={"sources": (*memory.sources, *more)}))
        for scene in scenes.scenes:
            if scene.memory is not None and scene.joined:
                operations += self._told(ctx, scene.memory, scene.joined, scene.memory.id in known)
        return operations

    def _begun(self, ctx: Context, operations: Sequence[Operation]) -> list[tuple[Memory, tuple[Span, ...]]]:
        """Return the scenes of cells that begin with another message now, with those messages: a scene rests on the first of each."""
        sources = {one.id: one.changes["sources"] for one in operations if isinstance(one, Revise) and "sources" in one.changes}
        first = {id: spans[0] for id, spans in sources.items() if isinstance(spans, tuple) and spans and isinstance(spans[0], Span)}
        parts = [link for link in ctx.links(list(first)) if link.type == "part_of" and link.source in first] if first else []
        whole = {link.target for link in parts}
        places = [place for place in among(ctx, "concept", self.tier).tolist() if ctx.index.ids[place] in whole] if whole else []
        found = []
        for scene in ctx.memories(places):
            cited = {span.episode for span in scene.sources}
            more = tuple(first[link.source] for link in parts if link.target == scene.id and first[link.source].episode not in cited)
            if more and scene.status == "active":
                found.append((scene, more))
        return found

    def _there(self, ctx: Context, cells: Sequence[Memory]) -> list[Scene]:
        """Return the scenes that are still open when these cells come, with the mean of their cells."""
        positions = among(ctx, "concept", self.tier)
        at, gap = ctx.index.at[positions], int(timedelta(days=self.gap_days).total_seconds() * 1e6)
        times = [to_micros(cell.at) for cell in cells]
        near = positions[(at >= min(times) - gap) & (at <= max(times) + gap)]
        memories = [memory for memory in ctx.memories(near.tolist()) if memory.status == "active"]
        links = [link for link in ctx.links([memory.id for memory in memories]) if link.type == "part_of"] if memories else []
        place = {ctx.index.ids[position]: position for position in among(ctx, "summary").tolist()} if links else {}
        found = []
        for memory in memories:
            parts = sorted(place[link.source] for link in links if link.target == memory.id and link.source in place)
            if parts:
                mean = ctx.index.vectors_at(np.array(parts, np.int64)).mean(axis=0).astype(np.float64)
                found.append(Scene(centroid=mean, last=memory.at, cells=list(range(len(parts))), memory=memory))
        return found

    def _opened(self, cell: Memory) -> Memory:
        return Memory(
            id=derived_id(cell.sources[0].episode, f"{self.tier}|{cell.id}"),
            text=self.tier,
            kind="concept",
            at=cell.at,
            recorded_at=cell.recorded_at,
            valid_from=cell.at,
            attributes={"by": self.tier},
            tier=self.tier,
        )

    def _told(self, ctx: Context, memory: Memory, joined: Sequence[str], known: bool) -> list[Operation]:
        said = ctx.episodes(list(dict.fromkeys(span.episode for span in memory.sources[-NEWEST:])))
        text = ", ".join(keywords([episode.text for episode in said.values()], self.words)) or next(iter(said.values())).text[:80]
        links = [Connect(link=Link(source=id, target=memory.id, type="part_of")) for id in joined]
        if known:
            return [Revise(id=memory.id, text=text, changes={"sources": memory.sources, "at": memory.at}), *links]
        return [Keep(memory=replace(memory, text=text)), *links]


def nearest(scenes: Sequence[Scene], vector: Vector) -> Scene | None:
    """Return the scene whose centroid is nearest, the first of equals; None of none."""
    if not scenes:
        return None
    rows = np.stack([scene.centroid for scene in scenes])
    cosines = rows @ vector / np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
    return scenes[int(np.argmax(cosines))]


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors, 0 when one has no length."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
