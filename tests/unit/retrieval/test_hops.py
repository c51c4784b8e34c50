"""Hops: what the best hit leads to, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

import mneme
from mneme.core.query import Recall
from mneme.recipes.default import recipe as default
from mneme.retrieval.hops import Hops, is_statement, leads, names, version

from .stage import START

CHAIN = (
    "The author of Our Mutual Friend is Charles Darwin.",
    "Charles Darwin is married to Amala Paul.",
    "Amala Paul is a citizen of Belgium.",
)
QUESTION = "What is the country of citizenship of the spouse of the author of Our Mutual Friend?"
NOISE = [f"Person {chr(65 + n % 26)}{n} is a citizen of Country {n}." for n in range(60)]


def asked(texts: Sequence[str], question: str, *, hops: Hops | None, k: int = 6) -> Recall:
    others = [refiner for refiner in default.refiners if not isinstance(refiner, Hops)]
    recipe = replace(default, name="t", refiners=(*others, *([hops] if hops else [])))
    messages = [mneme.Message(text=text, session="log", at=START + timedelta(days=number)) for number, text in enumerate(texts)]
    with mneme.Memory(":memory:", embedder="hash:64", recipe=recipe, seed=1) as memory:
        memory.space("a").remember(messages)
        return memory.space("a").recall(question, k=k)


def test_a_chain_of_three_statements_is_followed_from_its_first() -> None:
    texts = [*NOISE[:30], *CHAIN, *NOISE[30:]]
    plain = [hit.text for hit in asked(texts, QUESTION, hops=None).hits]
    assert not set(CHAIN) <= set(plain)
    found = asked(texts, QUESTION, hops=Hops())
    assert found.hits[0].text == CHAIN[0]
    assert set(CHAIN) <= {hit.text for hit in found.hits}
    by_text = {hit.text: hit for hit in found.hits}
    assert by_text[CHAIN[1]].why["hop"] == by_text[CHAIN[0]].memory.id
    assert by_text[CHAIN[2]].why["hop"] == by_text[CHAIN[1]].memory.id
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert len(found.hits) == 6


def test_a_statement_with_a_later_version_is_not_followed() -> None:
    late = "Charles Darwin is married to Emma Wedgwood."
    texts = [*NOISE[:30], *CHAIN, late, "Emma Wedgwood is a citizen of Peru.", *NOISE[30:]]
    found = {hit.text: hit.why for hit in asked(texts, QUESTION, hops=Hops()).hits}
    assert "hop" in found[late]
    assert "Emma Wedgwood is a citizen of Peru." in found
    assert "hop" not in found.get(CHAIN[2], {})


def test_talk_and_long_texts_lead_nowhere() -> None:
    talk = ["I met Charles Darwin, did you hear?", "We told Charles Darwin about Belgium!", *NOISE]
    plain, hopped = (asked(talk, "Whom did they meet?", hops=hops) for hops in (None, Hops()))
    assert [hit.memory.text for hit in plain.hits] == [hit.memory.text for hit in hopped.hits]
    assert not is_statement("You are married to Ana.")
    assert not is_statement("Is Ana married?")
    assert not is_statement("Ana\nBen")
    assert is_statement("The author of Our Mutual Friend is Ana.")
    assert is_statement("Ana is married to Ben.")


def test_a_share_of_the_places_is_the_most_that_is_taken() -> None:
    deeds = "opened closed built sold painted left moved saved ran led planned drew".split()
    many = ["The head of Acme is Ana Silva.", *(f"Ana Silva {deed} the office in Town {n}." for n, deed in enumerate(deeds)), *NOISE]
    found = asked(many, "Where did the head of Acme work?", hops=Hops(beam=20, width=20, most=4, share=0.5), k=10)
    assert sum("hop" in hit.why for hit in found.hits) == 4
    assert sum("hop" in hit.why for hit in asked(many, "Where did the head of Acme work?", hops=Hops(beam=20, width=20), k=4).hits) <= 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Steve Sax is associated with the sport of association football.", ["steve sax", "association football"]),
        ("The author of Our Mutual Friend is Charles Darwin.", ["charles darwin", "mutual friend"]),
        ("basketball was created in the country of Italy.", ["italy", "basketball"]),
        ("It rains.", ["rains"]),
        ("", []),
    ],
)
def test_names_are_what_a_statement_may_be_about(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ana plays chess.", "Eva plays chess.", True),
        ("Ana is married to Ben.", "Ana is married to Carl Otto.", True),
        ("Ana is married to Ben.", "Ana is a citizen of Peru.", False),
        ("The capital of Italy is Rome.", "The capital of Italy is Duluth.", True),
        ("sumo was created in Japan.", "association football was created in Japan.", True),
        ("Ana is married to Ben.", "Rain falls.", False),
    ],
)
def test_versions_differ_in_one_name(one: str, other: str, same: bool) -> None:
    assert version(one, other) is same
    assert version(other, one) is same


def test_the_same_value_of_somebody_else_is_no_hop() -> None:
    assert leads("Emma was written by Ana.", "Ana died in Rome.", "ana")
    assert not leads("Ana plays chess.", "Eva plays chess.", "chess")
    assert not leads("Ana plays chess.", "Eva died in Rome.", "chess")
