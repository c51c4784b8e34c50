"""Rule-based reading: what it states, and above all what it refuses to state."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mneme.arena.generated.extraction import Phrasings, corpus, score
from mneme.arena.generated.extraction_words import PEOPLE
from mneme.formation.corrections import correction
from mneme.formation.reading import read

SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


def stated(text: str, author: str = "Mel") -> list[tuple[str, str, str, bool]]:
    return [(item.subject, item.relation, item.object, item.polarity) for item in read(text, author, SAID, ["Ana", "Tomas"])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I live in Lisbon and work as a nurse.", [("Mel", "lives_in", "Lisbon", True), ("Mel", "job", "nurse", True)]),
        ("My sister Ana lives in Berlin.", [("Mel", "sibling", "Ana", True), ("Ana", "lives_in", "Berlin", True)]),
        ("Tomas got a dog. He is a teacher.", [("Tomas", "job", "teacher", True)]),
        ("I don't like mushrooms.", [("Mel", "likes", "mushrooms", False)]),
        ("I speak Polish and some French.", [("Mel", "speaks", "Polish", True), ("Mel", "speaks", "French", True)]),
        ("My favorite color is teal!", [("Mel", "favourite_colour", "teal", True)]),
        (
            "We have two cats named Rex and Miso.",
            [("Mel", "pet", "two cats", True), ("Mel", "pet", "Rex", True), ("Mel", "pet", "Miso", True)],
        ),
        ('I\'m reading "The Overstory".', [("Mel", "reads", "The Overstory", True)]),
        ("Ana's sister works at Siemens.", [("Ana's sister", "works_at", "Siemens", True)]),
    ],
)
def test_common_forms_are_read(text: str, expected: list[tuple[str, str, str, bool]]) -> None:
    assert stated(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Do you live in Rome?",
        "If I moved to Rome, I would be happy.",
        "I might move to Rome.",
        "I almost bought a car.",
        "I wish I had a dog.",
        "She lives in Rome.",
        'She said "I live in Rome".',
        "They say Ana lives in Rome.",
        "I think Ana lives in Rome.",
        "Ana said I live in Rome.",
        "I live in Rome or Paris.",
        "Sounds like fun!",
        "I love it. I love you.",
        "I'd rather work at Siemens.",
        "Ana met Salma. She lives in Oslo.",
        "",
    ],
)
def test_what_is_not_asserted_of_somebody_is_left_out(text: str) -> None:
    places = [item for item in stated(text) if item[1] != "met"]
    assert places == []


def test_a_quotation_is_the_claim_of_the_one_quoted() -> None:
    [quoted] = read('Ana said "I live in Madrid".', "Mel", SAID)
    [reported] = read("My brother told me he works at Siemens.", "Mel", SAID)
    assert (quoted.subject, quoted.claimed_by, quoted.modality, quoted.object) == ("Ana", "Ana", "reported", "Madrid")
    assert (reported.subject, reported.claimed_by, reported.modality) == ("Mel's brother", "Mel's brother", "reported")


def test_times_of_the_turn_become_validity() -> None:
    [moved] = read("I moved to Lisbon last March.", "Mel", SAID)
    [lived] = read("I lived in Rome from 2010 to 2015.", "Mel", SAID)
    [since] = read("I've lived in Boston since 2015.", "Mel", SAID)
    [used] = read("I used to live in Paris.", "Mel", SAID)
    [plan] = read("I'm flying to Oslo next week.", "Mel", SAID)
    [ended] = read("I no longer work at Siemens.", "Mel", SAID)
    assert (moved.valid_from, moved.valid_to, moved.precision) == (
        datetime(2023, 3, 1, tzinfo=UTC),
        datetime(2023, 4, 1, tzinfo=UTC),
        "month",
    )
    assert (lived.valid_from, lived.valid_to) == (datetime(2010, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC))
    assert (since.valid_from, since.valid_to) == (datetime(2015, 1, 1, tzinfo=UTC), None)
    assert (used.valid_from, used.valid_to, used.polarity) == (None, SAID, True)
    assert (plan.relation, plan.modality, plan.valid_from) == ("plans_to", "planned", datetime(2023, 5, 15, tzinfo=UTC))
    assert (ended.polarity, ended.ended, ended.valid_from, ended.valid_to) == (False, True, SAID, None)


def test_spans_hold_what_was_read() -> None:
    text = "Hey! By the way, I adopted a kitten named Miso last week, and my brother Leo moved to Oslo."
    found = read(text, "Mel", SAID)
    assert {item.object for item in found} == {"a kitten", "Miso", "Leo", "Oslo"}
    for item in found:
        assert item.object.split()[-1] in text[item.span_start : item.span_end]


@pytest.mark.parametrize(("phrasings", "precision", "recall"), [("held-out", 0.95, 0.6), ("development", 0.97, 0.9)])
def test_precision_and_recall_on_a_generated_corpus(phrasings: Phrasings, precision: float, recall: float) -> None:
    result = score(corpus(20260, dialogues=40, phrasings=phrasings), lambda turn: read(turn.text, turn.author, turn.at, PEOPLE))
    assert result.precision >= precision, result.wrong[:10]
    assert result.recall >= recall, result.by_relation
    assert len(result.by_relation) >= 25


def test_the_corpus_is_reproducible() -> None:
    assert corpus(7, dialogues=3) == corpus(7, dialogues=3)
    assert corpus(7, dialogues=3) != corpus(8, dialogues=3)


@pytest.mark.parametrize(
    ("text", "new", "old"),
    [
        ("No, I meant Porto, not Oslo.", "Porto", "Oslo"),
        ("Sorry, I meant Porto.", "Porto", None),
        ("Actually it's Porto, not Oslo.", "Porto", "Oslo"),
        ("Correction: 12 May.", "12 May", None),
        ("Not Oslo but Porto!", "Porto", "Oslo"),
        ("I meant to call you.", None, None),
        ("It means a lot.", None, None),
        ("No, I meant what I said.", None, None),
    ],
)
def test_corrections_name_the_new_and_the_old_value(text: str, new: str | None, old: str | None) -> None:
    found = correction(text)
    assert (found.new if found else None, found.old if found else None) == (new, old)
