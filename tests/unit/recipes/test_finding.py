"""What strategies find is all there is, beyond the page of a store; phrases of one embedder are not another's."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.query import Filter
from mneme.engine.finding import PAGE, every
from mneme.recipes.agent.everything import everything
from mneme.retrieval.phrases import vectors_of

from .world import TableEmbedder

START = datetime(2024, 5, 1, tzinfo=UTC)


def test_every_memory_that_passes_is_found_in_order_of_id() -> None:
    with mneme.Memory(":memory:", embedder="hash:16", clock=FrozenClock(START), background=False) as memory:
        space = memory.space("a")
        said = space.remember([f"message {n}" for n in range(2 * PAGE + 3)], tags=["kept"]).ids
        space.remember("another")
        with space._use() as opened:
            found = [one.id for one in every(opened.store, Filter(tags=("kept",)))]
        assert found == sorted(said)
        assert [one.id for one in everything(space, Filter(tags=("kept",)))] == sorted(said)


def test_what_is_frozen_stays_frozen_behind_a_thousand_others() -> None:
    clock = FrozenClock(START)
    with mneme.Memory(":memory:", embedder="hash:16", recipe="memos", clock=clock, background=False) as memory:
        space = memory.space("a")
        space.remember(memories=[{"text": f"Item {n} is blue.", "kind": "note", "tags": ["frozen"]} for n in range(PAGE + 50)])
        space.remember("I live in Porto.", author="Ana")
        (home,) = [
            one for one in space.memories({"kinds": ["fact", "profile"]}, limit=5000) if one.attributes.get("relation") == "lives_in"
        ]
        space.revise(home.id, tags=("frozen",))
        clock.advance(days=3)
        space.remember("I live in Oslo now.", author="Ana")
        assert space.get(home.id).valid_to is None


def test_two_embedders_of_one_identity_do_not_share_vectors() -> None:
    one, other = TableEmbedder({"a": [1, 0]}), TableEmbedder({"a": [0, 1]})
    assert one.identity == other.identity
    assert np.argmax(vectors_of(one, ["a"])[0]) == 0
    assert np.argmax(vectors_of(other, ["a"])[0]) == 1
    calls: list[str] = []
    plain = one.embed
    one.embed = lambda texts: calls.extend(texts) or plain(texts)  # type: ignore[method-assign, func-returns-value]
    vectors_of(one, ["a", "b"])
    assert calls == ["b"]
