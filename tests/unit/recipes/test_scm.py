"""SCM's acceptance test: no search behind a closed gate, raw and summaries within the budget, order of time, one summary per long turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

import mneme
from mneme.core.composing import resolve
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.core.recipe import Recipe
from mneme.models.transport import Request
from mneme.retrieval.dense import Dense
from mneme.testing import ScriptedLLM
from mneme.text.tokens import count_tokens

from .world import START, memory_of

BUDGET = 2500
THINGS = ["anchor", "basket", "candle", "drum", "easel", "flute", "goblet", "hammer", "inkpot", "jigsaw"]
QUESTION = "Which colour has the goblet?"
HOPELESS = ("anchor", "basket")
SHORTER = ("candle", "drum", "easel")


def turn(thing: str, tokens: int = 400) -> str:
    text = f"The {thing} of the old house is painted in a colour that only the {thing} has."
    while count_tokens(text) < tokens:
        text += " We went on about this and that for a while."
    while count_tokens(text) > tokens:
        text = text[:-1].rstrip()
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Spy:
    """A channel that counts."""

    calls: list[str]
    name: str = "dense"

    def search(self, ctx: Context, query: Query) -> FloatArray:
        self.calls.append(query.text)
        return Dense().search(ctx, query)


def spied(calls: list[str]) -> Recipe:
    recipe = resolve("scm")
    return replace(recipe, ranker=replace(recipe.ranker, channels=(Spy(calls=calls),)))  # type: ignore[type-var]


def of(text: str) -> str:
    return next(thing for thing in THINGS if thing in text)


def helps(request: Request) -> dict[str, bool]:
    said: Mapping[str, object] = request.variables
    names = SHORTER if said["form"] == "summary" else [thing for thing in THINGS if thing not in HOPELESS]
    return {"helps": of(str(said["text"])) in names}


def model(needed: bool = True) -> ScriptedLLM:
    return ScriptedLLM(
        {
            "gate.needed": {"needed": needed},
            "turns.summarise": lambda request: {"text": f"In short: the {of(request.variables['message'])} has a colour."},
            "packer.helps": helps,
        }
    )


def lived(recipe: Recipe, llm: ScriptedLLM | None) -> mneme.Space:
    memory, clock = memory_of(recipe, "hash:128", llm=llm)
    space = memory.space("s")
    for thing in THINGS:
        clock.advance(minutes=5)
        space.remember(turn(thing), ref=thing, wait=True)
    return space


def test_where_no_history_is_needed_nothing_is_searched() -> None:
    calls: list[str] = []
    space = lived(spied(calls), model(needed=False))
    assert space.recall(QUESTION, k=3).hits == ()
    plain = lived(spied(calls), None)
    assert plain.recall("Hello there!", k=3).hits == ()
    assert calls == []
    assert plain.recall(QUESTION, k=3).hits
    assert calls == [QUESTION]


def test_the_model_is_asked_once_a_question_and_small_talk_not_at_all() -> None:
    llm = ScriptedLLM({"gate.needed": [{"needed": False}, {"needed": True}]})
    memory, _ = memory_of("scm", "hash:64", llm=llm)
    space = memory.space("s")
    space.remember("The key is under the pot.")
    assert space.recall("Hello there!", k=3).hits == ()
    assert llm.left == {"gate.needed": 2}
    assert space.recall("What is two plus two?", k=3).hits == ()
    assert len(space.recall("Where is the key?", k=3).hits) == 1


def test_over_the_budget_the_best_stays_raw_others_are_shortened_or_dropped_in_the_order_of_time() -> None:
    space = lived(resolve("scm"), model())
    found = space.recall(QUESTION, budget_tokens=BUDGET)
    assert 0 < found.context_tokens <= BUDGET
    assert turn("goblet") in found.context
    assert turn("jigsaw") in found.context  # flash memory: the last turn, below 500 tokens
    shortened = [thing for thing in THINGS if f"In short: the {thing} " in found.context]
    assert set(SHORTER) <= set(shortened)
    assert all(turn(thing) not in found.context for thing in shortened)
    assert not any(thing in found.context for thing in HOPELESS)
    places = [found.context.index(thing) for thing in THINGS if thing in found.context]
    assert len(places) == 8
    assert places == sorted(places)


def test_what_fits_is_shown_as_it_was_said_without_a_question_to_the_model() -> None:
    llm = model()
    space = lived(resolve("scm"), llm)
    found = space.recall(QUESTION, k=3, budget_tokens=BUDGET)
    assert "In short" not in found.context
    assert all(request.role != "packer.helps" for request in llm.asked)


def test_by_rule_a_budget_is_held_too_and_the_best_stays_raw() -> None:
    space = lived(resolve("scm"), None)
    for budget in (60, 450, 900, BUDGET):
        found = space.recall(QUESTION, budget_tokens=budget)
        assert 0 < found.context_tokens <= budget
    assert turn("goblet") in found.context


@pytest.mark.parametrize(("tokens", "asked"), [(299, 0), (300, 0), (301, 1)])
def test_a_turn_above_three_hundred_tokens_is_summarised_once(tokens: int, asked: int) -> None:
    llm = model()
    memory, _ = memory_of("scm", "hash:64", llm=llm)
    space = memory.space("s")
    assert count_tokens(turn("anchor", tokens)) == tokens
    space.remember(turn("anchor", tokens), wait=True)
    assert [request.role for request in llm.asked] == ["turns.summarise"] * asked
    assert len(space.memories({"kinds": ["summary"]})) == asked


def test_without_a_model_the_summary_is_sentences_of_the_turn_which_it_cites() -> None:
    memory, _ = memory_of("scm", "hash:64")
    space = memory.space("s")
    text = turn("anchor", 420)
    space.remember(text)
    (summary,) = space.memories({"kinds": ["summary"]})
    assert summary.text.startswith("The anchor of the old house")
    assert [text[span.start : span.end].strip() in summary.text for span in summary.sources] == [True] * len(summary.sources)
    assert count_tokens(summary.text) < 120
    assert all(hit.memory.kind == "turn" for hit in space.recall("the anchor", k=5).hits)


def test_a_model_that_never_fits_leaves_gate_and_packer_to_the_rules() -> None:
    llm = ScriptedLLM(lambda request: "I would rather not.")
    space = lived(resolve("scm"), None)
    space._memory.llm = llm
    found = space.recall(QUESTION, budget_tokens=BUDGET)
    assert 0 < found.context_tokens <= BUDGET
    assert turn("goblet") in found.context


def test_the_last_message_is_shown_only_where_the_recall_may_see_it() -> None:
    memory, clock = memory_of("scm", "hash:128")
    space = memory.space("s")
    space.remember("The goblet is green.", session="one", author="Ana")
    clock.advance(days=2)
    space.remember("The safe opens with zanzibar.", session="two", author="Ben")
    assert "zanzibar" in space.recall(QUESTION, budget_tokens=BUDGET).context
    for more in ({"as_of": START + timedelta(days=1)}, {"filters": {"sessions": ["one"]}}, {"filters": {"authors": ["Ana"]}}):
        found = space.recall(QUESTION, budget_tokens=BUDGET, **more)
        assert "green" in found.context
        assert "zanzibar" not in found.context
