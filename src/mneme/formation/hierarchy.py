"""Layers: every message hangs in a tree of domain, category and trace, found by likeness.

Source: H-MEM (arXiv 2507.22925): domain, category, memory trace, episode, with pointers from parent to child. Differs: without a model a
node is named by keywords and found by cosine, coarse for domains and finer below; with one, a name that is not there yet finds the node
with the likest name; pointers are ``part_of`` links, and only the children of the nodes on the way are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    children: list[_Node] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HierarchyFormer:
    """Hangs every message into the tree, growing it where nothing is near.

    Args:
        near: the cosine from which a message belongs to a node of each layer.
        words: keywords that name a node.
        alike: the cosine from which two names of a model are one.
    """

    near: tuple[float, ...] = (0.2, 0.35, 0.5)
    words: int = 4
    alike: float = 0.75

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return new nodes and the links that hang nodes and messages into the tree."""
        said = [episode for episode in episodes if episode.text.strip()]
        if not said:
            return []
        vectors = ctx.embedder.embed([episode.text for episode in said])
        tree = _Tree(ctx)
        operations: list[Operation] = []
        for episode, vector in zip(said, vectors, strict=True):
            names = self._names(ctx, episode, tree.roots)
            nodes, parent = tree.roots, None
            for layer, least, name in zip(LAYERS, self.near, names, strict=True):
                node = self._named(ctx, nodes, name) if name else _nearest(ctx, nodes, vector, least)
                if node is None:
                    node = self._grow(ctx, episode, layer, name, parent, operations)
                    nodes.append(node)
                nodes, parent = tree.below(node, layer), node
            assert parent is not None
            operations.append(Connect(link=Link(source="mem" + episode.id[2:], target=parent.id, type="part_of")))
        return operations

    def _names(self, ctx: Context, episode: Episode, roots: Sequence[_Node]) -> tuple[str, str, str]:
        if ctx.llm is None:
            return "", "", ""
        reply = ctx.llm.ask(PLACE, {"domains": ", ".join(node.name for node in roots) or "none yet", "text": episode.text}, Filed)
        return reply.domain.strip(), reply.category.strip(), reply.trace.strip()

    def _named(self, ctx: Context, nodes: Sequence[_Node], name: str) -> _Node | None:
        """Return the node of this name, else the one whose name is likest."""
        same = next((node for node in nodes if node.name.casefold() == name.casefold()), None)
        return same or (_nearest(ctx, nodes, ctx.embedder.embed([name])[0], self.alike) if nodes else None)

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
        return _Node(id=memory.id, name=text, vector=ctx.embedder.embed([text])[0], children=[])


def _nearest(ctx: Context, nodes: Sequence[_Node], vector: FloatArray, least: float) -> _Node | None:
    if not nodes:
        return None
    cosines = {node.id: float(node.vector @ vector) for node in nodes if node.vector is not None}
    stored = [node for node in nodes if node.vector is None]
    if stored:
        near = ctx.index.exact(np.array([node.position for node in stored], np.int64), vector)
        cosines |= {node.id: float(cosine) for node, cosine in zip(stored, near.tolist(), strict=True)}
    best = max(nodes, key=lambda node: cosines[node.id])
    return best if cosines[best.id] >= least else None


class _Tree:
    """The tree that is there, read where it is entered; vectors are the index's."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._places: dict[str, dict[str, int]] = {}
        self.roots = self._nodes(list(self._of(LAYERS[0]).values()))

    def below(self, node: _Node, layer: str) -> list[_Node]:
        """Return the children of a node of a layer; none for the last, whose children are messages."""
        if node.children is None:
            under = self._of(LAYERS[LAYERS.index(layer) + 1]) if layer != LAYERS[-1] else {}
            links = self._ctx.links([node.id]) if under else []
            ids = [link.source for link in links if link.type == "part_of" and link.target == node.id]
            node.children = self._nodes(sorted(under[id] for id in ids if id in under))
        return node.children

    def _of(self, layer: str) -> dict[str, int]:
        if layer not in self._places:
            ids = self._ctx.index.ids
            self._places[layer] = {ids[position]: position for position in among(self._ctx, "concept", layer).tolist()}
        return self._places[layer]

    def _nodes(self, positions: Sequence[int]) -> list[_Node]:
        memories = [memory for memory in self._ctx.memories(positions) if memory.status == "active"]
        place_of = {self._ctx.index.ids[position]: position for position in positions}
        return [_Node(id=memory.id, name=memory.text, position=place_of[memory.id]) for memory in memories]
