"""``forget(..., erase=True)``: what goes, what stays, and that nothing of it is left anywhere."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mneme
from mneme.core.errors import Busy, ErasureIncomplete, NotFound, StorageFull
from mneme.core.records import Usage


def erased(space: mneme.Space, target: object) -> mneme.ErasureReport:
    report = space.forget(target, erase=True)  # type: ignore[arg-type]
    assert isinstance(report, mneme.ErasureReport)
    assert report.findings == ()
    return report


def raw(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_every_place_forgets_it(on_disk: mneme.Memory, tmp_path: Path) -> None:
    space = on_disk.space("alice")
    space.remember([f"ordinary message {i} about the weather" for i in range(50)], session="s")
    id = space.remember("The zanzibar codeword is quixotic.", session="s", reason="about zanzibar").id
    space.revise(id, "The zanzibar codeword is flamboyant.", reason="not quixotic")
    space.feedback(space.recall("zanzibar", k=1), useful=[id])
    on_disk.space("alice").close()
    assert b"quixotic" in raw(tmp_path / "root")
    report = erased(space, id)
    assert set(report.erased) >= {id}
    assert report.places["memory_version"] == 3 - 1
    assert report.places["reason"] == 2
    assert report.places["episode"] == 2
    assert report.searched_bytes > 10_000
    assert report.needles > 5
    left = raw(tmp_path / "root")
    for word in (b"zanzibar", b"quixotic", b"flamboyant", b"codeword"):
        assert word not in left
    assert b"weather" in left
    assert space.recall("zanzibar codeword", k=60).hits[0].text.startswith("ordinary")
    assert space.recall("zanzibar", known_at=space.journal()[1].recorded_at, k=60).hits[0].text.startswith("ordinary")
    assert space.verify().problems == ()
    assert space.usage([id]).get(id, Usage()) == Usage()


def test_what_rests_only_on_it_goes_too_and_again_what_rests_on_that(space: mneme.Space) -> None:
    said = space.remember("The marmalade recipe needs saffron.").id
    fact = space.remember(memories=[{"text": "Saffron belongs in marmalade.", "sources": [said]}]).id
    other = space.remember("Unrelated.").id
    report = erased(space, said)
    assert set(report.derived) == {fact}
    assert {said, fact} <= set(report.erased)
    with pytest.raises(NotFound):
        space.get(fact)
    assert [memory.id for memory in space.memories()] == [other]


def test_what_rests_on_something_else_too_survives_without_it(space: mneme.Space) -> None:
    first, second = space.remember(["I keep bees.", "My bees, which I keep in Faro, made honey."]).ids
    fact = space.remember(memories=[{"text": "Keeps bees.", "sources": [first, second]}]).id
    erased(space, first)
    assert space.get(fact).text == "Keeps bees."  # its present version never rested on the erased one alone
    erased(space, second)
    with pytest.raises(NotFound):
        space.get(fact)


def test_a_summary_of_several_goes_when_it_tells_what_only_the_erased_one_said(space: mneme.Space) -> None:
    first, second = space.remember(["The door code is 4411.", "I planted tomatoes in Faro."]).ids
    for text, attributes in (
        ("The door code is 4411. Tomatoes were planted.", {}),
        ("Tomatoes were planted, and a door has codes.", {}),
        ("Tomatoes were planted.", {"keywords": ["tomatoes", {"more": ["4411"]}]}),
        ("A summary of tomatoes.", {}),
    ):
        space.remember(memories=[{"text": text, "kind": "summary", "sources": [first, second], "attributes": attributes}])
    erased(space, first)
    assert [memory.text for memory in space.memories({"kinds": ["summary"]})] == ["A summary of tomatoes."]
    assert not any("4411" in str(memory) for memory in space.memories({"archived": True}, statuses=("active", "archived")))
    assert space.verify().problems == ()


def test_what_was_widened_by_an_erased_message_goes_back_to_what_it_said_before() -> None:
    with mneme.Memory(":memory:", embedder="hash:64", recipe="memory-r1", background=False) as memory:
        space = memory.space("s")
        one, other = (space.remember(text, author="Ana").id for text in ("I adopted a dog named Buddy.", "I adopted another dog, Scout."))
        (entry,) = space.memories({"kinds": ["fact"]})
        assert entry.text == "I adopted a dog named Buddy and another dog, Scout."
        assert {"mem" + span.episode[2:] for span in entry.sources} == {one, other}
        erased(space, other)
        assert [fact.text for fact in space.memories({"kinds": ["fact"]})] == ["I adopted a dog named Buddy"]
        assert space.recall("dog", k=5).hits[0].memory.id == one
        erased(space, one)
        assert space.memories() == []


def test_a_belief_whose_past_rested_only_on_it_is_kept_anew(space: mneme.Space) -> None:
    first = space.remember("I keep bees in Faro.").id
    fact = space.remember(memories=[{"text": "Keeps bees in Faro.", "sources": [first]}]).id
    space.revise(fact, "Keeps bees in Olhao.")
    report = erased(space, first)
    assert fact in report.derived
    (kept,) = space.memories()
    assert (kept.text, kept.version) == ("Keeps bees in Olhao.", 1)
    assert kept.id != fact
    assert [hit.memory.id for hit in space.recall("bees").hits] == [kept.id]
    assert space.verify().problems == ()


def test_the_same_words_elsewhere_stay(on_disk: mneme.Memory, tmp_path: Path) -> None:
    space = on_disk.space("alice")
    one, two = space.remember(["The parrot speaks Basque.", "The parrot speaks Basque."]).ids
    erased(space, one)
    assert [hit.memory.id for hit in space.recall("parrot Basque").hits] == [two]
    assert space.get(two).text == "The parrot speaks Basque."
    erased(space, two)
    assert b"Basque" not in raw(tmp_path / "root")


def test_an_erased_message_of_a_list_leaves_the_others(space: mneme.Space) -> None:
    ids = space.remember([f"pigeon {i} came home" for i in range(20)], key="k").ids
    erased(space, [ids[3], ids[5]])
    assert space.stats()["memories"] == 18
    again = space.remember([f"pigeon {i} came home" for i in range(20)], key="k")
    assert again.duplicate
    assert space.stats()["memories"] == 18


class Meanwhile:
    """A store in whose search, or before whose rewriting, something happens first."""

    def __init__(self, store: Any, then: Callable[[], object], before: str = "scan") -> None:
        self.store, self.then, self.before = store, then, before

    def scan(self, needles: Mapping[str, bytes]) -> Any:
        if self.before == "scan":
            self.then()
        return self.store.scan(needles)

    def scrub(self) -> None:
        if self.before == "scrub":
            self.then()
        self.store.scrub()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_words_that_are_said_anew_during_the_search_are_no_traces(space: mneme.Space) -> None:
    id = space.remember("The zanzibar codeword is quixotic.").id
    space.remember("The weather is fine.")
    with space._use() as opened:
        store = opened.store
        opened.store = Meanwhile(store, lambda: space.remember("Zanzibar is quixotic."))  # type: ignore[assignment]
        try:
            report = erased(space, id)
        finally:
            opened.store = store
    assert report.needles > 2
    assert [memory.text for memory in space.memories()] == ["The weather is fine.", "Zanzibar is quixotic."]


@pytest.mark.parametrize(("error", "says"), [(StorageFull("full"), "no space is left"), (Busy("busy"), "others kept the files in use")])
def test_an_erasure_whose_files_can_not_be_rewritten_says_that_the_rows_are_gone(
    on_disk: mneme.Memory, error: Exception, says: str
) -> None:
    space = on_disk.space("alice")
    id = space.remember("The zanzibar codeword is quixotic.").id

    def fail() -> None:
        raise error

    with space._use() as opened:
        store = opened.store
        opened.store = Meanwhile(store, fail, "scrub")  # type: ignore[assignment]
        try:
            with pytest.raises(ErasureIncomplete, match=f"the rows are gone, but {says}.*vacuum") as caught:
                space.forget(id, erase=True)
        finally:
            opened.store = store
    report = caught.value.report
    assert isinstance(report, mneme.ErasureReport)
    assert (id in report.erased, report.searched_bytes) == (True, 0)
    assert space.memories() == []


def test_by_filter_archived_ones_only_on_request(space: mneme.Space) -> None:
    space.remember("draft one", session="s")
    hidden = space.remember("draft two", session="s").id
    space.forget(hidden)
    assert len(erased(space, mneme.Filter(sessions=("s",))).erased) == 2  # a memory and its episode
    assert space.get(hidden).status == "archived"
    assert hidden in erased(space, mneme.Filter(sessions=("s",), archived=True)).erased


@pytest.mark.parametrize(
    "text", ["nul \0 byte brontosaurus", 'quotes "and" back\\slashes brontosaurus', "שלום ברונטוזאורוס", "短い恐竜の話", "🦕🦖" * 9, "x"]
)
def test_odd_texts_are_erased_too(on_disk: mneme.Memory, tmp_path: Path, text: str) -> None:
    space = on_disk.space("alice")
    space.remember("something else")
    id = space.remember(text).id
    assert space.recall(text, k=1).hits[0].text == text
    erased(space, id)
    longest = max(text.replace("\0", '"').replace("\\", '"').split('"'), key=len).encode()
    assert len(longest) < 5 or longest not in raw(tmp_path / "root")


def test_a_second_process_holds_nothing_of_it_in_memory(on_disk: mneme.Memory, tmp_path: Path) -> None:
    space = on_disk.space("alice")
    ids = space.remember([f"giraffe {i}" for i in range(9)], author="ana").ids
    with mneme.Memory(tmp_path / "root", embedder="hash:64") as other:
        watching = other.space("alice")
        secret = space.remember("the unmistakable wildebeest", author="confidant", ref="w1").id
        assert watching.recall("wildebeest", k=1).hits[0].memory.id == secret
        assert watching.recall("wildebeest", k=1, known_at=space.get(secret).recorded_at).hits[0].memory.id == secret
        terms = other.analyser.terms("wildebeest")
        erased(space, secret)
        assert secret not in {hit.memory.id for hit in watching.recall("wildebeest", k=20).hits}
        index = other._pool._open["alice"].current.now()
        assert secret not in index.columns.ids
        assert "confidant" not in index.columns.values("author")
        assert "w1" not in index.columns.refs
        query = other.analyser.query("wildebeest")
        held = np.concatenate([segment.ids for segment in index._postings._segments] or [np.empty(0, np.uint64)])
        assert not set(query.ids.tolist()) & ({*held.tolist()} | set(index._postings._tail))
        assert len(watching.recall("giraffe", k=20).hits) == len(ids)
        assert terms
        gc.collect()
        assert watching.verify().problems == ()


def long_text(characters: int) -> str:
    words = " ".join(f"word{number * number % 3001}" for number in range(characters // 9 + 1))
    return words[:characters] + " needlework"


def test_five_megabytes_are_taken_and_found(on_disk: mneme.Memory) -> None:
    space = on_disk.space("alice")
    space.remember("a small one")
    text = long_text(5_000_000)
    id = space.remember(text).id
    assert space.get(id).text == text
    hit = space.recall("needlework", k=1).hits[0]
    assert hit.memory.id == id
    assert space.recall("needlework", budget_tokens=200).context_tokens <= 200


@pytest.mark.parametrize("characters", [200_000, pytest.param(5_000_000, marks=pytest.mark.slow)])
def test_a_long_text_is_erased(on_disk: mneme.Memory, tmp_path: Path, characters: int) -> None:
    space = on_disk.space("alice")
    space.remember("a small one")
    id = space.remember(long_text(characters)).id
    erased(space, id)
    assert b"needlework" not in raw(tmp_path / "root")
    assert space.stats()["memories"] == 1
