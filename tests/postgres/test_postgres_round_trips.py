"""How often a recall asks the server, counted in what goes over the wire: each ``Sync`` is a round trip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mneme import Memory
from mneme.core.records import Message
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres import PostgresRoot, glance
from mneme.stores.postgres.connect import Connections
from mneme.stores.samples import batch, memory_id, remembered

START = datetime(2024, 5, 1, tzinfo=UTC)


@dataclass(slots=True)
class Wire:
    """What went over a connection.

    Args:
        messages: (``F`` to the server or ``B`` from it, bytes, kind) of each.
    """

    messages: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        return sum(sender == "F" and kind in ("Sync", "Query") for sender, _, kind in self.messages)

    @property
    def statements(self) -> int:
        return sum(sender == "F" and kind in ("Execute", "Query") for sender, _, kind in self.messages)

    @property
    def parsed(self) -> int:
        return sum(sender == "F" and kind in ("Parse", "Query") for sender, _, kind in self.messages)

    @property
    def received(self) -> int:
        return sum(size for sender, size, _ in self.messages if sender == "B")


@contextmanager
def watched(memory: Memory, path: Path) -> Iterator[Wire]:
    """Yield what goes over the only connection of a memory, once the block has ended."""
    wire, connections = Wire(), memory._root._connections  # type: ignore[attr-defined]
    assert isinstance(connections, Connections)
    with path.open("w") as file:
        with connections.raw() as connection:
            connection.pgconn.trace(file.fileno())
        try:
            yield wire
        finally:
            with connections.raw() as again:
                assert again is connection
                again.pgconn.untrace()
    for line in path.read_text().splitlines():
        if parts := re.search(r"\b([FB])\t(\d+)\t(\w+)", line):
            wire.messages.append((parts[1], int(parts[2]), parts[3]))


def conversation(count: int) -> list[Message]:
    draw = np.random.default_rng(7)
    said = [" ".join(f"word{draw.integers(300)}" for _ in range(12)) for _ in range(count)]
    return [Message(text=text, author="Ana", session=f"s{n // 20}", at=START + timedelta(hours=n)) for n, text in enumerate(said)]


@pytest.fixture
def memory(root: PostgresRoot) -> Iterator[Memory]:
    """A memory with a space that was asked several things already."""
    with Memory(root.url, embedder=HashEmbedder()) as memory:
        memory.space("a").remember(conversation(400))
        for number in range(8):
            memory.space("a").recall(f"word{number} word{number + 9}", k=10)
        yield memory


def test_a_recall_of_a_warm_space_is_one_prepared_statement(memory: Memory, tmp_path: Path) -> None:
    for number in range(5):
        with watched(memory, tmp_path / "wire") as wire:
            assert len(memory.space("a").recall(f"word{number + 50} word{number + 70}", k=10).hits) == 10
        assert (wire.round_trips, wire.statements, wire.parsed) == (1, 1, 0)


def test_contents_that_are_not_in_memory_are_one_more_round_trip_for_texts_and_one_for_vectors(root: PostgresRoot, tmp_path: Path) -> None:
    with Memory(root.url, embedder=HashEmbedder()) as memory:
        space = memory.space("large")
        space.remember(conversation(1300))  # more than are kept from the start
        space.recall("word1 word2", k=10)
        with watched(memory, tmp_path / "wire") as wire:
            assert len(space.recall("word200 word210 word220", k=10).hits) == 10
        assert 1 < wire.round_trips <= 3
        with watched(memory, tmp_path / "wire") as wire:
            space.recall("word200 word210 word220", k=10)
        assert wire.round_trips == 1


def test_what_another_process_wrote_costs_one_transaction(memory: Memory, root: PostgresRoot, tmp_path: Path) -> None:
    with Memory(root.url, embedder=HashEmbedder()) as other:
        other.space("a").remember("The zeppelin lands at noon.")
    with watched(memory, tmp_path / "wire") as wire:
        assert memory.space("a").recall("zeppelin lands", k=1).hits[0].text == "The zeppelin lands at noon."
    assert wire.round_trips == 2  # a look, and the rows that changed with their texts


def test_long_settings_are_not_sent_with_every_recall(memory: Memory, root: PostgresRoot, tmp_path: Path) -> None:
    store = root.open("a")
    store.set_meta("long", "x" * 40_000)
    assert len(memory.space("a").stats()) > 0
    memory.space("a").recall("word3", k=10)
    with watched(memory, tmp_path / "wire") as wire:
        memory.space("a").recall("word4 word5", k=10)
    assert (wire.round_trips, wire.parsed) == (1, 0)
    assert wire.received < 2000


def test_long_settings_are_read_again_once_they_changed(root: PostgresRoot) -> None:
    store, other = root.open("a"), root.open("a")
    store.set_meta("short", "s\\")
    for value in ("x" * 5_000, "y" * 5_000, "\\" * 3_000, "small", "z" * (glance.LONG_SETTING + 1)):
        other.set_meta("long", value)
        with store.reading():
            assert store.meta() == {"short": "s\\", "long": value}
        with store.reading():
            assert store.meta() == {"short": "s\\", "long": value}
    assert store.resident_bytes() > glance.LONG_SETTING


def test_one_call_never_takes_two_connections(root: PostgresRoot) -> None:
    single = PostgresRoot(root.url, pool_size=1, timeout_s=0.5)
    store = single.open("a")
    store.apply(batch(*remembered(1, "one"), *remembered(2, "two")))
    with store.reading():
        assert store.status_of(memory_id(1)) == "active"  # begins the block's transaction
        assert [each.text for each in store.memories_by_row([1, 2])] == ["one", "two"]
        assert len(store.vectors([1, 2], [1, 1])) == 2
        root.open("a").apply(batch(*remembered(3, "three")))
        assert store.index_rows(after=1).seq == 1  # as the transaction sees it
    assert store.index_rows(after=1).row.tolist() == [3]
    single.close()
