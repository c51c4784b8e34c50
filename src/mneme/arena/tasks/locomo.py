"""LoCoMo: questions over conversations of many sessions; gold is the evidence turns.

Source: Maharana et al. 2024, "Evaluating Very Long-Term Conversational Memory of LLM Agents"; file ``locomo10.json``.
Differs: category 5 (adversarial) has no gold and is left out of retrieval metrics, as in the paper; evidence labels that name
no turn are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.arena.tasks.dialogue import find_evidence, read_turns
from mneme.core.records import Message

ADVERSARIAL = "5"
METRICS = names(
    "recall@10", "recall@1", "recall@5", "recall@20", "recall@50", "ndcg@10", "recall_all@10", "session_recall@1", "session_recall@5",
    "session_recall@10", "coverage@500", "coverage@1000", "coverage@2000",
)  # fmt: skip
BUDGETS = (500, 1000, 2000)


def load(path: Path, options: Options) -> Dataset:
    """Read one official file, or all JSON files of a folder."""
    files = existing_files(path, "*.json")
    conversations: list[Mapping[str, Any]] = []
    for file in files:
        content = orjson.loads(file.read_bytes())
        conversations.extend(content if isinstance(content, list) else [content])
    samples = [_sample(conversation, number) for number, conversation in enumerate(conversations)]
    return Dataset(samples=tuple(samples[: options.limit]), sha256=hash_files(files))


def _sample(conversation: Mapping[str, Any], number: int) -> Sample:
    name = str(conversation.get("sample_id", f"conv-{number}"))
    messages = read_turns(conversation["conversation"])
    return Sample(id=name, messages=tuple(messages), questions=tuple(read_questions(conversation["qa"], messages, name)))


def read_questions(rows: list[Mapping[str, Any]], messages: list[Message], name: str) -> list[Question]:
    """Return the questions of one conversation with their evidence turns as gold."""
    sessions = {message.ref: message.session for message in messages}
    questions = []
    for index, row in enumerate(rows):
        category = str(row.get("category", "all"))
        answerable = category != ADVERSARIAL
        gold = find_evidence(row.get("evidence") or [], [ref for ref in sessions if ref]) if answerable else []
        questions.append(
            Question(
                id=f"{name}/{index}",
                text=str(row["question"]),
                category=category,
                gold=dict.fromkeys(gold, 1),
                gold_sessions=frozenset(session for ref in gold if (session := sessions[ref])),
                answerable=answerable,
                answer=str(row.get("answer", row.get("adversarial_answer", ""))),
            )
        )
    return questions


TASK = Task(
    name="locomo",
    summary="turns of two-person conversations over months; gold is the evidence turns, five question categories",
    load=load,
    metrics=METRICS,
    budgets=BUDGETS,
    data="locomo/locomo.json",
)
