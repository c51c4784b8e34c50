"""RetroRAG: what an early answer rested on falls when better evidence comes, and the answer changes with it."""

from __future__ import annotations

from typing import Any

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


def test_a_space_with_nothing_in_it_has_no_answer() -> None:
    memory, _ = memory_of("retrorag", "hash:96")
    found = RetroReader(memory.space("empty")).ask(QUESTION)
    assert (found.text, found.reliable) == ("", False)
