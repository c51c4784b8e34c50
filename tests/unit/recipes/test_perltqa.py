"""PerLTQA's acceptance test: the likely type overtakes softly, even chances change nothing, anchors reach the answerer, their MAP."""

from __future__ import annotations

import pytest

import mneme
from mneme.arena.metrics import Judged, Metric, score
from mneme.core.composing import compose, resolve
from mneme.testing import ScriptedLLM

from .world import at_angle, bare, memory_of

TYPES = {"profile": ["profile"], "relations": ["concept"], "events": ["event"], "dialogues": ["note"]}
QUESTION = "What is there of the lighthouse?"
GOLD, DISTRACTOR = "Ana painted the lighthouse in 1999.", "The lighthouse is loved by Ana."


def collections(steer: float, chances: dict[str, float] | None, gold: float = 0.8) -> mneme.Space:
    """Four collections of five: the gold event, and a profile that is nearer to the question."""
    texts = {f"{name} {number}": (kinds[0], 0.4 - number / 50) for name, kinds in TYPES.items() for number in range(5)}
    del texts["events 0"], texts["profile 0"]
    texts |= {GOLD: ("event", gold), DISTRACTOR: ("profile", 0.9)}
    reply = {"chances": [{"type": name, "chance": chance} for name, chance in (chances or {}).items()]}
    llm = ScriptedLLM({"types.classify": reply}) if chances is not None else None
    ranker = {"use": "typed", "types": TYPES, "steer": steer, "ask_model": True}
    table = {QUESTION: [1, 0], **{text: at_angle(cosine) for text, (_, cosine) in texts.items()}}
    memory, _ = memory_of(bare(channels=["dense"], ranker=ranker), table, llm=llm)
    space = memory.space("s")
    space.remember(memories=[{"text": text, "kind": kind} for text, (kind, _) in texts.items()])
    return space


def order(space: mneme.Space, k: int = 10) -> list[str]:
    return [hit.text for hit in space.recall(QUESTION, k=k).hits]


def sure(of: str, chance: float) -> dict[str, float]:
    return {name: chance if name == of else (1 - chance) / 3 for name in TYPES}


def test_without_the_classifier_the_distractor_is_first_and_with_nine_tenths_for_its_type_the_gold_is() -> None:
    assert order(collections(0.0, None))[:2] == [DISTRACTOR, GOLD]
    assert order(collections(1.0, sure("events", 0.9)))[0] == GOLD


def test_even_chances_give_exactly_the_plain_ranking() -> None:
    plain = collections(0.0, None).recall(QUESTION, k=20)
    even = collections(1.0, dict.fromkeys(TYPES, 0.25)).recall(QUESTION, k=20)
    assert [hit.text for hit in even.hits] == [hit.text for hit in plain.hits]
    assert [hit.score for hit in even.hits] == pytest.approx([hit.score for hit in plain.hits])


@pytest.mark.parametrize("gold", [0.8, 0.5])
def test_a_wrong_classification_leaves_the_gold_within_reach(gold: float) -> None:
    wrong = {"profile": 0.7, "relations": 0.1, "events": 0.1, "dialogues": 0.1}
    found = order(collections(1.0, wrong, gold))
    assert found[0] == DISTRACTOR
    assert GOLD in found


@pytest.mark.parametrize(
    "chances", [{}, {"nonsense": 1.0}, {"events": -3.0, "profile": 7.0}, {"events": 0.0}], ids=["none", "unknown", "beyond", "zero"]
)
def test_a_classifier_that_misbehaves_shuts_nothing_out(chances: dict[str, float]) -> None:
    found = order(collections(1.0, chances), k=20)
    assert {GOLD, DISTRACTOR} <= set(found)
    assert len(found) == 20


def test_as_many_messages_are_found_as_were_asked_for() -> None:
    memory, _ = memory_of("perltqa", "hash:96")
    space = memory.space("s")
    space.remember([f"Thing number {number} is blue." for number in range(60)])
    assert len(space.recall("Which thing is blue?", k=50).hits) == 50


def test_rules_classify_by_the_words_of_the_question() -> None:
    ranker = resolve("perltqa").ranker
    types = ranker.types  # type: ignore[attr-defined]
    from mneme.retrieval.typed import likely

    for question, type in {
        "When did Ana visit Oslo?": "events",
        "What is her job?": "profile",
        "What did Ben say to her?": "dialogue",
        "Who is Carla to Ana?": "facts",
        "Who is Ana's brother?": "facts",
        "Is Ben married?": "facts",
    }.items():
        chances = likely(question, types)
        assert max(chances, key=lambda name: chances[name]) == type
        assert sum(chances.values()) == pytest.approx(1.0)


def test_the_anchors_of_the_gold_reach_who_writes_the_answer() -> None:
    reply = {"known": True, "answer": "In 1999.", "citations": [{"mark": "m1", "quote": "painted the lighthouse in 1999"}]}
    llm = ScriptedLLM({"types.classify": {"chances": [{"type": "events", "chance": 0.9}]}, "ask.answer": reply})
    recipe = compose(name="p", base="perltqa", formers=[], ranker={**SETTINGS, "ask_model": True})
    memory, _ = memory_of(recipe, "hash:96", llm=llm)
    space = memory.space("s")
    space.remember(memories=[{"text": text, "kind": kind} for text, kind in ((GOLD, "event"), ("Ben sells boats.", "fact"))])
    answer = space.ask("When did Ana paint the lighthouse?")
    asked = [turn.text for request in llm.asked if request.role == "ask.answer" for turn in request.turns]
    assert all(anchor in asked[-1] for anchor in ("lighthouse", "1999"))
    assert answer.known
    assert answer.citations[0].quote == "painted the lighthouse in 1999"


SETTINGS = {"use": "typed", "types": {"events": ["event"], "facts": ["fact"], "dialogue": ["turn"]}, "each": 20, "steer": 0.5}


def test_mean_average_precision_over_anchors_equals_the_figure_by_hand() -> None:
    rows = [
        Judged(id=id, ranking=ranking, gold=dict.fromkeys(anchors, 1), sessions=(), gold_sessions=frozenset(), stale=frozenset(), packed={})
        for id, anchors, ranking in (("one", "ab", ("a", "x", "b", "y")), ("two", "c", ("x", "y", "c")))
    ]
    values = score([Metric.parse("map")], rows)["map"]
    assert values == pytest.approx({"one": (1 + 2 / 3) / 2, "two": 1 / 3})
    assert sum(values.values()) / 2 == pytest.approx(7 / 12)
