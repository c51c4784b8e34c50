"""The packed context: within its budget to the token, stable at its front, and every line traces back to a memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

import mneme
from mneme.core.components import Item
from mneme.core.records import Memory as Record
from mneme.retrieval.packing import Chronological, excerpt, render
from mneme.text.tokens import count_tokens

START = datetime(2024, 5, 1, 9, tzinfo=UTC)
texts = st.text(st.sampled_from("abc de.fgh? ünï 会議は楽しい\n🙂"), min_size=1, max_size=400).filter(lambda text: text.strip())


@st.composite
def memories(draw: st.DrawFn) -> list[Record]:
    rows = draw(st.lists(st.tuples(texts, st.integers(0, 90), st.sampled_from([None, "a", "b"]), st.booleans()), min_size=1, max_size=25))
    made = []
    for number, (text, hours, session, ended) in enumerate(rows):
        at = START + timedelta(hours=hours)
        end = at + timedelta(days=9) if ended else None
        made.append(
            Record(
                id=f"mem_{number:03}",
                kind="turn",
                text=text,
                at=at,
                recorded_at=at,
                valid_from=at,
                valid_to=end,
                session=session,
                author="Ana",
            )
        )
    return made


def items(made: list[Record]) -> list[Item]:
    return [Item(memory=memory, score=float(len(made) - place)) for place, memory in enumerate(made)]


@settings(deadline=None)
@given(memories(), st.integers(1, 2000))
def test_the_budget_is_kept_to_the_token_with_any_counter(made: list[Record], budget: int) -> None:
    for counter in (count_tokens, len, lambda text: len(text.split())):
        packed = Chronological(counter=counter).pack(None, "abc de", items(made), budget)
        assert counter(packed.text) <= budget
        known = {memory.id for memory in made}
        assert set(packed.marks.values()) <= known
        assert len(set(packed.marks.values())) == len(packed.marks)
        assert all(f"[{mark}] " in packed.text for mark in packed.marks)


@settings(deadline=None)
@given(memories())
def test_without_a_budget_everything_is_there_in_order_under_one_heading_a_session_and_day(made: list[Record]) -> None:
    packed = Chronological().pack(None, "abc", items(made), None)
    by_id = {memory.id: memory for memory in made}
    times = [(by_id[id].at, id) for id in packed.marks.values()]
    assert times == sorted(times)
    assert len(times) == len(made)
    lines = packed.text.split("\n")
    headings = [line for line in lines if line.startswith("## ")]
    assert len(lines) == len(made) + len(headings)
    assert all(first != second for first, second in pairwise(headings))


@settings(deadline=None)
@given(memories(), texts)
def test_a_later_memory_leaves_the_front_as_it_was(made: list[Record], text: str) -> None:
    later = Record(
        id="mem_999", kind="turn", text=text, at=START + timedelta(days=99), recorded_at=START, valid_from=START, session="a", author="Ben"
    )
    assert render([*made, later]).text.startswith(render(made).text)


@given(st.text(st.sampled_from("abcd efg. h?! "), min_size=0, max_size=900), st.integers(80, 400))
def test_an_excerpt_is_a_run_of_the_text_within_its_length(text: str, most: int) -> None:
    cut = excerpt(text, "abcd", most)
    assert len(cut) <= most + len("…  …")
    assert cut.removeprefix("… ").removesuffix(" …") in text or text == cut


def test_an_excerpt_takes_the_sentences_that_share_words_with_the_question() -> None:
    text = " ".join(f"Sentence {number} is about bread." for number in range(40)) + " The key lies under the oak tree. " + "End. " * 40
    cut = excerpt(text, "Where is the key to the oak chest?", 90)
    assert "The key lies under the oak tree." in cut
    assert cut.startswith("… ")
    assert cut.endswith(" …")


def test_a_short_answer_brings_its_question_where_there_is_room() -> None:
    with mneme.Memory(":memory:", embedder="hash:64", seed=1) as memory:
        space = memory.space("a")
        talk = [("Where do you keep the spare violin strings?", 0), ("In the attic.", 1)]
        talk += [(f"Some other talk about bread and the weather, number {number}.", 600 + number) for number in range(60)]
        space.remember([mneme.Message(text=text, session="s", at=START + timedelta(minutes=minutes)) for text, minutes in talk])
        found = space.recall("attic", budget_tokens=120)
        assert found.context_tokens <= 120
        assert "In the attic." in found.context
        assert "spare violin strings?" in found.context


@settings(max_examples=15, deadline=None)
@given(st.lists(texts, min_size=1, max_size=12), st.integers(20, 3000))
def test_a_recall_keeps_its_budget_and_gives_a_small_space_whole(said: list[str], budget: int) -> None:
    with mneme.Memory(":memory:", embedder="hash:16", seed=1) as memory:
        space = memory.space("a")
        space.remember([mneme.Message(text=text, session="s", at=START + timedelta(minutes=n)) for n, text in enumerate(said)])
        found = space.recall("abc", budget_tokens=budget)
        assert found.context_tokens <= budget
        everything = render(space.memories()).text
        if found.counter(everything) <= budget * 0.4:
            assert found.whole
            assert found.context == everything


def test_of_a_book_the_place_where_the_questions_words_stand_together_is_shown() -> None:
    told = "Anna saw the zebra near the harbour in Porto. "
    page = "The road went on and on, and nobody spoke of anything at all. Anna was tired. "
    for before, after in ((0, 2_000), (1_000, 1_000), (2_000, 0)):
        shown = excerpt(page * before + told + page * after, "Where did Anna see the zebra near Porto?", 400)
        assert told.strip() in shown
        assert len(shown) <= 404
        assert shown.startswith("… ") == bool(before)
        assert shown.endswith(" …") == bool(after)
    assert len(excerpt("x" * 100_000, "?", 400)) <= 404
