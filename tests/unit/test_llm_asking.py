from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from mneme.core.clock import FrozenClock
from mneme.core.errors import BudgetExceeded, ContextOverflow, InvalidInput, InvalidReply, ModelUnavailable, UnknownComponent
from mneme.core.llm import Budget, LLMCall, Prompt, scoped
from mneme.models.accounting import MemoryLedger
from mneme.models.pricing import Price, PriceTable
from mneme.models.settings import LLMSettings, Pacing
from mneme.models.transport import AttemptFailed, Request
from mneme.testing import ScriptedLLM

PROMPT = Prompt(role="who", system="You name people.", template="Who is it? $text", trim=(("text", "tail"),))
ASK = {"text": "Ada is 36."}


@dataclass(frozen=True)
class Person:
    name: str
    age: int


@dataclass
class Time:
    """A clock that moves only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pacing(self) -> Pacing:
        return Pacing(sleep=self.sleep, monotonic=lambda: self.now, chance=random.Random(5))


ADA = Person("Ada", 36)
BUSY = AttemptFailed("down", cause="busy")


def test_an_answer_is_checked_and_accounted_for() -> None:
    llm = ScriptedLLM({"who": {"name": "Ada", "age": 36}}, clock=FrozenClock(datetime(2024, 5, 1, tzinfo=UTC)))
    assert llm.ask(PROMPT, ASK, Person) == ADA
    assert llm.identity == "scripted:test"
    total = llm.ledger.total()
    assert (total.calls, total.failed, total.invalid, total.usd) == (1, 0, 0, 0.0)
    assert total.input_tokens == 12
    assert llm.asked[0].turns[0].text == "Who is it? Ada is 36."
    assert llm.asked[0].system == "You name people."
    assert llm.asked[0].mode == "native"


def test_answers_come_from_queues_callables_and_objects() -> None:
    def by_text(request: Request) -> object:
        return Person(str(request.variables["text"]), 1)

    llm = ScriptedLLM({"a": [ADA, "```json\n" + '{"name": "Bo", "age": 2}\n```'], "b": by_text, "c": ADA})
    prompts = {name: Prompt(role=name, system="", template="$text") for name in "abcd"}
    assert [llm.ask(prompts["a"], ASK, Person).name for _ in range(2)] == ["Ada", "Bo"]
    assert llm.ask(prompts["b"], {"text": "Cy"}, Person) == Person("Cy", 1)
    assert llm.ask(prompts["c"], ASK, Person) == llm.ask(prompts["c"], ASK, Person) == ADA
    with pytest.raises(ModelUnavailable, match="role 'a': its scripted answers are used up"):
        llm.ask(prompts["a"], ASK, Person)
    with pytest.raises(ModelUnavailable, match=r"role 'd': it has no scripted answer \(roles with one: a, b, c\)"):
        llm.ask(prompts["d"], ASK, Person)
    assert llm.left == {}
    everything = ScriptedLLM(lambda request: {"name": request.role, "age": 0})
    assert everything.ask(prompts["d"], ASK, Person).name == "d"


def test_a_misfit_is_sent_back_with_what_is_wrong() -> None:
    llm = ScriptedLLM({"who": ["Ada, I think", {"name": "Ada"}, ADA]})
    assert llm.ask(PROMPT, ASK, Person) == ADA
    first, second, third = (request.turns for request in llm.asked)
    assert [turn.speaker for turn in second] == ["user", "assistant", "user"]
    assert second[0] == first[0]
    assert second[1].text == "Ada, I think"
    assert second[2].text.startswith("The reply held no valid JSON object. Answer again with one JSON object that fits this schema")
    # Older misfits are not repeated.
    assert [turn.speaker for turn in third] == ["user", "assistant", "user"]
    assert "age: Field required" in third[2].text
    total = llm.ledger.total()
    assert (total.calls, total.invalid, total.retried) == (3, 2, 2)


def test_replies_that_never_fit_end_with_what_was_wrong() -> None:
    llm = ScriptedLLM({"who": ["no", "no", "still no"]})
    with pytest.raises(InvalidReply, match=r"scripted:test gave no valid reply to 'who' in 3 attempts") as caught:
        llm.ask(PROMPT, ASK, Person)
    # Messages are kept with jobs and spends, where erasure does not look: what the model said is not in them.
    assert caught.value.reply == "still no"
    assert "still no" not in str(caught.value)
    assert isinstance(llm.ledger, MemoryLedger)
    assert not any("still no" in (spend.error or "") for spend in llm.ledger.spends())
    assert llm.ledger.total().invalid == 3
    assert llm.left == {}


def test_what_may_pass_is_tried_again_after_growing_waits() -> None:
    time = Time()
    llm = ScriptedLLM({"who": [BUSY, BUSY, BUSY, ADA]}, pacing=time.pacing())
    assert llm.ask(PROMPT, ASK, Person) == ADA
    assert [low <= wait <= 1.25 * low for low, wait in zip((0.5, 1.0, 2.0), time.slept, strict=True)] == [True] * 3
    total = llm.ledger.total()
    assert (total.calls, total.failed, total.retried) == (4, 3, 3)


def test_a_server_s_wish_to_wait_is_kept() -> None:
    time = Time()
    llm = ScriptedLLM({"who": [AttemptFailed("limit", cause="busy", retry_after_s=42), ADA]}, pacing=time.pacing())
    assert llm.ask(PROMPT, ASK, Person) == ADA
    assert time.slept == [42]


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    time = Time()
    script = {"who": [AttemptFailed("limit", cause="busy", retry_after_s=61), ADA]}
    llm = ScriptedLLM(script, pacing=time.pacing(), settings=LLMSettings(deadline_s=60))
    with pytest.raises(ModelUnavailable, match=r"would start in 61\.0 s, after the deadline of 60 s; the last one: limit"):
        llm.ask(PROMPT, ASK, Person)
    assert time.slept == []
    assert llm.ledger.total().calls == 1


def test_retries_end() -> None:
    llm = ScriptedLLM({"who": [BUSY] * 9}, settings=LLMSettings(retries=2))
    with pytest.raises(ModelUnavailable, match="gave no reply to 'who' in 3 attempts; the last one: down"):
        llm.ask(PROMPT, ASK, Person)
    assert llm.left == {"who": 6}


@pytest.mark.parametrize(
    ("failure", "error", "told"),
    [
        (AttemptFailed("no key", cause="refused"), ModelUnavailable, "scripted:test refused the request: no key"),
        (AttemptFailed("no schema", cause="mode"), ModelUnavailable, "scripted:test refused the request: no schema"),
        (AttemptFailed("too long", cause="overflow"), ContextOverflow, "who: too long"),
    ],
)
def test_what_will_not_pass_ends_at_once(failure: AttemptFailed, error: type[Exception], told: str) -> None:
    llm = ScriptedLLM({"who": [failure, ADA]})
    with pytest.raises(error, match=told):
        llm.ask(PROMPT, ASK, Person)
    assert llm.left == {"who": 1}
    assert llm.ledger.total().failed == 1


def test_an_attempt_that_reached_nobody_is_no_call() -> None:
    llm = ScriptedLLM({"who": [AttemptFailed("refused", cause="busy", sent=False), ADA]})
    assert llm.ask(PROMPT, ASK, Person) == ADA
    total = llm.ledger.total()
    assert (total.calls, total.unsent) == (1, 1)


def test_a_lost_reply_is_booked_as_read() -> None:
    llm = ScriptedLLM({"who": [AttemptFailed("cut", cause="busy", lost=True), ADA]})
    llm.ask(PROMPT, ASK, Person)
    assert isinstance(llm.ledger, MemoryLedger)
    lost, answered = llm.ledger.spends()
    assert (lost.outcome, lost.estimated, lost.output_tokens) == ("failed", True, 0)
    # The estimate holds the schema and what templates add, so it is above what was read.
    assert lost.input_tokens > answered.input_tokens == 12


def test_an_error_that_is_none_of_ours_passes_through() -> None:
    llm = ScriptedLLM({"who": ZeroDivisionError("oops")})
    calls: list[LLMCall] = []
    with pytest.raises(ZeroDivisionError):
        llm.scoped(space="a", on_call=calls.append).ask(PROMPT, ASK, Person)
    assert calls[0].outcome == "interrupted"
    assert llm.ledger.total().open == 1


def test_budgets_hold_for_retries_too() -> None:
    llm = ScriptedLLM({"who": [BUSY, BUSY, ADA]}, budget=Budget(calls_per_day=2))
    with pytest.raises(BudgetExceeded, match="calls_per_day is 2"):
        llm.ask(PROMPT, ASK, Person)
    assert llm.ledger.total().calls == len(llm.asked) == 2


def test_spaces_pay_for_themselves() -> None:
    llm = ScriptedLLM({"who": ADA}, space_budget=Budget(calls_total=1))
    first, second = scoped(llm, space="a"), scoped(llm, space="b")
    first.ask(PROMPT, ASK, Person)
    second.ask(PROMPT, ASK, Person)
    with pytest.raises(BudgetExceeded, match="space 'a'"):
        first.ask(PROMPT, ASK, Person)
    assert llm.ledger.total(space="a").calls == 1
    assert first.identity == "scripted:test"


def test_dollars_are_counted_and_limited() -> None:
    prices = PriceTable(prices={"scripted:*": Price(input_usd_per_mtok=1e5, output_usd_per_mtok=0)})
    llm = ScriptedLLM({"who": ADA}, prices=prices, budget=Budget(usd_total=15))
    llm.ask(PROMPT, ASK, Person)
    assert llm.ledger.total().usd == pytest.approx(1.2)
    llm.ask(PROMPT, ASK, Person)
    # The next call is reserved at its estimate, which is on the high side.
    with pytest.raises(BudgetExceeded, match=r"usd_total is 15 USD: 2\.4 are spent and the next call of 'who' could take 20\.8"):
        llm.ask(PROMPT, {"text": "x " * 100}, Person)


def test_a_question_is_reported_whole() -> None:
    llm = ScriptedLLM({"who": [BUSY, "no", ADA]})
    calls: list[LLMCall] = []
    scoped(llm, space="a", on_call=calls.append).ask(PROMPT, ASK, Person)
    (call,) = calls
    assert (call.role, call.space, call.outcome, call.mode) == ("who", "a", "ok", "native")
    assert call.prompt_hash == PROMPT.hash
    assert [spend.outcome for spend in call.spends] == ["failed", "invalid", "ok"]
    plain = call.to_plain()
    assert plain["attempts"] == [["failed", "down"], ["invalid", "The reply held no valid JSON object."], ["ok", None]]
    assert (plain["calls"], plain["usd"], plain["replayed"], plain["estimated"]) == (3, 0.0, False, False)


@pytest.mark.parametrize(
    ("script", "variables", "outcome"),
    [(["no"] * 3, ASK, "InvalidReply"), ([BUSY] * 9, ASK, "ModelUnavailable"), ([ADA], {}, "InvalidInput")],
)
def test_a_failed_question_is_reported_too(script: list[object], variables: dict[str, Any], outcome: str) -> None:
    calls: list[LLMCall] = []
    llm = scoped(ScriptedLLM({"who": script}), space="a", on_call=calls.append)
    with pytest.raises((InvalidReply, ModelUnavailable, InvalidInput)):
        llm.ask(PROMPT, variables, Person)
    assert [call.outcome for call in calls] == [outcome]


def test_what_was_shortened_is_reported() -> None:
    calls: list[LLMCall] = []
    llm = ScriptedLLM({"who": ADA}, settings=LLMSettings(context_tokens=400, max_output_tokens=100))
    scoped(llm, space="a", on_call=calls.append).ask(PROMPT, {"text": "word " * 1000}, Person)
    assert len(calls[0].notes) == 1
    assert calls[0].notes[0].startswith("text: kept ")
    assert llm.ledger.total().input_tokens < 300


def test_a_question_that_does_not_fit_is_not_asked() -> None:
    fixed = Prompt(role="who", system="", template="$text")
    llm = ScriptedLLM({"who": ADA}, settings=LLMSettings(context_tokens=400, max_output_tokens=100))
    with pytest.raises(ContextOverflow, match="split the input"):
        llm.ask(fixed, {"text": "word " * 1000}, Person)
    with pytest.raises(ContextOverflow, match="has no room for a reply of 390"):
        ScriptedLLM({"who": ADA}, settings=LLMSettings(context_tokens=400, max_output_tokens=390)).ask(fixed, ASK, Person)
    assert llm.ledger.total().calls == 0


def test_a_repair_that_does_not_fit_is_asked_without_the_bad_reply() -> None:
    llm = ScriptedLLM({"who": ["bad " * 300, ADA]}, settings=LLMSettings(context_tokens=420, max_output_tokens=100))
    assert llm.ask(PROMPT, {"text": "word " * 60}, Person) == ADA
    assert [turn.speaker for turn in llm.asked[1].turns] == ["user"]
    assert "no valid JSON object" in llm.asked[1].turns[0].text
    tight = ScriptedLLM({"who": ["bad", ADA]}, settings=LLMSettings(context_tokens=420, max_output_tokens=100))
    with pytest.raises(InvalidReply, match="no room to ask again"):
        tight.ask(PROMPT, {"text": "word " * 230}, Person)


def test_repairs_do_not_pile_up() -> None:
    llm = ScriptedLLM({"who": ["bad " * 300, "bad " * 300, ADA]}, settings=LLMSettings(context_tokens=420, max_output_tokens=100))
    assert llm.ask(PROMPT, {"text": "word " * 60}, Person) == ADA
    assert llm.asked[1].turns == llm.asked[2].turns


def test_roles_are_prompts_given_at_construction() -> None:
    mine = Prompt(role="who", system="Mine.", template="Mine: $text", version=2)
    llm = ScriptedLLM({"who": ADA}, prompts=[mine])
    llm.ask("who", ASK, Person)
    llm.ask(PROMPT, ASK, Person)
    assert [request.system for request in llm.asked] == ["Mine.", "Mine."]
    with pytest.raises(UnknownComponent, match="no prompt named 'whoo'; did you mean who"):
        llm.ask("whoo", ASK, Person)


def test_every_bad_setting_is_told() -> None:
    with pytest.raises(InvalidInput) as caught:
        LLMSettings(context_tokens=0, timeout_s=-1, retries=-1, max_output_tokens=10)
    assert sorted(caught.value.problems) == ["context_tokens", "max_output_tokens", "retries", "timeout_s"]


def test_the_deadline_also_ends_repairs_and_shortens_attempts() -> None:
    time = Time()

    def slow(request: Request) -> object:
        time.now += 25
        return "no"

    llm = ScriptedLLM({"who": slow}, pacing=time.pacing(), settings=LLMSettings(deadline_s=40, timeout_s=30))
    with pytest.raises(InvalidReply, match="within 40 s"):
        llm.ask(PROMPT, ASK, Person)
    assert [request.timeout_s for request in llm.asked] == [30, 15]
