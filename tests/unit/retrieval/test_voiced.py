"""The question as whoever it names would put it."""

from __future__ import annotations

from recipes.world import at_angle, bare, memory_of

from mneme.retrieval.voiced import first_person

ASKED = "Where did Ana swim?"
TABLE = {
    ASKED: [1, 0],
    "Where did I swim?": [0, 1],
    "Where did I walk?": [0, 1],
    "Hi Ana, good to see you!": [1, 0],
    "I went to the lake.": [0, 1],
    "To the lake, as I do every week.": at_angle(0.1),
}


def told(channel: str) -> list[str]:
    """Return what is found first to last, by one channel."""
    memory, _ = memory_of(bare(channels=[channel]), TABLE)
    space = memory.space("s")
    space.remember("Hi Ana, good to see you!", author="Ben")
    space.remember("I went to the lake.", author="Ana")
    space.remember("To the lake, as I do every week.", author="Ben")
    return [hit.text for hit in space.recall(ASKED, k=3).hits]


def test_a_greeting_by_name_is_nearest_to_the_plain_question_and_farthest_from_the_voiced_one() -> None:
    assert told("dense")[0] == "Hi Ana, good to see you!"
    assert told("voiced") == ["I went to the lake.", "To the lake, as I do every week.", "Hi Ana, good to see you!"]


def test_what_the_named_people_said_gets_the_constant_unless_everybody_is_named() -> None:
    table = {**TABLE, "Where did I and I swim?": [0, 1], "Did we swim?": at_angle(0.6)}
    first = {}
    for named in (0.0, 0.2):
        memory, _ = memory_of(bare(channels=[{"use": "voiced", "named": named}]), {**table, "By the sea.": at_angle(-0.1)})
        space = memory.space("s")
        space.remember("I went to the lake.", author="Ben")
        space.remember("By the sea.", author="Ana")
        space.remember("Hi Ana, good to see you!", author="Ben")
        questions = (ASKED, "Where did Ana and Ben swim?", "Did we swim?")
        first[named] = [space.recall(question, k=1).hits[0].author for question in questions]
    assert first == {0.0: ["Ben", "Ben", "Ben"], 0.2: ["Ana", "Ben", "Ben"]}


def test_names_become_pronouns() -> None:
    assert first_person("What did Caroline's sister tell Caroline?", ["Caroline"]) == "What did my sister tell I?"
    assert first_person("When did ana costa meet Ben’s aunt?", ["Ana Costa", "Ben"]) == "When did I meet my aunt?"
    assert first_person("Is Anabel here?", ["Ana"]) == "Is Anabel here?"
