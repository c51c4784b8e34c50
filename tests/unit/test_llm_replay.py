from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from mneme.core.errors import InvalidInput, InvalidReply, ModelUnavailable, UnknownComponent
from mneme.core.llm import LLMCall, Prompt, scoped
from mneme.models.transport import AttemptFailed
from mneme.testing import NotRecorded, RecordReplayLLM, ScriptedLLM

PROMPT = Prompt(role="who", system="You name people.", template="Who is it? $text")


@dataclass(frozen=True)
class Person:
    name: str


@dataclass(frozen=True)
class Animal:
    name: str


def recorded(path: Path) -> RecordReplayLLM:
    live = RecordReplayLLM(path, ScriptedLLM(lambda request: {"name": str(request.variables["text"]).title()}))
    assert live.ask(PROMPT, {"text": "ada"}, Person) == Person("Ada")
    return live


def test_what_was_recorded_is_replayed_without_the_model(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "answers.jsonl"
    assert recorded(path).identity == "scripted:test"
    replay = RecordReplayLLM(path)
    assert replay.identity == "replay:answers.jsonl"
    assert replay.ask(PROMPT, {"text": "ada"}, Person) == Person("Ada")
    assert b"Who is it" not in path.read_bytes()


def test_filling_asks_only_what_is_new_and_recording_asks_all(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    recorded(path)
    model = ScriptedLLM({"who": [Person("Bo"), Person("Cy")]})
    fill = RecordReplayLLM(path, model)
    assert fill.ask(PROMPT, {"text": "ada"}, Person) == Person("Ada")
    assert fill.ask(PROMPT, {"text": "bo"}, Person) == Person("Bo")
    assert len(model.asked) == 1
    assert RecordReplayLLM(path, model, mode="record").ask(PROMPT, {"text": "ada"}, Person) == Person("Cy")
    # The latest answer counts.
    assert RecordReplayLLM(path).ask(PROMPT, {"text": "ada"}, Person) == Person("Cy")


@pytest.mark.parametrize(
    ("prompt", "text", "schema", "told"),
    [
        (PROMPT, "bo", Person, "the variables or the reply schema differ"),
        (PROMPT, "ada", Animal, "the variables or the reply schema differ"),
        (Prompt(role="who", system="New.", template="$text"), "ada", Person, "the prompt was changed since"),
        (Prompt(role="what", system="", template="$text"), "ada", Person, "it has none of this role"),
    ],
)
def test_an_unknown_question_is_told_with_the_reason(
    tmp_path: Path, prompt: Prompt, text: str, schema: type[Person | Animal], told: str
) -> None:
    path = tmp_path / "answers.jsonl"
    recorded(path)
    with pytest.raises(NotRecorded, match=told) as caught:
        RecordReplayLLM(path).ask(prompt, {"text": text}, schema)
    assert f"role {prompt.role!r}" in str(caught.value)
    assert "mode='fill'" in str(caught.value)
    assert isinstance(caught.value, ModelUnavailable)


def test_misfits_are_recorded_and_outages_are_not(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    model = ScriptedLLM({"who": ["no", "no", "no", AttemptFailed("no key", cause="refused")]})
    live = RecordReplayLLM(path, model)
    with pytest.raises(InvalidReply):
        live.ask(PROMPT, {"text": "ada"}, Person)
    with pytest.raises(ModelUnavailable):
        live.ask(PROMPT, {"text": "bo"}, Person)
    replay = RecordReplayLLM(path)
    with pytest.raises(InvalidReply, match="gave no valid reply to 'who' in 3 attempts"):
        replay.ask(PROMPT, {"text": "ada"}, Person)
    with pytest.raises(NotRecorded):
        replay.ask(PROMPT, {"text": "bo"}, Person)


def test_traces_tell_replays_from_calls(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    model = ScriptedLLM({"who": Person("Ada")})
    calls: list[LLMCall] = []
    live = scoped(RecordReplayLLM(path, model), space="a", on_call=calls.append)
    for _ in range(2):
        live.ask(PROMPT, {"text": "ada"}, Person)
    assert [(call.replayed, len(call.spends), call.space) for call in calls] == [(False, 1, "a"), (True, 0, "a")]
    assert calls[0].request_hash == calls[1].request_hash
    assert model.ledger.total(space="a").calls == 1


def test_prompts_can_be_asked_for_by_role(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    recorded(path)
    replay = RecordReplayLLM(path, prompts=(PROMPT,))
    assert replay.ask("who", {"text": "ada"}, Person) == Person("Ada")
    with pytest.raises(UnknownComponent):
        replay.ask("what", {"text": "ada"}, Person)


def test_a_recording_that_can_t_be_used_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with pytest.raises(InvalidInput, match="does not exist"):
        RecordReplayLLM(path)
    with pytest.raises(InvalidInput, match="needs a model to record"):
        RecordReplayLLM(path, mode="record")
    path.write_text('{"hash": "x", "role": "r", "prompt": "p", "model": "m", "reply": {}}\n\n{"hash"')
    with pytest.raises(InvalidInput, match="line 3 is no JSON"):
        RecordReplayLLM(path)
    path.write_text('{"hash": "x", "text": "y"}\n')
    with pytest.raises(InvalidInput, match="line 1 is no recorded answer"):
        RecordReplayLLM(path)
