"""Random lives of two spaces, led side by side on the dict store and on SQLite: what one answers, the other answers."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.errors import CannotUndo, MnemeError, NotFound

START = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = ["porto", "bruno", "harbour", "nurse", "violin", "garden", "mountain", "teacher", "kettle", "lantern"]
SPACES = ("alice", "bob")
ASKED = ("porto harbour", "nurse", "bruno garden violin")

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
spaces = st.sampled_from(SPACES)
days = st.integers(0, 60)


class Lives(RuleBasedStateMachine):
    """One life on two stores."""

    kept: Bundle[tuple[str, str]] = Bundle("kept")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clocks = (FrozenClock(START), FrozenClock(START))
        self.memories = [
            mneme.Memory(root, embedder="hash:64", clock=clock, seed=7, durability="normal")
            for root, clock in zip((":memory:", Path(self.folder.name)), self.clocks, strict=True)
        ]
        self.erased_words: dict[str, set[str]] = {name: set() for name in SPACES}
        self.moments = [START]

    def teardown(self) -> None:
        for memory in self.memories:
            for name in SPACES:
                assert memory.space(name).verify().problems == ()
            memory.close()
        self.folder.cleanup()

    def both(self, space: str, call: object) -> object:
        """Make a call on both; return what it gave, or the error's type and text."""
        results = []
        for memory in self.memories:
            try:
                results.append(call(memory.space(space)))  # type: ignore[operator]
            except MnemeError as error:
                results.append((type(error).__name__, str(error)))
        assert results[0] == results[1]
        return results[0]

    def tick(self) -> None:
        for clock in self.clocks:
            clock.advance(minutes=1)
        self.moments.append(self.clocks[0].now())

    @rule(target=kept, space=spaces, said=st.lists(texts, min_size=1, max_size=3), day=days, session=st.sampled_from(["s1", "s2", None]))
    def remember(self, space: str, said: list[str], day: int, session: str | None) -> object:
        at = START + timedelta(days=day)
        messages = [mneme.Message(text=text, at=at + timedelta(minutes=i), session=session) for i, text in enumerate(said)]
        ids = self.both(space, lambda s: s.remember(messages).ids)
        self.tick()
        return multiple(*((space, id) for id in ids))  # type: ignore[attr-defined]

    @rule(item=kept, text=texts)
    def revise(self, item: tuple[str, str], text: str) -> None:
        self.both(item[0], lambda s: s.revise(item[1], text, reason="because").ids)
        self.tick()

    @rule(target=kept, item=kept, text=texts, day=days)
    def supersede(self, item: tuple[str, str], text: str, day: int) -> object:
        result = self.both(item[0], lambda s: s.revise(item[1], text, since=START + timedelta(days=day)).ids)
        self.tick()
        return multiple(*([(item[0], result[0])] if isinstance(result, tuple) and len(result) == 1 else []))

    @rule(item=kept)
    def forget(self, item: tuple[str, str]) -> None:
        self.both(item[0], lambda s: s.forget(item[1]).ids)
        self.tick()

    @rule(item=kept)
    def restore(self, item: tuple[str, str]) -> None:
        self.both(item[0], lambda s: s.restore(item[1]).ids)
        self.tick()

    @rule(item=consumes(kept))
    def erase(self, item: tuple[str, str]) -> None:
        def erase(space: mneme.Space) -> object:
            report = space.forget(item[1], erase=True)
            assert isinstance(report, mneme.ErasureReport)
            assert report.findings == ()
            return report.erased, report.derived

        self.both(item[0], erase)
        self.tick()
        for memory in self.memories:
            with pytest.raises(NotFound):
                memory.space(item[0]).get(item[1])

    @rule(space=spaces, count=st.integers(1, 3))
    def undo(self, space: str, count: int) -> None:
        self.both(space, lambda s: s.undo(count).ids)
        self.tick()

    @rule(space=spaces, share=st.floats(0, 1))
    def undo_entry(self, space: str, share: float) -> None:
        def undo(s: mneme.Space) -> object:
            entries = s.journal(limit=1000)
            if not entries:
                raise CannotUndo("nothing yet")
            return s.undo(entry=entries[int(share * (len(entries) - 1))].seq).ids

        self.both(space, undo)
        self.tick()

    @rule(space=spaces, query=st.sampled_from(ASKED), day=days)
    def recall_as_of(self, space: str, query: str, day: int) -> None:
        moment = START + timedelta(days=day)
        self.both(space, lambda s: _hits(s.recall(query, k=5, as_of=moment)))

    @rule(space=spaces, query=st.sampled_from(ASKED), share=st.floats(0, 1))
    def recall_known_at(self, space: str, query: str, share: float) -> None:
        moment = self.moments[int(share * (len(self.moments) - 1))]
        self.both(space, lambda s: _hits(s.recall(query, k=5, known_at=moment)))

    @rule(item=kept, other=spaces)
    def other_space_knows_nothing(self, item: tuple[str, str], other: str) -> None:
        if other == item[0]:
            return
        for memory in self.memories:
            with pytest.raises(NotFound):
                memory.space(other).get(item[1])
            with pytest.raises(NotFound):
                memory.space(other).history(item[1])
            assert memory.space(other).memories({"ids": [item[1]]}) == []

    @invariant()
    def same_answers(self) -> None:
        for space in SPACES:
            self.both(space, lambda s: _hits(s.recall(ASKED[0], k=5)))


def _hits(found: mneme.Recall) -> list[tuple[str, str, float]]:
    return [(hit.memory.id, hit.memory.text, round(hit.score, 3)) for hit in found.hits]


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
