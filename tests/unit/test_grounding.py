"""The gate lets through what the cited words bear out and stops what they do not."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from mneme.arena.generated.extraction import corpus
from mneme.arena.generated.extraction_words import PEOPLE
from mneme.formation.reading import read
from mneme.guard.grounding import borne_out, grounded
from mneme.text.relations import told

SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
KNOWN = ["Melanie", "Caroline"]


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("Melanie moved to Lisbon.", "I just moved to Lisbon!"),
        ("Melanie moved to Lisbon on 6 May 2023.", "I moved to Lisbon last Saturday"),
        ("Melanie painted it in 2022.", "I painted that lake last year"),
        ("Melanie met Caroline in the week of May 1-7, 2023.", "I met Caroline last week"),
        ("Melanie has 3 children.", "we have three kids"),
        ("Melanie is not vegan anymore.", "I'm no longer vegan"),
        ("Melanie does not eat meat.", "I don't eat meat."),
        ("Melanie dislikes mushrooms.", "I hate mushrooms"),
        ("Melanie goes to yoga every Tuesday.", "I go to yoga on Tuesdays"),
        ("Melanie has lived there since 2019.", "I've lived there since 2019"),
        ("Melanie's e-mail is mel@x.example.", "write to mel@x.example"),
        ("Melanie ran 1,200 metres.", "I ran 1200 metres"),
        ("Melanie said so on May 8, 2023.", "I said so"),
        ("Melanie can't wait to see Caroline.", "So excited to see Caroline"),
        ("Melanie was born in 1993.", "I'm 30 years old"),
    ],
)
def test_what_follows_from_the_words_and_their_date_passes(text: str, cited: str) -> None:
    assert grounded(text, cited, SAID, known=KNOWN).problems == ()


@pytest.mark.parametrize(
    ("text", "cited", "kind"),
    [
        ("Melanie moved to Porto.", "I just moved to Lisbon!", "name"),
        ("Melanie met Tomas.", "I met somebody new", "name"),
        ("Melanie moved on 7 May 2023.", "I moved last Saturday", "date"),
        ("Melanie moved on 3 May 2023.", "I moved last week", "date"),
        ("Melanie moved in 2021.", "I moved last year", "date"),
        ("Melanie has 4 children.", "we have three kids", "number"),
        ("Melanie does not eat meat.", "I eat meat", "negation"),
        ("Melanie eats meat.", "I don't eat meat.", "negation"),
        ("Melanie swims every Friday.", "I swim on Tuesdays", "date"),
        ("Melanie's number is 555-010-7788.", "my number is 555-010-7789", "number"),
        ("Melanie writes to ana@x.example.", "I write to tom@x.example", "name"),
        ("", "I moved", "empty"),
        ("Melanie moved.", "", "empty"),
    ],
)
def test_what_the_words_do_not_bear_out_is_named(text: str, cited: str, kind: str) -> None:
    verdict = grounded(text, cited, SAID, known=KNOWN)
    assert not verdict.ok
    assert kind in {problem.kind for problem in verdict.problems}


def test_a_full_name_is_borne_out_by_its_short_form() -> None:
    assert grounded("Melanie Smith sings.", "Mel sings", SAID, known=["Melanie Smith"]).ok
    assert not grounded("Melissa sings.", "Tom sings", SAID, known=["Melanie"]).ok


def test_nearly_everything_that_is_read_by_rule_passes_the_gate() -> None:
    judged = passed = 0
    for turn in (turn for dialogue in corpus(11, dialogues=25) for turn in dialogue):
        for item in read(turn.text, turn.author, turn.at, PEOPLE):
            text = told(item.subject, item.relation, item.object, polarity=item.polarity)
            verdict = grounded(text, turn.text[item.span_start : item.span_end], turn.at, known=[turn.author])
            judged += 1
            passed += verdict.ok
    assert judged > 200
    assert passed / judged >= 0.98


def test_fabrications_of_every_sort_are_stopped() -> None:
    """Each statement of a corpus with its object exchanged for another statement's, where that is a name or number."""
    pairs = [
        (item, turn)
        for dialogue in corpus(12, dialogues=25)
        for turn in dialogue
        for item in read(turn.text, turn.author, turn.at, PEOPLE)
        if item.object[:1].isupper() or item.object[:1].isdigit()
    ]
    tried = let_through = 0
    for (item, turn), (other, _) in pairwise(pairs):
        if other.object == turn.author or other.object.casefold() in turn.text.casefold() or other.relation == "reads":
            continue
        tried += 1
        forged = told(item.subject, item.relation, other.object, polarity=item.polarity)
        let_through += grounded(forged, turn.text[item.span_start : item.span_end], turn.at, known=[turn.author]).ok
    assert tried > 100
    assert let_through == 0


@pytest.mark.parametrize("text", ["They meet in June.", "Und das ist am 12. Juli 2031.", "They will meet on 5 March 2031."])
def test_an_invented_date_stays_a_problem_however_many_times_are_cited(text: str) -> None:
    said = {datetime(2023, 2, 8, tzinfo=UTC): "We talked about music.", datetime(2023, 2, 20, tzinfo=UTC): "And about food."}
    assert [problem.kind for problem in borne_out(text, said, prose=True).problems] == ["date"]


def test_lines_and_sentences_that_are_cited_as_they_stand_need_no_second_look() -> None:
    said = {datetime(2023, 2, 8, tzinfo=UTC): "Ana has 7 boats. Bo left Oslo in 1999.\nSee https://a.example/b now."}
    assert borne_out("Ana: Ana has 7 boats. Bo left Oslo in 1999.\nSee https://a.example/b now.\nboats, Oslo", said, prose=True).ok
    assert [problem.text for problem in borne_out("Ana has 7 boats.\nMilan", said, prose=True).problems] == []
    assert [problem.text for problem in borne_out("Ana has 7 boats.\nShe met Miguel.", said, prose=True).problems] == ["Miguel"]


def test_german_prose_may_use_nouns_of_its_own() -> None:
    said = {datetime(2023, 2, 8, tzinfo=UTC): "Ich habe Tomaten und Gurken gepflanzt, und im Sommer fahre ich nach Rom."}
    assert borne_out("Die Person hat über ihre Arbeit im Garten und über eine Reise nach Rom gesprochen.", said, prose=True).ok
    assert not borne_out("Die Person hat mit Miguel Torres über ihre Arbeit gesprochen, und sie ist zufrieden.", said, prose=True).ok
