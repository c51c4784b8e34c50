"""How a model is asked, and the time and chance of asking."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mneme.core.errors import InvalidInput
from mneme.models.transport import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSettings:
    """How a model is asked.

    Args:
        context_tokens: the model's window, question and reply together; None takes what is known of the model, else 8,192. A local
            server's setting counts, not what the model was trained for.
        max_output_tokens: the longest reply, thinking included; raise it for models that think at length.
        temperature: 0 for the likeliest words; None leaves it to the provider.
        timeout_s: longest wait for one attempt.
        deadline_s: longest time for a question with all its attempts and waits.
        retries: further attempts after calls without a reply.
        repairs: further attempts after replies that do not fit.
        backoff_s: the first wait; it doubles each time, plus up to a quarter by chance.
        backoff_cap_s: the longest wait of our own choosing; a server may ask for more.
        mode: how replies are held to their schema; None tries the best that the provider is known for and falls back.
    """

    context_tokens: int | None = None
    max_output_tokens: int = 1024
    temperature: float | None = 0.0
    timeout_s: float = 60.0
    deadline_s: float = 180.0
    retries: int = 4
    repairs: int = 2
    backoff_s: float = 0.5
    backoff_cap_s: float = 20.0
    mode: Mode | None = None

    def __post_init__(self) -> None:
        positive = ("context_tokens", "max_output_tokens", "timeout_s", "deadline_s", "backoff_s", "backoff_cap_s")
        problems = {}
        for name in (*positive, "retries", "repairs"):
            value, low = getattr(self, name), "above 0" if name in positive else "of at least 0"
            if value is not None and not (value > 0 if name in positive else value >= 0):
                problems[name] = f"is {value}; give a number {low}"
        if self.context_tokens is not None and self.max_output_tokens >= self.context_tokens:
            problems["max_output_tokens"] = f"is {self.max_output_tokens}, which leaves no room for a question in {self.context_tokens}"
        if problems:
            raise InvalidInput(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """Time and chance, as arguments.

    Args:
        sleep: waits for some seconds.
        monotonic: seconds that only go up.
        chance: spreads waits, so that callers do not come back together.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.Random)
