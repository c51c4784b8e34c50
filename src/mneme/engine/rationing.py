"""A language model with a ration: so many tokens, so much money for one pass of upkeep, counted call by call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mneme.core.errors import BudgetExceeded
from mneme.core.llm import LLM, LLMCall, Prompt, Total, scoped
from mneme.core.trace import Trace

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Spending:
    """What a pass has spent on models, and what it may spend.

    Args:
        tokens: input and output together; None is no limit.
        usd: money; None is no limit. Calls of a model without a price count their tokens only.
    """

    tokens: int | None = None
    usd: float | None = None
    total: Total = field(default_factory=Total)
    refused: bool = False

    def note(self, call: LLMCall) -> None:
        """Count a call with every attempt at it."""
        for spend in call.spends:
            self.total = self.total.plus(spend)

    def check(self) -> None:
        """Refuse a call when the ration is used up.

        Raises:
            BudgetExceeded: the message names the limit.
        """
        if self.tokens is not None and self.total.tokens >= self.tokens:
            self.refused = True
            raise BudgetExceeded(f"model_tokens: this pass has used {self.total.tokens} tokens of {self.tokens}; the next pass goes on")
        if self.usd is not None and self.total.usd >= self.usd:
            self.refused = True
            raise BudgetExceeded(f"model_usd: this pass has spent {self.total.usd:.4f} USD of {self.usd:.4f}; the next pass goes on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rationed:
    """A model that refuses calls once a pass has spent its ration; a call that is under way is finished.

    Args:
        llm: the model, bound to the space.
        spending: what it counts on.
    """

    llm: LLM
    spending: Spending

    @property
    def identity(self) -> str:
        """The model."""
        return self.llm.identity

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        """Ask the model; see :meth:`mneme.core.llm.LLM.ask`.

        Raises:
            BudgetExceeded: the ration is used up; nothing was sent.
        """
        self.spending.check()
        return self.llm.ask(role, variables, schema)


def rationed(llm: LLM, space: str, spending: Spending, trace: Trace) -> LLM:
    """Return a model that accounts to a space, a trace and a ration."""

    def note(call: LLMCall) -> None:
        spending.note(call)
        trace.models.append(call.to_plain())

    return Rationed(llm=scoped(llm, space=space, on_call=note), spending=spending)
