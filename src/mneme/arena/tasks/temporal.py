"""TemporalMemoryDataset: questions about when something was said, over conversations taken from LoCoMo.

Source: Alonso et al. 2024, "Toward Conversational Agents with Context and Time Sensitive Long-term Memory"; folders
``ConversationData/<n>.json`` and ``TestData/<test>/<kind>.json``. Each entry has several wordings of one question; each wording
is asked. A question of the ambiguous tests is a short exchange, asked as a whole. Questions are asked at the time of the last
turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files
from mneme.arena.tasks.dialogue import read_turns
from mneme.arena.tasks.locomo import BUDGETS, METRICS
from mneme.core.errors import InvalidInput
from mneme.core.records import Message


def load(path: Path, options: Options) -> Dataset:
    """Read the official repository's folder."""
    conversations = existing_files(path / "ConversationData", "*.json")[: options.limit]
    tests = existing_files(path / "TestData", "*.json")
    contents = {f"{file.parent.name}/{file.stem.removeprefix('test_')}": orjson.loads(file.read_bytes()) for file in tests}
    samples = []
    for file in conversations:
        conversation = orjson.loads(file.read_bytes())
        messages = read_turns(conversation)
        numbers = _response_numbers(conversation, file)
        questions = tuple(_questions(contents, file.stem, numbers, messages))
        samples.append(Sample(id=file.stem, messages=tuple(messages), questions=questions))
    return Dataset(samples=tuple(samples), sha256=hash_files([*conversations, *tests]))


def _response_numbers(conversation: Mapping[str, Any], file: Path) -> dict[int, str]:
    turns = (turn for value in conversation.values() if isinstance(value, list) for turn in value)
    try:
        return {int(turn["response_number"]): turn["dia_id"] for turn in turns}
    except KeyError as missing:
        raise InvalidInput({"data": f"{file.name}: a turn has no {missing}; give the official TemporalMemoryDataset folder"}) from None


def _questions(contents: Mapping[str, Any], number: str, refs: Mapping[int, str], messages: list[Message]) -> Iterator[Question]:
    sessions = {message.ref: message.session for message in messages}
    asked_at = messages[-1].at if messages else None
    for category, content in contents.items():
        for index, entry in enumerate(content.get(f"file_{number}", [])):
            gold = [ref for position in entry["relevant_docs"] if (ref := refs.get(int(position))) in sessions]
            for variant, wording in enumerate(entry["questions"]):
                yield Question(
                    id=f"{number}/{category}/{index}.{variant}",
                    text=_wording(wording),
                    category=category,
                    gold=dict.fromkeys((ref for ref in gold if ref), 1),
                    gold_sessions=frozenset(session for ref in gold if (session := sessions[ref])),
                    at=asked_at,
                )


def _wording(wording: str | list[Mapping[str, str]]) -> str:
    if isinstance(wording, str):
        return wording.strip()
    return "\n".join(f"{turn['speaker']}: {turn['text']}" for turn in wording)


TASK = Task(
    name="temporal",
    summary="questions by time over conversations; gold is the turns of that time",
    load=load,
    metrics=METRICS,
    budgets=BUDGETS,
    data="temporal",
)
