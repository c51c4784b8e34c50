"""Opt-in: questions to a real model, whatever MNEME_LLM names; for example ``MNEME_LLM=ollama:qwen3 pytest tests/live``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from mneme.core.llm import Budget, LLMCall, Prompt, scoped
from mneme.models.llm import ProviderLLM
from mneme.models.settings import LLMSettings

NAME = os.environ.get("MNEME_LLM", "")
pytestmark = pytest.mark.skipif(not NAME, reason="MNEME_LLM names no model; the live suite is opt-in")

FACTS = Prompt(
    role="live.facts",
    system="You extract facts about people. Answer only with what the text says.",
    template="Text:\n$text\n\nList each person with their city. mood is 'good' if the text is friendly, else 'bad'.",
    trim=(("text", "tail"),),
)


@dataclass(frozen=True)
class Home:
    person: str
    city: str


@dataclass(frozen=True)
class Homes:
    homes: list[Home]
    mood: Literal["good", "bad"]


@pytest.fixture
def llm() -> Iterator[ProviderLLM]:
    # The ceiling keeps a mistake from costing much.
    with ProviderLLM(NAME, settings=LLMSettings(timeout_s=120, deadline_s=300), budget=Budget(calls_total=20)) as model:
        yield model


def test_a_real_model_gives_a_typed_answer(llm: ProviderLLM) -> None:
    calls: list[LLMCall] = []
    answer = scoped(llm, space="live", on_call=calls.append).ask(
        FACTS, {"text": "Ada is happy to live in Lisbon. Bo moved to Oslo and loves it."}, Homes
    )
    assert {(home.person, home.city) for home in answer.homes} == {("Ada", "Lisbon"), ("Bo", "Oslo")}
    assert answer.mood == "good"
    total = llm.ledger.total(space="live")
    assert total.calls == len(calls[0].spends) >= 1
    assert total.input_tokens > 0
    assert total.output_tokens > 0


def test_a_real_model_reads_what_is_kept_of_a_long_text(llm: ProviderLLM) -> None:
    text = "The weather was grey. " * 20_000 + "\nCy lives in Rome, how nice!"
    calls: list[LLMCall] = []
    answer = scoped(llm, space="live", on_call=calls.append).ask(FACTS, {"text": text}, Homes)
    assert [(home.person, home.city) for home in answer.homes] == [("Cy", "Rome")]
    assert len(calls[0].notes) <= 1
