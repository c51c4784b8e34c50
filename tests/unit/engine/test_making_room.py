"""What a former archives to make room: only where what takes its place was let in, and never what somebody has dealt with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mneme
from mneme.core.composing import compose
from mneme.core.operations import Archive, Keep, Quarantine
from mneme.core.recipe import Recipe
from mneme.core.trace import Trace
from mneme.engine import forming
from mneme.testing import ScriptedLLM

AT = datetime(2023, 5, 8, 9, tzinfo=UTC)
PAD = {"use": "scratchpad", "most_tokens": 40, "to_tokens": 30}


def said(number: int) -> str:
    return f"I walked through Lisbon for {number + 2} hours."


def model(whole: str, *, note: str = "", items: object = ()) -> ScriptedLLM:
    """Return a model that notes what was said, ``note`` after the third message, and compresses notes to ``whole``."""

    def noted(request: object) -> Mapping[str, object]:
        now = str(request.variables["now"])  # type: ignore[attr-defined]
        return {"text": note if note and said(2) in now else now}

    return ScriptedLLM({"scratchpad.note": noted, "scratchpad.compress": {"text": whole}, "form.statements": {"items": items}})


def notes(folder: Path, recipe: Recipe, llm: ScriptedLLM) -> dict[str, list[str]]:
    """Return status -> the notes of five messages that were read together."""
    with mneme.Memory(folder, embedder="hash:64", recipe=recipe, llm=llm, background=False) as memory:
        space = memory.space()
        messages = [mneme.Message(text=said(number), author="Ana", session="s", at=AT + timedelta(hours=number)) for number in range(5)]
        space.remember(messages, wait=True)
        with space._use() as opened:
            found = opened.store.find(mneme.Filter(tiers=("scratchpad",), archived=True), statuses=("active", "archived", "quarantined"))
    by: dict[str, list[str]] = {}
    for one in found:
        by.setdefault(one.status, []).append(one.text)
    return by


def recipe_of(*formers: object, quarantine: bool = False) -> Recipe:
    return compose(name="pads", formers=list(formers), guards=[{"use": "grounding", "quarantine": quarantine}])


def test_notes_stay_while_their_whole_waits_for_a_judge(tmp_path: Path) -> None:
    found = notes(tmp_path, recipe_of(PAD, quarantine=True), model("Ana walked through Lisbon with Miguel."))
    assert found["quarantined"] == ["Ana walked through Lisbon with Miguel."]
    assert len(found["active"]) == 5
    assert "archived" not in found


def test_a_note_that_waits_for_a_judge_is_not_archived(tmp_path: Path) -> None:
    found = notes(tmp_path, recipe_of(PAD, quarantine=True), model("Ana walked through Lisbon.", note="Ana walked 77 miles."))
    assert found["quarantined"] == ["Ana walked 77 miles."]
    assert found["active"] == ["Ana walked through Lisbon."]
    assert len(found["archived"]) == 4


def test_a_refused_note_is_no_reason_to_keep_the_others_twice(tmp_path: Path) -> None:
    found = notes(tmp_path, recipe_of(PAD), model("Ana walked through Lisbon.", note="Ana walked 77 miles."))
    assert found["active"] == ["Ana walked through Lisbon."]
    assert len(found["archived"]) == 4


def test_what_one_former_was_refused_leaves_another_its_room(tmp_path: Path) -> None:
    invented = {
        "message": 1, "quote": said(0), "text": "Ana walked with Miguel.", "kind": "event", "subject": "Ana", "relation": "walked",
        "object": "Miguel",
    }  # fmt: skip
    found = notes(tmp_path, recipe_of("model-statements", PAD), model("Ana walked through Lisbon.", items=[invented]))
    assert found["active"] == ["Ana walked through Lisbon."]
    assert len(found["archived"]) == 5


def test_a_note_that_was_erased_or_set_aside_meanwhile_is_not_archived(tmp_path: Path) -> None:
    recipe = compose(name="pads", formers=["scratchpad"], guards=[])
    with mneme.Memory(tmp_path, embedder="hash:64", recipe=recipe, background=False) as memory:
        space = memory.space()
        messages = [mneme.Message(text=said(number), author="Ana", session="s", at=AT) for number in range(3)]
        space.remember(messages, wait=True)
        first, second, third = space.memories({"tiers": ["scratchpad"]})
        space.forget([first.id], erase=True)
        with space._use() as opened:
            trace = Trace(id="tr_1", verb="form")
            space._apply(opened, [Quarantine(id=second.id)], trace)
            read = forming.Read(groups=((Keep(memory=first), *(Archive(id=note.id) for note in (first, second, third))),))
            fitted = space._deferred(opened)._fit(read, trace)
    assert fitted.operations == (Archive(id=third.id),)
