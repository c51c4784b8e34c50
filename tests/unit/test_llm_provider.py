"""The whole path from a question to the wire and back, against a server on loopback that fails in every way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from mneme.core.errors import (
    BudgetExceeded,
    Closed,
    ContextOverflow,
    InvalidInput,
    InvalidReply,
    MissingExtra,
    ModelError,
    ModelUnavailable,
    UnknownComponent,
)
from mneme.core.llm import Budget, LLMCall, Prompt, scoped
from mneme.models.accounting import MemoryLedger
from mneme.models.llm import ProviderLLM
from mneme.models.pricing import Price, PriceTable
from mneme.models.providers import known_providers, parse_name
from mneme.models.settings import LLMSettings, Pacing
from mneme.testing import FAULT_KINDS, ChatRequest, Fault, FaultKind, FaultMix, OpenAIDouble
from mneme.testing.faults import FINAL, HARMLESS

PROMPT = Prompt(role="who", system="You name people.", template="Who is it? $text")
ASK = {"text": "Ada is 36."}


@dataclass(frozen=True)
class Person:
    name: str
    age: int


ADA = Person("Ada", 36)


@pytest.fixture(autouse=True)
def _no_proxy_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def ada(request: ChatRequest) -> object:
    return {"name": "Ada", "age": 36}


@contextmanager
def served(
    *faults: Fault | None, stream: bool = False, settings: LLMSettings | None = None, **options: Any
) -> Iterator[tuple[OpenAIDouble, ProviderLLM, list[float]]]:
    """A double and a model that talks to it; waits between attempts are written down instead of waited."""
    slept: list[float] = []
    provider = options.pop("provider", "openai-compatible")
    double_options = {key: options.pop(key) for key in ("structured", "api_key", "models") if key in options}
    with (
        OpenAIDouble(options.pop("answer", ada), faults=faults, **double_options) as double,
        ProviderLLM(
            f"{provider}:small@{double.base_url}", stream=stream, settings=settings, pacing=Pacing(sleep=slept.append), **options
        ) as llm,
    ):
        yield double, llm, slept


def agree(double: OpenAIDouble, llm: ProviderLLM) -> None:
    """Check that what was booked is what was served."""
    total = llm.ledger.total()
    assert total.calls == double.calls
    assert total.open == total.unsent == 0
    assert isinstance(llm.ledger, MemoryLedger)
    exact = [
        (spend.input_tokens, spend.output_tokens) for spend in llm.ledger.spends() if not spend.estimated and spend.outcome != "failed"
    ]
    billed = Counter((row.input_tokens, row.output_tokens) for row in double.served)
    assert not Counter(exact) - billed


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_fault_is_told_booked_and_survived(kind: FaultKind, stream: bool) -> None:
    fault = Fault(kind, seconds=2 if kind == "rate_limit" else 5)
    calls: list[LLMCall] = []
    with served(fault, stream=stream, settings=LLMSettings(timeout_s=0.3 if kind == "slow" else 10)) as (double, llm, slept):
        model = scoped(llm, space="a", on_call=calls.append)
        if kind in FINAL:
            with pytest.raises(ContextOverflow if kind == "context_length" else ModelUnavailable):
                model.ask(PROMPT, ASK, Person)
            assert double.calls == 1
            assert slept == []
        else:
            assert model.ask(PROMPT, ASK, Person) == ADA
            assert double.calls == (1 if kind in HARMLESS else 2)
        agree(double, llm)
    (call,) = calls
    outcomes = [spend.outcome for spend in call.spends]
    repaired = kind in {"invalid_json", "wrong_schema", "empty", "think_only", "truncated", "no_end", "filtered"}
    if kind in FINAL:
        assert outcomes == ["failed"]
    elif kind in HARMLESS:
        assert outcomes == ["ok"]
    else:
        assert outcomes == ["invalid" if repaired else "failed", "ok"]
        assert call.spends[0].error
        assert len(slept) == (0 if repaired else 1)
    if kind == "rate_limit":
        assert slept == [2]
    if kind in ("slow", "cut_off", "bad_body"):
        assert call.spends[0].estimated
        assert call.spends[0].input_tokens > 0


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("invalid_json", "held no valid JSON object"),
        ("wrong_schema", "name: Input should be a valid string"),
        ("empty", "was empty"),
        ("think_only", "only thinking"),
        ("truncated", "cut off"),
        ("no_end", "cut off"),
        ("filtered", "withheld"),
    ],
)
def test_the_model_is_told_what_was_wrong_with_its_reply(kind: FaultKind, told: str) -> None:
    with served(Fault(kind)) as (double, llm, _):
        llm.ask(PROMPT, ASK, Person)
        assert told in ChatRequest(body=double.served[1].body, number=1).user


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_no_message_holds_what_the_model_said(kind: FaultKind, stream: bool) -> None:
    faults = [Fault(kind)] * 9
    with served(*faults, stream=stream, answer=lambda request: {"name": "Zaphod", "years": 1}) as (_, llm, _slept):
        with pytest.raises(ModelError) as caught:
            llm.ask(PROMPT, ASK, Person)
        assert isinstance(llm.ledger, MemoryLedger)
        told = [str(caught.value), *(spend.error or "" for spend in llm.ledger.spends())]
    assert all(told)
    assert not any("Zaphod" in text for text in told)


@pytest.mark.parametrize("kind", ["server_error", "reset", "cut_off", "bad_body", "rate_limit"])
def test_a_server_that_never_recovers_is_given_up(kind: FaultKind) -> None:
    with served(*[Fault(kind)] * 9, settings=LLMSettings(retries=2)) as (double, llm, slept):
        with pytest.raises(ModelUnavailable, match="gave no reply to 'who' in 3 attempts"):
            llm.ask(PROMPT, ASK, Person)
        assert double.calls == 3
        assert len(slept) == 2
        agree(double, llm)


@pytest.mark.parametrize("kind", ["invalid_json", "wrong_schema", "empty", "truncated"])
def test_a_model_that_never_fits_is_given_up(kind: FaultKind) -> None:
    with served(*[Fault(kind)] * 9) as (double, llm, _):
        with pytest.raises(InvalidReply, match="in 3 attempts"):
            llm.ask(PROMPT, ASK, Person)
        assert double.calls == 3
        agree(double, llm)


def test_the_wire_carries_schema_limits_and_prompt() -> None:
    with served(settings=LLMSettings(max_output_tokens=77, temperature=0.5)) as (double, llm, _):
        llm.ask(PROMPT, ASK, Person)
        body = double.served[0].body
    assert body["model"] == "small"
    assert [(message["role"], message["content"]) for message in body["messages"]] == [
        ("system", "You name people."),
        ("user", "Who is it? Ada is 36."),
    ]
    assert body["max_tokens"] == 77
    assert body["temperature"] == 0.5
    assert "tools" not in body
    described = body["response_format"]["json_schema"]
    assert described["name"] == "Person"
    assert described["schema"]["required"] == ["name", "age"]


@pytest.mark.parametrize(
    ("structured", "mode", "calls"), [("json_schema", "native", 1), ("json_object", "json", 2), ("none", "prompted", 3)]
)
def test_a_server_without_schemas_is_asked_more_plainly_and_that_is_remembered(structured: str, mode: str, calls: int) -> None:
    seen: list[LLMCall] = []
    with served(structured=structured) as (double, llm, _):
        model = scoped(llm, space="a", on_call=seen.append)
        assert model.ask(PROMPT, ASK, Person) == ADA
        assert double.calls == calls
        assert model.ask(PROMPT, ASK, Person) == ADA
        assert double.calls == calls + 1
        agree(double, llm)
        last = ChatRequest(body=double.served[-1].body, number=0)
    assert [call.mode for call in seen] == [mode, mode]
    assert len(seen[0].notes) == calls - 1
    assert last.schema["required"] == ["name", "age"]
    assert ("fits this JSON schema" in last.system) == (mode != "native")


def test_a_fixed_mode_is_kept() -> None:
    with served(structured="none", settings=LLMSettings(mode="native")) as (double, llm, _):
        with pytest.raises(ModelUnavailable, match="response_format 'json_schema' is not supported"):
            llm.ask(PROMPT, ASK, Person)
        assert double.calls == 1
    with served(structured="none", settings=LLMSettings(mode="prompted")) as (double, llm, _):
        assert llm.ask(PROMPT, ASK, Person) == ADA
        assert double.calls == 1


@pytest.mark.parametrize("provider", ["openai", "openai-compatible", "ollama", "lmstudio", "llamacpp", "vllm"])
def test_every_provider_of_the_protocol_reaches_the_server(provider: str) -> None:
    with served(provider=provider, api_key="k") as (double, llm, _), pytest.raises(ModelUnavailable, match="refused"):
        llm.ask(PROMPT, ASK, Person)  # the double wants "k", and this model has no key or another
    with OpenAIDouble(ada, api_key="k") as double, ProviderLLM(f"{provider}:small", base_url=double.base_url, api_key="k") as llm:
        assert llm.ask(PROMPT, ASK, Person) == ADA
        assert llm.identity == f"{provider}:small@{double.base_url}"
        agree(double, llm)


def test_an_unknown_model_of_the_server_is_refused_at_once() -> None:
    with served(models=["large"]) as (double, llm, slept):
        with pytest.raises(ModelUnavailable, match="no model 'small'"):
            llm.ask(PROMPT, ASK, Person)
        assert double.calls == 1
        assert slept == []


def test_a_server_that_is_not_there_is_no_call() -> None:
    with OpenAIDouble() as double:
        address = double.base_url
    with ProviderLLM(
        "openai-compatible:small", base_url=address, pacing=Pacing(sleep=lambda s: None), settings=LLMSettings(retries=1)
    ) as llm:
        with pytest.raises(ModelUnavailable, match="in 2 attempts"):
            llm.ask(PROMPT, ASK, Person)
        total = llm.ledger.total()
    assert (total.calls, total.unsent, total.tokens) == (0, 2, 0)


def test_dollars_are_counted_for_every_attempt() -> None:
    prices = PriceTable(prices={"openai-compatible:small": Price(input_usd_per_mtok=1e6, output_usd_per_mtok=1e6)})
    with served(Fault("wrong_schema"), Fault("server_error"), prices=prices) as (double, llm, _):
        llm.ask(PROMPT, ASK, Person)
        billed = sum(row.input_tokens + row.output_tokens for row in double.served)
        total = llm.ledger.total()
    assert total.usd == billed == total.tokens
    assert (total.calls, total.invalid, total.failed, total.unpriced) == (3, 1, 1, 0)


def test_an_unknown_price_is_told_and_can_t_be_limited_in_dollars() -> None:
    with served() as (_, llm, _):
        llm.ask(PROMPT, ASK, Person)
        assert (llm.ledger.total().unpriced, llm.ledger.total().usd) == (1, 0.0)
    with pytest.raises(InvalidInput, match="the price of 'openai-compatible:m@http://x/v1' is not known"):
        ProviderLLM("openai-compatible:m@http://x/v1", budget=Budget(usd_per_day=1))


def test_a_ceiling_stops_calls_before_the_wire() -> None:
    with served(Fault("server_error"), Fault("server_error"), budget=Budget(calls_per_day=2)) as (double, llm, _):
        with pytest.raises(BudgetExceeded, match="calls_per_day is 2"):
            llm.ask(PROMPT, ASK, Person)
        assert double.calls == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_fifth_of_all_calls_failing_loses_no_question_and_no_call(stream: bool) -> None:
    kinds = [Fault(kind, seconds=0.01) for kind in FAULT_KINDS if kind not in FINAL]
    plan = FaultMix(rate=0.2, kinds=kinds, seed=11).plan(5000)
    answers: Counter[str] = Counter()
    lock = threading.Lock()

    def echo(request: ChatRequest) -> object:
        first = next(message["content"] for message in request.messages if message["role"] == "user")
        return {"name": first.split("<")[1].split(">")[0], "age": 1}

    with served(*plan, stream=stream, answer=echo) as (double, llm, _):

        def work(worker: int) -> None:
            for number in range(25):
                name = f"w{worker}n{number}"
                try:
                    right = llm.ask(PROMPT, {"text": f"<{name}>"}, Person) == Person(name, 1)
                    outcome = "right" if right else "wrong"
                except ModelError as problem:
                    outcome = type(problem).__name__
                with lock:
                    answers[outcome] += 1

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        agree(double, llm)
        total = llm.ledger.total()
    assert sum(answers.values()) == 200
    assert answers["right"] >= 195
    assert answers["wrong"] == 0
    assert total.failed + total.invalid >= 20
    assert total.calls == 200 + total.failed + total.invalid - (200 - answers["right"])


@pytest.mark.parametrize(("model", "temperature"), [("gpt-4o-mini", 0.0), ("gpt-5-mini", None), ("qwen3", 0.0)])
def test_models_that_always_reason_get_no_temperature(model: str, temperature: float | None) -> None:
    with OpenAIDouble(ada) as double, ProviderLLM(f"openai:{model}@{double.base_url}", api_key="k") as llm:
        llm.ask(PROMPT, ASK, Person)
        assert double.served[0].body.get("temperature") == temperature


def test_provider_settings_are_handed_on() -> None:
    with served(provider_settings={"seed": 7}) as (double, llm, _):
        llm.ask(PROMPT, ASK, Person)
        assert double.served[0].body["seed"] == 7


def test_a_forked_child_asks_for_itself() -> None:
    with served() as (double, llm, _):
        llm.ask(PROMPT, ASK, Person)
        child = os.fork()
        if child == 0:
            os._exit(0 if llm.ask(PROMPT, ASK, Person) == ADA else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert double.calls == 2


def test_it_works_inside_a_running_event_loop() -> None:
    import asyncio

    with served() as (_, llm, _):

        async def main() -> Person:
            return llm.ask(PROMPT, ASK, Person)

        assert asyncio.run(main()) == ADA


def test_a_closed_model_says_so() -> None:
    with served() as (_, llm, _):
        llm.ask(PROMPT, ASK, Person)
        llm.close()
        llm.close()
        with pytest.raises(Closed, match="is closed"):
            llm.ask(PROMPT, ASK, Person)
        assert llm.ledger.total().calls == 1


@pytest.mark.parametrize(
    ("name", "provider", "model", "address"),
    [
        ("ollama:qwen3:8b", "ollama", "qwen3:8b", None),
        ("openai:gpt-5-mini", "openai", "gpt-5-mini", None),
        ("vertex:claude@20240101", "vertex", "claude@20240101", None),
        ("openai-compatible:org/m@https://h/v1", "openai-compatible", "org/m", "https://h/v1"),
    ],
)
def test_names_are_taken_apart(name: str, provider: str, model: str, address: str | None) -> None:
    parsed = parse_name(name)
    assert (parsed.provider, parsed.model, parsed.base_url) == (provider, model, address)
    assert parsed.identity == name


def test_a_password_in_an_address_is_not_shown() -> None:
    assert parse_name("vllm:m@http://me:secret@host/v1").identity == "vllm:m@http://host/v1"


@pytest.mark.parametrize("name", ["gpt-5", "openai:", ":x", ""])
def test_a_name_without_provider_or_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="write 'provider:model'"):
        parse_name(name)


def test_what_can_t_be_opened_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidInput, match=r"'openai:gpt-5-mini' can't be opened: .*(api_key|API key)"):
        ProviderLLM("openai:gpt-5-mini")
    with pytest.raises(InvalidInput, match="needs the server's address"):
        ProviderLLM("openai-compatible:m")
    with pytest.raises(UnknownComponent, match="no provider named 'opnai'; did you mean openai"):
        ProviderLLM("opnai:m")
    with pytest.raises(InvalidInput, match="base_url: the provider 'deepseek' takes none"):
        ProviderLLM("deepseek:m@http://x/v1")
    with pytest.raises(InvalidInput, match="is given twice"):
        ProviderLLM("vllm:m@http://a/v1", base_url="http://b/v1")
    assert "openai-compatible" in known_providers()


def test_a_provider_s_missing_package_is_named() -> None:
    pytest.importorskip("pydantic_ai")
    try:
        import cohere  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match=r"pip install 'mneme\[llm-cohere\]'"):
            ProviderLLM("cohere:command-r")


def test_windows_are_taken_from_settings_then_from_what_is_known() -> None:
    long = {"text": "word " * 5000}
    with served(provider="ollama") as (double, llm, _):
        with pytest.raises(ContextOverflow, match="the model has room for 2"):
            llm.ask(PROMPT, long, Person)
        assert double.calls == 0
    with served(provider="ollama", settings=LLMSettings(context_tokens=16_000)) as (double, llm, _):
        assert llm.ask(PROMPT, long, Person) == ADA


def test_the_double_lists_models_and_counts_unknown_paths_apart() -> None:
    with OpenAIDouble(models=["a", "b"]) as double:
        with urllib.request.urlopen(f"{double.base_url}/models") as reply:
            assert [row["id"] for row in json.load(reply)["data"]] == ["a", "b"]
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{double.base_url}/nothing")
        assert caught.value.code == 404
        caught.value.close()
        assert double.calls == 0


def test_the_double_embeds_texts_with_the_same_words_alike() -> None:
    from openai import OpenAI

    with OpenAIDouble(vector_width=32) as double, OpenAI(base_url=double.base_url, api_key="any") as client:
        coded = client.embeddings.create(model="e", input=["the sea", "the SEA!", "mountains"])
        plain = client.embeddings.create(model="e", input="the sea", dimensions=16, encoding_format="float")
    first, second, third = (row.embedding for row in coded.data)
    assert len(first) == 32
    assert first == second != third
    assert sum(value * value for value in first) == pytest.approx(1.0)
    assert len(plain.data[0].embedding) == 16
    assert coded.usage.prompt_tokens == 7


def test_the_double_answers_with_an_object_that_fits() -> None:
    @dataclass(frozen=True)
    class Family:
        people: tuple[Person, Person]
        tags: list[str]
        motto: str | None = None

    with OpenAIDouble() as double, ProviderLLM("openai-compatible:m", base_url=double.base_url) as llm:
        assert llm.ask(PROMPT, ASK, Family) == Family(people=(Person("x", 0), Person("x", 0)), tags=[])


def test_without_the_provider_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai.exceptions", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mneme\[llm\]'"):
        ProviderLLM("ollama:qwen3")


def test_importing_models_and_doubles_loads_no_provider_library() -> None:
    code = "import sys, mneme.models.llm, mneme.testing; print(sorted({'pydantic', 'pydantic_ai', 'openai'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
