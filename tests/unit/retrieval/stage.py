"""A small space with everything that a strategy sees of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.core.query import Filter
from mneme.core.trace import Trace
from mneme.engine import recalling
from mneme.retrieval.linear import LinearSum

START = datetime(2024, 5, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A question asked of a space: the view, the channels' scores, and the ranker with its parts."""

    ctx: Context
    query: Query
    channels: dict[str, FloatArray]
    scene: Scene
    parts: dict[str, FloatArray]
    ranker: LinearSum

    def texts(self) -> list[str]:
        """Return the candidates' texts."""
        return [memory.text for memory in self.ctx.memories(self.scene.positions.tolist())]

    def raw(self, name: str) -> list[float]:
        """Return what a feature gives the candidates, before its weight."""
        return [round(float(part / self.ranker.weights[name]), 4) for part in self.parts[name]]


@contextmanager
def staged(messages: Sequence[mneme.Message], question: str, *, k: int = 10, at: datetime = START) -> Iterator[Stage]:
    """Remember messages in a new space and ask it."""
    with mneme.Memory(":memory:", embedder="hash:64", clock=FrozenClock(at), seed=1) as memory:
        space = memory.space("a")
        space.remember(list(messages))
        with space._use() as opened:
            reader = memory._reader("a", opened)
            index = opened.current.now()
            asked = recalling.check(question, k, None, Filter(), None, None, False)
            ctx = reader.context(index, None, Trace(id="", verb="test"))
            query = reader._query(asked, index, memory.embedder.embed([question])[0])
            channels = {channel.name: channel.search(ctx, query) for channel in memory.recipe.channels}
            ranker = memory.recipe.ranker
            assert isinstance(ranker, LinearSum)
            scene, parts = ranker.parts(ctx, query, channels)
            yield Stage(ctx=ctx, query=query, channels=channels, scene=scene, parts=parts, ranker=ranker)


def said(
    *texts: str, session: str | None = "s", author: str | None = None, role: str | None = None, since: datetime = START
) -> list[mneme.Message]:
    """Return messages a minute apart."""
    return [
        mneme.Message(text=text, session=session, author=author, role=role, at=since + number * MINUTE) for number, text in enumerate(texts)
    ]
