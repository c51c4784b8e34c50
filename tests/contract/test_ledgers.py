"""What every ledger keeps to, whatever it stands on. Add a ledger by adding its maker to LEDGERS."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mneme.core.llm import Ledger, Outcome, Spend, Total
from mneme.models.accounting import MemoryLedger
from mneme.stores.sqlite.ledger import SQLiteLedger


def sqlite_ledger() -> Ledger:
    """A ledger in a file of its own."""
    folder = Path(tempfile.mkdtemp(prefix="mneme-ledger-"))
    ledger = SQLiteLedger(folder / "spending.sqlite")
    _MADE.append((ledger, folder))
    return ledger


_MADE: list[tuple[SQLiteLedger, Path]] = []


@pytest.fixture(autouse=True, scope="module")
def cleared() -> Iterator[None]:
    """Close and remove what the tests made."""
    yield
    for ledger, folder in _MADE:
        ledger.close()
        shutil.rmtree(folder)
    _MADE.clear()


LEDGERS: list[Callable[[], Ledger]] = [MemoryLedger, sqlite_ledger]
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
OUTCOMES: list[Outcome] = ["open", "ok", "invalid", "failed", "unsent"]


def spend(**changes: object) -> Spend:
    plain = Spend(id="call_1", at=START, space="a", role="r", model="m", attempt=1, outcome="ok", input_tokens=3, output_tokens=2, usd=0.5)
    return replace(plain, **changes)  # type: ignore[arg-type]


_SPENDS = st.lists(
    st.builds(
        Spend,
        id=st.sampled_from(["c1", "c2", "c3", "c4", "c5"]),
        at=st.integers(0, 3).map(lambda days: START + timedelta(days=days)),
        space=st.sampled_from(["a", "b"]),
        role=st.sampled_from(["x", "y"]),
        model=st.just("m"),
        attempt=st.integers(1, 3),
        outcome=st.sampled_from(OUTCOMES),
        input_tokens=st.integers(0, 9),
        output_tokens=st.integers(0, 9),
        usd=st.none() | st.integers(0, 8).map(lambda eighths: eighths / 8),
        estimated=st.booleans(),
    ),
    max_size=20,
)


@pytest.mark.parametrize("make", LEDGERS)
@settings(deadline=None, max_examples=40)  # a file is as slow as its disk
@given(spends=_SPENDS)
def test_a_total_is_the_sum_of_the_latest_spend_of_each_id(make: Callable[[], Ledger], spends: list[Spend]) -> None:
    ledger, latest = make(), {}
    for row in spends:
        ledger.add(row)
        latest[row.id] = row
    for day in (None, START.date()):
        for space in (None, "a"):
            for role in (None, "y"):
                right = Total()
                for row in latest.values():
                    if day in (None, row.at.date()) and space in (None, row.space) and role in (None, row.role):
                        right = right.plus(row)
                assert ledger.total(day=day, space=space, role=role) == right


@pytest.mark.parametrize("make", LEDGERS)
def test_a_day_is_a_utc_day(make: Callable[[], Ledger]) -> None:
    ledger = make()
    ledger.add(spend(id="c1", at=datetime(2024, 5, 1, 23, 59, 59, tzinfo=UTC)))
    ledger.add(spend(id="c2", at=datetime(2024, 5, 2, 0, 0, tzinfo=UTC)))
    assert ledger.total(day=datetime(2024, 5, 1, tzinfo=UTC).date()).calls == 1


@pytest.mark.parametrize("make", LEDGERS)
def test_checking_and_adding_is_one_step_for_threads(make: Callable[[], Ledger]) -> None:
    ledger = make()

    def work(worker: int) -> None:
        for number in range(20):
            with ledger.exclusive():
                if ledger.total().calls < 30:
                    ledger.add(spend(id=f"c{worker}_{number}"))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.total().calls == 30
