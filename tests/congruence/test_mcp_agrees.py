"""A script of calls leaves the same memory behind through MCP as through the library, and both answer alike."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client

import mneme
from mneme.core.errors import MnemeError
from mneme.server.mcp.build import build
from mneme.server.mcp.desk import Desk
from mneme.server.threads import Threads
from mneme.service import ERASE, READ, WRITE, Caller, Service

TEXTS = st.sampled_from(["Ana moved to Porto.", "Bo drinks rooibos.", "The ferry leaves at nine.", "", "x\ty", "日本語のメモ。"])
PLACES = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("remember"), st.lists(TEXTS, min_size=1, max_size=3)),
    st.tuples(st.just("revise"), PLACES, TEXTS),
    st.tuples(st.just("forget"), PLACES, st.booleans()),
    st.tuples(st.just("feedback"), PLACES),
    st.tuples(st.just("recall"), TEXTS),
)


def by_library(space: mneme.Space, step: tuple[Any, ...], ids: list[str]) -> object:
    """Make a call; returns its class of failure, or what it found."""
    try:
        match step:
            case ("remember", texts):
                space.remember(texts)
            case ("revise", place, text):
                space.revise(_id(ids, place), text)
            case ("forget", place, erase):
                space.forget(_id(ids, place), erase=erase)
            case ("feedback", place):
                memory = space.get(_id(ids, place))
                space.feedback(mneme.Recall(query="", hits=(mneme.Hit(memory=memory, score=0.0),)), useful=[memory.id])
            case ("recall", text):
                return [ids.index(hit.memory.id) for hit in sorted(space.recall(text, k=10).hits, key=lambda hit: (hit.at, hit.memory.id))]
    except MnemeError as error:
        return type(error).__name__
    return None


async def by_mcp(client: Client, step: tuple[Any, ...], ids: list[str]) -> object:
    """Make the same call over MCP."""
    names: dict[str, Any] = {
        "remember": lambda texts: {"what": texts},
        "revise": lambda place, text: {"id": _id(ids, place), "text": text},
        "forget": lambda place, erase: {"target": _id(ids, place), "erase": erase},
        "feedback": lambda place: {"useful": [_id(ids, place)]},
        "recall": lambda text: {"query": text, "k": 10, "budget_tokens": 20_000},
    }
    result: Any = await client.call_tool(step[0], names[step[0]](*step[1:]))
    if result.is_error:
        return (result.meta or {}).get("mneme/error", {}).get("type", "InvalidInput")
    if step[0] == "recall":
        return [ids.index(line[1:].split("]")[0]) for line in result.content[0].text.splitlines() if line.startswith("[mem_")]
    return None


def _id(ids: list[str], place: int) -> str:
    return ids[place] if place < len(ids) else "mem_none"


def ids_of(space: mneme.Space) -> list[str]:
    """Return every memory's id in the order of birth."""
    return [change.subject for entry in space.journal(limit=1000) for change in entry.changes if change.op == "keep"]


def state(space: mneme.Space) -> list[tuple[Any, ...]]:
    found = space.memories(statuses=("active", "archived"), limit=1000)
    return [(memory.text, memory.version, memory.status) for memory in found]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, max_size=10))
def test_mcp_agrees_with_the_library(steps: list[tuple[Any, ...]]) -> None:
    async def script() -> None:
        with mneme.Memory(":memory:", embedder="hash") as one, mneme.Memory(":memory:", embedder="hash") as other:
            for memory in (one, other):
                memory.space("default").remember("To begin with.")
            caller = Caller(actor="", rights=frozenset({READ, WRITE, ERASE}))
            server = build(Desk(service=Service(other), threads=Threads(), caller=caller, space="default"))
            here, there = one.space("default"), other.space("default")
            async with Client(server) as client:
                for step in steps:
                    told = by_library(here, step, ids_of(here)), await by_mcp(client, step, ids_of(there))
                    assert told[0] == told[1], step
                    assert state(here) == state(there), step

    asyncio.run(script())
