"""Bugs of released implementations that the sheets name, beside the right behaviour: each test fails with the bug put back."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mneme.core.composing import compose, resolve
from mneme.retention.drift import Drift
from mneme.retrieval.granular import entropy_weights
from mneme.testing import ScriptedLLM

from .world import START, memory_of

DAY = timedelta(days=1)


def test_memorybank_a_stronger_memory_fades_slower_which_the_released_exponent_turns_round() -> None:
    curve = resolve("memorybank").curve
    assert curve is not None
    strengths = np.arange(1, 6, dtype=np.float32)
    kept = curve.retention(strengths, np.full(5, 2.0, np.float32))
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert kept.tolist() == pytest.approx(np.exp(-2 / strengths).tolist())
    released = np.exp(-(2 / 5) * strengths)
    assert released.tolist() == sorted(released.tolist(), reverse=True)
    assert (np.diff(kept) > 0).all() != (np.diff(released) > 0).all()


def test_memorybank_each_recall_at_the_same_gap_leaves_strictly_more() -> None:
    memory, clock = memory_of("memorybank", {"A": [1, 0], "about A": [1, 0.05]})
    space = memory.space("s")
    id = space.remember("A").ids[0]
    curve, seen = resolve("memorybank").curve, []
    assert curve is not None
    for number in range(1, 4):
        clock.set(START + number * DAY)
        space.recall("about A", k=1)
        space.upkeep()
        seen.append(float(curve.retention(np.float32([space.usage([id])[id].strength]), np.float32([2.0]))[0]))
        assert space.usage([id])[id].last_used_at == START + number * DAY
    assert seen == sorted(set(seen))
    assert seen[0] == pytest.approx(np.exp(-1), abs=1e-6)


def test_a_mem_the_first_note_stays_bit_identical_when_ranks_are_no_positions() -> None:
    described = {"keywords": ["number"], "context": "", "tags": ["pets"]}
    still = {"should_evolve": False}
    grows = {
        "should_evolve": True, "connect": [0], "tags": ["health"],
        "changes": [{"number": 0, "tags": ["health"]}, {"number": 1, "tags": ["health"]}],
    }  # fmt: skip
    llm = ScriptedLLM({"notes.describe": described, "notes.evolve": [still, still, grows]})
    # The nearest neighbours of N3 stand at positions 1 and 2, their ranks are 0 and 1: the bug changes N0 in place of N2.
    texts = {
        "N0 unrelated": [0, 0, 1],
        "N1 adopted puppy Rex": [0.8, 0.6],
        "N2 went to vet": [0.6, 0.8],
        "N3 Rex limped at vet": [0.9, 0.9],
    }
    table = {**texts, **{f"{text}\nk\npets": vector for text, vector in texts.items()}}
    memory, _ = memory_of("a-mem", table, llm=llm)
    space = memory.space("s")
    before = {}
    for text in texts:
        if text.startswith("N3"):
            before = {note.attributes["content"]: note for note in space.memories({"kinds": ["note"]})}
        space.remember(text, ref=text, wait=True)
    after = {note.attributes["content"]: note for note in space.memories({"kinds": ["note"]})}
    assert after["N0 unrelated"] == before["N0 unrelated"]
    for name in ("N1 adopted puppy Rex", "N2 went to vet"):
        assert after[name].attributes["tags"] == ["health"]
        assert after[name].text != before[name].text
        vectors = memory.embedder.embed([before[name].text, after[name].text])
        assert float(vectors[0] @ vectors[1]) < 0.999  # what is embedded changed, so its vector did
        assert [step.memory.version for step in space.history(after[name].id) if step.memory] == [1, 2]
    turns = {turn.ref: turn.id for turn in space.memories({"kinds": ["turn"]})}
    linked = {frozenset((link.source, link.target)) for link in space.links() if link.type == "similar"}
    assert frozenset((turns["N3 Rex limped at vet"], turns["N1 adopted puppy Rex"])) in linked
    found = [hit.text for hit in space.recall("N3 Rex limped at vet", k=2).hits]
    assert found[0] == "N3 Rex limped at vet"


def test_a_mem_without_evolution_everything_stays() -> None:
    described = {"keywords": ["number"], "context": "", "tags": ["pets"]}
    llm = ScriptedLLM({"notes.describe": described, "notes.evolve": {"should_evolve": False, "connect": [0], "tags": ["x"]}})
    memory, _ = memory_of("a-mem", {"one": [1, 0], "two": [1, 0.1]}, llm=llm)
    space = memory.space("s")
    for text in ("one", "two"):
        space.remember(text, wait=True)
    assert {note.version for note in space.memories({"kinds": ["note"]})} == {1}
    assert {tuple(note.attributes["tags"]) for note in space.memories({"kinds": ["note"]})} == {("pets",)}  # type: ignore[call-overload]
    assert not [link for link in space.links() if link.type == "similar"]


def entropy(view: np.ndarray, temperature: float = 0.2) -> float:
    chances = np.exp(view / temperature) / np.exp(view / temperature).sum()
    return float(-(chances * np.log(chances)).sum())


def test_memgas_entropy_over_log_n_lies_in_one_and_raw_nats_invert_the_weights() -> None:
    peaked, flat = np.array([0.9] + [0.1] * 6), np.full(7, 0.5)
    assert entropy(peaked) / np.log(7) == pytest.approx(0.26, abs=0.02)
    assert entropy(flat) / np.log(7) == pytest.approx(1.0)
    assert entropy_weights(np.stack([peaked, flat]), 0.2)[0] > 0.95
    many = np.stack([np.array([0.9] + [0.1] * 49), np.full(50, 0.5)])
    nats = 1 - np.array([entropy(view) for view in many])
    assert (nats < 0).all()
    assert (nats / nats.sum())[0] < (nats / nats.sum())[1]  # the released code prefers the flat view
    ours = entropy_weights(many, 0.2)
    assert ours[0] > ours[1]


def test_pamu_the_released_floor_flags_a_smooth_drift_on_every_turn() -> None:
    slow = np.linspace(1, 0.5, 50).tolist()
    released = Drift(floor=1e-5).follow(slow)
    assert sum(reading.change > 0.9 for reading in released) >= 45
    assert not any(reading.change > 0.9 for reading in Drift().follow(slow))


def test_a_mem_finds_the_nearest_beyond_a_thousand_notes_and_embeds_none_of_them_again() -> None:
    far = "the harbour crane of Porto creaks loudly"
    memory, _ = memory_of("a-mem", "hash:64")
    space = memory.space("s")
    space.remember([*("".join(chr(97 + int(digit)) for digit in f"{n:05d}") + " zz" for n in range(1200)), far])
    embedder, seen = memory.embedder, []

    class Counting:
        identity, width = embedder.identity, embedder.width

        def embed(self, texts: list[str]) -> np.ndarray:
            seen.extend(texts)
            return embedder.embed(texts)

        def passages(self, text: str) -> list[str]:
            return embedder.passages(text)

    memory.embedder = Counting()  # type: ignore[assignment]
    new = "the harbour crane of Porto creaks again"
    id = space.remember(new).ids[0]
    others = {m.id: m.text for m in space.memories({"kinds": ["turn"]}, limit=5000)}
    linked = [others[link.target] for link in space.links([id]) if link.type == "similar" and link.source == id]
    assert far in linked
    assert len(seen) <= 3  # the message and its note


def test_a_mem_what_a_neighbour_learned_from_a_message_goes_with_it() -> None:
    described = {"keywords": ["number"], "context": "", "tags": ["pets"]}
    grows = {
        "should_evolve": True, "connect": [0], "tags": ["pets"],
        "changes": [{"number": 0, "tags": ["limping"], "context": "Rex limped badly."}],
    }  # fmt: skip
    llm = ScriptedLLM({"notes.describe": described, "notes.evolve": grows})
    memory, _ = memory_of("a-mem", {"adopted puppy Rex": [0.8, 0.6], "Rex limped at vet": [0.9, 0.9]}, llm=llm)
    space = memory.space("s")
    first, second = (space.remember(text, wait=True).id for text in ("adopted puppy Rex", "Rex limped at vet"))
    evolved = next(note for note in space.memories({"kinds": ["note"]}) if note.attributes["content"] == "adopted puppy Rex")
    assert evolved.attributes["context"] == "Rex limped badly."
    space.forget(second, erase=True)
    (left,) = space.memories({"kinds": ["note"]})
    assert (left.attributes["content"], left.attributes["tags"], left.attributes["context"]) == ("adopted puppy Rex", ["pets"], "")
    assert [memory.id for memory in space.memories({"kinds": ["turn"]})] == [first]


def test_a_mem_by_rule_no_tag_of_an_erased_message_is_left() -> None:
    memory, _ = memory_of("a-mem", "hash:128")
    space = memory.space("s")
    first = space.remember("The parrot Kiki eats mango; mango is for the parrot.").id
    space.remember("The parrot eats bread; bread is for the parrot.")
    tags = [note.attributes["tags"] for note in space.memories({"kinds": ["note"]})]
    assert len(tags) == 2
    assert "mango" in str(tags[1])
    space.forget(first, erase=True)
    assert "mango" not in str(space.memories())


def test_a_mem_the_recipe_brings_a_linked_message_whose_own_rank_is_behind_the_places() -> None:
    described = {"keywords": ["number"], "context": "", "tags": ["pets"]}
    still = {"should_evolve": False}
    grows = {"should_evolve": True, "connect": [0], "tags": ["pets"], "changes": []}
    noise = {f"noise {number}": [0.9 - number / 40, 0.0, 0.5] for number in range(12)}
    texts = {"far": [0.2, 1.0], "hit": [1.0, 0.1], **noise}
    llm = ScriptedLLM({"notes.describe": described, "notes.evolve": [grows, *[still] * 12]})
    table = {**texts, **{f"{text}\nk\npets": vector for text, vector in texts.items()}, "q": [1.0, 0.0]}
    memory, _ = memory_of("a-mem", table, llm=llm)
    space = memory.space("s")
    for text in texts:
        space.remember(text, wait=True)
    found = [hit.text for hit in space.recall("q", k=10).hits]
    assert found[0] == "hit"
    assert "far" in found
    alone = compose(name="alone", base="a-mem", refiners=[])
    bare, _ = memory_of(alone, table)
    space = bare.space("s")
    space.remember(list(texts))
    assert "far" not in [hit.text for hit in space.recall("q", k=10).hits]
