"""REALTALK: as LoCoMo, on three weeks of real messenger chats.

Source: Lee et al. 2025, "REALTALK: A 21-Day Real-World Dataset for Long-Term Conversation"; files
``data/Chat_<n>_<A>_<B>.json`` with sessions and questions at the top level, times such as ``29.12.2023, 11:23:21`` on each
message, and the cleaned text in ``clean_text``.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from mneme.arena.task import Dataset, Options, Sample, Task, existing_files, hash_files
from mneme.arena.tasks.dialogue import read_turns
from mneme.arena.tasks.locomo import BUDGETS, METRICS, read_questions


def load(path: Path, options: Options) -> Dataset:
    """Read one chat, or all ``Chat_*.json`` of the official ``data`` folder."""
    files = existing_files(path, "Chat_*.json")[: options.limit]
    samples = []
    for file in files:
        chat = orjson.loads(file.read_bytes())
        messages = read_turns(chat)
        samples.append(
            Sample(id=file.stem, messages=tuple(messages), questions=tuple(read_questions(chat.get("qa") or [], messages, file.stem)))
        )
    return Dataset(samples=tuple(samples), sha256=hash_files(files))


TASK = Task(
    name="realtalk",
    summary="real messenger chats over 21 days; gold is the evidence turns",
    load=load,
    metrics=METRICS,
    budgets=BUDGETS,
    data="realtalk",
)
