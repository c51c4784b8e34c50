"""Asking until there is an answer that fits, or a reason why there is none.

One question may take several attempts. What may pass (limits, server errors, lost connections, slowness) is tried again after a growing
wait, or the one the server asks for; a reply that does not fit its schema is sent back with what is wrong; a server that does not take
schemas is asked in a plainer way, and that is remembered. Attempts and time are bounded, every attempt is metered, and every question is
reported whole to the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Generic, TypedDict, TypeVar

from mneme.core.clock import Clock, SystemClock
from mneme.core.errors import ContextOverflow, InvalidReply, MnemeError, ModelUnavailable, UnknownComponent
from mneme.core.ids import Ids
from mneme.core.llm import Budget, Ledger, LLMCall, Prompt, Spend, request_hash
from mneme.models.accounting import MemoryLedger, Meter
from mneme.models.context import Counter, estimate_tokens, fit
from mneme.models.pricing import PriceTable
from mneme.models.replies import ReplySchema, reply_schema
from mneme.models.settings import LLMSettings, Pacing
from mneme.models.transport import AttemptFailed, Mode, Reply, Request, Transport, Turn

T = TypeVar("T")

_DEFAULT_WINDOW = 8192
_MAX_ECHO = 1500
_TURN_TOKENS = 8  # what chat templates put round a message, rather too many than too few
_PLAIN = "Answer with one JSON object that fits this JSON schema, and with nothing else:\n"


class AskingArguments(TypedDict, total=False):
    """What :class:`AskingLLM` takes beside its transport, for those that bring one of their own."""

    settings: LLMSettings | None
    budget: Budget | None
    space_budget: Budget | None
    ledger: Ledger | None
    prices: PriceTable | None
    prompts: Iterable[Prompt]
    count_tokens: Counter
    clock: Clock | None
    pacing: Pacing | None


class AskingLLM:
    """A model that answers with checked objects, over any transport.

    Args:
        transport: makes single attempts.
        settings: how it is asked.
        budget: ceilings for everything in the ledger.
        space_budget: ceilings for each space.
        ledger: where spends are kept; None keeps them in memory.
        prices: what models cost; None takes the list of the provider library.
        prompts: prompts that can be asked for by their role, and that replace components' prompts of that role.
        count_tokens: the model's own counter; None takes an estimate that errs on the high side.
        clock: tells the day.
        pacing: waits, time and chance.

    Raises:
        InvalidInput: a limit is in USD and the model's price is not known.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        settings: LLMSettings | None = None,
        budget: Budget | None = None,
        space_budget: Budget | None = None,
        ledger: Ledger | None = None,
        prices: PriceTable | None = None,
        prompts: Iterable[Prompt] = (),
        count_tokens: Counter = estimate_tokens,
        clock: Clock | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.settings = settings or LLMSettings()
        self.ledger: Ledger = ledger if ledger is not None else MemoryLedger()
        self._transport = transport
        self._prompts = {prompt.role: prompt for prompt in prompts}
        self._count = count_tokens
        self._pacing = pacing or Pacing()
        self._mode: Mode | None = self.settings.mode
        self._meter = Meter(
            ledger=self.ledger,
            prices=prices or PriceTable(),
            budget=budget or Budget(),
            space_budget=space_budget or Budget(),
            clock=clock,
            ids=Ids(clock),
        )
        self._meter.check_price(transport.identity)

    @property
    def identity(self) -> str:
        """The provider and model."""
        return self._transport.identity

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        """Return an object of type ``schema``; see :meth:`mneme.core.llm.LLM.ask`. What it costs is booked to no space."""
        return self.ask_for("", None, role, variables, schema)

    def scoped(self, *, space: str, on_call: Callable[[LLMCall], None] | None = None) -> ScopedLLM:
        """Return the same model, accounting to ``space`` and reporting each question to ``on_call``."""
        return ScopedLLM(self, space, on_call)

    def ask_for(
        self,
        space: str,
        on_call: Callable[[LLMCall], None] | None,
        role: Prompt | str,
        variables: Mapping[str, object],
        schema: type[T],
    ) -> T:
        """Ask for a space, reporting the question to ``on_call`` whether it ends well or not."""
        prompt, checker = self._prompt(role), reply_schema(schema)
        question = _Question(self, prompt, variables, checker, space)
        outcome = "interrupted"
        try:
            value = question.answer()
            outcome = "ok"
            return value
        except MnemeError as problem:
            outcome = type(problem).__name__
            raise
        finally:
            if on_call is not None:
                on_call(
                    LLMCall(
                        role=prompt.role,
                        prompt_hash=prompt.hash,
                        prompt_version=prompt.version,
                        request_hash=request_hash(prompt, variables, checker.json_schema) if question.checked else "",
                        model=self.identity,
                        space=space,
                        outcome=outcome,
                        spends=tuple(question.spends),
                        mode=question.mode if question.spends else "",
                        notes=tuple(question.notes),
                    )
                )

    def _prompt(self, role: Prompt | str) -> Prompt:
        name = role.role if isinstance(role, Prompt) else role
        given = self._prompts.get(name)
        if given is not None:
            return given
        if isinstance(role, Prompt):
            return role
        raise UnknownComponent("prompt", name, get_close_matches(name, self._prompts))

    def first_mode(self) -> Mode:
        """Return the mode to begin with: the one that worked last, else the transport's best."""
        return self._mode or self._transport.modes[0]

    def plainer_mode(self, mode: Mode) -> Mode | None:
        """Return the mode to try after ``mode`` was rejected, None when there is none or the caller fixed the mode."""
        if self.settings.mode is not None or mode not in self._transport.modes:
            return None
        position = self._transport.modes.index(mode) + 1
        return self._transport.modes[position] if position < len(self._transport.modes) else None


class ScopedLLM:
    """A model bound to a space and a trace; made by :func:`mneme.core.llm.scoped`."""

    def __init__(self, llm: AskingLLM, space: str, on_call: Callable[[LLMCall], None] | None) -> None:
        self._llm = llm
        self._space = space
        self._on_call = on_call

    @property
    def identity(self) -> str:
        """The provider and model."""
        return self._llm.identity

    def ask(self, role: Prompt | str, variables: Mapping[str, object], schema: type[T]) -> T:
        """Return an object of type ``schema``; see :meth:`mneme.core.llm.LLM.ask`."""
        return self._llm.ask_for(self._space, self._on_call, role, variables, schema)

    def scoped(self, *, space: str, on_call: Callable[[LLMCall], None] | None = None) -> ScopedLLM:
        """Return the model bound to another space and trace."""
        return ScopedLLM(self._llm, space, on_call)


class _Question(Generic[T]):
    """One question on its way to an answer."""

    def __init__(self, llm: AskingLLM, prompt: Prompt, variables: Mapping[str, object], checker: ReplySchema[T], space: str) -> None:
        self._llm = llm
        self._settings = llm.settings
        self._prompt = prompt
        self._variables = variables
        self._checker = checker
        self._space = space
        self._first = Turn(speaker="user", text="")
        self._turns: list[Turn] = []
        self._failures = 0
        self._repairs = 0
        self._end = llm._pacing.monotonic() + self._settings.deadline_s
        self.mode: Mode = llm.first_mode()
        self.checked = False
        self.spends: list[Spend] = []
        self.notes: list[str] = []

    def answer(self) -> T:
        self._prompt.check(self._variables)
        self.checked = True
        question, notes = fit(self._prompt, self._variables, room_tokens=self._room(), count=self._llm._count)
        self.notes += notes
        self._first = Turn(speaker="user", text=question)
        self._turns = [self._first]
        while True:
            try:
                reply, spend, seconds = self._attempt()
            except AttemptFailed as failure:
                self._after_failure(failure)
                continue
            try:
                value = self._read(reply)
            except InvalidReply as problem:
                self._book(spend, reply, seconds, error=str(problem))
                self._after_misfit(reply, problem)
                continue
            self._book(spend, reply, seconds, error=None)
            self._llm._mode = self.mode
            return value

    def _room(self) -> int:
        """Tokens for the question: the window less the reply, the schema and what chat templates add."""
        window = self._settings.context_tokens or self._llm._transport.window or _DEFAULT_WINDOW
        schema = self._llm._count(_PLAIN + self._checker.text)
        room = window - self._settings.max_output_tokens - schema - 2 * _TURN_TOKENS
        if room <= 0:
            raise ContextOverflow(
                f"{self._prompt.role}: a window of {window} tokens has no room for a reply of {self._settings.max_output_tokens} and a "
                f"schema of {schema}; raise context_tokens or lower max_output_tokens"
            )
        return room

    def _attempt(self) -> tuple[Reply, Spend, float]:
        llm, request = self._llm, self._request()
        spend = llm._meter.open(
            space=self._space,
            role=self._prompt.role,
            model=llm.identity,
            attempt=len(self.spends) + 1,
            input_tokens=self._estimate(request),
            max_output_tokens=request.max_output_tokens,
        )
        start = llm._pacing.monotonic()
        try:
            reply = llm._transport.send(request)
        except MnemeError as failure:
            sent, lost = (failure.sent, failure.lost) if isinstance(failure, AttemptFailed) else (False, False)
            self.spends.append(
                llm._meter.close(
                    spend,
                    outcome="failed" if sent else "unsent",
                    input_tokens=spend.input_tokens if lost else 0,
                    output_tokens=0,
                    estimated=lost,
                    duration_s=llm._pacing.monotonic() - start,
                    error=str(failure),
                )
            )
            raise
        return reply, spend, llm._pacing.monotonic() - start

    def _request(self) -> Request:
        plain = self.mode != "native"
        system = f"{self._prompt.system}\n\n{_PLAIN}{self._checker.text}" if plain else self._prompt.system
        return Request(
            role=self._prompt.role,
            variables=self._variables,
            system=system.strip(),
            turns=tuple(self._turns),
            schema_name=self._checker.name,
            schema=self._checker.json_schema,
            mode=self.mode,
            max_output_tokens=self._settings.max_output_tokens,
            temperature=self._settings.temperature,
            timeout_s=max(min(self._settings.timeout_s, self._end - self._llm._pacing.monotonic()), 0.001),
        )

    def _estimate(self, request: Request) -> int:
        texts = [request.system, *(turn.text for turn in request.turns)]
        schema = self._llm._count(self._checker.text) if request.mode == "native" else 0
        return schema + sum(self._llm._count(text) + _TURN_TOKENS for text in texts)

    def _read(self, reply: Reply) -> T:
        if reply.refused and not reply.text.strip():
            raise InvalidReply("The provider's filter withheld the reply.")
        return self._checker.read(reply.text, cut_off=reply.cut_off)

    def _book(self, spend: Spend, reply: Reply, seconds: float, *, error: str | None) -> None:
        known = reply.input_tokens is not None and reply.output_tokens is not None
        self.spends.append(
            self._llm._meter.close(
                spend,
                outcome="ok" if error is None else "invalid",
                input_tokens=spend.input_tokens if reply.input_tokens is None else reply.input_tokens,
                output_tokens=self._llm._count(reply.text) if reply.output_tokens is None else reply.output_tokens,
                cached_tokens=reply.cached_tokens if known else 0,
                estimated=not known,
                duration_s=seconds,
                error=error,
            )
        )

    def _after_failure(self, failure: AttemptFailed) -> None:
        """Make ready for another attempt, or raise what ends the question."""
        if failure.cause == "overflow":
            raise ContextOverflow(f"{self._prompt.role}: {failure}; lower context_tokens or split the input") from failure
        if failure.cause == "mode":
            plainer = self._llm.plainer_mode(self.mode)
            if plainer is None:
                raise ModelUnavailable(f"{self._llm.identity} refused the request: {failure}") from failure
            self.notes.append(f"mode: {self.mode} was refused, tried {plainer}")
            self.mode = plainer
            return
        if failure.cause == "refused":
            raise ModelUnavailable(f"{self._llm.identity} refused the request: {failure}") from failure
        self._failures += 1
        if self._failures > self._settings.retries:
            raise ModelUnavailable(
                f"{self._llm.identity} gave no reply to {self._prompt.role!r} in {len(self.spends)} attempts; the last one: {failure}"
            ) from failure
        self._wait(failure)

    def _wait(self, failure: AttemptFailed) -> None:
        settings, pacing = self._settings, self._llm._pacing
        own = min(settings.backoff_s * 2 ** (self._failures - 1), settings.backoff_cap_s)
        own *= 1 + 0.25 * pacing.chance.random()
        wait_s = max(own, failure.retry_after_s or 0.0)
        left_s = self._end - pacing.monotonic()
        if wait_s >= left_s:
            raise ModelUnavailable(
                f"{self._llm.identity} gave no reply to {self._prompt.role!r} in {len(self.spends)} attempts, and the next one would "
                f"start in {wait_s:.1f} s, after the deadline of {settings.deadline_s:g} s; the last one: {failure}"
            ) from failure
        pacing.sleep(wait_s)

    def _after_misfit(self, reply: Reply, problem: InvalidReply) -> None:
        """Send the reply back with what is wrong, or raise what ends the question."""
        self._repairs += 1
        asked = f"{self._llm.identity} gave no valid reply to {self._prompt.role!r}"
        if self._repairs > self._settings.repairs:
            raise InvalidReply(f"{asked} in {len(self.spends)} attempts; the last one: {problem}", reply.text) from problem
        if self._llm._pacing.monotonic() >= self._end:
            raise InvalidReply(f"{asked} within {self._settings.deadline_s:g} s; the last one: {problem}", reply.text) from problem
        repair = f"{problem} Answer again with one JSON object that fits this schema, and with nothing else:\n{self._checker.text}"
        echo = [Turn(speaker="assistant", text=reply.text[:_MAX_ECHO])] if reply.text.strip() else []
        # Only the latest misfit is shown: older ones cost tokens and confuse small models.
        for turns in ([self._first, *echo, Turn(speaker="user", text=repair)], [_joined(self._first, repair)]):
            self._turns = turns
            if self._estimate(self._request()) <= self._window_left():
                return
        raise InvalidReply(f"{asked}, and its window has no room to ask again: {problem}", reply.text) from problem

    def _window_left(self) -> int:
        window = self._settings.context_tokens or self._llm._transport.window or _DEFAULT_WINDOW
        return window - self._settings.max_output_tokens


def _joined(turn: Turn, addition: str) -> Turn:
    return Turn(speaker="user", text=f"{turn.text}\n\n{addition}")
