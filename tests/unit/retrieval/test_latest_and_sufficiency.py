"""Latest first, questions, and sufficiency, with values."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

import mneme
from mneme.core.clock import from_micros
from mneme.recipes.default import SUFFICIENCY, SUFFICIENCY_BIAS
from mneme.retrieval.latest import same_frame
from mneme.retrieval.sufficiency import SIGNALS, signals
from mneme.text.questions import asked_ranges, named_people, read_question

from .stage import START, said, staged

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Roy is married to Ana.", "Roy is married to Eva.", True),
        ("Roy is married to Ana.", "The tide is high today.", False),
        ("door code: 4711", "Door code: 9 9 9", True),
        ("door code: 4711", "gate code: 4711", False),
        ("", "anything", False),
        ("我的上司是公司的总裁。", "今天下雨。", False),
    ],
)
def test_two_statements_share_a_frame_when_they_differ_by_a_value(one: str, other: str, expected: bool) -> None:
    assert same_frame(one, other, 0.5) is expected
    assert same_frame(other, one, 0.5) is expected


def test_the_latest_of_many_versions_comes_first_however_many_there_are() -> None:
    with mneme.Memory(":memory:", embedder="hash:64", seed=1) as memory:
        space = memory.space("a")
        space.remember(
            [mneme.Message(text=f"The gate code is {number}.", session="log", at=START + number * DAY) for number in range(700)]
            + [mneme.Message(text=f"The wall is {number} m long.", session="log", at=START + number * DAY) for number in range(50)]
        )
        found = space.recall("What is the gate code?", k=5, explain=True)
        assert found.hits[0].text == "The gate code is 699."
        assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
        earlier = found.hits[0].why.get("later-than")
        assert earlier is None or space.get(str(earlier)).at < found.hits[0].at


def test_a_key_within_another_key_is_not_taken_for_it() -> None:
    with mneme.Memory(":memory:", embedder="hash:64", seed=1) as memory:
        space = memory.space("a")
        rows = ["body: atom", "water body: lake", "body: torso", "water body: pond", "metal: iron"]
        space.remember([mneme.Message(text=text, session="log", at=START + number * DAY) for number, text in enumerate(rows)])
        assert space.recall("What is the current value of body?", k=3).hits[0].text == "body: torso"
        assert space.recall("What is the current value of water body?", k=3).hits[0].text == "water body: pond"


@pytest.mark.parametrize(
    ("question", "when", "own"),
    [
        ("When did I buy the tent?", True, True),
        ("What did I buy?", False, True),
        ("What did you recommend to me?", False, False),
        ("How long did the trip take?", True, False),
        ("Who sings?", False, False),
        ("什么时候见面？", True, False),
    ],
)
def test_the_form_of_a_question_is_read(question: str, when: bool, own: bool) -> None:
    read = read_question(question)
    assert (read.when, read.own) == (when, own)


def test_people_are_named_by_full_or_first_name_as_words() -> None:
    people = ["Ana Lopez", "Ben", "Eva"]
    assert named_people("What did Ana say about Ben's dog?", people) == ["Ana Lopez", "Ben"]
    assert named_people("Did the banana evaporate?", people) == []


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What happened yesterday?", datetime(2024, 4, 30, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)),
        ("What did we do on 3 March 2023?", datetime(2023, 3, 3, tzinfo=UTC), datetime(2023, 3, 4, tzinfo=UTC)),
        ("What happened in June 2022?", datetime(2022, 6, 1, tzinfo=UTC), datetime(2022, 7, 1, tzinfo=UTC)),
    ],
)
def test_a_question_names_a_range(question: str, first: datetime, last: datetime) -> None:
    assert [(from_micros(lower), from_micros(upper)) for lower, upper in asked_ranges(question, START, [2024])] == [(first, last)]


@pytest.mark.parametrize(
    ("question", "about_a_time"),
    [
        ("Can you recommend a film for tonight?", False),
        ("I want to paint the kitchen this weekend. Any tips?", False),
        ("What should I cook tomorrow?", False),
        ("What film did Ana recommend yesterday?", True),
        ("Did Ben get any advice last week?", True),
    ],
)
def test_a_request_for_advice_is_about_no_time(question: str, about_a_time: bool) -> None:
    assert bool(asked_ranges(question, START, [2024])) == about_a_time


def test_a_month_without_a_year_means_that_of_every_year_of_the_space() -> None:
    found = asked_ranges("What happened in June?", START, [2022, 2023])
    assert [from_micros(lower).year for lower, _ in found] == [2022, 2023]


def test_sufficiency_is_the_logistic_of_its_signals() -> None:
    messages = [*said("I adopted a grey cat.", author="Ana"), *said("I run every day.", author="Ben", since=START + DAY)]
    with staged(messages, "Which cat did Ana adopt?") as stage:
        found = signals(stage.ctx, stage.query, stage.scene, stage.parts)
        assert tuple(found) == SIGNALS
        odds = SUFFICIENCY_BIAS + sum(SUFFICIENCY[name] * found[name] for name in SIGNALS)
        assert stage.ranker.sufficiency is not None
        estimate = stage.ranker.sufficiency.estimate(stage.ctx, stage.query, stage.scene, stage.parts)
        assert estimate == pytest.approx(1 / (1 + math.exp(-odds)))
        assert found["stranger"] == 0.0
        assert found["person-best-three"] > 0
        assert found["person-told"] > 0
    with staged(messages, "Which cat did Zebulon adopt?") as stage:
        found = signals(stage.ctx, stage.query, stage.scene, stage.parts)
        assert found["stranger"] == 1.0
        assert found["person-best-three"] == found["person-told"] == 0.0


def test_what_is_asked_of_a_person_tells_of_the_other() -> None:
    messages = [
        *said("My necklace stands for love and strength.", author="Ana"),
        *said("What does your necklace stand for? Love your necklace!", author="Ben", since=START + HOUR),
        *said("The weather was fine.", author="Ben", since=START + 2 * HOUR),
        *said("We walked home.", author="Ana", since=START + 3 * HOUR),
    ]
    told = {}
    for person in ("Ana", "Ben"):
        with staged(messages, f"What does {person}'s necklace stand for?") as stage:
            told[person] = signals(stage.ctx, stage.query, stage.scene, stage.parts)["person-told"]
    assert told["Ana"] > 0 > told["Ben"]


def test_an_empty_space_suffices_for_nothing() -> None:
    with mneme.Memory(":memory:", embedder="hash:64") as memory:
        assert memory.space("a").recall("anything?").sufficiency == 0.0
