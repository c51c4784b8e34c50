"""What a recall with ``explain`` says of each hit."""

from __future__ import annotations

import mneme
from mneme.core.clock import FrozenClock

from .stage import START, said


def explained(messages: list[mneme.Message], question: str, text: str) -> dict[str, object]:
    with mneme.Memory(":memory:", embedder="hash:64", clock=FrozenClock(START.replace(month=12)), seed=1) as memory:
        space = memory.space("a")
        space.remember(messages)
        found = space.recall(question, k=20, explain=True)
        plain = space.recall(question, k=20)
        assert [(hit.memory.id, hit.score) for hit in plain.hits] == [(hit.memory.id, hit.score) for hit in found.hits]
        assert all("evidence" not in hit.why for hit in plain.hits)
        hit = next(hit for hit in found.hits if hit.text == text)
        evidence = hit.why["evidence"]
        assert isinstance(evidence, dict)
        return evidence


def test_words_are_shown_as_the_memory_writes_them_and_neighbours_with_what_only_they_have() -> None:
    messages = said("The harbour was foggy.", "Boats were waiting there.", "Ana laughed.", author="Ben")
    told = explained(messages, "Which boat waited in the harbour?", "Boats were waiting there.")
    assert told["lexical"] == ["Boats", "waiting"]
    assert told["window-lexical"] == {"harbour": "Ben: The harbour was foggy."}


def test_who_and_when_are_told() -> None:
    messages = [*said("I planted a pear tree.", author="Ana"), *said("Lovely.", author="Ben", session="t")]
    told = explained(messages, "What did Ana plant in May 2024?", "I planted a pear tree.")
    assert told["speaker"] == "Ana"
    assert told["in-range"] == [{"from": "2024-05-01", "until": "2024-06-01", "how": "said in it"}]


def test_the_question_before_and_the_nearest_of_the_conversation_are_told() -> None:
    messages = said("Where is the spare key kept?", "Under the stone.")
    told = explained(messages, "Where is the spare key?", "Under the stone.")
    assert told["answers"] == "Where is the spare key kept?"
    assert told["session-dense"] == "Where is the spare key kept?"
    assert told["window-dense"] == ["Where is the spare key kept?"]


def test_a_long_text_shows_its_nearest_passage() -> None:
    filler = " ".join(f"Sentence number {number} is about the weather in the valley." for number in range(80))
    text = f"{filler} The treasure lies beneath the crooked oak."
    told = explained([mneme.Message(text=text, session="a", at=START)], "Where does the treasure lie?", text)
    assert isinstance(told["dense"], str)
    assert len(told["dense"]) <= 120


def test_the_bridge_names_what_is_shared_and_with_which_hit() -> None:
    messages = [mneme.Message(text=f"Small talk {number} about bread.", session=f"f{number}", at=START) for number in range(12)]
    messages.append(mneme.Message(text="The harvest song was written by Orla Quinn.", session="a", at=START))
    messages.append(mneme.Message(text="Orla Quinn was born in a lighthouse.", session="b", at=START))
    told = explained(messages, "Where was the writer of the harvest song born?", "Orla Quinn was born in a lighthouse.")
    assert told["bridge"] == {"names": ["orla quinn"], "shared with": "The harvest song was written by Orla Quinn."}


def test_the_topic_is_told_by_what_the_asker_said_and_the_spread_by_better_hits_of_the_conversation() -> None:
    messages = said("My kite needs a line.", "I fly it on Sundays.", role="user")
    told = explained(messages, "Can you recommend a line for my kite?", "I fly it on Sundays.")
    assert told["topic"] == ["My kite needs a line.", "I fly it on Sundays."]
    messages = said("A kite festival.", "We saw a kite.", "The kite was red.", "Rain came.")
    told = explained(messages, "How many festivals with a kite did we see?", "We saw a kite.")
    assert told["spread"] == "hits of its conversation before it: 1"
