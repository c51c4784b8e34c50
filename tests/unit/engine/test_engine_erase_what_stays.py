"""``forget(..., erase=True)``: what is kept of memories that rest on more than what is erased, and in what state."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

import pytest

import mneme
from mneme.core.errors import Refused
from mneme.core.operations import Quarantine, Restore
from mneme.core.records import Media, Message
from mneme.core.trace import Trace
from mneme.text.analyser import Analyser


def erased(space: mneme.Space, target: object) -> mneme.ErasureReport:
    report = space.forget(target, erase=True)  # type: ignore[arg-type]
    assert isinstance(report, mneme.ErasureReport)
    assert report.findings == ()
    assert space.verify().problems == ()
    return report


def everything(space: mneme.Space) -> list[mneme.core.records.Memory]:
    return list(space.memories(mneme.Filter(archived=True), statuses=("active", "archived", "quarantined", "undone")))


def widened(space: mneme.Space) -> tuple[str, str, str]:
    """Return a note that was widened, and the messages behind its two versions."""
    first, second = space.remember(["I keep bees in Faro.", "The door code is 4411."]).ids
    note = space.remember(memories=[{"text": "Keeps bees.", "kind": "note", "sources": [first]}]).id
    space.revise(note, "Keeps bees; code 4411.", sources=(*space.get(note).sources, *space.get(second).sources))
    return note, first, second


def test_what_was_archived_is_kept_anew_archived(space: mneme.Space) -> None:
    note, first, second = widened(space)
    space.forget(note)
    erased(space, second)
    assert [memory.id for memory in space.memories()] == [first]
    assert {(memory.text, memory.status) for memory in everything(space) if memory.id != first} == {("Keeps bees.", "archived")}


def test_what_had_ended_has_ended(space: mneme.Space, clock: object) -> None:
    note, first, second = widened(space)
    end = datetime(2024, 6, 1, tzinfo=UTC)
    space.revise(note, valid_to=end)
    erased(space, second)
    (kept,) = (memory for memory in everything(space) if memory.id != first)
    assert (kept.text, kept.valid_to) == ("Keeps bees.", end)


def test_what_is_quarantined_stays_so(space: mneme.Space) -> None:
    note, first, second = widened(space)
    with space._use() as opened:
        space._apply(opened, [Quarantine(id=note, why="grounding: number 4411 not in the source")], Trace(id="tr_1", verb="form"))
    erased(space, second)
    (kept,) = (memory for memory in everything(space) if memory.id != first)
    assert (kept.text, kept.status, dict(kept.attributes)) == ("Keeps bees.", "quarantined", {})


def test_the_reason_of_a_quarantine_releases_nothing(space: mneme.Space) -> None:
    first, second = space.remember(["What a name!", "Ana lives in Porto."]).ids
    space.remember(memories=[{"text": "Ana lives in Porto.", "sources": [first, second]}])
    (fact,) = space.memories({"kinds": ["fact"]})
    with space._use() as opened:
        space._apply(opened, [Quarantine(id=fact.id, why="grounding: name not in the source")], Trace(id="tr_1", verb="form"))
    erased(space, first)
    assert [(memory.text, memory.status) for memory in everything(space) if memory.kind == "fact"] == [
        ("Ana lives in Porto.", "quarantined")
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        {"why": "the model found it new"},
        {"decision": "new"},
        {"from": "2024-05-01"},
        {"relation": "found"},
        {"table": "flat"},
        {"of": ["mem_flat"]},
    ],
)
def test_what_is_said_of_a_fact_is_not_what_it_tells(space: mneme.Space, attributes: dict[str, object]) -> None:
    first, second = space.remember(["I found a new flat, mem_flat, in Porto on 2024-05-01.", "I live in Porto, says Ana."]).ids
    space.remember(memories=[{"text": "Ana lives in Porto.", "sources": [first, second], "attributes": attributes}])
    erased(space, first)
    (fact,) = space.memories({"kinds": ["fact"]})
    assert fact.text == "Ana lives in Porto."
    assert dict(fact.attributes) == {name: value for name, value in attributes.items() if name != "why"}


def test_free_attributes_are_told(space: mneme.Space) -> None:
    first, second = space.remember(["The code is 4411.", "I live in Porto, says Ana."]).ids
    for attributes in ({"object": "4411"}, {"by": "code 4411"}, {"from": "4411"}):
        space.remember(memories=[{"text": "Ana lives in Porto.", "sources": [first, second], "attributes": attributes}])
    erased(space, first)
    assert space.memories({"kinds": ["fact"]}) == []


def test_a_block_whose_name_was_said_stays_a_block(space: mneme.Space) -> None:
    spans = [space.get(id).sources for id in space.remember(["I like tea.", "As a human I tell you the code 4411."]).ids]
    space.blocks.set("human", "Likes tea.", sources=spans[0])
    space.blocks.append("human", "A human with code 4411.", sources=spans[1])
    erased(space, "mem" + spans[1][0].episode[2:])
    assert [(block.name, block.text) for block in space.blocks.list()] == [("human", "Likes tea.")]


@pytest.mark.parametrize(
    ("gone", "stays", "summary"),
    [
        ("Das ist der Code 4411.", "Ich habe Tomaten gepflanzt, sagt Nutzer.", "Der Nutzer hat Tomaten gepflanzt."),
        ("El código de la puerta es 4411.", "Ayer planté tomates en casa, dice Ana.", "Ana planté tomates en la casa."),
        ("我的门的密码是4411。", "用户在花园种西红柿。", "用户种了我的西红柿。"),
    ],
)
def test_function_words_tell_nothing_in_any_language(space: mneme.Space, gone: str, stays: str, summary: str) -> None:
    first, second = space.remember([gone, stays]).ids
    space.remember(memories=[{"text": text, "kind": "summary", "sources": [first, second]} for text in (summary, f"{summary} 4411")])
    erased(space, first)
    assert [memory.text for memory in space.memories({"kinds": ["summary"]})] == [summary]


def test_a_word_that_is_a_function_word_elsewhere_tells_something(space: mneme.Space) -> None:
    first, second = space.remember(["My father died in the war.", "I planted tomatoes."]).ids
    space.remember(memories=[{"text": "Planted tomatoes after the war.", "kind": "summary", "sources": [first, second]}])
    erased(space, first)
    assert space.memories({"kinds": ["summary"]}) == []


def test_captions_and_authors_are_said_too(space: mneme.Space) -> None:
    photo = Media(uri="file:///a.png", mime="image/png", caption="a mole on my back")
    garden = Media(uri="file:///b.png", mime="image/png", caption="a mole in the garden")
    first = space.remember(Message(text="", media=(photo,), author="Ana")).id
    second, third = space.remember(["I planted tomatoes.", Message(text="Look!", media=(garden,))]).ids
    for text, other in (("Tomatoes, and a mole.", second), ("Tomatoes for Ana.", second), ("A mole.", third)):
        space.remember(memories=[{"text": text, "kind": "summary", "sources": [first, other]}])
    erased(space, first)
    assert [memory.text for memory in space.memories({"kinds": ["summary"]})] == ["A mole."]


def test_what_is_kept_anew_keeps_what_it_rests_on(space: mneme.Space) -> None:
    first = space.remember("I keep bees in Faro.").id
    fact = space.remember(memories=[{"text": "Keeps bees in Faro.", "sources": [first]}]).id
    space.revise(fact, "Keeps bees in Olhao.")
    summary = space.remember(memories=[{"text": "Bees in Olhao.", "kind": "summary", "sources": [fact]}]).id
    space.revise(summary, "Bees in Olhao.", sources=space.get(fact).sources)
    erased(space, first)
    kept = {memory.kind: memory for memory in space.memories()}
    (span,) = kept["fact"].sources
    (words,) = space.episodes([span.episode])
    assert (kept["fact"].text, words.text) == ("Keeps bees in Olhao.", "Keeps bees in Olhao.")
    assert kept["summary"].sources == (span,)
    erased(space, kept["fact"].id)
    assert space.episodes() == []
    assert space.memories() == []


def test_a_message_that_was_widened_keeps_its_words(space: mneme.Space) -> None:
    first, second = space.remember(["I keep bees.", "The code is 4411."]).ids
    space.revise(first, "I keep bees. Code 4411.", sources=(*space.get(first).sources, *space.get(second).sources))
    erased(space, second)
    (kept,) = space.memories()
    assert kept.text == "I keep bees."
    assert [episode.text for episode in space.episodes([span.episode for span in kept.sources])] == ["I keep bees."]
    erased(space, kept.id)
    assert (space.memories(), space.episodes()) == ([], [])


def test_an_entry_of_many_versions_is_read_once(space: mneme.Space) -> None:
    ids = space.remember([f"pigeon {number} came home" for number in range(30)]).ids
    entry = space.remember(memories=[{"text": "pigeons", "sources": [ids[0]]}]).id
    for id in ids[1:]:
        space.revise(entry, "pigeons", sources=(*space.get(entry).sources, *space.get(id).sources))
    read: list[str] = []
    plain = Analyser.terms
    with patch.object(Analyser, "terms", lambda self, text, *rest: (read.append(text), plain(self, text, *rest))[1]):
        erased(space, ids[3])
    assert max(read.count(f"pigeon {number} came home") for number in range(30)) <= 2


def test_a_hold_protects_what_would_go_or_be_cut_with_a_message(space: mneme.Space) -> None:
    first, second = space.remember(["I keep bees.", "The code is 4411."]).ids
    space.remember(memories=[{"text": "Code 4411.", "kind": "summary", "sources": [second]}])
    space.remember(memories=[{"text": "Keeps bees.\nCode 4411.", "kind": "summary", "sources": [first, second]}])
    space.policies('[[hold]]\nname = "case 12"\nkinds = ["summary"]\n')
    before = everything(space)
    with pytest.raises(Refused, match="hold 'case 12'"):
        space.forget(second, erase=True)
    assert everything(space) == before
    assert len(space.episodes()) == 2
    space.policies("")
    erased(space, second)
    assert [memory.text for memory in space.memories({"kinds": ["summary"]})] == ["Keeps bees."]


def test_what_was_undone_does_not_come_back(space: mneme.Space) -> None:
    note, first, second = widened(space)
    with space._use() as opened:
        space._apply(opened, [Restore(id=note, version=0)], Trace(id="tr_1", verb="undo"))
    erased(space, second)
    assert [(memory.id, memory.status) for memory in everything(space)] == [(first, "active")]


def test_what_was_superseded_still_ends_where_the_other_begins(space: mneme.Space) -> None:
    note, first, second = widened(space)
    moved = datetime(2024, 6, 1, tzinfo=UTC)
    later = space.revise(note, "Keeps goats.", since=moved).id
    erased(space, second)
    kept = {memory.text: memory for memory in everything(space) if memory.id != first}
    assert (kept["Keeps bees."].valid_to, kept["Keeps goats."].id, kept["Keeps goats."].valid_to) == (moved, later, None)
