"""CHIME's acceptance test: eight passages, their order, the flip, the stop rule; and a model that helps, or does not."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

import mneme
from mneme.models.transport import Request
from mneme.recipes.agent.passages import PassageReader, Refined, passages
from mneme.retrieval.two_memories import Passage, read_by_rule
from mneme.testing import ScriptedLLM

from .world import START, memory_of

QUESTION = "How long does the battery last?"
A = [
    "The battery lasts ten hours.",
    "Great screen. The battery lasted me 10 hours on a flight.",
    "I get 10 hrs of battery.",
    "Its battery lasts about ten hours, I love it.",
    "After a year the battery still lasts 10 hours.",
]
B = ["The battery lasts six hours.", "My battery is empty after 6 hours."]
OFF = "The parcel took 3 days to arrive."
EIGHT = [A[0], B[0], A[1], OFF, A[2], B[1], A[3], A[4]]
NEWER = [f"Since the update the battery lasts 6 hours, tested {word}." for word in ("at home", "at work", "outside", "in bed")]


def given(texts: Sequence[str]) -> list[Passage]:
    every = [*EIGHT, *NEWER]
    return [Passage(source=f"p{every.index(text):02}", text=text, at=START + timedelta(days=every.index(text))) for text in texts]


def space_of(texts: Sequence[str], llm: ScriptedLLM | None = None) -> mneme.Space:
    memory, _ = memory_of("chime", "hash:96", llm=llm)
    space = memory.space("reviews")
    space.remember(list(texts), wait=True)
    return space


def read(texts: Sequence[str], question: str = QUESTION, llm: ScriptedLLM | None = None) -> Refined:
    return PassageReader(space_of(["x"]), llm).read(question, given(texts) if set(texts) <= {*EIGHT, *NEWER} else told(texts))


def told(texts: Sequence[str]) -> list[Passage]:
    return [Passage(source=f"q{number}", text=text, at=START) for number, text in enumerate(texts)]


def test_five_of_eight_agree_and_the_minority_is_shown() -> None:
    found = read(EIGHT)
    assert found.text in A
    assert len(found.sources) == 5
    (minority,) = found.minority
    assert minority.text in B
    assert len(minority.support) == 2
    assert len(found.history) == 8
    assert not found.early
    assert [step.evidence for step in found.history if not step.evidence] == [""]


def test_the_order_of_the_passages_does_not_change_the_answer() -> None:
    draw = random.Random(5)
    orders = [draw.sample(EIGHT, 8) for _ in range(60)]
    orders += [[*B, OFF, *A], [OFF, *reversed(B), *A], [*A, *B, OFF]]
    found = [read(order) for order in orders]
    assert {min(one.text in A for one in found)} == {True}
    whole = [one for one in found if len(one.history) == 8 and not one.early]
    assert len(whole) > 40
    assert {(one.text, one.sources, len(one.minority[0].support)) for one in whole} == {(whole[0].text, whole[0].sources, 2)}


def test_four_newer_passages_flip_the_answer_and_the_history_shows_it() -> None:
    found = read([*EIGHT, *NEWER])
    assert "6 hours" in found.text or "six hours" in found.text
    assert len(found.sources) == 6
    assert len(found.minority[0].support) == 5
    flips = [number for number, step in enumerate(found.history) if step.flipped]
    assert flips == [1, 2, 10]  # a tie goes to what was said last: one all, then five all
    assert [found.history[at].support for at in (10, 11)] == [5, 6]


def test_reading_stops_when_the_first_four_agree() -> None:
    found = read([*A[:4], *B, OFF, A[4]])
    assert (len(found.history), found.early, len(found.sources)) == (4, True, 4)
    assert len(read([A[0], A[1], OFF, A[2], A[3], *B]).history) == 5  # what says nothing does not count
    assert len(read([*A[:3], B[0], *A[3:]]).history) == 6  # objection: counted anew


def test_every_order_of_two_against_one_gives_the_same() -> None:
    for order in itertools.permutations([A[0], A[1], B[0], OFF]):
        assert read(order).sources == ("p00", "p02")


@pytest.mark.parametrize(
    ("question", "texts", "answer", "support", "minority"),
    [
        ("Does it fit a bike?", ["Yes, it fits my bike.", "It fits any bike.", "It doesn't fit my bike."], "It fits any bike.", 2, [1]),
        ("Where is it made?", ["It is made in Italy.", "Made in Italy, says the label.", "Made in Spain."], "It is made in Italy.", 2, [1]),
        ("When was it released?", ["Released on 3 March 2023.", "It was released 2023-03-03.", "Released in May."], None, 2, [1]),
        ("Why is the fan loud?", ["The fan is loud for dust.", "Dust makes the fan loud.", "The fan is loud, old bearings."], None, 2, [1]),
        ("Is the fan loud or quiet?", ["The fan is loud.", "Loud fan.", "The fan is quiet."], "Loud fan.", 2, [1]),
        ("How long does it last?", ["It lasts ten hours, not six.", "It lasts 10 hours.", "It lasts six hours."], None, 2, [1]),
        ("Who won?", ["Rosa won.", "Ben won.", "The winner is not Ben, it's Rosa who won."], None, 2, [1]),
        ("Does it fit a bike?", ["Lovely colour.", "I'm not sure whether it fits a bike."], "", 0, []),
    ],
)  # fmt: skip
def test_what_the_question_wants_decides_what_agrees(
    question: str, texts: list[str], answer: str | None, support: int, minority: list[int]
) -> None:
    found = read(texts, question)
    assert answer is None or found.text == answer
    assert len(found.sources) == support
    assert [len(one.support) for one in found.minority] == minority


def test_a_source_counts_once_and_a_denial_opposes() -> None:
    twice = [*given([A[0]]), Passage(source="p00", text=A[1], at=START), *given(B[:1])]
    first = read_by_rule(QUESTION, twice).candidates[0]
    assert (len(first.support), len(first.opposed)) == (1, 1)
    reading = read_by_rule(QUESTION, told(["The battery lasts ten hours.", "The battery does not last ten hours."]))
    assert [(len(one.support), len(one.opposed)) for one in reading.candidates] == [(1, 1)]


def test_a_kept_answer_is_a_summary_that_cites_its_sources() -> None:
    space = space_of(EIGHT)
    found = PassageReader(space, patience=None).ask(QUESTION, keep=True)
    kept = space.get(found.kept)
    assert (kept.kind, kept.text, kept.attributes["question"], kept.attributes["against"]) == ("summary", found.text, QUESTION, 2)
    assert {span.episode for span in kept.sources} == set(found.sources)
    assert {episode.text for episode in space.episodes(list(found.sources))} == set(A)
    space.undo()
    assert not space.memories({"kinds": ["summary"]})


def test_recall_puts_what_agrees_first_and_says_where_hits_stand() -> None:
    found = space_of(EIGHT).recall(QUESTION, k=8, kinds=("turn",), explain=True)
    texts = [hit.text for hit in found.hits]
    assert set(texts[:5]) == set(A)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert found.trace is not None
    assert [note["two_memories"] for note in found.trace.notes if "two_memories" in note] == [{"read": 8, "for": 5, "against": 2}]
    stands = {hit.text: hit.why.get("answer") for hit in found.hits}
    assert [stands[text] for text in (*A, *B, OFF)] == ["agrees"] * 5 + ["opposes"] * 2 + [None]


def test_passages_of_one_episode_are_read_once() -> None:
    found = space_of(["I live in Porto."]).recall("Where do I live?", k=9)
    assert len(passages(found.hits)) == 1


def test_a_model_reads_what_rules_cannot_join_and_words_the_answer() -> None:
    texts = ["The fan is loud since dust gets in.", "It is full of fluff, so loud.", "Bearings are old, hence loud."]
    reads = [
        {"relevant": True, "quote": texts[0], "answer": "dust", "same_as": -1},
        {"relevant": True, "quote": texts[1], "answer": "fluff", "same_as": 0},
        {"relevant": True, "quote": texts[2], "answer": "old bearings", "same_as": -1},
    ]
    llm = ScriptedLLM({"chime.read": reads, "chime.answer": {"text": "The fan is loud because dust gets in."}})
    found = read(texts, "Why is the fan loud?", llm)
    assert (found.text, len(found.sources), found.refused) == ("The fan is loud because dust gets in.", 2, 0)
    assert [one.text for one in found.minority] == [texts[2]]
    assert "[0] " in llm.asked[2].turns[0].text


def test_quotes_and_values_that_no_passage_has_are_refused() -> None:
    made_up = {"relevant": True, "quote": "The battery lasts 99 hours.", "answer": "99 hours", "same_as": 0}
    llm = ScriptedLLM({"chime.read": made_up, "chime.answer": {"text": "It lasts 99 hours, says Rosa."}})
    found = read(EIGHT, llm=llm)
    assert (found.text, found.sources) == (read(EIGHT).text, read(EIGHT).sources)
    assert found.refused == 15  # eight passages, and the wording after each of the seven that say something


def test_a_model_that_never_fits_or_talks_nonsense_leaves_the_answer_of_the_rules() -> None:
    def never(request: Request) -> str:
        return "I would rather not."

    assert read(EIGHT, llm=ScriptedLLM(never)).text == read(EIGHT).text
    assert read(EIGHT, llm=ScriptedLLM({})).sources == read(EIGHT).sources
