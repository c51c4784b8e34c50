"""The port to language models: prompts, the one question they answer, and what every question costs.

A component keeps its :class:`Prompt` beside the reply schema and asks ``llm.ask(PROMPT, variables, Reply)``. The reply schema is any type
pydantic can check; a frozen dataclass will do, so that a component needs no import for it. The engine hands components a model that was
bound to one space and one trace by :func:`scoped`.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import orjson

from mneme.core.errors import InvalidInput

T = TypeVar("T")
Keep = Literal["head", "tail"]
Outcome = Literal["open", "ok", "invalid", "failed", "unsent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a component says to a model.

    Args:
        role: what the model is asked to be or do, for example ``"form.facts"``; accounting and scripted replies go by it.
        system: the standing instruction; short, since small models read it too.
        template: the question; ``$name`` stands for a variable, ``$$`` for a dollar sign.
        trim: variables that may be shortened when the question does not fit the model's window, in this order, each with the end
            that is kept: ``(("context", "tail"),)``. What is left out is marked in the text and told in the trace. A question that
            still does not fit is refused with ``ContextOverflow``.
        version: goes up when the wording changes what the model does.

    Raises:
        InvalidInput: the template is not well formed, or ``trim`` names a variable that it does not have.

    Example:
        >>> prompt = Prompt(role="title", system="You name things.", template="Name this: $text")
        >>> prompt.render({"text": "a walk by the sea"})
        'Name this: a walk by the sea'
    """

    role: str
    system: str
    template: str
    trim: tuple[tuple[str, Keep], ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        problems = {}
        if not self.role:
            problems["role"] = "is empty; give the prompt a name such as 'form.facts'"
        if not string.Template(self.template).is_valid():
            problems["template"] = "has a '$' that starts no variable; write '$$' for a dollar sign"
        elif unknown := [name for name, _ in self.trim if name not in self.variables]:
            problems["trim"] = f"names {', '.join(unknown)}, which the template does not use"
        if problems:
            raise InvalidInput(problems)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names that the template needs, in order of appearance."""
        return tuple(dict.fromkeys(string.Template(self.template).get_identifiers()))

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that change with any word of the prompt."""
        return _digest([self.role, self.system, self.template, [list(pair) for pair in self.trim], self.version])[:12]

    def check(self, variables: Mapping[str, object]) -> dict[str, str]:
        """Return the variables as text: strings as they are, numbers and dates as written, anything else as JSON.

        Raises:
            InvalidInput: variables are missing or the template does not use them; names all of them.
        """
        problems = {name: f"is missing; the prompt {self.role!r} needs it" for name in self.variables if name not in variables}
        problems |= {name: f"is not used by the prompt {self.role!r}" for name in variables if name not in self.variables}
        if problems:
            raise InvalidInput(problems)
        return {name: _as_text(variables[name]) for name in self.variables}

    def fill(self, texts: Mapping[str, str]) -> str:
        """Return the template with texts (of :meth:`check`) put in; nothing in a text is taken for a variable."""
        return string.Template(self.template).substitute(texts)

    def render(self, variables: Mapping[str, object]) -> str:
        """Return the question for these variables.

        Raises:
            InvalidInput: as :meth:`check`.
        """
        return self.fill(self.check(variables))


class LLM(Protocol):
    """A model that answers a question with a checked object."""

    @property
    def identity(self) -> str:
        """The provider and model, as in ``"openai:gpt-5-mini"``."""
        ...

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        """Return an object of type ``schema``.

        Args:
            role: the component's prompt, or the name of one that the model was given at construction. A prompt given at construction
                replaces a component's prompt of the same role.
            variables: what the template needs.
            schema: a type that pydantic can check and whose JSON is an object: a dataclass, a typed dictionary, a pydantic model.

        Raises:
            InvalidInput: a variable is missing or unknown.
            ContextOverflow: the question does not fit the model's window.
            BudgetExceeded: the next call would pass a spending limit; it was not made.
            ModelUnavailable: the provider can't be reached or refuses, after every retry.
            InvalidReply: no reply fits the schema, after every retry.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One attempt at one model call: failed and retried attempts have their own.

    Args:
        id: ``call_...``; adding a spend with an id that the ledger has replaces it.
        at: when it was made, UTC.
        space: for whom; empty when for no space.
        role: the prompt's role.
        model: the model's identity.
        attempt: 1 for the first attempt of a question.
        outcome: ``open`` while it runs (it stays so when the process is killed, at the most it could have cost), ``ok``, ``invalid``
            (the reply did not fit the schema), ``failed`` (no usable reply), ``unsent`` (the server was never reached).
        input_tokens, output_tokens: as billed.
        usd: its price; None when the price of the model is not known.
        estimated: the tokens are an estimate, because the provider did not say.
        duration_s: how long it took.
        error: what went wrong.
    """

    id: str
    at: datetime
    space: str
    role: str
    model: str
    attempt: int
    outcome: Outcome
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    estimated: bool = False
    duration_s: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum of spends.

    Args:
        calls: attempts that reached a server, or may have; failed, retried and open ones included.
        failed: of these, without a usable reply.
        invalid: of these, with a reply that did not fit the schema.
        retried: of these, second and later attempts.
        open: of these, still running or lost with their process.
        unsent: attempts that never reached a server; not in ``calls``.
        input_tokens, output_tokens: as billed.
        usd: the known part of the price.
        unpriced: calls whose price is not known; when above 0, ``usd`` is a lower bound.
        estimated: calls whose tokens are an estimate.
    """

    calls: int = 0
    failed: int = 0
    invalid: int = 0
    retried: int = 0
    open: int = 0
    unsent: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    estimated: int = 0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def plus(self, spend: Spend) -> Total:
        """Return the total with one more spend."""
        if spend.outcome == "unsent":
            return _changed(self, unsent=self.unsent + 1)
        return Total(
            calls=self.calls + 1,
            failed=self.failed + (spend.outcome == "failed"),
            invalid=self.invalid + (spend.outcome == "invalid"),
            retried=self.retried + (spend.attempt > 1),
            open=self.open + (spend.outcome == "open"),
            unsent=self.unsent,
            input_tokens=self.input_tokens + spend.input_tokens,
            output_tokens=self.output_tokens + spend.output_tokens,
            usd=self.usd + (spend.usd or 0.0),
            unpriced=self.unpriced + (spend.usd is None),
            estimated=self.estimated + spend.estimated,
        )


class Ledger(Protocol):
    """Where spends are kept. The engine's stores keep them on disk; :class:`mneme.models.accounting.MemoryLedger` in memory."""

    def add(self, spend: Spend) -> None:
        """Keep a spend durably; one with the same id is replaced."""
        ...

    def total(self, *, day: date | None = None, space: str | None = None, role: str | None = None) -> Total:
        """Return the sum of the spends of a UTC day, a space and a role; None takes all."""
        ...

    def exclusive(self) -> AbstractContextManager[object]:
        """Hold off other writers, so that a limit can be checked and the spend added in one step.

        ``total`` and ``add`` are called inside; a store makes it one immediate transaction, which also holds off other processes.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Ceilings that stop work. None is no limit; 0 allows nothing. Days are UTC days.

    Args:
        calls_per_day, tokens_per_day, usd_per_day: for one day.
        calls_total, tokens_total, usd_total: for ever.
    """

    calls_per_day: int | None = None
    tokens_per_day: int | None = None
    usd_per_day: float | None = None
    calls_total: int | None = None
    tokens_total: int | None = None
    usd_total: float | None = None

    def __post_init__(self) -> None:
        problems = {
            name: f"is {value}; give a number of at least 0, or None for no limit"
            for name, value in asdict(self).items()
            if value is not None and not value >= 0
        }
        if problems:
            raise InvalidInput(problems)

    @property
    def in_usd(self) -> bool:
        """Whether a limit is in dollars, which needs the model's price."""
        return self.usd_per_day is not None or self.usd_total is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMCall:
    """One question with everything done to answer it; goes into the trace.

    Args:
        role, prompt_hash, prompt_version: the prompt.
        request_hash: of the whole question: prompt, variables and schema.
        model: the model's identity.
        space: for whom.
        outcome: ``ok``, or the name of the error.
        spends: every attempt, in order.
        mode: how the reply was held to its schema: ``native`` (by the server), ``json``, ``prompted``; empty when no call was made.
        notes: what was shortened, changed or given up on the way, in plain words.
        replayed: the answer came from a recording; nothing was spent.
    """

    role: str
    prompt_hash: str
    prompt_version: int
    request_hash: str
    model: str
    space: str
    outcome: str
    spends: tuple[Spend, ...] = ()
    mode: str = ""
    notes: tuple[str, ...] = ()
    replayed: bool = False

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain JSON values, with the sums of its attempts."""
        total = Total()
        for spend in self.spends:
            total = total.plus(spend)
        return {
            "role": self.role,
            "prompt": self.prompt_hash,
            "version": self.prompt_version,
            "request": self.request_hash,
            "model": self.model,
            "outcome": self.outcome,
            "mode": self.mode,
            "attempts": [[spend.outcome, spend.error] for spend in self.spends],
            "calls": total.calls,
            "input_tokens": total.input_tokens,
            "output_tokens": total.output_tokens,
            "usd": None if total.unpriced else round(total.usd, 9),
            "estimated": total.estimated > 0,
            "seconds": round(sum(spend.duration_s for spend in self.spends), 6),
            "notes": list(self.notes),
            "replayed": self.replayed,
        }


@runtime_checkable
class Scopable(Protocol):
    """A model that accounts by space and reports its calls."""

    def scoped(self, *, space: str, on_call: Callable[[LLMCall], None] | None = None) -> LLM:
        """Return the same model, accounting to ``space`` and reporting each question to ``on_call``."""
        ...


def scoped(llm: LLM, *, space: str, on_call: Callable[[LLMCall], None] | None = None) -> LLM:
    """Return ``llm`` bound to a space and a trace.

    Args:
        llm: any model. One that does not account for itself is returned as it is.
        space: who pays.
        on_call: gets each question when it ends, for example ``lambda call: trace.models.append(call.to_plain())``.
    """
    return llm.scoped(space=space, on_call=on_call) if isinstance(llm, Scopable) else llm


def request_hash(prompt: Prompt, variables: Mapping[str, object], schema: object) -> str:
    """Return a digest (32 hexadecimal digits) of a question: the prompt, its variables and the JSON schema of the reply.

    The model is not part of it, so that a recording made with one model can be replayed under any name.
    """
    return _digest([prompt.hash, prompt.check(variables), schema])[:32]


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return orjson.dumps(
        plain, default=_plain, option=orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if isinstance(plain, dict) else 0)
    ).decode()


def _plain(value: object) -> object:
    if isinstance(value, (tuple, set, frozenset)):
        return sorted(value, key=repr) if isinstance(value, (set, frozenset)) else list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _changed(total: Total, **changes: int) -> Total:
    return Total(**{**asdict(total), **changes})
