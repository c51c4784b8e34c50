"""One server for the tests of its faces; every test uses spaces of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from mneme import Memory
from mneme.server.keys import Keys
from serving import Served, serving

_numbers = count()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Memory(":memory:", embedder="hash") as memory, serving(memory, Keys(None)) as running:
        yield running


@pytest.fixture
def space() -> str:
    return f"space {next(_numbers)}/ä?#%"
