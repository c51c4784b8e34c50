"""Layers: every message hangs in a tree of domain, category and trace, found by likeness.

Source: H-MEM (arXiv 2507.22925): domain, category, memory trace, episode, with pointers from parent to child. Differs: without a model a
node is named by keywords and found by cosine, coarse for domains and finer below; pointers are ``part_of`` links.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Connect, Keep, Operation
from mneme.core.ports import FloatArray
from mneme.core.records import Episode, Link, Memory, Span
from mneme.formation.nearby import among
from mneme.formation.rules import derived_id
from mneme.formation.stretches import keywords

LAYERS = ("domain", "category", "trace")

PLACE = Prompt(
    role="hierarchy.place",
    system="You file messages. A domain is broad, such as health; a category is a part of it, such as sleep; a trace is a few keywords.",
    template="Domains in use: $domains\n\nMessage: $text\n\nName its domain, its category and its trace; reuse a domain where one fits.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """Where a message belongs."""

    domain: str
    category: str
    trace: str


@dataclass(slots=True, kw_only=True)
class _Node:
    id: str
    name: str
    vector: FloatArray | None = None
    position: int = -1
    children: list[_Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class HierarchyFormer:
    """Hangs every message into the tree, growing it where nothing is near.

    Args:
        near: the cosine from which a message belongs to a node of each layer.
        words: keywords that name a node.
    """

    near: tuple[float, ...] = (0.2, 0.35, 0.5)
    words: int = 4

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return new nodes and the links that hang nodes and messages into the tree."""
        said = [episode for episode in episodes if episode.text.strip()]
        if not said:
            return []
        vectors = ctx.embedder.embed([episode.text for episode in said])
        roots = _tree(ctx)
        operations: list[Operation] = []
        for episode, vector in zip(said, vectors, strict=True):
            names = self._names(ctx, episode, roots)
            nodes, parent = roots, None
            for layer, least, name in zip(LAYERS, self.near, names, strict=True):
                node = _nearest(ctx, nodes, name, vector, least)
                if node is None:
                    node = self._grow(ctx, episode, layer, name, parent, operations)
                    nodes.append(node)
                nodes, parent = node.children, node
            assert parent is not None
            operations.append(Connect(link=Link(source="mem" + episode.id[2:], target=parent.id, type="part_of")))
        return operations

    def _names(self, ctx: Context, episode: Episode, roots: Sequence[_Node]) -> tuple[str, str, str]:
        if ctx.llm is None:
            return "", "", ""
        reply = ctx.llm.ask(PLACE, {"domains": ", ".join(node.name for node in roots) or "none yet", "text": episode.text}, Filed)
        return reply.domain.strip(), reply.category.strip(), reply.trace.strip()

    def _grow(
        self,
        ctx: Context,
        episode: Episode,
        layer: str,
        name: str,
        parent: _Node | None,
        operations: list[Operation],
    ) -> _Node:
        text = name or ", ".join(keywords([episode.text], self.words)) or episode.text[:80]
        memory = Memory(
            id=derived_id(episode.id, f"node|{layer}|{parent.id if parent else ''}|{text}"),
            text=text,
            kind="concept",
            at=episode.at,
            recorded_at=episode.recorded_at,
            valid_from=episode.at,
            attributes={"layer": layer},
            sources=(Span(episode=episode.id, start=0, end=len(episode.text)),),
            tier=layer,
        )
        operations.append(Keep(memory=memory))
        if parent is not None:
            operations.append(Connect(link=Link(source=memory.id, target=parent.id, type="part_of")))
        return _Node(id=memory.id, name=text, vector=ctx.embedder.embed([text])[0])


def _nearest(ctx: Context, nodes: Sequence[_Node], name: str, vector: FloatArray, least: float) -> _Node | None:
    if name:
        return next((node for node in nodes if node.name.casefold() == name.casefold()), None)
    if not nodes:
        return None
    stored = [node for node in nodes if node.vector is None]
    cosines = {node.id: float(node.vector @ vector) for node in nodes if node.vector is not None}
    if stored:
        near = ctx.index.exact(np.array([node.position for node in stored], np.int64), vector)
        cosines |= {node.id: float(cosine) for node, cosine in zip(stored, near.tolist(), strict=True)}
    best = max(nodes, key=lambda node: cosines[node.id])
    return best if cosines[best.id] >= least else None


def _tree(ctx: Context) -> list[_Node]:
    """Return the roots of the tree that is there; vectors are the index's."""
    positions = [position for layer in LAYERS for position in among(ctx, "concept", layer).tolist()]
    place_of = {ctx.index.ids[position]: position for position in positions}
    memories: list[Memory] = [memory for memory in ctx.memories(positions) if memory.status == "active"]
    nodes = {memory.id: _Node(id=memory.id, name=memory.text, position=place_of[memory.id]) for memory in memories}
    below: dict[str, list[_Node]] = defaultdict(list)
    for link in ctx.links(list(nodes)):
        if link.type == "part_of" and link.source in nodes and link.target in nodes:
            below[link.target].append(nodes[link.source])
    for id, children in below.items():
        nodes[id].children.extend(children)
    return [nodes[memory.id] for memory in memories if memory.tier == LAYERS[0]]
