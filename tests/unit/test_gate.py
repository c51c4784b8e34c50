"""What formed memories have to pass: grounding, and the fingerprint of what mneme itself rendered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mneme import Memory
from mneme.core.composing import GATE, compose, resolve
from mneme.core.registry import names
from mneme.guard.fingerprints import rendered_spans
from mneme.guard.grounding import borne_out
from mneme.testing import ScriptedLLM

AT = datetime(2023, 5, 8, 9, tzinfo=UTC)


def item(**changes: object) -> dict[str, object]:
    plain = {
        "message": 1, "quote": "I moved to Lisbon", "text": "Ana moved to Lisbon.", "kind": "event", "subject": "Ana",
        "relation": "moved_to", "object": "Lisbon",
    }  # fmt: skip
    return {**plain, **changes}


def formed(folder: Path, *items: dict[str, object], text: str = "Well, I moved to Lisbon last week.") -> tuple[list[str], dict[str, int]]:
    llm = ScriptedLLM({"form.statements": {"items": list(items)}})
    with Memory(folder, embedder="hash", recipe="beliefs", llm=llm, background=False) as memory:
        space = memory.space()
        receipt = space.remember(text, author="Ana", at=AT)
        dry = space.form(receipt.episodes)
        space.drain()
        kinds = ("fact", "event", "profile", "preference")
        return [found.text for found in space.memories(kinds and {"kinds": kinds}, limit=100)], dry.refused


def test_what_a_model_quotes_is_stored_and_what_it_implies(tmp_path: Path) -> None:
    texts, refused = formed(tmp_path, item())
    assert sorted(texts) == ["Ana lives in Lisbon.", "Ana moved to Lisbon."]
    assert refused == {}


def test_an_invented_name_is_refused_and_counted(tmp_path: Path) -> None:
    texts, refused = formed(tmp_path, item(text="Ana moved to Porto with Miguel.", relation="went_to"))
    assert texts == []
    assert refused == {"grounding: name not in the source": 1}


def test_words_that_nobody_said_are_no_quotation(tmp_path: Path) -> None:
    assert formed(tmp_path, item(quote="I moved to Porto"))[0] == []


def test_a_message_number_that_was_not_shown_is_ignored(tmp_path: Path) -> None:
    assert formed(tmp_path, item(message=7))[0] == []


def test_a_recalled_context_pasted_back_is_stored_but_forms_nothing(tmp_path: Path) -> None:
    with Memory(tmp_path, embedder="hash", recipe="beliefs") as memory:
        space = memory.space()
        space.remember("I moved to Lisbon in March 2023.", author="Ana", at=AT)
        before = {found.id for found in space.memories(limit=100)}
        context = space.recall("Where does Ana live?").context
        receipt = space.remember(f"From my memory:\n{context}", author="Tomas", at=AT)
        after = {found.id for found in space.memories(limit=100)}
        assert after - before == set(receipt.ids)
        assert space.recall("memory").hits


def test_rendered_lines_and_headings_are_found() -> None:
    text = "## 2023-05-08 (Mon), session a\n[m1] 09:00 Ana: I moved.\nThanks"
    assert [text[start:end] for start, end in rendered_spans(text)] == ["## 2023-05-08 (Mon), session a", "[m1] 09:00 Ana: I moved."]


def test_a_composed_recipe_has_the_gate_unless_it_says_otherwise() -> None:
    assert [guard.name for guard in compose(name="a", formers=["sessions"]).guards] == list(GATE)
    assert [guard.name for guard in compose(name="a", base="default", formers=["sessions"]).guards] == list(GATE)
    assert compose(name="a", formers=["sessions"], guards=[]).guards == ()
    assert compose(name="a").guards == ()


def test_every_recipe_that_forms_by_model_has_the_gate_or_a_guard_of_its_own() -> None:
    for name in names("recipe"):
        recipe = resolve(name)
        assert recipe.guards or not recipe.formers, name


def test_a_summary_with_a_name_that_nobody_said_is_refused_and_what_it_would_replace_stays(tmp_path: Path) -> None:
    told = [{"text": "They spoke of Lisbon."}, {"text": "They spoke of Lisbon and Miguel."}]
    recipe = compose(name="digests", formers=[{"use": "scratchpad", "most_tokens": 30, "to_tokens": 20}])
    noted = ScriptedLLM({"scratchpad.note": lambda request: {"text": str(request.variables["now"])}, "scratchpad.compress": told[1]})
    with Memory(tmp_path, embedder="hash", recipe=recipe, llm=noted, background=False) as memory:
        space = memory.space()
        for number in range(4):
            space.remember(f"I walked through Lisbon for {number + 2} hours.", author="Ana", at=AT, wait=True)
        notes = space.memories({"tiers": ["scratchpad"]})
    assert len(notes) >= 3
    assert not any("Miguel" in note.text for note in notes)


def test_a_date_of_a_text_about_several_days_may_follow_from_any_of_them() -> None:
    said = {AT: "We met yesterday.", AT + timedelta(days=30): "The party is tomorrow."}
    assert borne_out("They met on 7 May 2023; the party is on 8 June 2023.", said, prose=True).ok
    assert [problem.text for problem in borne_out("The party is on 9 June 2023.", said, prose=True).problems] == ["9 June 2023"]


@pytest.mark.parametrize("recipe", ["mem0", "mem-alpha", "a-mem", "h-mem"])
def test_no_recipe_forms_anything_of_what_was_recalled(recipe: str, tmp_path: Path) -> None:
    with Memory(tmp_path, embedder="hash", recipe=recipe) as memory:
        space = memory.space()
        space.remember("I moved to Lisbon in March 2023 and I work as a nurse.", author="Ana", at=AT, session="one")
        formed = {found.id for found in space.memories(limit=100) if found.kind != "turn"}
        assert formed
        context = space.recall("Where does Ana live?").context
        pasted = space.remember(f"From my memory:\n{context}", author="helper", role="assistant", at=AT, session="one")
        rest_on = space.formed_from(pasted.episodes)
        assert not {id for id in rest_on if space.get(id).kind != "turn"}
