"""Procedural memory: find the trajectories that show how to do a task; relevance is graded.

Source: the procedural memory retrieval benchmark over AgentInstruct's ALFWorld trajectories; files ``query_bank.json`` and
``agentinstruct_trajectories.json`` anywhere below the folder. A trajectory is one message: its task, then each state and action.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.records import Message


def load(path: Path, options: Options) -> Dataset:
    """Read the folder of the official release."""
    bank = existing_files(path, "query_bank.json")[0]
    corpus = existing_files(path, "*trajectories.json")[0]
    messages = tuple(_message(row) for row in orjson.loads(corpus.read_bytes())["trajectories"])
    refs = {message.ref for message in messages}
    rows = orjson.loads(bank.read_bytes())["queries"][: options.limit]
    questions = tuple(_question(row, refs) for row in rows)
    return Dataset(samples=(Sample(id="alfworld", messages=messages, questions=questions),), sha256=hash_files([bank, corpus]))


def _message(row: Mapping[str, Any]) -> Message:
    steps = "\n".join(f"{step['state']}\n> {step['action']}" for step in row["state_action_pairs"])
    return Message(text=f"{row['task_description']}\n{steps}", session=row["task_instance_id"], ref=row["task_instance_id"])


def _question(row: Mapping[str, Any], refs: set[str | None]) -> Question:
    judged = {part["trajectory_id"]: max(1, round(float(part["relevance_score"]))) for part in row["relevant_trajectories"]}
    gold = {ref: grade for ref, grade in judged.items() if ref in refs}
    return Question(id=row["query_id"], text=row["query_text"], category=row["tier"].lower(), gold=gold)


TASK = Task(
    name="procedural",
    summary="ALFWorld trajectories; gold is graded relevance to a task",
    load=load,
    metrics=names("map", "ndcg@10", "recall@1", "recall@5", "recall@10", "recall@50"),
    depth=100,
    data="procedural",
)
