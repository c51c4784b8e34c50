"""Asking: extracts without a model, checked citations with one, and "I don't know" when it is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from mneme import Memory
from mneme.core.query import Answer, Hit, Recall
from mneme.core.records import Memory as Record
from mneme.engine.asking import WORTH_ASKING, enough
from mneme.testing import ScriptedLLM

MAY = datetime(2023, 5, 8, 9, tzinfo=UTC)
SAID = [
    {"text": "I moved to Lisbon in March 2023.", "author": "Ana", "at": MAY},
    {"text": "My sister Ruth bakes bread every Sunday.", "author": "Ana", "at": MAY},
]


def mark_of(request: object, words: str) -> str:
    text = request.turns[0].text  # type: ignore[attr-defined]
    line = next(line for line in text.splitlines() if words in line)
    return line.partition("]")[0].strip("[")


def ask(folder: Path, llm: ScriptedLLM | None, question: str = "Where did Ana move to?") -> object:
    with Memory(folder, embedder="hash", llm=llm, background=False) as memory:
        memory.space().remember(SAID)
        return memory.space().ask(question)


def test_without_a_model_the_best_sentences_are_given_word_for_word_and_say_so(tmp_path: Path) -> None:
    found = ask(tmp_path, None)
    assert (found.extract, found.known) == (True, True)
    assert found.citations[0].quote == "I moved to Lisbon in March 2023."
    assert found.text.startswith("2023-05-08, Ana: I moved to Lisbon in March 2023.")


def test_nothing_that_bears_on_the_question_is_not_known(tmp_path: Path) -> None:
    found = ask(tmp_path, None, "Which submarine torpedoes exploded near Antarctica?")
    assert (found.text, found.known, found.citations) == ("I don't know.", False, ())


def test_an_answer_stands_on_the_words_that_it_cites(tmp_path: Path) -> None:
    def reply(request: object) -> object:
        cited = [{"mark": mark_of(request, "Lisbon"), "quote": "i moved to  Lisbon"}]
        return {"known": True, "answer": "Ana moved to Lisbon in March 2023.", "citations": cited}

    found = ask(tmp_path, ScriptedLLM({"ask.answer": reply}))
    assert (found.text, found.extract) == ("Ana moved to Lisbon in March 2023.", False)
    assert [citation.quote for citation in found.citations] == ["I moved to Lisbon"]


def test_an_invented_name_is_refused_twice_and_then_the_evidence_is_given(tmp_path: Path) -> None:
    def reply(request: object) -> object:
        cited = [{"mark": mark_of(request, "Lisbon"), "quote": "I moved to Lisbon"}]
        return {"known": True, "answer": "Ana moved to Porto in March 2023.", "citations": cited}

    llm = ScriptedLLM({"ask.answer": reply})
    found = ask(tmp_path, llm)
    assert (found.extract, len(llm.asked)) == (True, 2)
    assert "was refused" in llm.asked[1].turns[0].text
    assert found.notes[-1].startswith("the model's answer was refused: a name in it")


def test_a_citation_of_words_that_are_not_there_counts_for_nothing(tmp_path: Path) -> None:
    reply = {"known": True, "answer": "Ana moved to Lisbon.", "citations": [{"mark": "m9", "quote": "I moved to Lisbon"}]}
    found = ask(tmp_path, ScriptedLLM({"ask.answer": reply}))
    assert found.extract
    assert "no citation" in found.notes[-1]


def test_what_no_longer_holds_is_told(tmp_path: Path) -> None:
    with Memory(tmp_path, embedder="hash", recipe="beliefs") as memory:
        space = memory.space()
        space.remember("I live in Oslo.", author="Ana", at=datetime(2021, 1, 5, tzinfo=UTC))
        space.remember("I moved to Lisbon in March 2023.", author="Ana", at=MAY)
        found = space.ask("Does Ana live in Oslo?")
    cited = next(citation for citation in found.citations if "Oslo" in citation.quote)
    assert cited.until == datetime(2023, 3, 1, tzinfo=UTC)
    assert any("held until 2023-03-01" in note for note in found.notes)


def test_a_model_that_knows_of_nothing_is_believed(tmp_path: Path) -> None:
    found = ask(tmp_path, ScriptedLLM({"ask.answer": {"known": False}}))
    assert (found.text, found.known) == ("I don't know.", False)


def test_greetings_questions_and_thanks_are_no_extracts() -> None:
    said = [
        {"text": "Hey Ana! Thanks! Ana, did you see the blue lighthouse?", "author": "Ben", "at": MAY},
        {"text": "Wow. The blue lighthouse was closed for repairs.", "author": "Ben", "at": MAY},
    ]
    with Memory(":memory:", embedder="hash") as memory:
        memory.space().remember(said)
        found = memory.space().ask("Why was the blue lighthouse closed?")
    assert [citation.quote for citation in found.citations] == ["The blue lighthouse was closed for repairs."]


def test_a_word_alone_is_given_where_nothing_says_more() -> None:
    with Memory(":memory:", embedder="hash") as memory:
        memory.space().remember([{"text": "Lisbon.", "author": "Ben", "at": MAY}])
        found = memory.space().ask("Lisbon?")
    assert (found.known, [citation.quote for citation in found.citations]) == (True, ["Lisbon."])


def recalled(sufficiency: float, question: str = "Where is the spare key hidden?") -> Recall:
    text = "The spare key is under the blue pot."
    record = Record(id="mem_1", kind="turn", text=text, at=MAY, recorded_at=MAY, valid_from=MAY)
    return Recall(query=question, hits=(Hit(memory=record, score=1.0),), sufficiency=sufficiency)


def test_whether_an_answer_is_dared_rests_on_the_sufficiency() -> None:
    assert enough(recalled(0.4))
    assert not enough(recalled(0.39))
    assert enough(recalled(0.2), WORTH_ASKING)
    assert not enough(Recall(query="Where?", hits=(), sufficiency=0.9))
    assert enough(recalled(0.05, question="Where is the spare key?"))  # all its words stand in one memory
    assert enough(recalled(0.0))  # the recipe estimates nothing, and two words of three are there
    assert not enough(recalled(0.0, question="Which submarine exploded near the key?"))


def lives(*, at: datetime | None = None, question: str = "Where does Ana live?") -> Answer:
    with Memory(":memory:", embedder="hash", recipe="beliefs") as memory:
        space = memory.space()
        for year, text in (
            (2021, "I live in Oslo."),
            (2022, "I speak Welsh."),
            (2023, "I moved to Lisbon in March 2023."),
            (2024, "I speak Arabic."),
        ):
            space.remember(text, author="Ana", at=datetime(year, 5, 1, tzinfo=UTC))
        return space.ask(question, as_of=at)


def test_what_is_believed_answers_a_question_for_it() -> None:
    assert [one.quote for one in lives().citations] == ["Ana lives in Lisbon since March 2023."]
    assert [one.quote for one in lives(at=datetime(2022, 1, 1, tzinfo=UTC)).citations] == ["Ana lives in Oslo."]
    assert [one.quote for one in lives(question="Which languages do I speak?").citations] == ["Ana speaks Arabic.", "Ana speaks Welsh."]


def test_a_belief_that_has_ended_is_told_with_its_end() -> None:
    with Memory(":memory:", embedder="hash", recipe="beliefs") as memory:
        space = memory.space()
        space.remember("I work at Acme.", author="Ana", at=datetime(2021, 5, 1, tzinfo=UTC))
        space.remember("I no longer work at Acme since March 2023.", author="Ana", at=MAY)
        found = space.ask("Where does Ana work?")
    assert [(one.quote, one.until) for one in found.citations] == [("Ana works at Acme.", datetime(2023, 3, 1, tzinfo=UTC))]
    assert found.notes[0].endswith("held until 2023-03-01")


def test_without_a_belief_of_the_kind_the_sentences_are_looked_at() -> None:
    found = lives(question="What is Ana's job?")
    assert all(one.mark for one in found.citations)
