"""Ten hits are not one hit ten times: what was said again in the same words takes one place."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import mneme
from mneme.core.clock import FrozenClock
from mneme.retrieval.repeats import MOST_COPIES, same_words

from .stage import MINUTE, START, said

DAY = timedelta(days=1)
OTHERS = [f"The red kite flew over hill number {number} in the north." for number in range(12)]


def found(messages: list[mneme.Message], question: str, k: int = 10, *, at: datetime = START) -> list[mneme.Hit]:
    """Return the hits of a question asked of a new space."""
    with mneme.Memory(":memory:", embedder="hash:64", clock=FrozenClock(at), seed=1) as memory:
        space = memory.space("a")
        space.remember(messages)
        return list(space.recall(question, k=k).hits)


def test_a_message_that_was_said_twenty_times_is_one_hit_and_its_newest() -> None:
    copies = ["The red kite nests in the oak.", "the red kite nests in the oak", "The red kite  nests in the oak!"] * 7
    messages = [*said(*copies, session=None), *said(*OTHERS, session=None, since=START + 60 * MINUTE)]
    hits = found(messages, "The red kite nests in the oak?", at=START + DAY)
    assert len(hits) == 10
    assert [hit.memory.text.casefold() for hit in hits if "oak" in hit.memory.text] == ["the red kite  nests in the oak!"]
    assert hits[0].memory.at == START + 20 * MINUTE
    assert len(hits[0].why["said-before"]) == 20  # type: ignore[arg-type]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_copies_follow_where_nothing_else_is_left() -> None:
    hits = found([*said(*["The red kite nests in the oak."] * 4), *said("It rains.", since=START + 60 * MINUTE)], "red kite", k=4)
    assert [hit.memory.text for hit in hits[:2]] == ["The red kite nests in the oak.", "It rains."]
    assert len({hit.memory.id for hit in hits}) == 4


def test_the_same_words_on_another_day_or_by_somebody_else_are_no_repeat() -> None:
    days = [
        mneme.Message(text="I went to the gym.", author="Ana", session=f"s{number}", at=START + number * DAY)
        for number in range(MOST_COPIES)
    ]
    ben = mneme.Message(text="I went to the gym.", author="Ben", session="b", at=START)
    filler = [mneme.Message(text=text, session="f", at=START) for text in OTHERS]
    hits = found([*days, ben, *filler], "Who went to the gym?", at=START + 30 * DAY)
    assert [hit.memory.text for hit in hits].count("I went to the gym.") == MOST_COPIES + 1
    many = [mneme.Message(text="Water the plants.", session=f"s{number}", at=START + number * DAY) for number in range(20)]
    hits = found([*many, *filler], "Water the plants?", at=START + 30 * DAY)
    assert [hit.memory.text for hit in hits].count("Water the plants.") == MOST_COPIES


def test_all_copies_are_there_when_the_whole_space_is_asked_for() -> None:
    hits = found([*said(*["The red kite nests in the oak."] * 8), *said("It rains.", since=START + 60 * MINUTE)], "red kite", k=9)
    assert len(hits) == 9


def test_texts_are_the_same_by_their_words_alone() -> None:
    assert same_words("Water the plants!", " water  the plants")
    assert not same_words("The code is 4711.", "The code is 4712.")
    assert not same_words("I like tea.", "I do not like tea.")
    assert same_words("?!", "?!")
    assert not same_words("?!", "!!")


def test_a_revised_memory_is_not_hidden_by_an_older_copy(tmp_path: Path) -> None:
    with mneme.Memory(str(tmp_path), embedder="hash:64") as memory:
        space = memory.space("a")
        receipt = space.remember(said("The kite is red.", *OTHERS))
        space.revise(receipt.ids[0], "The kite is blue.")
        texts = [hit.memory.text for hit in space.recall("What colour is the kite?").hits]
    assert "The kite is blue." in texts
    assert "The kite is red." not in texts
