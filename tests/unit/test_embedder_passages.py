from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mneme.models.hashing import HashEmbedder
from mneme.models.local import LocalEmbedder
from mneme.models.passages import MOST_PASSAGES, passages
from mneme.text.sentences import sentence_spans, sentences

EMBEDDER = LocalEmbedder()
PROSE = " ".join(f"On day {day} we walked {day % 7} miles, and Ana found a shell." for day in range(200))

SPLITS = {
    "Dr. Ito paid 3.50 euros. He left!": ["Dr. Ito paid 3.50 euros.", "He left!"],
    "We met at 5 p.m. Then we ate.": ["We met at 5 p.m.", "Then we ate."],
    "I lived in the U.S. for years.": ["I lived in the U.S. for years."],
    "J. R. Smith wrote it, e.g. in No. 5.": ["J. R. Smith wrote it, e.g. in No. 5."],
    "Well... maybe. Wait... No!": ["Well... maybe.", "Wait...", "No!"],
    '"Stop!" "Why?" she asked.': ['"Stop!"', '"Why?"', "she asked."],
    "今天很好。我去公园！「好的。」再见": ["今天很好。", "我去公园！", "「好的。」", "再见"],
    "هل أنت بخير؟ نعم.": ["هل أنت بخير؟", "نعم."],
    "यह घर है। वह वहाँ है।": ["यह घर है।", "वह वहाँ है।"],
    "First line\nSecond line\n\n- item": ["First line", "Second line", "- item"],
    "a line that was\nwrapped goes on.": ["a line that was\nwrapped goes on."],
    "Version 2.0.1 is out.": ["Version 2.0.1 is out."],
    "So did I. He too.": ["So did I.", "He too."],
    "": [],
    " \n ": [],
}


@pytest.mark.parametrize("text", SPLITS)
def test_sentences(text: str) -> None:
    assert sentences(text) == SPLITS[text]


@given(st.text(alphabet="aB .!?\n。؟…\"'3\ud800é", max_size=80))
def test_sentence_spans_lie_end_to_end_and_cover_the_text(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)


@pytest.mark.parametrize("unit", [".", " ", "\n", ".)", "a", "Mr. ", "。", "!\n", "\ud800"])
def test_hostile_text_is_split_in_linear_time(unit: str) -> None:
    started = time.perf_counter()
    sentence_spans(unit * (200_000 // len(unit)))
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize("text", ["", "  ", "Short.", "我搬到了上海。" * 3, "a" * 250])
def test_a_text_that_fits_is_its_own_only_passage(text: str) -> None:
    assert EMBEDDER.passages(text) == [text]


def test_long_prose_is_cut_at_sentences_with_whole_sentences_shared() -> None:
    parts = EMBEDDER.passages(PROSE)
    assert len(parts) > 10
    for part, following in itertools.pairwise(parts):
        assert part.startswith("On day")
        assert part.endswith("a shell.")
        last = sentences(part)[-1]
        assert last in following
        assert 150 < EMBEDDER.count_tokens(part) <= EMBEDDER.window_tokens
    assert parts[-1].endswith("On day 199 we walked 3 miles, and Ana found a shell.")


def test_every_sentence_is_whole_in_some_passage() -> None:
    parts = EMBEDDER.passages(PROSE)
    assert all(any(sentence in part for part in parts) for sentence in sentences(PROSE))


def test_a_sentence_without_end_is_cut_at_words() -> None:
    text = " ".join(f"word{number}" for number in range(2000))
    parts = EMBEDDER.passages(text)
    assert {word for part in parts for word in part.split()} == set(text.split())
    assert max(map(EMBEDDER.count_tokens, parts)) <= EMBEDDER.window_tokens


def test_a_word_without_end_is_cut_at_characters() -> None:
    text = "".join(chr(97 + number * number % 26) for number in range(5000))
    parts = EMBEDDER.passages(text)
    assert len(parts) > 10
    assert all(part in text for part in parts)
    assert text.startswith(parts[0])
    assert text.endswith(parts[-1])
    assert max(map(EMBEDDER.count_tokens, parts)) <= 510


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "bc. ", "d! ", " ", "\n", "效果。", "wordy ", "x" * 70, "é", "? "]), max_size=80).map("".join),
    st.integers(8, 40),
)
def test_passages_leave_no_character_out(text: str, window: int) -> None:
    def size(part: str) -> int:
        return len(part.split()) * 2

    at = 0
    for part in passages(text, size, window):
        at += len(text[at:]) - len(text[at:].lstrip())
        found = text.find(part, max(0, text.rfind(part, 0, at + len(part))))
        assert found >= 0
        assert not text[at:found].strip()
        at = max(at, found + len(part))
    assert not text[at:].strip()


@pytest.mark.parametrize("unit", ["We walked along the river and talked. ", "word ", "效果很好。", "x", " ", "\n", ". "])
def test_five_megabytes_are_cut_in_bounded_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))  # a fifth, to keep the tests fast; the time is linear
    started = time.perf_counter()
    parts = EMBEDDER.passages(text)
    assert time.perf_counter() - started < 5
    assert len(parts) == 1 if not text.strip() else len(parts) > 100


def test_a_very_long_text_has_a_bounded_number_of_passages_from_its_first_to_its_last() -> None:
    text = " ".join(f"On day {day} we walked {day % 7} miles, and Ana found a shell." for day in range(30_000))
    parts = HashEmbedder().passages(text)
    assert len(parts) == MOST_PASSAGES
    days = [int(part.split()[2]) for part in parts]
    steps = {later - earlier for earlier, later in itertools.pairwise(days)}
    assert days[0] == 0
    assert parts[-1].endswith("On day 29999 we walked 4 miles, and Ana found a shell.")
    assert max(steps) < 2 * min(steps)
