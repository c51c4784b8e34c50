"""BEAM: very long user-assistant chats with two probing questions for each of ten abilities; gold is message ids.

Source: Tavakoli et al. 2025, "Beyond a Million Tokens: Benchmarking and Enhancing Long-Term Memory in LLMs"; folders ``<n>/chat.json`` with
``<n>/probing_questions/probing_questions.json``. Messages lose the generator's trailing ``->-> n,n`` marks. Abstention
questions have no gold. A batch of turns is a session; a message is dated by the last time anchor before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.dates import parse_time
from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.records import Message

_MARK = re.compile(r"\s*->->[\s\d,]*$")
_NUMBER = re.compile(r"\d+")


def load(path: Path, options: Options) -> Dataset:
    """Read one chat's folder, or all of them below a folder."""
    chats = sorted(existing_files(path / "chat.json" if (path / "chat.json").is_file() else path, "chat.json"), key=_number)[
        : options.limit
    ]
    probes = [chat.parent / "probing_questions" / "probing_questions.json" for chat in chats]
    samples = [_sample(_name(chat, path), chat, probe) for chat, probe in zip(chats, probes, strict=True)]
    return Dataset(samples=tuple(samples), sha256=hash_files([*chats, *probes]))


def _number(chat: Path) -> tuple[int, str]:
    digits = _NUMBER.search(chat.parent.name)
    return (int(digits[0]) if digits else 0, str(chat))


def _name(chat: Path, root: Path) -> str:
    """Return ``3``, or ``100K/3`` when several sizes are read together."""
    relative = chat.parent.relative_to(root).as_posix() if root.is_dir() and root != chat.parent else "."
    return chat.parent.name if relative == "." else relative


def _sample(name: str, chat: Path, probe: Path) -> Sample:
    messages = list(_messages(orjson.loads(chat.read_bytes())))
    sessions = {message.ref: message.session for message in messages}
    questions = []
    for ability, rows in orjson.loads(probe.read_bytes()).items():
        for index, row in enumerate(rows):
            gold = [ref for number in _numbers(row.get("source_chat_ids")) if (ref := str(number)) in sessions]
            questions.append(
                Question(
                    id=f"{name}/{ability}/{index}",
                    text=row["question"],
                    category=ability,
                    gold=dict.fromkeys(gold, 1),
                    gold_sessions=frozenset(session for ref in gold if (session := sessions[ref])),
                    answerable=ability != "abstention",
                    answer=str(row.get("answer") or row.get("ideal_answer") or row.get("ideal_response") or row.get("ideal_summary") or ""),
                )
            )
    return Sample(id=name, messages=tuple(messages), questions=tuple(questions))


def _batches(content: list[Mapping[str, Any]], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (session, batch); the longest chats put their batches under the names of plans."""
    for entry in content:
        if "turns" in entry:
            yield f"{prefix}batch_{entry['batch_number']}", entry
        else:
            for plan, batches in entry.items():
                if isinstance(batches, list):
                    yield from _batches(batches, f"{plan}/")


def _messages(content: list[Mapping[str, Any]]) -> Iterator[Message]:
    anchor: datetime | None = None
    since_anchor = 0
    for session, batch in _batches(content):
        for turn in batch["turns"]:
            for row in turn:
                if row.get("time_anchor"):
                    anchor, since_anchor = parse_time(row["time_anchor"]), 0
                text = _MARK.sub("", row["content"])
                at = anchor + timedelta(minutes=since_anchor) if anchor else None
                since_anchor += 1
                if text.strip():
                    yield Message(text=text, role=row["role"], at=at, session=session, ref=str(row["id"]))


def _numbers(source: Any) -> list[int]:
    """Flatten the forms that ids come in: a number, a list, a mapping of lists."""
    if isinstance(source, Mapping):
        return [number for part in source.values() for number in _numbers(part)]
    if isinstance(source, list):
        return [number for part in source for number in _numbers(part)]
    if isinstance(source, str):
        return [int(number) for number in _NUMBER.findall(source)]
    return [source] if isinstance(source, int) else []


TASK = Task(
    name="beam",
    summary="chats of 100,000 tokens and more; gold is message ids, ten abilities",
    load=load,
    metrics=names(
        "recall@10", "recall@20", "recall@1", "recall@5", "recall@50", "ndcg@10", "coverage@1000", "coverage@2000", "coverage@4000"
    ),
    budgets=(1000, 2000, 4000),
    data="beam/100K",
)
