"""Random scripts of calls, on a local space and through the client on a server: the same results, the same errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mneme import Client, Filter, Memory, Message, wire
from mneme.core.clock import FrozenClock
from mneme.core.errors import MnemeError
from mneme.server.keys import Keys
from serving import serving

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
_ID = re.compile(r"\b(mem|ep|job|tr)_[0-9a-hjkmnp-tv-z]{20}\b")
_OWN = {
    "trace", "trace_id", "actor", "hash", "previous", "digest", "reason_digest", "head", "seconds",
    "bytes", "resident_bytes", "searched_bytes",
}  # fmt: skip
"""What differs between any two runs."""

_spaces = count()


@dataclass(frozen=True, kw_only=True)
class Both:
    local: Memory
    client: Client
    clock: FrozenClock


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    clock = FrozenClock(START)
    with (
        Memory(":memory:", embedder="hash", clock=clock) as local,
        Memory(":memory:", embedder="hash", clock=clock) as memory,
        serving(memory, Keys(None)) as served,
    ):
        yield Both(local=local, client=served.client(), clock=clock)


texts = st.sampled_from(["tea with Ana", "coffee in Porto", "the key is here", "Ana left for Porto in May", "茶を飲む", "x" * 3000])
authors = st.sampled_from([None, "ana", "bo"])
some = st.integers(0, 5)
messages = st.builds(
    Message, text=st.one_of(texts, texts, texts, st.just(" ")), author=authors, session=st.sampled_from([None, "s1"]),
    tags=st.sampled_from([(), ("home",)]), at=st.sampled_from([None, START - timedelta(days=3)]),
    attributes=st.sampled_from([{}, {"a": [1]}]),
)  # fmt: skip
filters = st.builds(Filter, authors=st.sampled_from([(), ("ana",), ("bo",)]), tags=st.sampled_from([(), ("home",)]), archived=st.booleans())
calls = st.one_of(
    st.tuples(st.just("remember"), st.one_of(texts, messages, st.lists(messages, max_size=4)), st.booleans()),
    st.tuples(st.just("recall"), texts, st.sampled_from([None, 0, 1, 3]), filters),
    st.tuples(st.just("budget"), texts, st.integers(1, 300)),
    st.tuples(st.just("ask"), texts),
    st.tuples(st.just("upkeep")),
    st.tuples(st.just("correct"), some, texts, st.sampled_from([None, 1, 2])),
    st.tuples(st.just("supersede"), some, texts),
    st.tuples(st.just("tag"), some),
    st.tuples(st.just("forget"), st.one_of(some, filters), st.booleans()),
    st.tuples(st.just("restore"), st.lists(some, max_size=3)),
    st.tuples(st.just("feedback"), texts),
    st.tuples(st.just("undo"), st.sampled_from([None, 1, 2])),
    st.tuples(st.just("undo entry"), some),
    st.tuples(st.just("history"), some),
    st.tuples(st.just("lists"), filters),
    st.tuples(st.just("block"), st.sampled_from(["persona", "user", "a b", "nope"]), texts, st.sampled_from([None, 20, 5000])),
    st.tuples(st.just("edit block"), st.sampled_from(["persona", "nope"]), st.sampled_from(["tea", "zzz"]), st.sampled_from(["", "milk"])),
    st.tuples(st.just("kept"), st.sampled_from([None, "", "[[limit]]\nmemories = 3\n", "nonsense ["])),
)


def make(space: Any, ids: list[str], call: tuple[Any, ...]) -> Any:
    """Make one call on a space."""
    verb, *rest = call

    def id(place: int) -> str:
        return ids[place] if place < len(ids) else "mem_nope"

    match verb:
        case "remember":
            receipt = space.remember(rest[0], partial=rest[1])
            ids += receipt.ids
            return receipt
        case "recall":
            return space.recall(rest[0], k=rest[1], filters=rest[2], explain=True)
        case "budget":
            return space.recall(rest[0], budget_tokens=rest[1])
        case "ask":
            return space.ask(rest[0])
        case "upkeep":
            return space.upkeep(dry_run=True)
        case "correct":
            return space.revise(id(rest[0]), rest[1], expected_version=rest[2], reason="misread")
        case "supersede":
            receipt = space.revise(id(rest[0]), rest[1], since=START)
            ids += receipt.ids
            return receipt
        case "tag":
            return space.revise(id(rest[0]), tags=("home", "new"), importance=0.25)
        case "forget":
            return space.forget(rest[0] if isinstance(rest[0], Filter) else id(rest[0]), erase=rest[1])
        case "restore":
            return space.restore([id(place) for place in rest[0]])
        case "feedback":
            found = space.recall(rest[0], k=2)
            return space.feedback(found, useful=found.hits[:1], useless=[hit.mark for hit in found.hits[1:]])
        case "undo":
            return space.undo(rest[0])
        case "undo entry":
            return space.undo(entry=rest[0])
        case "block":
            return [space.blocks.set(rest[0], rest[1], limit_chars=rest[2]), space.blocks.list(), space.blocks.render()]
        case "edit block":
            return [space.blocks.append(rest[0], rest[2]), space.blocks.replace(rest[0], rest[1], rest[2]), space.blocks.get(rest[0])]
        case "kept":
            return [space.policies(rest[0]), space.policies(), space.due(3), space.foreseen(timedelta(days=400))]
        case "history":
            return [space.history(id(rest[0])), space.fading(id(rest[0]))]
        case _:
            return [space.memories(rest[0]), space.episodes(), space.journal(), space.jobs(), space.verify(), space.stats()]


def outcome(space: Any, ids: list[str], call: tuple[Any, ...], names: dict[str, str]) -> Any:
    """Return what a call gave, with ids by the order in which they turn up."""
    try:
        result: Any = wire.plain(make(space, ids, call))
    except MnemeError as error:
        # The server refuses some arguments before the engine sees them, in other words.
        result = type(error).__name__ if type(error).__name__ == "InvalidInput" else [type(error).__name__, str(error)]
    return _named(result, names)


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_named(key, names): _named(inner, names) for key, inner in value.items() if key not in _OWN}
    if isinstance(value, list):
        return [_named(inner, names) for inner in value]
    if isinstance(value, str):
        return _ID.sub(lambda found: names.setdefault(found[0], f"{found[1]} {len(names)}"), value)
    return value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(calls, min_size=1, max_size=12))
def test_a_script_of_calls_gives_the_same_here_and_there(both: Both, script: list[tuple[Any, ...]]) -> None:
    name = f"space-{next(_spaces)}"
    here, there = both.local.space(name), both.client.space(name)
    mine: tuple[list[str], dict[str, str]] = ([], {})
    theirs: tuple[list[str], dict[str, str]] = ([], {})
    for call in [("remember", "tea with Ana", False), *script]:
        both.clock.advance(seconds=1)
        assert outcome(here, mine[0], call, mine[1]) == outcome(there, theirs[0], call, theirs[1]), call


def test_a_recall_over_several_spaces_gives_the_same(both: Both) -> None:
    remember: Callable[[Any, str], Any] = lambda memory, name: memory.space(name).remember(["tea", f"tea of {name}"])  # noqa: E731
    for name in ("p", "q"):
        remember(both.local, name)
        remember(both.client, name)
    here, there = (memory.recall("tea", spaces=["p", "q"], k=3) for memory in (both.local, both.client))
    drop = {"id": "", "sources": ()}
    assert [replace(hit.memory, **drop) for hit in here.hits] == [replace(hit.memory, **drop) for hit in there.hits]
    assert here.context == there.context
