"""A circle of agents: a space each, one shared space, and grants by which an agent reads kinds of memory of another.

Source: OMNE (long-term memory of self-evolving multi-agent systems; the abstract gives no rules, these are this project's choice). What an
agent learns is its own. It is proposed to the shared space when it was marked public, when two agents hold it, or when it led to success
twice; a guard admits it, with its provenance. Beliefs of different agents stand side by side with their owners. A question goes to the
agent's own space, the shared one and the granted ones; hits are fused by rank, one's own first where ranks are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mneme.core.components import Verdict
from mneme.core.errors import InvalidInput, NotFound, Refused
from mneme.core.query import Filter, Hit
from mneme.core.records import Memory as Record
from mneme.core.records import Message
from mneme.engine.prepare import Given
from mneme.memory import Memory
from mneme.recipes.agent.everything import everything
from mneme.space import Space

RANK = 60
ACTIVE, ANY = ("active",), ("active", "archived", "quarantined", "undone")
PRIVATE, SHARED, GRANT = "private", "shared", "grant"
COUNTED = ("successes", "confirmed_by")
"""Attributes of an agent's memory that its copy in the shared space has, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A memory that an agent's space offers to the shared one.

    Args:
        owner: the agent.
        memory: what it is.
        why: ``public``, ``confirmed`` or ``succeeded``.
    """

    owner: str
    memory: Record
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A hit and whose it is.

    Args:
        owner: the agent that learned it.
        space: where it was found.
        hit: the hit in that space.
        score: fused by rank.
    """

    owner: str
    space: str
    hit: Hit
    score: float

    @property
    def at(self) -> datetime:
        """When it was learned."""
        return self.hit.at

    @property
    def text(self) -> str:
        """What it says."""
        return self.hit.text


def careful(proposal: Proposal) -> Verdict:
    """Admit what is neither a secret nor marked private."""
    if proposal.memory.kind == "secret" or PRIVATE in proposal.memory.tags:
        return Verdict(admit=False, why="it is a secret, or marked private")
    return Verdict(admit=True)


class Circle:
    """Agents over one memory.

    Args:
        memory: where every agent has a space of its name.
        shared: the name of the shared space; grants are kept in ``<shared>.grants``.
        admit: judges what is proposed.
        successes: so many successes propose a memory.
        holders: so many agents that hold it do too, its owner counted.
    """

    def __init__(
        self,
        memory: Memory,
        shared: str = "shared",
        *,
        admit: Callable[[Proposal], Verdict] = careful,
        successes: int = 2,
        holders: int = 2,
    ) -> None:
        self._memory = memory
        self.shared = memory.space(shared)
        self._grants = memory.space(f"{shared}.grants")
        self._admit = admit
        self._successes = successes
        self._holders = holders

    def space(self, agent: str) -> Space:
        """Return an agent's own space.

        Raises:
            InvalidInput: the name is that of the shared space.
        """
        if agent in (self.shared.name, self._grants.name):
            raise InvalidInput({"agent": f"is {agent!r}, which the circle uses itself; give the agent another name"})
        return self._memory.space(agent)

    def succeeded(self, agent: str, id: str) -> bool:
        """Count a success that a memory led to; returns whether it is shared now.

        Raises:
            NotFound: the agent has no such memory.
        """
        memory = self.space(agent).get(id)
        count = _number(memory.attributes.get("successes")) + 1
        self._note(agent, memory, successes=count)
        return self._counted(agent, id, "succeeded", enough=count >= self._successes)

    def confirm(self, agent: str, owner: str, id: str) -> bool:
        """Let an agent that may read a memory say that it holds it too; returns whether it is shared now.

        Raises:
            Refused: the agent may not read it.
        """
        memory = self.space(owner).get(id)
        if agent != owner and not any(not kinds or memory.kind in kinds for kinds in self._kinds(agent, owner)):
            raise Refused(f"memory {id} of {owner!r} is not granted to {agent!r}; grant it first")
        others = memory.attributes.get("confirmed_by", ())
        by = sorted({*(map(str, others) if isinstance(others, (list, tuple)) else ()), agent} - {owner})
        self._note(owner, memory, confirmed_by=by)
        return self._counted(owner, id, "confirmed", enough=len(by) + 1 >= self._holders)

    def publish(self, agent: str, id: str) -> bool:
        """Propose a memory that its owner marks public; returns whether the guard admitted it."""
        return self._propose(agent, id, "public")

    def is_shared(self, owner: str, id: str) -> bool:
        """Return whether the shared space admitted an agent's memory."""
        return self._copy(owner, id) is not None

    def forget(self, agent: str, id: str, *, erase: bool = False) -> bool:
        """Forget an agent's memory, and what the shared space has of it; returns whether that had it.

        Raises:
            NotFound: the agent has no such memory.
        """
        copies = self._copies(agent, id, ANY if erase else ACTIVE)
        try:
            self.space(agent).forget(id, erase=erase, actor=agent)
        except NotFound:
            if not copies:
                raise
        if copies:
            self.shared.forget([copy.id for copy in copies], erase=erase, actor=agent)
        return bool(copies)

    def vote(self, agent: str, id: str, useful: bool) -> dict[str, int]:
        """Let an agent judge a shared memory; returns the votes by agent, 1 for and -1 against, one per agent."""
        memory = self.shared.get(id)
        votes = memory.attributes.get("votes", {})
        cast = {**(votes if isinstance(votes, dict) else {}), agent: 1 if useful else -1}
        self.shared.revise(id, attributes={**memory.attributes, "votes": cast}, actor=agent)
        return cast

    def grant(self, owner: str, reader: str, kinds: Sequence[str] = ()) -> None:
        """Let an agent read kinds of memory of another, all kinds when none is named."""
        where = Filter(kinds=tuple(kinds))  # checks the kinds
        given = Given(
            text=f"{owner} lets {reader} read", kind="resource", tags=(GRANT, f"owner:{owner}", f"reader:{reader}"),
            attributes={"owner": owner, "reader": reader, "kinds": list(where.kinds)},
        )  # fmt: skip
        self._grants.remember(memories=[given], actor=owner)

    def revoke(self, owner: str, reader: str | None = None) -> int:
        """Take an agent's grants back, of one reader or of all; returns how many. It holds from the next question on."""
        found = [grant for grant in self._granted(f"owner:{owner}") if reader in (None, grant.attributes["reader"])]
        if found:
            self._grants.forget([grant.id for grant in found], actor=owner)
        return len(found)

    def recall(self, agent: str, query: str, *, k: int = 10) -> list[Owned]:
        """Return what an agent finds in its own space, the shared one and those granted to it, best first, each with its owner."""
        asked: list[tuple[str, Space, tuple[str, ...]]] = [(agent, self.space(agent), ())]
        asked.append(("", self.shared, ()))
        for grant in self._granted(f"reader:{agent}"):
            owner = str(grant.attributes["owner"])
            asked.append((owner, self.space(owner), _kinds_of(grant)))
        found: dict[tuple[str, str], tuple[Owned, int]] = {}
        for order, (owner, space, kinds) in enumerate(asked):
            for rank, hit in enumerate(space.recall(query, k=k, kinds=kinds).hits, 1):
                whose = owner or self._owner(hit.memory)
                item = Owned(owner=whose, space=space.name, hit=hit, score=1 / (RANK + rank))
                key = (whose, " ".join(hit.text.casefold().split()))
                if key not in found or found[key][0].score < item.score:
                    found[key] = (item, order)
        ranked = sorted(found.values(), key=lambda pair: (-pair[0].score, pair[1], pair[0].at, pair[0].hit.memory.id))
        return [item for item, _ in ranked[:k]]

    def _propose(self, owner: str, id: str, why: str) -> bool:
        memory = self.space(owner).get(id)
        verdict = self._admit(Proposal(owner=owner, memory=memory, why=why))
        if not verdict.admit:
            return False
        came = {"owner": owner, "why": why, "from": {"space": owner, "memory": id, "episodes": [span.episode for span in memory.sources]}}
        told = {name: memory.attributes[name] for name in COUNTED if name in memory.attributes}
        copy = self._copy(owner, id)
        if copy is None:
            # Who said it stays who said it: "I live in Porto" is no statement about the agent that heard it.
            message = Message(
                text=memory.text, at=memory.at, author=memory.author or owner, role=memory.role, ref=f"{owner}/{id}", tags=(SHARED,),
                attributes={**told, **came},
            )  # fmt: skip
            self.shared.remember(message, actor=owner)
        else:
            self._count(owner, copy, memory)
        return True

    def _counted(self, owner: str, id: str, why: str, *, enough: bool) -> bool:
        """Bring a count to the copy where there is one, or propose the memory where the count is enough; returns whether it is shared."""
        if not enough and (copy := self._copy(owner, id)) is not None:
            self._count(owner, copy, self.space(owner).get(id))
            return True
        return enough and self._propose(owner, id, why)

    def _count(self, owner: str, copy: Record, memory: Record) -> None:
        told = {name: memory.attributes[name] for name in COUNTED if name in memory.attributes}
        if any(copy.attributes.get(name) != value for name, value in told.items()):
            self.shared.revise(copy.id, attributes={**copy.attributes, **told}, actor=owner)

    def _copy(self, owner: str, id: str) -> Record | None:
        """Return what the shared space shows of an agent's memory."""
        found = self._copies(owner, id, ACTIVE)
        return found[0] if found else None

    def _copies(self, owner: str, id: str, statuses: Sequence[str]) -> list[Record]:
        if not self._has_shared():
            return []
        where = Filter(refs=(f"{owner}/{id}",), kinds=("turn",), archived="archived" in statuses)
        return self.shared.memories(where, limit=1000, statuses=statuses)

    def _has_shared(self) -> bool:
        return self._memory.has_space(self.shared.name)

    def _owner(self, memory: Record) -> str:
        """Return whose a shared memory is; what was formed in the shared space is its message's."""
        if "owner" not in memory.attributes and memory.sources:
            rests = self.shared.memories(Filter(ids=("mem" + memory.sources[0].episode[2:],)), limit=1)
            memory = rests[0] if rests else memory
        return str(memory.attributes.get("owner") or memory.author or self.shared.name)

    def _note(self, agent: str, memory: Record, **told: object) -> None:
        self.space(agent).revise(memory.id, attributes={**memory.attributes, **told})

    def _granted(self, tag: str) -> list[Record]:
        return everything(self._grants, Filter(tags=(tag,)))

    def _kinds(self, reader: str, owner: str) -> list[tuple[str, ...]]:
        return [_kinds_of(grant) for grant in self._granted(f"reader:{reader}") if grant.attributes["owner"] == owner]


def _kinds_of(grant: Record) -> tuple[str, ...]:
    kinds = grant.attributes.get("kinds", ())
    return tuple(map(str, kinds)) if isinstance(kinds, (list, tuple)) else ()


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
