"""What model calls cost, and the ceilings that stop them.

Every attempt is written down twice under one id: before it is made, at the most it can cost, and after it, at what it did cost. So a
ceiling holds for callers in parallel, and an attempt that died with its process still counts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, fields, replace
from datetime import date

from mneme.core.clock import Clock
from mneme.core.errors import BudgetExceeded, InvalidInput
from mneme.core.ids import Ids
from mneme.core.llm import Budget, Ledger, Outcome, Spend, Total
from mneme.models.pricing import PriceTable

_UNIT = {"calls": "calls", "tokens": "tokens", "usd": "USD"}


class MemoryLedger:
    """Keeps spends in memory; safe for threads. A total costs time by days, spaces and roles, not by calls."""

    def __init__(self) -> None:
        self._spends: dict[str, Spend] = {}
        self._open: dict[str, Spend] = {}
        self._closed: dict[tuple[date, str, str], Total] = {}
        self._lock = threading.RLock()

    def add(self, spend: Spend) -> None:
        """Keep a spend; one with the same id is replaced."""
        with self._lock:
            before = self._spends.get(spend.id)
            self._spends[spend.id] = spend
            self._open.pop(spend.id, None)
            if before is not None and before.outcome != "open":
                self._recount()
            elif spend.outcome == "open":
                self._open[spend.id] = spend
            else:
                self._count(spend)

    def total(self, *, day: date | None = None, space: str | None = None, role: str | None = None) -> Total:
        """Return the sum of the spends of a UTC day, a space and a role; None takes all."""
        asked = (day, space, role)
        with self._lock:
            sums = [total for key, total in self._closed.items() if _fits(key, asked)]
            open_spends = [spend for spend in self._open.values() if _fits(_key(spend), asked)]
        total = sum_totals(sums)
        for spend in open_spends:
            total = total.plus(spend)
        return total

    def exclusive(self) -> AbstractContextManager[object]:
        """Hold off other threads."""
        return self._lock

    def spends(self) -> list[Spend]:
        """Return every spend, in order of first adding."""
        with self._lock:
            return list(self._spends.values())

    def _count(self, spend: Spend) -> None:
        key = _key(spend)
        self._closed[key] = self._closed.get(key, Total()).plus(spend)

    def _recount(self) -> None:
        self._closed.clear()
        for spend in self._spends.values():
            if spend.outcome == "open":
                self._open[spend.id] = spend
            else:
                self._count(spend)


def sum_totals(totals: Iterable[Total]) -> Total:
    """Return the sum of totals."""
    columns = zip(*(astuple(total) for total in (Total(), *totals)), strict=True)
    return Total(**{field.name: sum(column) for field, column in zip(fields(Total), columns, strict=True)})


def _key(spend: Spend) -> tuple[date, str, str]:
    return spend.at.date(), spend.space, spend.role


def _fits(key: tuple[date, str, str], asked: tuple[date | None, str | None, str | None]) -> bool:
    return all(want is None or want == have for have, want in zip(key, asked, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Checks ceilings and writes spends.

    Args:
        ledger: where spends are kept.
        prices: what models cost.
        budget: ceilings for everything in the ledger.
        space_budget: ceilings for each space.
        clock: tells the day.
        ids: names the spends.
    """

    ledger: Ledger
    prices: PriceTable
    budget: Budget
    space_budget: Budget
    clock: Clock
    ids: Ids

    def check_price(self, model: str) -> None:
        """Refuse a ceiling in dollars for a model whose price is not known.

        Raises:
            InvalidInput: naming the model and the ways out.
        """
        limited = [name for name, budget in self._budgets() if budget.in_usd]
        if limited and self.prices.cost(model, input_tokens=1, output_tokens=1, at=self.clock.now()) is None:
            ways = "give prices=, or limit tokens or calls"
            raise InvalidInput(dict.fromkeys(limited, f"has a limit in USD, but the price of {model!r} is not known; {ways}"))

    def open(self, *, space: str, role: str, model: str, attempt: int, input_tokens: int, max_output_tokens: int) -> Spend:
        """Reserve the most that an attempt can cost and return the open spend.

        Raises:
            BudgetExceeded: it would pass a ceiling; nothing was reserved. The message names the ceiling, what is spent and what was asked.
        """
        now = self.clock.now()
        spend = Spend(
            id=self.ids.new("call"),
            at=now,
            space=space,
            role=role,
            model=model,
            attempt=attempt,
            outcome="open",
            input_tokens=input_tokens,
            output_tokens=max_output_tokens,
            usd=self.prices.cost(model, input_tokens=input_tokens, output_tokens=max_output_tokens, at=now),
            estimated=True,
        )
        with self.ledger.exclusive():
            self._check(spend)
            self.ledger.add(spend)
        return spend

    def close(
        self,
        spend: Spend,
        *,
        outcome: Outcome,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int = 0,
        estimated: bool,
        duration_s: float,
        error: str | None = None,
    ) -> Spend:
        """Replace an open spend by what the attempt did cost, and return that."""
        usd = self.prices.cost(
            spend.model, input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached_tokens, at=spend.at
        )
        if outcome == "failed" and input_tokens == output_tokens == 0:
            usd = 0.0  # providers do not bill what they refuse, whatever the model's price
        closed = replace(
            spend,
            outcome=outcome,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            usd=usd,
            estimated=estimated,
            duration_s=duration_s,
            error=error,
        )
        self.ledger.add(closed)
        return closed

    def _budgets(self) -> Sequence[tuple[str, Budget]]:
        return (("budget", self.budget), ("space_budget", self.space_budget))

    def _check(self, spend: Spend) -> None:
        today = spend.at.date()
        for name, budget in self._budgets():
            space = None if name == "budget" else spend.space
            for span, day in (("per_day", today), ("total", None)):
                limits = {unit: getattr(budget, f"{unit}_{span}") for unit in _UNIT}
                if any(limit is not None for limit in limits.values()):
                    self._hold(f"{name}.{{}}_{span}", limits, self.ledger.total(day=day, space=space), spend)

    @staticmethod
    def _hold(field: str, limits: Mapping[str, float | None], spent: Total, spend: Spend) -> None:
        asked = Total().plus(spend)
        for unit, limit in limits.items():
            before, more = getattr(spent, unit), getattr(asked, unit)
            if limit is None or before + more <= limit:
                continue
            raise BudgetExceeded(
                f"{field.format(unit)} is {limit:g} {_UNIT[unit]}: {before:g} are spent and the next call of {spend.role!r} could take "
                f"{more:g}; raise the limit"
                + (" or wait for the next UTC day" if field.endswith("per_day") else "")
                + (f" (space {spend.space!r})" if field.startswith("space") else "")
            )
