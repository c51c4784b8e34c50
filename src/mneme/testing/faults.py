"""Ways in which a model server fails, as data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from mneme.core.errors import InvalidInput

FaultKind = Literal[
    "rate_limit", "quota", "server_error", "unavailable", "unauthorised", "context_length", "slow", "reset", "cut_off", "bad_body",
    "no_choices", "invalid_json", "wrong_schema", "empty", "think", "think_only", "fence", "chatter", "truncated", "no_end", "no_usage",
    "filtered",
]  # fmt: skip

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
# After these a client has a usable answer, if it knows how to unwrap it.
HARMLESS: frozenset[FaultKind] = frozenset({"think", "fence", "chatter", "no_usage"})
# After these no further attempt of the same question can help.
FINAL: frozenset[FaultKind] = frozenset({"quota", "unauthorised", "context_length"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure.

    Args:
        kind: what goes wrong:
            ``rate_limit`` 429 with Retry-After; ``quota`` 429 that says the credit is used up; ``server_error`` 500; ``unavailable`` 503;
            ``unauthorised`` 401; ``context_length`` 400 that says the question is too long; ``slow`` a right answer, but late;
            ``reset`` the connection is reset before any answer; ``cut_off`` it is reset in the middle of the answer;
            ``bad_body`` 200 with a body that is no JSON; ``no_choices`` 200 with an empty list of choices;
            ``invalid_json`` a reply with broken JSON; ``wrong_schema`` a reply of the wrong types; ``empty`` an empty reply;
            ``think`` the right answer after a thinking block; ``think_only`` thinking without an end; ``fence`` the right answer in a code
            fence; ``chatter`` the right answer among words; ``truncated`` half an answer, ended by the length limit;
            ``no_end`` half an answer without an end mark; ``no_usage`` the right answer without token counts;
            ``filtered`` no answer, withheld by the provider's filter.
        seconds: for ``rate_limit`` the Retry-After in whole seconds, for ``slow`` how late.
    """

    kind: FaultKind
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise InvalidInput({"kind": f"{self.kind!r} is no fault; there are {', '.join(FAULT_KINDS)}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultMix:
    """Faults at random.

    Args:
        rate: the share of requests that fail, in [0, 1].
        kinds: the faults, equally likely.
        seed: makes the order reproducible.
    """

    rate: float
    kinds: Sequence[Fault]
    seed: int = 0

    def plan(self, requests: int) -> list[Fault | None]:
        """Return the fault of each of the first requests, None for those that go well."""
        chance = random.Random(self.seed)
        return [chance.choice(self.kinds) if chance.random() < self.rate else None for _ in range(requests)]
