"""ENGRAM's acceptance test: the router's bits, rows per store, the best of each store, the cap, duplicates, and speakers apart."""

from __future__ import annotations

from datetime import timedelta

import pytest

import mneme
from mneme.core.composing import compose
from mneme.core.recipe import Recipe
from mneme.models.transport import Request
from mneme.testing import ScriptedLLM

from .world import START, at_angle, bare, memory_of

SAID = {
    "I visited Oslo on May 3": "100",
    "I am allergic to nuts": "010",
    "to reset, hold the button 5 s": "001",
    "haha ok": "000",
    "yesterday I learned I hate jazz": "110",
}
STORES = {"episodic": ["event"], "semantic": ["fact"], "procedural": ["skill"]}


def engram() -> Recipe:
    """The recipe with its three stores alone, as in the paper, where messages are in none."""
    return compose(name="stores", base="engram", formers=["routed"], ranker={"use": "typed", "types": STORES, "each": 20})


def bits(request: Request) -> dict[str, bool]:
    mask = next(mask for text, mask in SAID.items() if text == request.variables["message"])
    return {store: bit == "1" for store, bit in zip(STORES, mask, strict=True)}


def model() -> ScriptedLLM:
    return ScriptedLLM(
        {
            "router.route": bits,
            "router.extract": lambda request: {"title": request.variables["store"], "text": request.variables["message"]},
        }
    )


def rows(space: mneme.Space) -> list[int]:
    return [len(space.memories({"kinds": kinds})) for kinds in STORES.values()]


@pytest.mark.parametrize("with_model", [True, False])
def test_five_turns_make_two_two_and_one_row(with_model: bool) -> None:
    memory, _ = memory_of(engram(), "hash:96", llm=model() if with_model else None)
    space = memory.space("s")
    for text in SAID:
        space.remember(text, author="Ana", wait=True)
    assert rows(space) == [2, 2, 1]
    by = {episode.text: episode.id for episode in space.episodes()}
    for text, mask in SAID.items():
        records = [one for one in space.memories() if one.kind != "turn" and one.sources[0].episode == by[text]]
        assert len(records) == mask.count("1")
        assert all(text in one.text and one.at == space.episodes([by[text]])[0].at for one in records)


def test_with_one_of_each_store_the_answer_is_there_and_a_flat_best_one_misses_it() -> None:
    texts = {"Ana met an allergist": ("event", 0.95), "Ana walked": ("event", 0.9), "Ana is allergic to nuts": ("fact", 0.8)}
    table = {"allergies?": [1, 0], **{text: at_angle(cosine) for text, (_, cosine) in texts.items()}}
    given = [{"text": text, "kind": kind, "sources": ["r"]} for text, (kind, _) in texts.items()]
    found = {}
    typed = bare(channels=["dense"], ranker={"use": "typed", "types": STORES, "each": 1})
    for name, recipe in {"typed": typed, "flat": bare(channels=["dense"])}.items():
        memory, _ = memory_of(recipe, table)
        space = memory.space("s")
        space.remember("said", ref="r", memories=given)
        found[name] = [hit.text for hit in space.recall("allergies?", k=3 if name == "typed" else 1).hits]
    assert found["typed"] == ["Ana met an allergist", "Ana is allergic to nuts"]
    assert found["flat"] == ["Ana met an allergist"]


def test_the_cap_holds_and_a_text_that_is_there_twice_comes_once() -> None:
    memory, _ = memory_of(engram(), "hash:96")
    space = memory.space("s")
    kinds = ("event", "fact", "skill")
    space.remember(memories=[{"text": f"Oslo note {n}", "kind": kinds[n % 3]} for n in range(75)])
    space.remember(memories=[{"text": "Oslo note 1", "kind": kind} for kind in kinds])
    hits = space.recall("Oslo note 1", k=25).hits
    assert len(hits) == 25
    assert [hit.text for hit in hits].count("Oslo note 1") == 1
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len(space.recall("Oslo note 1", k=100).hits) <= 60  # twenty of each store


def test_a_speaker_s_bank_holds_what_they_said_and_both_are_asked_for_together() -> None:
    memory, _ = memory_of(engram(), "hash:96")
    space = memory.space("s")
    space.remember("I am allergic to nuts", author="Ana")
    space.remember("I am allergic to cats", author="Ben")
    by = {
        authors: {hit.text for hit in space.recall("allergic?", k=9, filters={"authors": authors}).hits} for authors in (("Ana",), ("Ben",))
    }
    assert by == {("Ana",): {"I am allergic to nuts"}, ("Ben",): {"I am allergic to cats"}}
    both = space.recall("allergic?", k=9, filters={"authors": ("Ana", "Ben")}).hits
    assert {hit.text for hit in both} == {"I am allergic to nuts", "I am allergic to cats"}


def test_a_context_line_has_the_time_and_the_speaker() -> None:
    memory, _ = memory_of(engram(), "hash:96")
    space = memory.space("s")
    space.remember("I am allergic to nuts", author="Ana")
    context = space.recall("allergic?", k=5).context
    assert "2024-01-01" in context
    assert "12:00 Ana: I am allergic to nuts" in context


def test_a_text_that_was_said_thirty_times_leaves_room_for_others() -> None:
    memory, _ = memory_of("engram", "hash:96")
    space = memory.space("s")
    space.remember(["I like tea in Oslo"] * 30 + ["Oslo has good tea rooms", "The tea of Oslo is strong"])
    texts = [hit.text for hit in space.recall("tea in Oslo", k=3).hits]
    assert len(texts) == len(set(texts)) == 3


@pytest.mark.parametrize("recent_of", [[], ["episodic", "semantic"]])
def test_the_newest_are_taken_of_the_named_types_or_of_all_where_none_is_named(recent_of: list[str]) -> None:
    types = {"episodic": ["event"], "semantic": ["fact"]}
    ranker = {"use": "typed", "types": types, "each": 1, "recent": 1, "recent_of": recent_of}
    table = {"q": [1, 0], "near event": at_angle(0.9), "near fact": at_angle(0.8), "late event": [0, 1], "late fact": [0, 0, 1]}
    memory, clock = memory_of(bare(channels=["dense"], ranker=ranker), table)
    space = memory.space("s")
    for day, age in enumerate(("near", "late")):
        clock.set(START + timedelta(days=day))
        space.remember(memories=[{"text": f"{age} {kind}", "kind": kind} for kind in ("event", "fact")])
    assert {hit.text for hit in space.recall("q", k=9, kinds=["event", "fact"]).hits} == {*table} - {"q"}
