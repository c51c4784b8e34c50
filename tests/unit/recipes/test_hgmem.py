"""HGMem: the acceptance case of its sheet, and what it does without a model and with one that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

import mneme
from mneme.core.query import Filter
from mneme.core.trace import Trace
from mneme.engine import recalling
from mneme.recipes.agent.point_answers import answer, points_of
from mneme.retrieval.hypergraph import Points, entities
from mneme.retrieval.investigating import Inquiry, Investigating, Plan
from mneme.retrieval.provenance import provenance
from mneme.testing import ScriptedLLM

from .world import memory_of

SAID = [
    "they say Anouk hired Bertrand.",
    "they say Bertrand wedded Celestine.",
    "they say Celestine runs Dalmore.",
    "they say Zoltan toured Quito.",
]
QUESTION = "Who owns the place where the wife of whom Anouk hired lives?"
MERGED = "Anouk's man Bertrand is married to Celestine."
ONE = np.eye(64, dtype=np.float32)[0]


@contextmanager
def inquiring(said: Sequence[str] = SAID, llm: ScriptedLLM | None = None, question: str = QUESTION, **more: object) -> Iterator[Inquiry]:
    memory, _ = memory_of("hgmem", "hash:64", llm=llm)
    with memory:
        space = memory.space("a")
        for text in said:
            space.remember(text)
        with space._use() as opened:
            reader = memory._reader("a", opened)
            index = opened.current.now()
            asked = recalling.check(question, 10, None, Filter(), None, None, False)
            ctx = reader.context(index, None, Trace(id="", verb="test"))
            query = reader._query(asked, index, memory.embedder.embed([question])[0])
            settings = Investigating(**more)  # type: ignore[arg-type]
            known = entities(ctx, settings.synonym)
            yield Inquiry(ctx=ctx, query=query, known=known, statements=query.admitted[known.positions], settings=settings)


def named(inquiry: Inquiry, which: np.ndarray) -> set[str]:
    return {inquiry.known.names[place] for place in np.flatnonzero(which).tolist()}


def look(verdict: str, *queries: str, points: Sequence[int] = ()) -> dict[str, object]:
    return {"verdict": verdict, "points": list(points), "queries": list(queries)}


def script(plans: object, **more: object) -> ScriptedLLM:
    return ScriptedLLM(
        {
            "hgmem.plan": plans,
            "hgmem.evolve": [
                {
                    "changed": [],
                    "added": [
                        {"text": "Anouk hired Bertrand.", "entities": ["Anouk", "Bertrand"], "evidence": [0]},
                        {"text": "Only Anouk.", "entities": ["Anouk"], "evidence": [0]},
                        {"text": "Made up.", "entities": ["Anouk", "Atlantis"], "evidence": [0]},
                        {"text": "No source.", "entities": ["Anouk", "Bertrand"], "evidence": [9]},
                    ],
                },
                {
                    "changed": [{"point": 1, "text": "Anouk hired Bertrand yesterday.", "evidence": []}],
                    "added": [{"text": "Bertrand married Celestine.", "entities": ["Bertrand", "Celestine"], "evidence": [0]}],
                },
                {"changed": [{"point": 77, "text": "Nobody.", "evidence": [0]}], "added": []},
            ],
            "hgmem.merge": [{"pairs": [{"first": 1, "second": 2, "text": MERGED}, {"first": 2, "second": 1, "text": "Again."}]}],
            **more,
        }
    )


def test_the_acceptance_case_global_then_local_then_merged() -> None:
    plans = [look("global", SAID[0]), look("local", SAID[1], points=[1]), look("enough")]
    with inquiring(llm=script(plans)) as inquiry:
        first = inquiry.plan(0)
        everything = set(inquiry.known.names)
        assert everything == {"anouk", "bertrand", "celestine", "dalmore", "zoltan", "quito"}
        assert named(inquiry, inquiry.candidates(first)) == everything
        inquiry.evolve(inquiry.look(first))
        assert [(point.id, point.text) for point in inquiry.points.at.values()] == [(1, "Anouk hired Bertrand.")]
        inquiry.merge()  # one point: nothing is asked
        second = inquiry.plan(1)
        assert named(inquiry, inquiry.candidates(second)) == {"anouk", "bertrand", "celestine", "dalmore"}
        evidence = inquiry.look(second)
        assert inquiry._texts(evidence)[evidence[0]] == SAID[1]
        assert SAID[3] not in inquiry._texts(evidence).values()
        inquiry.evolve(evidence)
        before = list(inquiry.points.at.values())
        assert [point.text for point in before] == ["Anouk hired Bertrand yesterday.", "Bertrand married Celestine."]
        inquiry.merge()
        (merged,) = inquiry.points.at.values()
        assert (merged.id, merged.text) == (3, MERGED)
        assert {inquiry.known.names[end] for end in merged.entities} == {"anouk", "bertrand", "celestine"}
        assert set(merged.sources) == {source for point in before for source in point.sources}
        assert len(merged.sources) == 2
        assert len(merged.entities) > np.mean([len(point.entities) for point in before])
        assert inquiry.plan(2).verdict == "enough"


def test_the_answerer_sees_the_merged_point_and_hits_tell_it() -> None:
    plans = [look("global", SAID[0]), look("local", SAID[1], points=[1]), look("enough")]
    llm = script(plans, **{"hgmem.answer": {"text": "Celestine."}})
    memory, _ = memory_of("hgmem", "hash:64", llm=llm)
    with memory:
        space = memory.space("a")
        for text in SAID:
            space.remember(text)
        assert answer(space, QUESTION, llm, k=10) == "Celestine."
        asked = llm.asked[-1].turns[-1].text
        assert MERGED in asked
        assert SAID[1] in asked
        assert "hgmem.merge" in {request.role for request in llm.asked}


def test_a_planner_that_is_never_satisfied_stops_after_the_last_step() -> None:
    llm = ScriptedLLM(
        {
            "hgmem.plan": look("local", "", points=[5]),
            "hgmem.evolve": {"changed": [], "added": [{"text": "x", "entities": ["Zoltan"], "evidence": [-1]}]},
            "hgmem.merge": {"pairs": []},
        }
    )
    with inquiring(llm=llm) as inquiry:
        assert Investigating(steps=4).investigate(inquiry.ctx, inquiry.query) == []
    assert [request.role for request in llm.asked].count("hgmem.plan") == 4


def test_a_global_look_leaves_out_the_entities_of_points() -> None:
    with inquiring() as inquiry:
        inquiry.points.insert("a", [inquiry.known.names.index("anouk"), inquiry.known.names.index("bertrand")], [0], [0], ONE)
        allowed = inquiry.candidates(Plan(verdict="global", points=[], queries=[]))
        assert named(inquiry, allowed) == {"celestine", "dalmore", "zoltan", "quito"}
        found = inquiry._texts(inquiry.look(Plan(verdict="global", points=[], queries=[SAID[0]])))
        assert set(found.values()) == set(SAID[1:])


def test_points_need_two_entities_a_source_and_a_text() -> None:
    points = Points()
    assert points.insert("a", [1], [0], [0], ONE) is None
    assert points.insert("a", [1, 1], [0], [0], ONE) is None
    assert points.insert("a", [1, 2], [], [], ONE) is None
    assert points.insert(" ", [1, 2], [0], [0], ONE) is None
    assert points.insert("a", [1, 2], [4], [0], ONE) == 1
    assert points.insert("b", [2, 3], [3], [1], ONE) == 2
    assert points.merge(1, 1, "c", ONE) is None
    assert points.merge(1, 9, "c", ONE) is None
    assert not points.update(9, "c", ONE)
    assert sorted(points.at) == [1, 2]
    assert points.merge(1, 2, "c", ONE) == 3
    assert [(point.id, point.entities, point.sources) for point in points.at.values()] == [(3, frozenset({1, 2, 3}), (3, 4))]


def test_nothing_is_reached_over_who_speaks() -> None:
    with inquiring([f"they say Marta met Name{chr(97 + n)}x." for n in range(12)]) as inquiry:
        names = list(inquiry.known.names)
        assert inquiry.known.hub[names.index("marta")]
        reached = inquiry.known.around([names.index("nameax")], inquiry.statements, hops=2)
        assert named(inquiry, reached) == {"nameax", "marta"}


@pytest.mark.parametrize(("cosine", "count", "kept"), [(0.9, 1, "they say Anouk pays Bertrand."), (0.8, 2, SAID[0])])
def test_without_a_model_the_same_entities_said_nearly_the_same_update_a_point(cosine: float, count: int, kept: str) -> None:
    with inquiring([SAID[0], "they say Anouk pays Bertrand."], near=2.0) as inquiry:
        vectors = {SAID[0]: ONE, "they say Anouk pays Bertrand.": cosine * ONE + np.sqrt(1 - cosine**2) * np.eye(64)[1]}
        object.__setattr__(inquiry.ctx, "embedder", Fixed(vectors))
        inquiry._evolve_by_rule({0: SAID[0], 1: "they say Anouk pays Bertrand."})
        points = list(inquiry.points.at.values())
        assert len(points) == count
        assert points[0].text == kept
        assert len({source for point in points for source in point.sources}) == 2


class Fixed:
    def __init__(self, vectors: dict[str, np.ndarray]) -> None:
        self.vectors = vectors

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.vectors[text] for text in texts]).astype(np.float32)


def test_without_a_model_near_points_with_a_common_entity_are_merged() -> None:
    with inquiring(near=0.5) as inquiry:
        near = inquiry.query.vector
        for number, ends in enumerate(([0, 1], [1, 2], [4, 5])):
            inquiry.points.insert(f"p{number}", ends, [number], [number], near)
        inquiry.merge()
        assert [(point.text, point.sources) for point in inquiry.points.at.values()] == [("p2", (2,)), ("p0 p1", (0, 1))]


def test_without_a_model_a_chain_of_names_comes_along() -> None:
    filler = [f"Today the weather report number {n} was read aloud." for n in range(20)]
    with mneme.Memory(":memory:", embedder="hash:96", recipe="hgmem", background=False, seed=1) as memory:
        space = memory.space("a")
        for text in [*SAID, *filler]:
            space.remember(text)
        found = space.recall("Whom did Anouk hire, and what is told of the wife?", k=5)
        assert any(SAID[0] in point for point in points_of(found))
        assert SAID[1] in [hit.text for hit in found.hits]
        assert len(found.hits) == 5
        assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
        assert answer(space, "Whom did Anouk hire?") == "\n".join(points_of(space.recall("Whom did Anouk hire?", k=10)))


def test_a_model_that_never_fits_is_replaced_by_the_rules() -> None:
    def never(request: object) -> str:
        return "I would rather not."

    with inquiring() as plain:
        by_rule = [point.text for point in Investigating().investigate(plain.ctx, plain.query)]
    with inquiring(llm=ScriptedLLM(never)) as inquiry:
        assert [point.text for point in Investigating().investigate(inquiry.ctx, inquiry.query)] == by_rule
        assert any("InvalidReply" in str(note) for note in inquiry.ctx.trace.notes)
    assert by_rule


def test_what_a_filter_hides_is_in_no_point() -> None:
    with inquiring() as inquiry:
        hidden = int(inquiry.known.positions[0])
        inquiry.query.admitted[hidden] = False
        points = Investigating().investigate(inquiry.ctx, inquiry.query)
        assert points
        assert all(hidden not in point.sources and SAID[0] not in point.text for point in points)


def test_facts_rest_on_the_messages_that_they_cite() -> None:
    with mneme.Memory(":memory:", embedder="hash:64", recipe="hgmem", background=False, seed=1) as memory:
        space = memory.space("a")
        for number in range(5):
            space.remember(f"Plain message {number}.", ref=f"r{number}")
        brought = [
            {"text": f"Anouk{n} met Bertrand{n}", "kind": "fact", "attributes": {"triple": [f"Anouk{n}", "met", f"Bertrand{n}"]}}
            for n in range(4)
        ]
        space.remember(memories=[{**one, "sources": [f"r{n}", f"r{n + 1}"]} for n, one in enumerate(brought)])
        with space._use() as opened:
            ctx = memory._reader("a", opened).context(opened.current.now(), None, Trace(id="", verb="test"))
            found, known = provenance(ctx), entities(ctx, 0.8)
            assert len(known.rests) == 4
            assert {at: list(rests) for at, rests in known.rests.items()} == {at: found.values_of(at) for at in known.rests}
            assert all(len(rests) == 2 for rests in known.rests.values())
