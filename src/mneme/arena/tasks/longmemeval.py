"""LongMemEval: one question over a haystack of user-assistant sessions, or over all haystacks in one space (``--pooled``).

Source: Wu et al. 2024, "LongMemEval: Benchmarking Chat Assistants on Long-Term Interactive Memory"; files
``longmemeval_s*.json``, ``_m``, ``_oracle``. The unit is the session: ``recall_all``, ``recall_any``, ``ndcg`` and
``session_recall`` rank sessions, each by its best turn. ``recall@k`` and ``coverage`` are about turns (``has_answer``).
Differs: nDCG has the usual logarithmic discount from the second rank on. Questions that can't be answered (``_abs``) are left
out, as in the paper. When pooled, a session that is in several haystacks is fed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.dates import parse_time
from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names, of_sessions
from mneme.core.records import Message
from mneme.importers.longmemeval import haystack, turn_message

_METRICS = (
    *names("session_recall@10", "session_recall@1", "session_recall@5"),
    *of_sessions("recall_all@1", "recall_all@5", "recall_all@10", "recall_any@1", "recall_any@5", "ndcg@10"),
    *names("recall@10", "recall@1", "recall@5", "recall@50", "coverage@500", "coverage@1000", "coverage@2000", "coverage@4000"),
)


def load(path: Path, options: Options) -> Dataset:
    """Read one official file, or all JSON files of a folder."""
    files = existing_files(path, "*.json")
    rows = [row for file in files for row in orjson.loads(file.read_bytes())]
    seen: dict[str, str] = {}
    samples = [_sample(row, seen) for row in rows[: options.limit]]
    return Dataset(samples=tuple(samples), sha256=hash_files(files), shared_refs=True)


def _sample(row: Mapping[str, Any], seen: dict[str, str]) -> Sample:
    messages: list[Message] = []
    gold: dict[str, int] = {}
    renamed: dict[str, str] = {}
    for name, date, turns in haystack(row):
        assert isinstance(turns, list)
        session = renamed[name] = _session_name(name, turns, seen)
        start = parse_time(str(date))
        for index, turn in enumerate(turns):
            ref = f"{session}:{index}"
            message = turn_message(turn, session=session, ref=ref, at=start + timedelta(seconds=index))
            if message is None:
                continue
            messages.append(message)
            if turn.get("has_answer"):
                gold[ref] = 1
    messages.sort(key=lambda message: message.at)  # type: ignore[arg-type, return-value]
    answerable = not row["question_id"].endswith("_abs")
    question = Question(
        id=row["question_id"],
        text=row["question"],
        category=row["question_type"],
        gold=gold if answerable else {},
        gold_sessions=frozenset(renamed[name] for name in row["answer_session_ids"] if name in renamed) if answerable else frozenset(),
        at=parse_time(row["question_date"]),
        answerable=answerable,
        answer=str(row["answer"]),
    )
    return Sample(id=row["question_id"], messages=tuple(messages), questions=(question,))


def _session_name(name: str, turns: list[Mapping[str, Any]], seen: dict[str, str]) -> str:
    """Give another name to a session that has another's name but not its content."""
    content = "\0".join(str(turn["content"]) for turn in turns)
    number = 1
    while seen.setdefault(candidate := name if number == 1 else f"{name}~{number}", content) != content:
        number += 1
    return candidate


TASK = Task(
    name="longmemeval",
    summary="user-assistant sessions; gold is the answer sessions and the turns with the answer",
    load=load,
    metrics=_METRICS,
    depth=200,
    budgets=(500, 1000, 2000, 4000),
    data="longmemeval/longmemeval_s_sample.json",
)
