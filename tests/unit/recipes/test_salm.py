"""SALM's acceptance test: the retrieval adapter learns a swapped mapping anew, the forgetting adapter keeps what is needed."""

from __future__ import annotations

from datetime import timedelta

import pytest

import mneme
from mneme.recipes.agent.forms import NearestAnswers, Pair
from mneme.recipes.agent.self_adapting import SelfAdapting
from mneme.retrieval.adapting import StoreChoice, question_kind

from .world import START, TableEmbedder, bare, memory_of

DAY = timedelta(days=1)
NEEDED, IDLE = 10, 30


def routed(choice: StoreChoice, right: dict[str, str], rounds: int) -> float:
    """Ask, reward, and return the share of right choices."""
    hits = []
    for number in range(rounds):
        kind = ("a", "b")[number % 2]
        store = choice.choose(kind)
        choice.learn(kind, store, store == right[kind])
        hits.append(store == right[kind])
    return sum(hits) / rounds


@pytest.mark.parametrize("seed", range(20))
def test_the_retrieval_adapter_starts_even_learns_and_learns_anew_when_the_mapping_is_swapped(seed: int) -> None:
    choice = StoreChoice(seed=seed)
    assert choice.chances("a") == {"external": 0.5, "parametric": 0.5}
    routed(choice, {"a": "external", "b": "parametric"}, 100)
    assert routed(choice, {"a": "external", "b": "parametric"}, 100) >= 0.9
    routed(choice, {"a": "parametric", "b": "external"}, 100)
    assert routed(choice, {"a": "parametric", "b": "external"}, 100) >= 0.9


def simulate(rate: float, adapts: bool) -> tuple[float, float]:
    """Live for 200 days in which ten items are needed every ten days.

    Returns:
        Share of the needs of the second half that were met without digging in the archive, and share of the store that is left.
    """
    needed = {f"needed {n}": [0.0] * n + [1.0] for n in range(NEEDED)}
    recipe = bare(channels=["dense"], keepers=[{"use": "adaptive", "rate_per_day": rate, "adapts": adapts}])
    memory, clock = memory_of(recipe, needed)
    space = memory.space("s")
    space.remember([*needed, *(f"idle {n}" for n in range(IDLE))])
    met = []
    for day in range(2, 202, 2):
        clock.set(START + day * DAY)
        if day % 10 == 0:
            left = {m.text for m in space.memories({"kinds": ["turn"]}, limit=100)}
            met.append(len(left & set(needed)) / NEEDED)
            for text in needed:
                space.recall(text, k=1, archived=True)  # a use, which the next pass takes in
        space.upkeep()
    return sum(met[10:]) / len(met[10:]), len(space.memories({"kinds": ["turn"]}, limit=100)) / (NEEDED + IDLE)


def test_with_feedback_forgetting_spares_what_is_needed_and_half_the_store_goes() -> None:
    for rate in (1.0, 0.002):
        survival, size = simulate(rate, adapts=True)
        assert survival >= 0.95, rate
        assert size <= 0.5, rate


def test_frozen_at_the_same_rates_one_of_the_two_fails() -> None:
    assert simulate(1.0, adapts=False)[0] < 0.95
    assert simulate(0.002, adapts=False)[1] > 0.5


def stub(*questions: str) -> NearestAnswers:
    return NearestAnswers([Pair(key=q, kind="self", question=q, answer=f"by heart: {q}") for q in questions], TableEmbedder())


def test_a_form_without_an_answer_falls_back_and_judgement_reaches_both_adapters() -> None:
    memory, _ = memory_of("salm", "hash:96")
    space = memory.space("s")
    both = SelfAdapting(space, stub("What is iron?"), StoreChoice(seed=1))
    assert both.ask("Where is my key?").text == ""
    said = both.ask("What is iron?")
    assert (said.form, said.text) == ("parametric", "by heart: What is iron?")
    space.remember("My key is under the blue pot.")
    for _ in range(20):
        said = both.ask("Where is my key?")
        both.judge(said, said.form == "external")
    assert both.choice is not None
    assert both.choice.chances(question_kind("Where is my key?"))["external"] > 0.8
    fresh = StoreChoice()
    fresh.restore(both.choice.state())
    assert fresh.chances("personal") == both.choice.chances("personal")


@pytest.mark.parametrize("left_out", ["storage", "retrieval", "forgetting", "parametric"])
def test_without_any_one_adapter_the_rest_goes_on(left_out: str) -> None:
    recipe = bare(
        ranker="keyed",
        formers=["rules" if left_out == "storage" else {"use": "admission", "by_rule": "rules"}],
        keepers=[] if left_out == "forgetting" else ["adaptive"],
    )
    memory, clock = memory_of(recipe, "hash:96")
    space = memory.space("s")
    parametric = None if left_out == "parametric" else stub("What is iron?")
    both = SelfAdapting(space, parametric, None if left_out == "retrieval" else StoreChoice())
    space.remember("I live in Porto.", author="Ana")
    for text in ("Where do I live?", "What is iron?"):
        both.judge(both.ask(text), True)
    clock.set(START + 5 * DAY)
    space.upkeep()
    assert space.verify().ok
    assert "Porto" in space.recall("Where does Ana live?", k=1).hits[0].text


def test_the_storage_adapter_keeps_news_once_and_marks_what_weighs_much() -> None:
    memory, _ = memory_of("salm", "hash:96")
    space = memory.space("s")
    for session in "abc":
        space.remember("I live in Porto.", author="Ana", session=session)
    formed: list[mneme.core.records.Memory] = [m for m in space.memories(limit=100) if m.kind != "turn"]
    assert len(formed) == 1
    assert formed[0].attributes["form"] == ("internal" if formed[0].importance >= 0.7 else "external")
    assert len(space.memories({"kinds": ["turn"]})) == 3


def test_what_was_learned_of_forgetting_outlives_the_oldest_memory() -> None:
    recipe = bare(channels=["dense"], keepers=[{"use": "adaptive", "rate_per_day": 0.02}])
    memory, clock = memory_of(recipe, "hash:96")
    space = memory.space("s")
    ids = space.remember([f"note {number} of many" for number in range(6)]).ids
    for day in range(1, 20):
        clock.set(START + day * DAY)
        space.upkeep()

    def rate() -> float:
        return max(usage.state.get("adaptive_rate", 0.0) for usage in space.usage(list(ids)).values())

    learned = rate()
    assert learned > 0.1  # nothing was used: forgetting sped up
    space.forget(ids[0], erase=True)
    clock.set(START + 19 * DAY + timedelta(hours=1))
    space.upkeep()
    assert rate() >= learned


def test_a_form_that_had_nothing_to_say_is_asked_less() -> None:
    memory, _ = memory_of("salm", "hash:96")
    space = memory.space("s")
    space.remember("My key is under the blue pot.")
    both = SelfAdapting(space, stub("What is iron?"), StoreChoice(seed=1))
    assert both.choice is not None
    said = next(said for said in (both.ask("Where is my key?") for _ in range(20)) if said.fell_back)
    assert said.form == "external"
    both.judge(said, True)
    chances = both.choice.chances("personal")
    assert chances["parametric"] == pytest.approx(1 / (2 + both.choice.keep))
    assert chances["external"] == pytest.approx(2 / 3)


def right_forms(both: SelfAdapting, questions: dict[str, str], rounds: int) -> float:
    """Ask two questions in turn, reward what came from the right form, and return the share that did so at once."""
    right = []
    for number in range(rounds):
        question = list(questions)[number % 2]
        said = both.ask(question)
        right.append(said.form == questions[question] and not said.fell_back)
        both.judge(said, said.form == questions[question])
    return sum(right) / rounds


def test_two_kinds_of_question_find_their_store_within_a_hundred_and_again_after_a_swap() -> None:
    memory, _ = memory_of("salm", "hash:96")
    space = memory.space("s")
    space.remember(["My key is under the blue pot.", "Iron is a metal."])
    mine, general = "Where is my key?", "What is iron?"
    both = SelfAdapting(space, stub(mine, general), StoreChoice(seed=5))
    right_forms(both, {mine: "external", general: "parametric"}, 100)
    assert right_forms(both, {mine: "external", general: "parametric"}, 100) >= 0.9
    right_forms(both, {mine: "parametric", general: "external"}, 100)
    assert right_forms(both, {mine: "parametric", general: "external"}, 100) >= 0.9


def test_what_weighs_more_goes_before_what_matches_alike() -> None:
    table = {"What about tea?": [1, 0], "Tea is green.": [0.8, 0.6], "Tea is hot.": [0.8, -0.6]}
    memory, _ = memory_of("salm", table)
    space = memory.space("s")
    space.remember(["Tea is green.", "Tea is hot.", "A far thing."])
    found = space.recall("What about tea?", k=3)
    second = next(hit for hit in found.hits if hit.text == "Tea is hot.")
    space.feedback(found, useful=[second])
    assert space.recall("What about tea?", k=3).hits[0].text == "Tea is hot."
