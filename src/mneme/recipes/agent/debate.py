"""A debate: agents lay the best memories of a layer on the table, and afterwards each holds what all of them laid there.

Source: TradingGPT (arXiv 2309.03736): agents with layered memories exchange the top memories of a layer. Differs: best is by recency plus
importance (FinMem's compound score, the highest and not, as in its released code, the lowest); what is taken over says whose it was, and
is written once however often the agents meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mneme.core.errors import InvalidInput
from mneme.core.records import Memory
from mneme.engine.prepare import Given
from mneme.retention.layered import ORDER, Item, Layered
from mneme.space import Space

HEARD = "debate"
"""The tag of what was taken over."""

SPEAKER, SAID = "debate_from", "debate_memory"
"""Attributes of what was taken over: whose memory it was, and which."""

_DAY_S = 86_400.0
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Debate:
    """How agents exchange memories.

    Args:
        layer: the tier that is laid open; empty lays open what was never placed.
        count: how many memories each agent lays on the table.
        layered: the constants of the layers.
    """

    layer: str = "long"
    count: int = 5
    layered: Layered = field(default_factory=Layered)

    def __post_init__(self) -> None:
        if self.count < 1 or self.layer not in (*ORDER, ""):
            known = ", ".join(ORDER)
            raise InvalidInput({"layer": f"must be one of {known} or empty, and count at least 1; got {self.layer!r} and {self.count}"})

    def offered(self, agent: Space) -> list[Memory]:
        """Return the agent's own best memories of the layer, best first; ties by id."""
        now = agent._memory.clock.now()

        def rank(memory: Memory) -> tuple[float, str]:
            days = max((now - memory.at).total_seconds() / _DAY_S, 0.0)
            item = Item(layer=self.layer or ORDER[0], importance=memory.importance * 100, days=days)
            return -self.layered.compound(item), memory.id

        own = [memory for memory in _all(agent) if memory.tier == self.layer and HEARD not in memory.tags]
        return sorted(own, key=rank)[: self.count]

    def hold(self, agents: Sequence[Space]) -> list[tuple[str, ...]]:
        """Let the agents exchange their best; returns the ids of what each took over, in the order of the agents.

        Raises:
            InvalidInput: there are fewer than two agents, or two of one name.
        """
        names = [agent.name for agent in agents]
        if len(names) < 2 or len(set(names)) < len(names):
            raise InvalidInput({"agents": f"must be at least two, each once; got {', '.join(names) or 'none'}"})
        table = [(agent.name, memory) for agent in agents for memory in self.offered(agent)]
        return [self._takes(agent, [(name, memory) for name, memory in table if name != agent.name]) for agent in agents]

    def _takes(self, agent: Space, others: Sequence[tuple[str, Memory]]) -> tuple[str, ...]:
        held = {memory.text for memory in _all(agent)}
        fresh: dict[str, Given] = {}
        for name, memory in others:
            if memory.text not in held and memory.text not in fresh:
                fresh[memory.text] = Given(
                    text=memory.text,
                    kind=memory.kind,
                    author=memory.author,
                    at=memory.at,
                    importance=memory.importance,
                    tags=(*memory.tags, HEARD),
                    attributes={SPEAKER: name, SAID: memory.id},
                )
        return tuple(agent.remember(memories=list(fresh.values())).ids) if fresh else ()


def _all(agent: Space) -> list[Memory]:
    found: list[Memory] = []
    after = ""
    while page := agent.memories(after=after, limit=_PAGE):
        after = page[-1].id
        found += page
    return found
