"""The graphs-or-not study's acceptance test: six designs by configuration, paraphrased facts, noise over a hub, pass and update."""

from __future__ import annotations

import pytest

import mneme
from mneme.core.composing import resolve
from mneme.core.errors import InvalidInput
from mneme.core.records import Memory
from mneme.models.transport import Request
from mneme.recipes.graphs_or_not import DESIGNS
from mneme.testing import ScriptedLLM

from .world import at_angle, bare, memory_of

QUESTION, GOLD, FACT = "Which instrument does Ana own?", "The old thing from grandmother stands in the hall.", "Ana owns a cello."


def sessions(design: str) -> mneme.Space:
    """Twenty sessions of two messages; the gold shares nothing with the question, its fact does."""
    texts = [f"Session {number // 2} said thing {number % 2}." for number in range(40)]
    texts[22] = GOLD
    table = {text: at_angle(0.55 - place / 200) for place, text in enumerate(texts) if text != GOLD}
    table |= {QUESTION: [1, 0], GOLD: [0, 0, 1], FACT: at_angle(0.98), f"{GOLD}\n{FACT}": at_angle(0.9)}
    memory, _ = memory_of(resolve(f"graphs-or-not:{design}"), table)
    space = memory.space("s")
    for place, text in enumerate(texts):
        space.remember(text, ref=f"r{place}", session=f"s{place // 2}")
    given = {"text": FACT, "kind": "fact", "attributes": {"triple": ["Ana", "owns", "a cello"]}, "sources": ["r22"]}
    space.remember(memories=[given])
    return space


@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_runs_through_one_interface_and_returns_messages(design: str) -> None:
    space = sessions(design)
    found = space.recall(QUESTION, k=60)
    turns = {hit.text for hit in found.hits if hit.memory.kind == "turn"}
    assert turns == {memory.text for memory in space.memories({"kinds": ["turn"]}, limit=100)}
    assert found.trace is not None
    assert {name for name, _ in found.trace.stages} >= {"embed", "index", "rank", "read", "pack"}
    if design.startswith("graph"):
        (note,) = [note["entity_graph"] for note in found.trace.notes if "entity_graph" in note]
        assert note["hub"] is not design.endswith("no-hub")  # type: ignore[index]


def test_a_fact_that_paraphrases_hits_at_one_with_keys_and_misses_without() -> None:
    first = {design: sessions(design).recall(QUESTION, k=1, kinds=["turn"]).hits[0].text for design in ("flat",)}
    assert first["flat"] != GOLD
    for design in ("separate", "merge"):
        hits = sessions(design).recall(QUESTION, k=5).hits
        assert hits[0].text == GOLD, design
        assert all(hit.memory.kind == "turn" for hit in hits)


NEEDLE = "Ana drew the lighthouse."
ASKED = "What is told of the lighthouse?"


def noisy(design: str) -> list[str]:
    """Ten things that Ana likes, all alike; ten others of Ben's are nearer to the question."""
    noise = [f"Ana likes thing {number}." for number in range(10)]
    better = [f"Ben passed by number {number}." for number in range(10)]
    table: dict[str, list[float]] = {ASKED: [1, 0], NEEDLE: at_angle(0.7), "lighthouse": at_angle(0.9)}
    table |= {text: [0.05, 0, 1] for text in noise} | {text: at_angle(0.5 - n / 100) for n, text in enumerate(better)}
    memory, _ = memory_of(resolve(f"graphs-or-not:{design}"), table)
    space = memory.space("s")
    triples = {NEEDLE: ("Ana", "drew", "lighthouse"), **{text: ("Ana", "likes", f"thing {n}") for n, text in enumerate(noise)}}
    for place, text in enumerate([NEEDLE, *noise, *better]):
        triple = triples.get(text)
        given = (
            [{"text": f"{text} (fact)", "kind": "fact", "attributes": {"triple": list(triple)}, "sources": [f"r{place}"]}] if triple else []
        )
        space.remember(text, ref=f"r{place}", session=f"s{place}", author="Ben" if text in better else "Ana", memories=given)
    return [hit.text for hit in space.recall(ASKED, k=8).hits]


def test_one_hop_over_the_hub_brings_more_noise_and_without_the_hub_it_does_not() -> None:
    counts = {design: sum("likes" in text for text in noisy(design)) for design in ("graph", "graph-hop", "graph-hop-no-hub")}
    assert counts["graph-hop"] > counts["graph"]
    assert counts["graph-hop-no-hub"] == counts["graph"]
    assert all(noisy(design)[0] == NEEDLE for design in counts)


def facts(space: mneme.Space) -> list[Memory]:
    return space.memories({"kinds": ["fact"]})


def maintained(decisions: list[object], again: int = 5) -> tuple[mneme.Space, ScriptedLLM]:
    said = ["I adopted a dog named Buddy.", "I adopted a dog named Buddy, really.", "I adopted another dog, Scout."]

    def taken(request: Request) -> dict[str, object]:
        text = next(text for text in reversed(said) if text in request.turns[-1].text)
        return {"triples": [], "facts": [{"message": 1, "text": text}]}

    llm = ScriptedLLM({"structures.extract": taken, "manager.decide": [{"event": "ADD"}, *decisions]})
    formers = [{"use": "structures", "kinds": ["atomic-facts"]}]
    recipe = bare(formers=formers, organisers=[{"use": "managed", "policy": {"use": "model", "again": again}}])
    memory, _ = memory_of(recipe, "hash:96", llm=llm)
    space = memory.space("s")
    space.remember(said[0], author="Ana", wait=True)
    return space, llm


def test_pass_leaves_what_is_there_as_it_is() -> None:
    space, _ = maintained([{"event": "NOOP", "entry": 0}])
    before = facts(space)
    space.remember("I adopted a dog named Buddy, really.", author="Ana", wait=True)
    assert facts(space) == before
    assert [step.memory.version for step in space.history(before[0].id) if step.memory] == [1]


def test_an_update_of_an_entry_that_is_not_there_is_told_so_tried_again_and_creates_in_the_end() -> None:
    made_up = {"event": "UPDATE", "entry": 99, "text": "gone"}
    space, llm = maintained([made_up] * 6)
    before = facts(space)
    space.remember("I adopted another dog, Scout.", author="Ana", wait=True)
    asked: list[Request] = [request for request in llm.asked if request.role == "manager.decide"]
    assert len(asked) == 1 + 6
    assert "There is no entry 99" in asked[-1].turns[-1].text
    assert "There is no entry" not in asked[1].turns[-1].text
    assert len(facts(space)) == 2
    assert before[0] in facts(space)


def test_a_model_that_corrects_itself_updates() -> None:
    both = "I adopted a dog named Buddy and another dog, Scout."
    space, _ = maintained([{"event": "UPDATE", "entry": 7, "text": "x"}, {"event": "UPDATE", "entry": 0, "text": both}])
    space.remember("I adopted another dog, Scout.", author="Ana", wait=True)
    assert [fact.text for fact in facts(space)] == [both]


def test_an_unknown_design_is_told() -> None:
    with pytest.raises(InvalidInput, match="graph-hop"):
        resolve("graphs-or-not:trees")
