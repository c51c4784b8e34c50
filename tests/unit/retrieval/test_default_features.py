"""The features of the default recipe: values on small spaces, and slow versions that say the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.query import Filter
from mneme.retrieval.candidates import top
from mneme.retrieval.features.neighbourhood import MOST_WORDS, REACH, windows
from mneme.retrieval.features.subject import FLOOR, LEAST_RARITY
from mneme.retrieval.features.topic import MOST_MESSAGES
from mneme.retrieval.terms import RARE_WORDS, search_terms
from mneme.text.terms import K1, B

from .stage import MINUTE, START, said, staged

DAY = timedelta(days=1)


def test_speaker_prefers_the_person_that_the_question_names() -> None:
    messages = [*said("I paint.", author="Caroline"), *said("I run.", author="Melanie", since=START + MINUTE)]
    with staged(messages, "What does Caroline do?") as stage:
        assert stage.raw("speaker") == [1.0, 0.0]
    with staged(messages, "What do Caroline and Melanie do?") as stage:
        assert stage.raw("speaker") == [0.0, 0.0]
    with staged(messages, "Who runs?") as stage:
        assert stage.raw("speaker") == [0.0, 0.0]


def test_asker_prefers_the_askers_own_words_unless_the_other_sides_are_asked_for() -> None:
    messages = [*said("My cat is grey.", role="user"), *said("A lovely cat.", role="assistant", since=START + MINUTE)]
    with staged(messages, "What colour is my cat?") as stage:
        assert stage.raw("asker") == [1.0, 0.0]
    with staged(messages, "What did you say about my cat?") as stage:
        assert stage.raw("asker") == [0.0, 0.0]
    noted = [*said("I moved to Porto.", author="me"), *said("I moved to Ghent.", author="Li", since=START + MINUTE)]
    with staged(noted, "Where do I live?") as stage:
        assert stage.raw("asker") == [1.0, 0.0]


def test_answers_marks_what_follows_a_question_in_the_same_session() -> None:
    messages = [*said("Where do you live?", "In Ghent.", "Nice."), *said("By the sea.", session="t", since=START + DAY)]
    with staged(messages, "Ghent") as stage:
        assert dict(zip(stage.texts(), stage.raw("answers"), strict=True)) == {
            "Where do you live?": 0.0, "In Ghent.": 1.0, "Nice.": 0.0, "By the sea.": 0.0,
        }  # fmt: skip


def test_length_grows_to_fifteen_terms_and_a_lone_statement_is_full() -> None:
    long = " ".join(f"word{number}" for number in range(20))
    with staged([*said("Yes.", long), *said("Alone.", session="t", since=START + DAY)], "word3") as stage:
        found = dict(zip(stage.texts(), stage.raw("length"), strict=True))
    assert found["Yes."] == pytest.approx(1 / 15, abs=1e-4)
    assert found[long] == 1.0
    assert found["Alone."] == 1.0


def test_tells_time_counts_only_where_the_question_asks_when() -> None:
    messages = said("We met yesterday.", "We met by chance.")
    with staged(messages, "When did you meet?") as stage:
        assert stage.raw("tells-time") == [1.0, 0.0]
    with staged(messages, "Where did you meet?") as stage:
        assert stage.raw("tells-time") == [0.0, 0.0]


def test_in_range_is_whole_within_and_half_for_a_fortnight_after() -> None:
    days = {"April": (4, 20), "May": (5, 31), "early June": (6, 10), "late June": (6, 20)}
    messages = [
        mneme.Message(text=f"Said in {name}.", session=name, at=START.replace(month=month, day=day)) for name, (month, day) in days.items()
    ]
    with staged(messages, "What happened in May 2024?", at=START.replace(month=12)) as stage:
        assert dict(zip(stage.texts(), stage.raw("in-range"), strict=True)) == {
            "Said in April.": 0.0, "Said in May.": 1.0, "Said in early June.": 0.5, "Said in late June.": 0.0,
        }  # fmt: skip


def test_windows_end_at_the_session_and_where_words_run_out() -> None:
    long = " ".join(f"word{number}" for number in range(MOST_WORDS + 1))
    messages = [*said("one", "two", "three", "four", long, "six"), *said("other", session="t", since=START + DAY)]
    with staged(messages, "two") as stage:
        index, size = stage.ctx.index, stage.ctx.index.size
        found = windows(index)
        for position in range(size):
            assert found[position].tolist() == _slow_window(index, position)
        assert found[2].tolist() == [0, 1, 2, 3, size]
        assert found[6].tolist() == [size, size, 6, size, size]


def test_window_and_session_features_agree_with_slow_versions() -> None:
    rng = np.random.default_rng(3)
    words = "red kite oak boat rain stone lamp bread".split()
    messages = []
    for session in range(6):
        texts = [" ".join(rng.choice(words, rng.integers(1, 9))) for _ in range(rng.integers(1, 7))]
        messages += said(*texts, session=f"s{session}", since=START + session * DAY)
    with staged(messages, "red boat in the rain", k=40) as stage:
        index, dense = stage.ctx.index, stage.channels["dense"]
        groups = index.groups[0]
        wanted = search_terms(stage.ctx, stage.query)
        for place, position in enumerate(stage.scene.positions.tolist()):
            inside = [each for each in _slow_window(index, position) if each < index.size]
            same = np.flatnonzero(groups == groups[position])
            assert stage.raw("window-dense")[place] == pytest.approx(np.mean(dense[inside]), abs=2e-4)
            assert stage.raw("session-dense")[place] == pytest.approx(dense[same].max(), abs=2e-4)
            assert stage.raw("window-lexical")[place] == pytest.approx(_slow_window_bm25(index, wanted, inside), abs=2e-4)
            assert stage.raw("session-lexical")[place] == pytest.approx(_slow_session_bm25(index, wanted, groups, position), abs=2e-4)


def test_bridge_lifts_what_shares_a_rare_name_and_adds_a_word() -> None:
    filler = [mneme.Message(text=f"Small talk number {number} about bread.", session=f"f{number}", at=START) for number in range(20)]
    messages = [
        mneme.Message(text="The harvest song was written by Orla Quinn.", session="a", at=START),
        mneme.Message(text="Orla Quinn was born in a lighthouse.", session="b", at=START),
        mneme.Message(text="Somebody else was born in a lighthouse.", session="c", at=START),
        *filler,
    ]
    with staged(messages, "Where was the writer of the harvest song born?") as stage:
        found = dict(zip(stage.texts(), stage.raw("bridge"), strict=True))
    assert found["Orla Quinn was born in a lighthouse."] > 0.1
    assert found["Somebody else was born in a lighthouse."] == 0.0
    assert found["Small talk number 3 about bread."] == 0.0


def test_a_title_is_asked_for_by_name_and_led_to_by_the_best_hit() -> None:
    pages = ["Vaelen\nVaelen is a town on the river Osk.", "Osk\nThe river is 80 km long.", "Mirrow\nA lake without a river."]
    messages = [mneme.Message(text=page, session=page[:3], at=START) for page in pages]
    with staged(messages, "How long is the river at Vaelen?") as stage:
        assert stage.raw("title-asked") == [1.0, 0.0, 0.0]
        assert stage.raw("title-led") == [0.0, 1.0, 0.0]


def test_the_same_subject_leads_from_one_short_statement_to_another() -> None:
    facts = ["my aunt has her birthday on 8 June", "my aunt works as a pilot", "my brother works as a cook", "it rains a lot"]
    messages = [mneme.Message(text=fact, session=str(number), at=START) for number, fact in enumerate(facts)]
    with staged(messages, "who has birthday 8 June, and which works?") as stage:
        found = stage.raw("same-subject")
    assert found[0] == 0.0
    assert found[1] > found[2] == 0.0
    assert found[3] == 0.0


AUNT = ["my aunt has her birthday on 8 June", "my aunt works as a pilot", "my brother works as a cook", "it rains a lot"]


def test_the_subject_counts_by_the_share_of_the_best_hits_rare_words_and_what_is_added() -> None:
    messages = [mneme.Message(text=fact, session=str(number), at=START) for number, fact in enumerate(AUNT)]
    with staged(messages, "who has birthday 8 June, and which works?") as stage:
        wanted = search_terms(stage.ctx, stage.query)
        works = next(term for term in wanted.terms if 1 in term.positions and 0 not in term.positions)
        shared = math.log1p(4 / 2) / max(math.log1p(4 / 2), LEAST_RARITY)  # "aunt"; "birthday" and "June" are in the question
        expected = shared * (FLOOR + float(works.idf / wanted.ideal))
        assert stage.raw("same-subject")[1] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("facts", "question"),
    [
        (AUNT, "who has birthday 8 June, and which works?"),
        (
            ["The harvest song is by Orla Quinn.", "Orla Quinn was born in Cork.", "It rains."],
            "Where was the writer of the harvest song born?",
        ),
    ],
)
def test_texts_that_were_replaced_leave_no_trace_in_the_scores(facts: list[str], question: str) -> None:
    kept = [mneme.Message(text=fact, session=str(number), at=START) for number, fact in enumerate(facts)]
    last = mneme.Message(text="The bus is late.", session="z", at=START)
    with mneme.Memory(":memory:", embedder="hash:64", clock=FrozenClock(START), seed=1) as memory:
        plain, revised = memory.space("plain"), memory.space("revised")
        plain.remember([*kept, last])
        receipt = revised.remember([*kept, replace(last, text="A draft.")])
        for text in (*(f"Draft number {number}." for number in range(30)), last.text):
            revised.revise(receipt.ids[-1], text)
            revised.recall(question)  # takes the change into the index, where the place of the text before stays empty
        expected = [(hit.memory.text, hit.why, hit.score) for hit in plain.recall(question).hits]
        found = [(hit.memory.text, hit.why, hit.score) for hit in revised.recall(question).hits]
    assert {text for text, _, _ in found} == {text for text, _, _ in expected}
    wanted = {text: (why, score) for text, why, score in expected}
    for text, why, score in found:
        assert parts_of(why) == pytest.approx(parts_of(wanted[text][0]), abs=1e-4)
        assert score == pytest.approx(wanted[text][1], abs=1e-4)


def parts_of(why: Mapping[str, object]) -> dict[str, float]:
    """Return what a score is made of; ids, which differ from space to space, left out."""
    return {name: part for name, part in why.items() if isinstance(part, float)}


def test_the_words_of_a_short_question_weigh_less_than_those_of_a_long_one() -> None:
    facts = [*AUNT, "the grey heron stands in the shallow estuary at dusk"]
    messages = [mneme.Message(text=fact, session=str(number), at=START) for number, fact in enumerate(facts)]
    with staged(messages, "pilot") as stage:
        wanted = search_terms(stage.ctx, stage.query)
        assert float(wanted.ideal) == pytest.approx(math.log1p(4.5 / 1.5))
        assert float(wanted.scale) == pytest.approx(RARE_WORDS * math.log1p(4.5 / 1.5))
        assert 0 < max(stage.raw("lexical")) < 1 / RARE_WORDS


def test_forms_of_a_word_in_other_languages_are_one_word_and_stand_in_texts_of_their_language_only() -> None:
    german = "Die Häuser in der alten Straße sind schön, und die Straße ist auch nicht weit von der Schule."
    texts = ["The man paints houses.", "Many houses are empty.", german]
    with staged(said(*texts), "How many houses are there?") as stage:
        assert "de" in stage.ctx.index.languages()
        wanted = search_terms(stage.ctx, stage.query).terms
        by_texts = {tuple(term.positions.tolist()) for term in wanted}
        assert by_texts == {(0, 1), (1,)}  # houses; many, which "man" is not
    with staged(said(*texts), "Häuser") as stage:
        assert [term.positions.tolist() for term in search_terms(stage.ctx, stage.query).terms] == [[2]]


def test_the_topic_is_the_mean_of_the_askers_messages_and_counts_for_advice_only() -> None:
    messages = [
        *said("I bought a red kite.", "My kite needs a stronger line.", role="user"),
        *said("A lovely kite.", role="assistant", since=START + 3 * MINUTE),
        *said("A boat sails in the rain.", "Oak is hard.", role="assistant", session="t", since=START + DAY),
    ]
    with staged(messages, "Something for windy days: any tips?") as stage:
        found = stage.raw("topic")
        vectors = stage.ctx.embedder.embed(stage.texts())
        for rows, spoken in (((0, 1, 2), (0, 1)), ((3, 4), (3, 4))):
            mean = vectors[list(spoken)].sum(axis=0)
            expected = float(mean @ stage.query.vector / np.linalg.norm(mean))
            assert [found[row] for row in rows] == pytest.approx([expected] * len(rows), abs=0.01)
    with staged(messages, "Which line did I buy for windy days?") as stage:
        assert stage.raw("topic") == [0.0] * 5


def test_of_a_long_conversation_an_even_sample_tells_the_topic() -> None:
    texts = [f"word{number} kite" for number in range(2 * MOST_MESSAGES)]
    with staged(said(*texts, role="user"), "Can you recommend a kite?", k=200) as stage:
        mean = stage.ctx.embedder.embed(texts[::2]).sum(axis=0)
        assert stage.raw("topic")[5] == pytest.approx(float(mean @ stage.query.vector / np.linalg.norm(mean)), abs=0.01)


def test_spread_lowers_each_further_hit_of_a_conversation_where_several_are_asked_for() -> None:
    texts = ["I saw a concert in Ghent.", "The concert was loud.", "A concert hall.", "My concert ticket was cheap."]
    messages = [*said(*texts), *said("Another concert, in Rome.", session="t", since=START + DAY), *said("Rain.", session="u")]
    with staged(messages, "How many concerts did I see?") as stage:
        points = np.array(stage.raw("spread"))
        totals = stage.scene.totals - points
        order = np.argsort(-totals, kind="stable")
        groups = stage.ctx.index.groups[0][stage.scene.positions]
        for place, row in enumerate(order.tolist()):
            before = sum(groups[other] == groups[row] for other in order[:place])
            assert points[row] == pytest.approx(-min(math.log1p(before), 0.85 * (totals[row] - totals[order[-1]])), abs=1e-3)
        assert points.min() < 0.0
    with staged(messages, "Where was the concert?") as stage:
        assert stage.raw("spread") == [0.0] * 6


def test_top_returns_the_highest_and_all_when_there_are_not_more() -> None:
    scores = np.array([0.2, 0.9, -1.0, 0.5], np.float32)
    assert sorted(top(scores, 2).tolist()) == [1, 3]
    assert top(scores, 9).tolist() == [0, 1, 2, 3]


def test_the_linear_sum_is_the_sum_of_its_parts_over_admitted_memories_best_first() -> None:
    messages = [*said(*(f"the red kite {number}" for number in range(30))), *said("hidden red kite", author="ben", since=START + DAY)]
    with staged(messages, "red kite 7", k=5) as stage:
        admitted = stage.ctx.index.mask(Filter(sessions=("s",), until=START + DAY), as_of=None, now=stage.query.now)
        query = replace(stage.query, admitted=admitted)
        ranked = stage.ranker.rank(stage.ctx, query, stage.channels)
    assert len(ranked.positions) == 5
    assert all(admitted[ranked.positions])
    assert np.allclose(np.sum(list(ranked.parts.values()), axis=0), ranked.scores, atol=1e-4)
    assert ranked.scores.tolist() == sorted(ranked.scores.tolist(), reverse=True)
    assert int(ranked.positions[0]) == 7


def _slow_window(index, position):  # type: ignore[no-untyped-def]
    """Walk from the memory to both sides, as far as the words reach."""
    size = index.size
    sides = []
    for step in (index.previous, index.following):
        walked, place, words = [], int(step[position]), 0.0
        while len(walked) < REACH:
            words += float(index.lengths[place]) if place < size else 0.0
            walked.append(place if place < size and words <= MOST_WORDS else size)
            place = int(step[place]) if place < size else size
        sides.append(walked)
    return [*reversed(sides[0]), position, *sides[1]]


def _slow_window_bm25(index, wanted, inside):  # type: ignore[no-untyped-def]
    lengths = [sum(float(index.lengths[each]) for each in _slow_window(index, place) if each < index.size) for place in range(index.size)]
    norm = K1 * (1 - B + B * sum(float(index.lengths[each]) for each in inside) / np.mean(lengths))
    counts = []
    for term in wanted.terms:
        held = dict(zip(term.positions.tolist(), term.counts.tolist(), strict=True))
        counts.append(sum(held.get(each, 0.0) for each in inside))
    return sum(float(term.idf) * count / (count + norm) for term, count in zip(wanted.terms, counts, strict=True)) / float(wanted.scale)


def _slow_session_bm25(index, wanted, groups, position):  # type: ignore[no-untyped-def]
    ids = sorted(set(groups.tolist()))
    sizes = {group: float(index.lengths[groups == group].sum()) for group in ids}
    norm = K1 * (1 - B + B * sizes[groups[position]] / np.mean(list(sizes.values())))
    score = 0.0
    for term in wanted.terms:
        by_group = {group: float(term.counts[groups[term.positions] == group].sum()) for group in ids}
        having = sum(count > 0 for count in by_group.values())
        idf = term.weight * math.log1p((len(ids) - having + 0.5) / (having + 0.5))
        count = by_group[groups[position]]
        score += idf * count / (count + norm)
    return score / float(wanted.scale)
