"""A pass of upkeep spends no more on a language model than it may, and recalls leave uses that outlive their process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.core.errors import BudgetExceeded, InvalidInput
from mneme.core.llm import Prompt, Spend
from mneme.core.upkeep import Proposal, Round
from mneme.engine.rationing import Rationed, Spending
from mneme.engine.upkeep import UpkeepBudget, last_pass
from mneme.engine.uses import MOST_WAITING, WAITING

START = datetime(2024, 5, 1, 9, tzinfo=UTC)


def spend(tokens: int, usd: float) -> Spend:
    return Spend(
        id="s",
        at=START,
        model="m",
        space="a",
        role="summary",
        attempt=1,
        outcome="ok",
        input_tokens=tokens,
        output_tokens=0,
        usd=usd,
        estimated=False,
        duration_s=0.1,
    )


def test_a_ration_refuses_the_call_after_the_one_that_used_it_up() -> None:
    spending = Spending(tokens=100)
    spending.total = spending.total.plus(spend(99, 0.1))
    spending.check()
    spending.total = spending.total.plus(spend(10, 0.1))
    with pytest.raises(BudgetExceeded, match="109 tokens of 100"):
        spending.check()
    assert spending.refused


def test_money_is_a_limit_of_its_own() -> None:
    spending = Spending(usd=0.25)
    spending.total = spending.total.plus(spend(1, 0.3))
    with pytest.raises(BudgetExceeded, match=r"0\.3000 USD of 0\.2500"):
        spending.check()


def test_nothing_is_asked_with_a_ration_of_nothing() -> None:
    class Loud:
        identity = "loud"

        def ask(self, role: Prompt | str, variables: object, schema: object) -> object:
            raise AssertionError("was asked")

    model = Rationed(llm=Loud(), spending=Spending(tokens=0))  # type: ignore[arg-type]
    with pytest.raises(BudgetExceeded):
        model.ask("summary", {}, str)


def test_limits_below_zero_are_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"model_tokens.*model_usd"):
        UpkeepBudget(model_tokens=-1, model_usd=-0.5)


class Asking:
    """A keeper that asks the model beyond its ration."""

    name = "asking"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        raise BudgetExceeded("model_tokens: used up")
        yield


def test_a_keeper_that_runs_out_of_ration_ends_and_the_pass_goes_on(tmp_path: Path) -> None:
    recipe = resolve("default")
    changed = replace(recipe, keepers=(Asking(), *recipe.keepers))
    with mneme.Memory(tmp_path, embedder="hash:32", recipe=changed, clock=FrozenClock(START)) as memory:
        space = memory.space("a")
        space.remember(["I moved to Porto.", "I moved to Porto!"], author="Ann")
        report = space.upkeep()
        assert report.finished
        assert report.done == {"duplicates": 1}


def opened(folder: Path, clock: FrozenClock) -> mneme.Memory:
    return mneme.Memory(folder, embedder="hash:32", clock=clock, durability="normal")


def test_recalls_of_other_processes_strengthen_at_the_next_pass(tmp_path: Path) -> None:
    clock = FrozenClock(START)
    with opened(tmp_path, clock) as memory:
        (id,) = memory.space("a").remember("The spare key is under the blue pot.").ids
    for _ in range(2):
        clock.advance(days=1)
        with opened(tmp_path, clock) as memory:
            entries = len(memory.space("a").journal())
            assert memory.space("a").recall("Where is the key?").hits[0].memory.id == id
        with opened(tmp_path, clock) as memory:
            assert len(memory.space("a").journal()) == entries  # a recall is nothing to undo
    with opened(tmp_path, clock) as memory:
        space = memory.space("a")
        assert space.upkeep(dry_run=True).operations.get("reinforce", 0) == 0
        space.upkeep()
        usage = space.usage([id])[id]
        assert usage.last_used_at == START + timedelta(days=2)
        assert usage.uses == 1.0  # several before a pass are one
        space.upkeep()
        assert space.usage([id])[id] == usage


def test_uses_of_what_was_erased_meanwhile_are_left_out(tmp_path: Path) -> None:
    clock = FrozenClock(START)
    with opened(tmp_path, clock) as memory:
        ids = memory.space("a").remember(["The key is here.", "The key was there."]).ids
        memory.space("a").recall("key")
    with opened(tmp_path, clock) as memory:
        space = memory.space("a")
        space.forget(ids[0], erase=True)
        space.upkeep()
        assert set(space.usage(ids)) == {ids[1]}
        assert space.verify().ok


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    clock = FrozenClock(START)
    with opened(tmp_path, clock) as memory:
        memory.space("a").remember("A key.")
        memory.uses.note("a", (f"mem_{number}" for number in range(MOST_WAITING + 50)), START)
    with opened(tmp_path, clock) as memory, memory._pool.use("a") as used:
        assert used.store.meta()[WAITING].count(":") == MOST_WAITING
        assert last_pass(used.store) == (0, None)


def test_a_pass_says_who_asked_for_it(tmp_path: Path) -> None:
    with opened(tmp_path, FrozenClock(START)) as memory:
        space = memory.space("a")
        space.remember(["I moved to Porto.", "I moved to Porto!"], author="Ann")
        report = space.upkeep(actor="night shift")
        assert {entry.actor for entry in space.journal() if entry.seq in report.entries} == {"night shift"}
