"""Questions that ask for one relation of one subject."""

from __future__ import annotations

import pytest

from mneme.text.slots import Slot, asked_slot


@pytest.mark.parametrize(
    ("question", "subject", "relation"),
    [
        ("Where does Ana live?", "Ana", "lives_in"),
        ("which city does Mary Ann Smith live in now", "Mary Ann Smith", "lives_in"),
        ("Where do I work these days?", "The user", "works_at"),
        ("Who does Ana work for?", "Ana", "works_at"),
        ("What is James' job?", "James", "job"),
        ("What's my favourite colour?", "The user", "favourite_colour"),
        ("Which color does Ana like best?", "Ana", "favourite_colour"),
        ("What is Ana’s favorite board game?", "Ana", "favourite_board_game"),
        ("Which instrument does Tomas play?", "Tomas", "plays"),
        ("Who's Ana's husband?", "Ana", "married_to"),
        ("When is my birthday?", "The user", "birthday"),
        ("What is Tomas allergic to?", "Tomas", "allergic_to"),
    ],
)
def test_common_forms_are_read(question: str, subject: str, relation: str) -> None:
    assert asked_slot(question) == Slot(subject=subject, relation=relation)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "Where does she live?",
        "Why does Ana live in Porto?",
        "Where did Ana live?",
        "What does the cat like?",
        "住在哪里？",
        "When does Ana work?",
    ],
)
def test_other_questions_are_left_alone(question: str) -> None:
    assert asked_slot(question) is None
