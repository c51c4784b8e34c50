"""What the engine's tests share: a memory on each embedded root, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock

START = datetime(2024, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture(params=["dict", "sqlite"])
def memory(request: pytest.FixtureRequest, tmp_path: Path, clock: FrozenClock) -> Iterator[mneme.Memory]:
    root = ":memory:" if request.param == "dict" else tmp_path / "root"
    with mneme.Memory(root, embedder="hash:64", clock=clock, seed=1, durability="normal") as made:
        yield made


@pytest.fixture
def space(memory: mneme.Memory) -> mneme.Space:
    return memory.space("alice")


@pytest.fixture
def on_disk(tmp_path: Path, clock: FrozenClock) -> Iterator[mneme.Memory]:
    with mneme.Memory(tmp_path / "root", embedder="hash:64", clock=clock, seed=1, durability="normal") as made:
        yield made
