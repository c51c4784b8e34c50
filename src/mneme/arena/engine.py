"""The engine under test: its own ``remember`` and ``recall``, with nothing between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mneme.arena.subject import Answer, Asked, Context, Footprint, Recipe, Subject, Tools
from mneme.arena.task import DERIVED, WHOLE_SESSION, Sample
from mneme.core.composing import resolve
from mneme.core.errors import Refused
from mneme.core.records import Memory as MemoryRecord
from mneme.core.records import Message
from mneme.engine.prepare import Given
from mneme.memory import Memory
from mneme.space import Space


@dataclass(slots=True, kw_only=True)
class EngineSubject:
    """A space of the engine.

    Args:
        tools: the embedder and the folder of the space.
        recipe: what :func:`mneme.core.composing.resolve` takes.
    """

    tools: Tools
    recipe: str
    _memory: Memory = field(init=False)
    _space: Space = field(init=False)
    _refs: dict[str, str] = field(init=False, default_factory=dict)
    _episodes: dict[str, str] = field(init=False, default_factory=dict)
    _latest: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._memory = Memory(self.tools.folder, embedder=self.tools.embedder, recipe=self.recipe)
        self._space = self._memory.space("arena")

    def feed(self, messages: Sequence[Message]) -> None:
        """Remember the messages in one call, with all that is formed of them; what a model derived from one comes along."""
        said = [message for message in messages if DERIVED not in (message.ref or "")]
        members: dict[str, list[str]] = {}
        for message in said:
            members.setdefault(message.session or "", []).append(message.ref or "")
        brought = [_given(message, members) for message in messages if DERIVED in (message.ref or "")]
        receipt = self._space.remember(said, memories=brought, wait=True)
        self._check()
        refs = [message.ref or "" for message in said]
        self._episodes.update(zip(receipt.episodes, refs, strict=True))
        self._refs.update(zip(receipt.ids, refs, strict=False))
        times = [message.at for message in messages if message.at is not None]
        self._latest = max([*times, self._latest] if self._latest else times, default=None)

    def ask(self, asked: Asked, k: int) -> Answer:
        """Recall ``k`` hits."""
        found = self._space.recall(asked.text, k=k, as_of=self._moment(asked))
        stages = dict(found.trace.stages) if found.trace else {}
        hits = [(ref, hit.score) for hit in found.hits for ref in self._refs_of(hit.memory)]
        return Answer(hits=hits, stages_ms=stages, sufficiency=found.sufficiency)

    def pack(self, asked: Asked, budget_tokens: int) -> Context:
        """Recall into a budget; what the context marks is what it holds, notes by the messages that they cite."""
        found = self._space.recall(asked.text, budget_tokens=budget_tokens, as_of=self._moment(asked))
        known = {id_: [ref] for id_, ref in self._refs.items()} | {hit.memory.id: self._refs_of(hit.memory) for hit in found.hits}
        refs = [ref for id_ in found.marks.values() for ref in known.get(id_) or self._refs_of(self._space.get(id_))]
        return Context(refs=refs, tokens=found.context_tokens)

    def footprint(self) -> Footprint:
        """Return how many memories the space has, archived ones included, and the size of its file."""
        counts = self._space.stats()
        return Footprint(memories=counts["active"] + counts["archived"], bytes=counts["bytes"])

    def close(self) -> None:
        """Close the memory."""
        self._memory.close()

    def _check(self) -> None:
        """A design whose forming fails would be measured as one that forms nothing."""
        failed = [job for job in self._space.jobs(states=("waiting", "dead")) if job.error]
        if failed:
            raise Refused(f"the recipe {self.recipe} could not do its job {failed[0].task}: {failed[0].error}")

    def _refs_of(self, memory: MemoryRecord) -> list[str]:
        """Return the message that a memory is, or the messages that a derived one rests on.

        What was brought for a whole session points at no message of it.
        """
        if memory.ref:
            return [memory.ref]
        if memory.attributes.get(WHOLE_SESSION):
            return []
        return [ref for source in memory.sources if (ref := self._episodes.get(source.episode))]

    def _moment(self, asked: Asked) -> datetime | None:
        """Return when the question is asked, for expressions such as "last May", unless that would hide memories."""
        if asked.at is None or (self._latest is not None and asked.at < self._latest):
            return None
        return asked.at


def _given(message: Message, members: Mapping[str, Sequence[str]]) -> Given:
    """Return what a model wrote about a message, or about a session whose messages are given."""
    of_session = bool(message.attributes.get(WHOLE_SESSION))
    sources = tuple(members.get(message.session or "", ())) if of_session else ((message.ref or "").partition(DERIVED)[0],)
    return Given(
        text=message.text,
        kind="event" if of_session else "fact",
        at=message.at,
        sources=sources,
        attributes=message.attributes,
        session=message.session,
    )


def engine_recipe(name: str, shown: str) -> Recipe:
    """Return the arena's recipe for a recipe of the engine.

    Args:
        name: in the engine's registry, of a family, or the path of a TOML file.
        shown: what tables and logs call it.
    """
    composition = resolve(name)

    def build(tools: Tools, sample: Sample) -> Subject:
        return EngineSubject(tools=tools, recipe=name)

    toml = composition.card.toml if composition.card else ""
    # A file may say other things tomorrow under the same name.
    spec: Mapping[str, object] = {**composition.spec(), **({"toml": toml} if toml else {})}
    return Recipe(name=shown, summary=composition.about, build=build, spec=spec)
