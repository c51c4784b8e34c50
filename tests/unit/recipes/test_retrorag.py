"""RetroRAG: what an early answer rested on falls when better evidence comes, and the answer changes with it."""

from __future__ import annotations

import time
from typing import Any

import pytest

import mneme
from mneme.core.query import Recall
from mneme.recipes.agent.retroactive import RetroReader
from mneme.retrieval.evidence_pool import EvidencePool, Inference, Source, attributed
from mneme.testing import ScriptedLLM

from .world import memory_of

WRONG = "Silver Tide was directed by Karl Moss."
RIGHT = "The 1999 film Silver Tide was directed by Irene Vale."
GRAZ, BERGEN = "Karl Moss was born in Graz.", "Irene Vale was born in Bergen."
QUESTION = "Where was the person born by whom the 1999 film Silver Tide was directed?"


class Scripted:
    """A space whose first search is misled: the question finds the other film alone."""

    def __init__(self) -> None:
        memory, _ = memory_of("retrorag", "hash:96")
        self.space: mneme.Space = memory.space("s")
        for text in (WRONG, GRAZ, RIGHT, BERGEN):
            self.space.remember(text, ref=text)
        self.asked: list[str] = []

    def recall(self, query: str, *, k: int) -> Recall:
        self.asked.append(query)
        later = [RIGHT] if "Silver Tide" in query else [BERGEN] if "Irene" in query else [GRAZ]
        texts = [WRONG, GRAZ] if query == QUESTION else later
        ids = [memory.id for memory in self.space.memories(limit=10) if memory.text in texts]
        return self.space.recall(query, k=k, filters={"ids": tuple(ids)})


def reader(llm: ScriptedLLM | None = None, **more: Any) -> RetroReader:
    return RetroReader(Scripted(), llm, **more)  # type: ignore[arg-type]


def test_evidence_of_a_later_round_revises_what_was_inferred_and_the_answer_and_a_forward_chain_keeps_it() -> None:
    found = reader().ask(QUESTION)
    assert (found.text, found.reliable) == (BERGEN, True)
    status = {one.statement: one.status for one in found.pool.log}
    assert (status[WRONG], status[RIGHT], status[BERGEN]) == ("revised", "active", "active")
    assert found.rounds[0].text == GRAZ
    assert found.rounds[-1].text == BERGEN
    forward = reader(retroactive=False).ask(QUESTION)
    assert forward.text == GRAZ
    assert {one.statement: one.status for one in forward.pool.log}[RIGHT] == "dropped"


def test_the_rounds_end_and_no_search_is_made_twice() -> None:
    reading = reader(enough=2.0, rounds=4)
    found = reading.ask(QUESTION)
    asked = reading.space.asked  # type: ignore[attr-defined]
    assert len(found.rounds) == len(asked) == len(set(asked)) <= 4
    assert not found.reliable
    assert found.text == max(found.rounds, key=lambda one: (one.score, one.round)).text == BERGEN


def test_a_statement_that_no_source_says_never_reaches_the_answerer_and_a_repeated_search_is_blocked() -> None:
    invented = "Silver Tide was directed by Zelda Quist."
    items = [
        {"statement": invented, "entity": "Silver Tide", "sources": [1], "replaces": [1]},
        {"statement": WRONG, "entity": "Silver Tide", "sources": [1, 77], "replaces": [-3]},
    ]
    llm = ScriptedLLM(
        {
            "retro.discover": {"items": items},
            "retro.answer": {"answer": "Graz", "reliable": False, "score": 0.4},
            "retro.missing": {"query": QUESTION},
        }
    )
    reading = reader(llm, rounds=3)
    found = reading.ask(QUESTION)
    answerers = [turn.text for request in llm.asked if request.role == "retro.answer" for turn in request.turns]
    assert answerers
    assert all("Zelda" not in text for text in answerers)
    assert any(one.statement == invented and one.status == "dropped" for one in found.pool.log)
    asked = reading.space.asked  # type: ignore[attr-defined]
    assert len(found.rounds) == 3 == len(set(asked))
    assert (found.text, found.reliable) == ("Graz", False)


def test_an_answer_that_stands_nowhere_is_not_reliable_whatever_the_model_says() -> None:
    answer = {"answer": "Timbuktu", "reliable": True, "score": 1.0}
    llm = ScriptedLLM({"retro.discover": {"items": []}, "retro.answer": answer, "retro.missing": {"query": ""}})
    found = reader(llm, rounds=2).ask(QUESTION)
    assert not found.reliable
    assert [one.score for one in found.rounds] == [0.0, 0.0]


def test_a_model_that_never_fits_its_schema_leaves_it_to_rules() -> None:
    def never(request: object) -> str:
        return "I would rather not."

    assert reader(ScriptedLLM(never)).ask(QUESTION).text == BERGEN


def test_in_a_conflict_the_better_attributed_wins_then_the_later_and_the_log_keeps_all() -> None:
    pool = EvidencePool(question=QUESTION)
    for number, text in enumerate((RIGHT, WRONG, "It rains.")):
        pool.collate(Source(id=str(number), text=text, query="q", round=1))
    assert not pool.collate(Source(id="0", text=RIGHT, query="again", round=2))
    assert pool.sources["0"].query == "q"
    assert pool.admit(Inference(statement=RIGHT, entity="Silver Tide", support=("0",), round=1))
    assert not pool.admit(Inference(statement=WRONG, entity="silver tide", support=("1",), round=2))
    assert not pool.admit(Inference(statement="It rains.", entity="rain", support=("2",), round=2))
    assert not pool.admit(Inference(statement="Ana is old.", entity="Ana", support=(), round=2))
    assert [one.status for one in pool.log] == ["active", "dropped", "dropped", "dropped"]
    assert all(one.why for one in pool.log[1:])
    assert [one.statement for one in pool.active] == [RIGHT]
    assert not attributed("The film of 1998 was Silver Tide.", RIGHT)


@pytest.mark.parametrize(
    ("statement", "cited", "said"),
    [
        ("Ana lives in Porto", "Ana lives in Porto.", True),
        ("Ana lives in Porto", "Ana lives in Porto no longer.", False),
        ("Ana lives in Porto", "Ana lives in Porto no longer. Ana lives in Porto.", True),
        ("He paid 10", "He paid 100 euros.", False),
        ("He paid 10", "He paid 10.5 euros.", False),
        ("He paid 10.", "He paid 10.5 euros.", False),
        ("He paid 10", "Yesterday he paid 10,000 euros.", False),
        ("He paid 10", "He paid 10, and left.", True),
        ("He paid 1,250.50 euros.", "In May he paid 1,250.50 euros.", True),
        ("Ana moved to Porto but did not sell her flat.", "Well, Ana moved to Porto but did not sell her flat.", True),
        ("Ana moved to Porto but did not sell her flat.", "Well, Ana moved to Porto and did sell her flat.", False),
        ("Ana moved to Porto and sold her flat.", "Well, Ana moved to Porto but never sold her flat.", False),
        ("Ana moved to Porto but did not sell her flat.", "Well, Ana did not move to Porto but sold her flat.", False),
    ],
)
def test_a_statement_is_attributed_whole_with_its_numbers_and_each_of_its_denials(statement: str, cited: str, said: bool) -> None:
    assert attributed(statement, cited) is said


@pytest.mark.parametrize("denial", ["Ana was not born in Porto.", "Ana wasn't born in Porto.", "Ana was no longer born in Porto."])
def test_a_statement_and_its_denial_do_not_both_stand(denial: str) -> None:
    pool = EvidencePool(question="Was Ana born in Porto?")
    said = "Ana was born in Porto."
    for number, text in enumerate((said, denial)):
        pool.collate(Source(id=str(number), text=text, query="q", round=1))
        assert pool.admit(Inference(statement=text, entity="Ana", support=(str(number),), round=number + 1))
    assert [(one.statement, one.status) for one in pool.log] == [(said, "revised"), (denial, "active")]


def test_a_space_with_nothing_in_it_has_no_answer() -> None:
    memory, _ = memory_of("retrorag", "hash:96")
    found = RetroReader(memory.space("empty")).ask(QUESTION)
    assert (found.text, found.reliable) == ("", False)


def pool_of(*texts: str, question: str = QUESTION) -> EvidencePool:
    pool = EvidencePool(question=question)
    for text in texts:
        pool.collate(Source(id=text, text=text, query="q", round=1))
    return pool


def test_a_denial_that_no_source_makes_is_not_attributed_and_one_that_it_makes_is_not_left_out() -> None:
    assert not attributed("Irene Vale was not born in Bergen.", BERGEN)
    assert not attributed("Irene Vale was born in Bergen.", "Irene Vale was never born in Bergen, they say.")
    assert attributed("Irene Vale was not born in Bergen.", "Irene Vale wasn't born in Bergen.")
    assert attributed("Irene Vale was born in Bergen.", "Karl Moss was not born in Graz, but Irene Vale was born in Bergen.")
    pool = pool_of(BERGEN)
    assert not pool.admit(Inference(statement="Irene Vale was not born in Bergen.", entity="Irene Vale", support=(BERGEN,), round=1))
    assert pool.admit(Inference(statement=BERGEN, entity="Irene Vale", support=(BERGEN,), round=1))


def test_what_nothing_bore_out_gets_in_when_a_source_does() -> None:
    pool = pool_of(WRONG)
    early = Inference(statement=BERGEN, entity="Irene Vale", support=(WRONG,), round=1)
    assert not pool.admit(early)
    assert not pool.admit(early)
    assert [one.status for one in pool.log] == ["dropped"]
    pool.collate(Source(id=BERGEN, text=BERGEN, query="Irene Vale", round=2))
    assert pool.admit(Inference(statement=BERGEN, entity="Irene Vale", support=(BERGEN,), round=2))
    assert [one.status for one in pool.log] == ["dropped", "active"]
    assert not pool.admit(Inference(statement=BERGEN, entity="Irene Vale", support=(BERGEN,), round=3))


def test_what_lost_a_conflict_wins_none_by_being_said_again() -> None:
    other = "The 1999 film Silver Tide was directed by Karl Moss."
    pool = EvidencePool(question=QUESTION, retroactive=True)
    for text in (other, RIGHT):
        pool.collate(Source(id=text, text=text, query="q", round=1))
    assert pool.admit(Inference(statement=RIGHT, entity="Silver Tide", support=(RIGHT,), round=2))
    late = Inference(statement=other, entity="Silver Tide", support=(other,), round=1)
    assert not pool.admit(late)
    assert not pool.admit(Inference(statement=other, entity="Silver Tide", support=(other,), round=5))
    assert [one.statement for one in pool.active] == [RIGHT]


def test_long_messages_full_of_names_take_no_longer_than_a_search() -> None:
    memory, _ = memory_of("retrorag", "hash:96")
    space = memory.space("long")
    names = [f"{first}{last}" for first in ("Bel", "Cor", "Dan", "Fal", "Gor", "Hul") for last in ("do", "mir", "nik", "vas", "zan", "tek")]
    told = [(names[n * 7 % 36], names[n * 5 % 36], n) for n in range(1500)]
    for start in range(0, 1500, 150):
        text = " ".join(
            f"{one} told {other} that project step {n} needs a hall before week {n}." for one, other, n in told[start : start + 150]
        )
        space.remember(f"Silver Tide plan {start}. {text}", session=str(start))
    began = time.process_time()
    found = RetroReader(space, rounds=3).ask(
        "Which unwritten budget clause of Silver Tide did the mayor forget when Beldo and Gortek left?"
    )
    assert time.process_time() - began < 2.5
    assert len(found.rounds) == 3


def test_a_sentence_word_for_word_is_attributed_and_a_piece_of_a_denial_is_not() -> None:
    assert attributed(BERGEN, f"Karl Moss was not here. {BERGEN}")
    assert not attributed("Irene Vale was born in Bergen", "It is not true that Irene Vale was born in Bergen.")
