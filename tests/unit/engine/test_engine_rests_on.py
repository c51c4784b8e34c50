"""What an edit rests on: blocks and entries keep their sources, and a correction's sources are there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import mneme
from mneme.core.errors import InvalidInput
from mneme.core.records import Media, Message, Span
from mneme.recipes.agent.entries import reworded


def said(space: mneme.Space, text: str) -> tuple[str, tuple[Span, ...]]:
    id = space.remember(text).id
    return id, space.get(id).sources


def everything(space: mneme.Space) -> str:
    return str([space.memories(mneme.Filter(archived=True)), space.episodes()])


EDITS: dict[str, Callable[[mneme.Blocks], object]] = {
    "append": lambda blocks: blocks.append("user", "Has a boat."),
    "limit": lambda blocks: blocks.set("user", blocks.get("user").text, limit_chars=500),
    "set": lambda blocks: blocks.set("user", blocks.get("user").text + "\nHas a boat."),
    "replace": lambda blocks: blocks.replace("user", "Likes", "Loves"),
    "taken out": lambda blocks: blocks.replace("user", "very much ", ""),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_block_rests_after_an_edit_on_what_it_rested_on_before(space: mneme.Space, edit: str) -> None:
    _, tea = said(space, "I like tea very much indeed.")
    secret, code = said(space, "The code is 4411.")
    space.blocks.set("user", "Likes tea very much indeed.", sources=tea)
    space.blocks.append("user", "code 4411", sources=code)
    EDITS[edit](space.blocks)
    report = space.forget(secret, erase=True)
    assert isinstance(report, mneme.ErasureReport)
    assert "4411" not in everything(space)
    assert space.verify().problems == ()
    assert len(space.blocks.list()) == 1


def test_words_of_the_caller_in_a_block_stay_when_what_came_before_goes(space: mneme.Space) -> None:
    _, tea = said(space, "I like tea.")
    secret, code = said(space, "The code of the boat is 4411.")
    space.blocks.set("user", "Likes tea.", sources=tea)
    space.blocks.append("user", "code 4411", sources=code)
    space.blocks.append("user", "Has a boat.")
    space.forget(secret, erase=True)
    assert space.blocks.get("user").text == "Likes tea.\nHas a boat."
    space.forget(space.blocks.get("user").id, erase=True)
    assert "boat" not in everything(space)


def test_an_entry_rests_after_an_edit_on_what_it_rested_on_before(space: mneme.Space) -> None:
    secret, code = said(space, "The code is 4411.")
    id = space.remember(memories=[{"text": "code 4411", "sources": [secret]}]).id
    reworded(space, space.get(id), "the code 4411", ())
    assert space.get(id).sources == code
    space.forget(secret, erase=True)
    assert "4411" not in everything(space)


@pytest.mark.parametrize("empty", [[], (), None])
def test_empty_sources_of_a_correction_count_as_not_given(space: mneme.Space, empty: object) -> None:
    id = space.remember("The boat is red.").id
    space.revise(id, "The boat is blue.", sources=empty)
    (span,) = space.get(id).sources
    assert [episode.text for episode in space.episodes([span.episode])] == ["The boat is blue."]
    space.revise(id, importance=0.9, sources=empty)
    assert space.get(id).sources == (span,)
    with pytest.raises(InvalidInput, match="sources: is empty"):
        space.revise(id, sources=empty)


def test_sources_of_a_correction_are_there(space: mneme.Space) -> None:
    id, (whole,) = said(space, "The boat is red.")
    for span, says in (
        (Span(episode="ep_nope", start=0, end=9), "'ep_nope' is no episode"),
        (Span(episode=whole.episode, start=0, end=99), "outside the 16 characters"),
        (Span(episode=whole.episode, start=-1, end=3), "outside"),
        (Span(episode=whole.episode, start=3, end=3), "outside"),
    ):
        with pytest.raises(InvalidInput, match=says):
            space.revise(id, "The boat is blue.", sources=[span])
    assert space.get(id).version == 1
    space.revise(id, "A boat.", sources=[Span(episode=whole.episode, start=4, end=8)])
    assert space.get(id).sources[0].start == 4


def test_sources_that_were_erased_and_photos_without_words_are_no_mistake(space: mneme.Space) -> None:
    photo = space.remember(Message(text="", media=(Media(uri="file:///a.png", mime="image/png", caption="a boat"),))).id
    first, spans = said(space, "I have a boat.")
    second, more = said(space, "My boat is red.")
    fact = space.remember(memories=[{"text": "Has a boat.", "sources": [first, second]}]).id
    other = space.remember(memories=[{"text": "A boat.", "sources": [second]}]).id
    space.forget(first, erase=True)
    assert space.get(fact).sources == (*spans, *more)
    space.revise(other, "A boat!", sources=(*space.get(fact).sources, *space.get(photo).sources))
    assert len(space.get(other).sources) == 3
