"""A model that says what it is told to say, and misbehaves on command.

It stands on the same asking as real models: replies are unwrapped and checked, misfits are sent back, failures are tried again, and every
attempt is accounted for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Unpack

import orjson

from mneme.models.asking import AskingArguments, AskingLLM
from mneme.models.context import estimate_tokens
from mneme.models.settings import Pacing
from mneme.models.transport import AttemptFailed, Mode, Reply, Request

Script = object
"""What a role answers: a callable that gets the :class:`~mneme.models.transport.Request` and returns an answer; a list of answers, used one
after the other; or one answer for ever. An answer is an object or mapping (written as JSON), a text (the raw reply, which may be wrong), or
an exception (raised instead of a reply; an :class:`~mneme.models.transport.AttemptFailed` with cause ``busy`` is tried again)."""


class ScriptedLLM(AskingLLM):
    """A model with scripted answers.

    Args:
        answers: role -> what it answers, or one callable for all roles.
        name: its name; the identity is ``"scripted:<name>"``.
        asking: settings, budget, space_budget, ledger, prices, prompts, count_tokens and clock, as :class:`mneme.models.asking.AskingLLM`
            takes them; pacing, None of which does not wait between attempts.

    Attributes:
        asked: every attempt's request, in order.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Title:
        ...     text: str
        >>> llm = ScriptedLLM({"title": ["I would call it ...", {"text": "A walk"}]})
        >>> llm.ask(Prompt(role="title", system="", template="Name this: $what"), {"what": "..."}, Title)
        Title(text='A walk')
        >>> llm.ledger.total().invalid
        1
    """

    def __init__(
        self,
        answers: Mapping[str, Script] | Callable[[Request], object],
        *,
        name: str = "test",
        **asking: Unpack[AskingArguments],
    ) -> None:
        self._scripted = _ScriptedTransport(answers, name)
        if asking.get("pacing") is None:
            asking["pacing"] = Pacing(sleep=lambda seconds: None)
        super().__init__(self._scripted, **asking)

    @property
    def asked(self) -> list[Request]:
        """Every attempt's request, in order."""
        return list(self._scripted.asked)

    @property
    def left(self) -> dict[str, int]:
        """Role -> how many listed answers were not used; a test can check that its script was played out."""
        return {role: len(queue) for role, queue in self._scripted.queues.items() if queue}


class _ScriptedTransport:
    def __init__(self, answers: Mapping[str, Script] | Callable[[Request], object], name: str) -> None:
        self.asked: list[Request] = []
        self.queues: dict[str, deque[object]] = {}
        self._fixed: dict[str, object] = {}
        self._any = answers if callable(answers) else None
        self._name = name
        self._lock = threading.Lock()
        for role, script in answers.items() if isinstance(answers, Mapping) else ():
            if isinstance(script, (list, tuple)):
                self.queues[role] = deque(script)
            else:
                self._fixed[role] = script

    @property
    def identity(self) -> str:
        return f"scripted:{self._name}"

    @property
    def window(self) -> int | None:
        return None

    @property
    def modes(self) -> tuple[Mode, ...]:
        return ("native",)

    def send(self, request: Request) -> Reply:
        with self._lock:
            self.asked.append(request)
            answer = self._next(request.role)
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request)
        if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
            raise answer
        text = answer if isinstance(answer, str) else orjson.dumps(answer, default=_plain).decode()
        read = estimate_tokens(request.system) + sum(estimate_tokens(turn.text) for turn in request.turns)
        return Reply(text=text, input_tokens=read, output_tokens=estimate_tokens(text))

    def _next(self, role: str) -> object:
        if self._any is not None:
            return self._any
        if role in self._fixed:
            return self._fixed[role]
        if self.queues.get(role):
            return self.queues[role].popleft()
        known = ", ".join(sorted({*self._fixed, *self.queues})) or "none"
        reason = "its scripted answers are used up" if role in self.queues else f"it has no scripted answer (roles with one: {known})"
        raise AttemptFailed(f"role {role!r}: {reason}", cause="refused", sent=False)


def _plain(value: Any) -> Any:
    """Write what orjson does not know: pydantic models and sets."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} can't be written as JSON")
