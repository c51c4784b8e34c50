"""Memory cubes: a space's memories with a header, a lifecycle, versions that can be rolled back, and moves between cubes.

Source: MemOS (arXiv 2507.03724) and its code: similarity of at least 0.92 is a duplicate, of 0.80 related, which is judged; states
generated, activated, merged, archived, expired, frozen. Differs: a cube is a space, so every change is journalled; plaintext only, the
other forms are ports (:mod:`mneme.recipes.agent.forms`); related memories that no rule can judge, and no model is there to, stay side by
side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import orjson

from mneme.core.errors import InvalidInput, ModelError, NotFound, Refused
from mneme.core.llm import LLM, Prompt
from mneme.core.query import Filter, Hit
from mneme.core.records import Memory, Span, Usage
from mneme.engine.naming import resolve_sources
from mneme.memory import Memory as Engine
from mneme.organisation.frozen import TAG as FROZEN
from mneme.recipes.agent.cube_headers import governed, id_of, steps_of, version_of, visible
from mneme.recipes.agent.entries import nearest
from mneme.recipes.agent.everything import everything
from mneme.retrieval.latest import same_frame
from mneme.space import Space

TAG = "cube"
DUPLICATE, RELATED = 0.92, 0.80
State = Literal["generated", "activated", "merged", "archived", "expired", "frozen"]
Update = Literal["extract", "duplicate", "conflict", "unrelated"]

_NOT = re.compile(r"\b(?:not|never|no longer|cannot)\b|n['’]t\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")

RELATE = Prompt(
    role="cubes.relate",
    system="You compare two statements: duplicate (they say the same), conflict (both can't hold now), or unrelated (both can).",
    template="Known: $known\n\nNew: $new",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How two statements stand to each other."""

    relation: Literal["duplicate", "conflict", "unrelated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What adding a statement came to.

    Args:
        id: the item that says it now.
        update: what it was; ``extract`` when nothing was near.
        archived: the item that it took the place of.
    """

    id: str
    update: Update
    archived: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of an item besides its text.

    Args:
        made_at, origin, kind, tags: descriptive.
        state, visible_to, expires_at, priority, sensitivity: governance.
        uses, last_used_at: behaviour.
        version, history: of this item, oldest first.
        archived_item, evolves_to: the items before and after it.
        sources: the episodes that it rests on.
    """

    made_at: datetime
    origin: str
    kind: str
    tags: tuple[str, ...]
    state: State
    visible_to: tuple[str, ...]
    expires_at: datetime | None
    priority: str
    sensitivity: str
    uses: float
    last_used_at: datetime | None
    version: int
    history: tuple[dict[str, Any], ...]
    archived_item: str | None
    evolves_to: str | None
    sources: tuple[str, ...]


class Cube:
    """A cube over one space.

    Args:
        space: where its items are.
        llm: judges related statements; None judges by rule.
    """

    def __init__(self, space: Space, llm: LLM | None = None) -> None:
        self.space = space
        self.unjudged = 0
        self._llm = llm

    def add(
        self,
        text: str,
        *,
        key: str = "",
        kind: str = "fact",
        sources: Sequence[str] = (),
        tags: Sequence[str] = (),
        lasts: timedelta | None = None,
        priority: str = "normal",
        sensitivity: str = "low",
        visible_to: Sequence[str] = (),
    ) -> Change:
        """Add a statement, merge it with one that says the same, or let it take the place of one that it contradicts.

        What says the same under another governance stays beside it. A merged item has the tags of both and lasts as long as either.

        Args:
            text: the statement.
            key: what it is about, in a word or two.
            kind, sources, tags: as on a memory.
            lasts: for how long it holds; None until further notice.
            priority, sensitivity, visible_to: governance, for who reads the header.
        """
        near, cosine = self._near(text)
        update: Update = "extract" if near is None else self._judged(near.text, text, cosine)
        about: dict[str, object] = {"key": key, "priority": priority, "sensitivity": sensitivity, "visible_to": list(visible_to)}
        if near is not None and update == "duplicate" and not governed(near, about, lasts):
            near = self._double(text, about, lasts)
            update = "unrelated" if near is None else update
        if near is None or update in ("extract", "unrelated"):
            return Change(id=self._keep(text, kind, sources, tags, lasts, about), update=update)
        if FROZEN in near.tags:  # it stays as it is, also in its header
            known = update == "duplicate"
            return Change(id=near.id if known else self._keep(text, kind, sources, tags, lasts, about), update=update)
        if update == "duplicate":
            self._merge(near, text, sources, tags, lasts)
            return Change(id=near.id, update="duplicate")
        about |= {"version": version_of(near) + 1, "archived_item": near.id}
        id = self._keep(text, kind, sources, tags, lasts, about)
        self._replace(near, id)
        return Change(id=id, update="conflict", archived=near.id)

    def update(self, id: str, text: str) -> None:
        """Correct an item's text.

        Raises:
            Refused: it is frozen.
        """
        item = self.item(id)
        if FROZEN in item.tags:
            raise Refused(f"memory {id} is frozen; thaw it first")
        # What it said, and what its duplicates said, is in its versions, which go when what they rest on is erased; a copy here would stay.
        step = {"update": "feedback", "of": item.version, "at": self._now().isoformat()}
        steps = [{name: value for name, value in step.items() if name != "memory"} for step in steps_of(item)]
        about = {**item.attributes, "history": [*steps, step], "version": version_of(item) + 1}
        self.space.revise(item.id, text, attributes=about)

    def rollback(self, id: str) -> Memory:
        """Take an item's predecessor back in its place; returns the predecessor.

        Raises:
            NotFound: it has none.
            Refused: it is frozen.
        """
        item = self.item(id)
        before = item.attributes.get("archived_item")
        if not isinstance(before, str):
            raise NotFound("earlier version", id)
        if FROZEN in item.tags:
            raise Refused(f"memory {id} is frozen; thaw it first")
        self.space.restore(before)
        old = self.space.get(before)
        self.space.revise(before, attributes={name: value for name, value in old.attributes.items() if name != "evolves_to"})
        self.space.forget(id, reason="rolled back")
        return self.space.get(before)

    def freeze(self, id: str) -> None:
        """Keep an item as it is: no update, no conflict, nothing formed changes it."""
        item = self.item(id)
        if FROZEN not in item.tags:
            self.space.revise(id, tags=(*item.tags, FROZEN))

    def thaw(self, id: str) -> None:
        """Let a frozen item change again."""
        item = self.item(id)
        self.space.revise(id, tags=tuple(tag for tag in item.tags if tag != FROZEN))

    def item(self, id: str) -> Memory:
        """Return an item, whatever its state.

        Raises:
            NotFound: it is none of this cube.
        """
        memory = self.space.get(id)
        if TAG not in memory.tags:
            raise NotFound("cube item", id)
        return memory

    def items(self) -> list[Memory]:
        """Return the items that are active, in the order of their ids."""
        return everything(self.space, Filter(tags=(TAG,)))

    def state(self, id: str) -> State:
        """Return where an item stands in its lifecycle."""
        item = self.item(id)
        if FROZEN in item.tags and item.status == "active":
            return "frozen"
        if item.status == "archived":
            return "archived"
        if item.valid_to is not None and item.valid_to <= self._now():
            return "expired"
        if any(step.get("update") == "duplicate" for step in steps_of(item)):
            return "merged"
        return "activated" if self.space.usage([id]).get(id, Usage()).uses > 0 else "generated"

    def header(self, id: str) -> Header:
        """Return an item's header."""
        item = self.item(id)
        usage = self.space.usage([id]).get(id, Usage())
        told = item.attributes
        seen = told.get("visible_to", ())
        return Header(
            made_at=item.recorded_at, origin=f"{self.space.name}/{item.author or 'unknown'}", kind=item.kind, tags=item.tags,
            state=self.state(id), visible_to=tuple(map(str, seen)) if isinstance(seen, (list, tuple)) else (), expires_at=item.valid_to,
            priority=str(told.get("priority", "normal")), sensitivity=str(told.get("sensitivity", "low")),
            uses=usage.uses, last_used_at=usage.last_used_at, version=version_of(item), history=self._told(item),
            archived_item=id_of(told.get("archived_item")), evolves_to=id_of(told.get("evolves_to")),
            sources=tuple(dict.fromkeys(span.episode for span in item.sources)),
        )  # fmt: skip

    def _told(self, item: Memory) -> tuple[dict[str, Any], ...]:
        """Return the steps of an item's history; what was said before a correction is told by its versions."""
        steps = steps_of(item)
        if not any("of" in step for step in steps):
            return tuple(steps)
        earlier = [step.memory for step in self.space.history(item.id) if step.memory is not None]
        said = {memory.version: memory.text for memory in earlier}
        doubled = {place: step["memory"] for memory in earlier for place, step in enumerate(steps_of(memory)) if "memory" in step}
        told = [said.get(step["of"], "") if "of" in step else doubled.get(place, "") for place, step in enumerate(steps)]
        return tuple({**step, "memory": text} for step, text in zip(steps, told, strict=True))

    def recall(self, question: str, k: int = 5, *, reader: str | None = None) -> list[Hit]:
        """Return the items that bear on a question, best first.

        Args:
            question: what is asked.
            k: how many.
            reader: who asks; sees what is visible to all or to him. None is the owner, who sees everything.
        """
        where = Filter(tags=(TAG,))
        if reader is not None:
            where = Filter(tags=(TAG,), ids=tuple(item.id for item in self.items() if visible(item, reader)))
            if not where.ids:
                return []
        return list(self.space.recall(question, k=k, filters=where).hits)

    def migrate(self, ids: Iterable[str], to: Cube) -> list[str]:
        """Move items with the episodes that they rest on into another cube; ids stay, here they are archived. Returns what arrived.

        Raises:
            InvalidInput: both are the same cube.
        """
        if to.space.name == self.space.name:
            raise InvalidInput({"to": "is the cube itself; give another one"})
        wanted = {id: self.item(id) for id in ids}
        episodes = {span.episode for item in wanted.values() for span in item.sources}
        lines = []
        for number, raw in enumerate(self.space.export_lines()):
            line = orjson.loads(raw)
            mine = line.get("memory", {}).get("id") in wanted or line.get("episode", {}).get("id") in episodes
            if number == 0 or mine:
                lines.append(raw)
        to.space.import_lines(lines, name=self.space.name, reason=f"migrated from {self.space.name}")
        arrived = [id for id in wanted if to.space.memories(Filter(ids=(id,)), limit=1)]
        if arrived:
            self.space.forget(arrived, reason=f"migrated to {to.space.name}")
        return arrived

    def dump(self, path: Path) -> int:
        """Write the cube with everything it rests on as lines of JSON; returns how many."""
        return self.space.export(path)

    def load(self, path: Path) -> int:
        """Take a dumped cube in; returns how many items came."""
        return len(self.space.import_(path).ids)

    def _keep(
        self, text: str, kind: str, sources: Sequence[str], tags: Sequence[str], lasts: timedelta | None, about: dict[str, object]
    ) -> str:
        now = self._now()
        given = {
            "text": text, "kind": kind, "sources": tuple(sources), "tags": (TAG, *tags), "at": now, "valid_from": now,
            "valid_to": None if lasts is None else now + lasts, "attributes": {"version": 1, "history": [], **about},
        }  # fmt: skip
        return self.space.remember(memories=[given]).ids[0]

    def _replace(self, old: Memory, id: str) -> None:
        self.space.revise(old.id, attributes={**old.attributes, "evolves_to": id})
        self.space.forget(old.id, reason=f"contradicted by {id}")

    def _merge(self, item: Memory, text: str, sources: Sequence[str], tags: Sequence[str], lasts: timedelta | None) -> None:
        now = self._now()
        told = {**item.attributes, "history": [*steps_of(item), {"update": "duplicate", "memory": text, "at": now.isoformat()}]}
        rests = tuple(dict.fromkeys((*item.sources, *self._spans(sources))))
        both = tuple(dict.fromkeys((*item.tags, *tags)))
        ends = max(item.valid_to, now + lasts) if item.valid_to is not None and lasts is not None else item.valid_to
        self.space.revise(item.id, attributes=told, sources=rests, tags=both, valid_to=ends)

    def _spans(self, sources: Sequence[str]) -> tuple[Span, ...]:
        """Return what is named as sources by ids of episodes or memories, or by the caller's own refs, as for a new statement."""
        if not sources:
            return ()
        with self.space._use() as opened:
            found = resolve_sources(opened, sources, ())
        if unknown := [name for name in sources if name not in found]:
            raise InvalidInput({"sources": f"{unknown[0]!r} is not in this space; remember it first, or leave it out"})
        return tuple(dict.fromkeys(Span(episode=found[name].id, start=0, end=len(found[name].text)) for name in sources))

    def _near(self, text: str) -> tuple[Memory | None, float]:
        """Return the item nearest to a text if it is related, and the cosine."""
        for item, cosine in nearest(self.space, text, TAG, most=1):
            return (item, cosine) if cosine >= RELATED else (None, cosine)
        return None, 0.0

    def _double(self, text: str, about: Mapping[str, object], lasts: timedelta | None) -> Memory | None:
        """Return the nearest item that says the same under the same governance."""
        near = [item for item, cosine in nearest(self.space, text, TAG) if cosine >= DUPLICATE and not contradictory(item.text, text)]
        return next((item for item in near if governed(item, about, lasts)), None)

    def _judged(self, known: str, new: str, cosine: float) -> Update:
        """Return how a new statement stands to the nearest known one."""
        if contradictory(known, new):
            return "conflict"
        if cosine >= DUPLICATE:
            return "duplicate"
        if self._llm is not None:
            try:
                return self._llm.ask(RELATE, {"known": known, "new": new}, Relation).relation
            except ModelError:
                self.unjudged += 1  # both stay side by side, as without a model
        return "unrelated"

    def _now(self) -> datetime:
        return self.space._memory.clock.now()


def contradictory(known: str, new: str) -> bool:
    """Return whether two statements can't both hold: the same frame with another value, or one denies the other.

    Example:
        >>> contradictory("Ana lives in Porto.", "Ana lives in Oslo."), contradictory("Ana likes tea.", "Ana does not like tea.")
        (True, True)
    """
    if known.casefold() == new.casefold():
        return False
    if bool(_NOT.search(known)) != bool(_NOT.search(new)):
        words = [{word.rstrip("s") for word in _WORD.findall(text.casefold())} - {"doe", "do", "did", "not"} for text in (known, new)]
        return len(words[0] & words[1]) >= 0.6 * min(len(words[0]), len(words[1]))
    words = [set(_WORD.findall(text.casefold())) for text in (known, new)]
    return same_frame(known, new, 0.6) and not (words[0] <= words[1] or words[1] <= words[0])


def together(engine: Engine, cubes: Sequence[Cube], question: str, k: int = 10, *, reader: str | None = None) -> list[tuple[str, Hit]]:
    """Return what several cubes hold on a question, as if they were one: (cube, hit), best first, each text once.

    A ``reader`` sees what is visible to all or to him.
    """
    where = Filter(tags=(TAG,))
    if reader is not None:
        where = Filter(tags=(TAG,), ids=tuple(item.id for cube in cubes for item in cube.items() if visible(item, reader)))
        if not where.ids:
            return []
    found = engine.recall(question, spaces=[cube.space.name for cube in cubes], k=2 * k, filters=where)
    texts: dict[str, tuple[str, Hit]] = {}
    for hit in found.hits if reader is None else [hit for hit in found.hits if visible(hit.memory, reader)]:
        texts.setdefault(" ".join(hit.text.casefold().split()), (hit.space, hit))
    return list(texts.values())[:k]
