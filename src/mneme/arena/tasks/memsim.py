"""MemSim: personal messages in Chinese with questions; gold is ``target_step_id``.

Source: Zhang et al. 2024, "MemSim: A Bayesian Simulator for Evaluating Memory of LLM-based Personal Assistants". A day is a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.dates import parse_time
from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.records import Message


def load(path: Path, options: Options) -> Dataset:
    """Read one official file, or all JSON files of a folder."""
    files = existing_files(path, "*.json")
    samples = [_sample(file.stem, row) for file in files for row in orjson.loads(file.read_bytes())[: options.limit]]
    return Dataset(samples=tuple(samples), sha256=hash_files(files))


def _sample(category: str, row: Mapping[str, Any]) -> Sample:
    name = f"{category}/{row['tid']}"
    messages = []
    for step in row["message_list"]:
        at = parse_time(step["time"])
        attributes = {"place": step["place"]} if step.get("place") else {}
        messages.append(
            Message(text=step["message"], role="user", at=at, session=f"{at:%Y-%m-%d}", ref=str(step["mid"]), attributes=attributes)
        )
    sessions = {message.ref: message.session for message in messages}
    questions = []
    for asked in row["question_list"]:
        gold = [ref for target in asked["target_step_id"] if (ref := str(target)) in sessions]
        questions.append(
            Question(
                id=f"{name}/{asked['qid']}",
                text=asked["question"],
                category=category,
                gold=dict.fromkeys(gold, 1),
                gold_sessions=frozenset(session for ref in gold if (session := sessions[ref])),
                at=parse_time(asked["time"]) if asked.get("time") else None,
                answer=str(asked["answer"]),
            )
        )
    return Sample(id=name, messages=tuple(messages), questions=tuple(questions))


TASK = Task(
    name="memsim",
    summary="personal messages in Chinese; gold is the target steps",
    load=load,
    metrics=names("recall@5", "recall@1", "recall@2", "recall@10", "recall_all@2", "recall_all@5", "ndcg@10"),
    depth=20,
    data="memsim",
)
