"""Sentences in fewer words: what is spared never changes what is said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mneme.retention.duplicates import NEGATIONS
from mneme.retention.terse import SPARED, terse
from mneme.text.stopwords import listed_languages

WORDS = st.lists(st.sampled_from("not never no if the a Ann Porto 12 3.50 is was from until because or really dog can't won't".split()))
TELLING = re.compile(r"not|never|no|if|Ann|Porto|12|3\.50|from|until|because|or|dog|can't|won't")


@pytest.mark.parametrize(
    ("text", "language", "short"),
    [
        ("The meeting was really in the old library, and I'm not going.", "en", "meeting old library, not going."),
        ("I never said that it's on the 3rd of May!", "en", "I never said 3rd May!"),
        ("Der Hund ist wirklich nicht im Garten.", "de", "Hund nicht im Garten."),
        ("La maison est très petite.", "fr", "maison petite."),
        ("Он не пришёл.", "ru", "Он не пришёл."),
        ("我明天不去。", "zh", "我明天不去。"),
        ("It is.", "en", "It is."),
        ("", "en", ""),
    ],
)
def test_what_a_sentence_can_spare(text: str, language: str, short: str) -> None:
    assert terse(text, language) == short


@given(WORDS)
def test_names_numbers_negations_and_conditions_stay_in_their_order(words: list[str]) -> None:
    short = terse(" ".join(words), "en")
    assert [word for word in words if TELLING.fullmatch(word)] == [word for word in short.split() if TELLING.fullmatch(word)]
    assert len(short) <= len(" ".join(words))


def test_no_list_has_a_negation_and_every_language_is_known() -> None:
    assert set(SPARED) <= set(listed_languages())
    denials = NEGATIONS | {"nicht", "kein", "keine", "pas", "ne", "non", "no", "ni", "não", "nem", "niet", "geen", "sin", "sem", "ohne"}
    assert all(not words & denials for words in SPARED.values())
