from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mneme.core.clock import FrozenClock
from mneme.core.errors import BudgetExceeded, InvalidInput
from mneme.core.ids import Ids
from mneme.core.llm import Budget, Spend
from mneme.models.accounting import MemoryLedger, Meter
from mneme.models.pricing import Price, PriceTable

DOLLAR = PriceTable(prices={"m:*": Price(input_usd_per_mtok=1e6, output_usd_per_mtok=2e6)})


def meter(*, budget: Budget | None = None, space_budget: Budget | None = None, clock: FrozenClock | None = None) -> Meter:
    clock = clock or FrozenClock(datetime(2024, 5, 1, 12, tzinfo=UTC))
    return Meter(
        ledger=MemoryLedger(),
        prices=DOLLAR,
        budget=budget or Budget(),
        space_budget=space_budget or Budget(),
        clock=clock,
        ids=Ids(clock, 7),
    )


def call(meter: Meter, *, space: str = "a", tokens: int = 1, output: int = 1, role: str = "r") -> Spend:
    spend = meter.open(space=space, role=role, model="m:x", attempt=1, input_tokens=tokens, max_output_tokens=output)
    return meter.close(spend, outcome="ok", input_tokens=tokens, output_tokens=output, estimated=False, duration_s=0.5)


def test_an_open_call_counts_at_the_most_it_can_cost_until_it_is_closed() -> None:
    book = meter()
    spend = book.open(space="a", role="r", model="m:x", attempt=1, input_tokens=10, max_output_tokens=100)
    total = book.ledger.total()
    assert (total.calls, total.open, total.tokens, total.usd) == (1, 1, 110, 210.0)
    book.close(spend, outcome="ok", input_tokens=9, output_tokens=3, estimated=False, duration_s=0.5)
    total = book.ledger.total()
    assert (total.calls, total.open, total.tokens, total.usd) == (1, 0, 12, 15.0)


def test_totals_are_told_by_day_space_and_role() -> None:
    clock = FrozenClock(datetime(2024, 5, 1, 23, 59, tzinfo=UTC))
    book = meter(clock=clock)
    call(book, space="a", role="x")
    call(book, space="b", role="x")
    clock.advance(minutes=2)
    call(book, space="a", role="y", tokens=5)
    ledger = book.ledger
    assert ledger.total().calls == 3
    assert ledger.total(space="a").calls == 2
    assert ledger.total(day=date(2024, 5, 1)).calls == 2
    assert ledger.total(day=date(2024, 5, 2), space="a", role="y").input_tokens == 5
    assert ledger.total(day=date(2024, 5, 2), space="b").calls == 0


def test_adding_a_closed_spend_again_replaces_it() -> None:
    book = meter()
    spend = call(book, tokens=5)
    assert isinstance(book.ledger, MemoryLedger)
    book.ledger.add(spend)
    assert book.ledger.total().calls == 1
    assert book.ledger.spends() == [spend]


@pytest.mark.parametrize(
    ("budget", "allowed", "told"),
    [
        (Budget(calls_per_day=2), 2, "budget.calls_per_day is 2 calls: 2 are spent"),
        (Budget(tokens_per_day=7), 3, "budget.tokens_per_day is 7 tokens: 6 are spent and the next call of 'r' could take 2"),
        (Budget(usd_per_day=8), 2, "budget.usd_per_day is 8 USD: 6 are spent and the next call of 'r' could take 3"),
        (Budget(calls_total=1), 1, "budget.calls_total is 1 calls"),
        (Budget(tokens_total=1), 0, "budget.tokens_total is 1 tokens: 0 are spent"),
        (Budget(usd_total=3), 1, "budget.usd_total is 3 USD"),
        (Budget(calls_per_day=0), 0, "wait for the next UTC day"),
    ],
)
def test_a_ceiling_stops_the_call_that_would_pass_it(budget: Budget, allowed: int, told: str) -> None:
    book = meter(budget=budget)
    for _ in range(allowed):
        call(book)
    with pytest.raises(BudgetExceeded) as caught:
        call(book)
    assert told in str(caught.value)
    assert book.ledger.total().calls == allowed


def test_a_day_s_ceiling_opens_again_with_the_next_utc_day_and_a_total_does_not() -> None:
    clock = FrozenClock(datetime(2024, 5, 1, 23, 59, tzinfo=UTC))
    book = meter(budget=Budget(calls_per_day=1, calls_total=2), clock=clock)
    call(book)
    with pytest.raises(BudgetExceeded, match="calls_per_day"):
        call(book)
    clock.advance(minutes=1)
    call(book)
    clock.advance(days=1)
    with pytest.raises(BudgetExceeded, match="calls_total"):
        call(book)


def test_each_space_has_its_own_ceiling() -> None:
    book = meter(space_budget=Budget(calls_per_day=1))
    call(book, space="a")
    call(book, space="b")
    with pytest.raises(BudgetExceeded, match=r"space_budget.calls_per_day .*\(space 'a'\)"):
        call(book, space="a")


def test_threads_never_pass_a_ceiling_together() -> None:
    book = meter(budget=Budget(calls_per_day=10))
    refused: list[str] = []

    def work() -> None:
        for _ in range(5):
            try:
                call(book)
            except BudgetExceeded:
                refused.append("x")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert book.ledger.total().calls == 10
    assert len(refused) == 30


def test_a_dollar_limit_needs_a_price() -> None:
    with pytest.raises(InvalidInput, match="the price of 'z:z' is not known") as caught:
        meter(budget=Budget(usd_total=1), space_budget=Budget(usd_per_day=1)).check_price("z:z")
    assert sorted(caught.value.problems) == ["budget", "space_budget"]
    meter(budget=Budget(usd_total=1)).check_price("m:x")
    meter(budget=Budget(calls_total=1)).check_price("z:z")


def test_refused_calls_cost_nothing_and_unknown_prices_stay_unknown() -> None:
    book = meter()
    spend = book.open(space="", role="r", model="z:z", attempt=1, input_tokens=5, max_output_tokens=5)
    assert spend.usd is None
    failed = book.close(spend, outcome="failed", input_tokens=0, output_tokens=0, estimated=False, duration_s=0.0, error="429")
    assert failed.usd == 0.0
    spend = book.open(space="", role="r", model="z:z", attempt=2, input_tokens=5, max_output_tokens=5)
    book.close(spend, outcome="ok", input_tokens=5, output_tokens=5, estimated=False, duration_s=0.0)
    total = book.ledger.total()
    assert (total.calls, total.failed, total.unpriced, total.usd) == (2, 1, 1, 0.0)


def test_cached_tokens_have_their_own_price() -> None:
    price = Price(input_usd_per_mtok=10, output_usd_per_mtok=20, cached_usd_per_mtok=1)
    assert price.cost(input_tokens=1_000_000, output_tokens=500_000, cached_tokens=400_000) == pytest.approx(6 + 0.4 + 10)
    assert Price(input_usd_per_mtok=10, output_usd_per_mtok=0).cost(input_tokens=100, output_tokens=0, cached_tokens=50) == 0.001


def test_the_longest_own_pattern_wins_and_outranks_the_list() -> None:
    table = PriceTable(
        prices={
            "openai:*": Price(input_usd_per_mtok=1, output_usd_per_mtok=1),
            "openai:gpt-4o*": Price(input_usd_per_mtok=2, output_usd_per_mtok=2, as_of=date(2026, 1, 2)),
        }
    )
    assert table.cost("openai:gpt-4o-mini", input_tokens=1_000_000, output_tokens=0) == 2.0
    assert table.cost("openai:other@http://localhost:1/v1", input_tokens=1_000_000, output_tokens=0) == 1.0
    assert table.source("openai:gpt-4o-mini") == "own table of 2026-01-02"


def test_listed_prices_local_models_and_unknown_ones() -> None:
    table = PriceTable()
    # OpenAI's price of this old model has not changed since 2024: 0.15 and 0.60 dollars a million.
    assert table.cost("openai:gpt-4o-mini", input_tokens=1_000_000, output_tokens=1_000_000) == pytest.approx(0.75)
    assert table.source("openai:gpt-4o-mini").startswith("genai-prices ")
    assert table.cost("ollama:qwen3", input_tokens=10, output_tokens=10) == 0.0
    for unknown in (
        "openai:no-such-model",
        "ollama:big-cloud",
        "openai-compatible:m@http://x/v1",
        "openai:gpt-4o-mini@http://x/v1",
        "nobody:m",
    ):
        assert table.cost(unknown, input_tokens=10, output_tokens=10) is None, unknown
        assert table.source(unknown) == "unknown"
    assert PriceTable(listed=False).cost("openai:gpt-4o-mini", input_tokens=1, output_tokens=1) is None


def test_prices_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('as_of = 2026-11-01\n[prices."mine:*"]\ninput_usd_per_mtok = 1.5\noutput_usd_per_mtok = 3.0\n')
    table = PriceTable.from_toml(path)
    assert table.cost("mine:x", input_tokens=2_000_000, output_tokens=1_000_000) == 6.0
    assert table.source("mine:x") == "own table of 2026-11-01"


def test_every_mistake_in_a_price_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('asof = 2026-11-01\n[prices."a:b"]\ninput = 1.5\n')
    with pytest.raises(InvalidInput) as caught:
        PriceTable.from_toml(path)
    assert sorted(caught.value.problems) == ["asof", 'prices."a:b"']
    with pytest.raises(InvalidInput, match="can't be read"):
        PriceTable.from_toml(tmp_path / "missing.toml")
