"""Task experiences: a task should find what was learned from it.

Source: the experience library of ReMe (Cao et al. 2025); files ``<world>_<model>.jsonl``. An experience is one message: when to
use it, then what was learned. Experiences of the same task (written alike but for case and end punctuation) are gold for it.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from mneme.arena.dates import parse_time
from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.records import Message


def load(path: Path, options: Options) -> Dataset:
    """Read one library, or all of a folder; each is a space of its own."""
    files = existing_files(path, "*.jsonl")
    return Dataset(samples=tuple(_sample(file, options.limit) for file in files), sha256=hash_files(files))


def _sample(file: Path, limit: int | None) -> Sample:
    messages: list[Message] = []
    wording: dict[str, str] = {}
    gold: dict[str, list[str]] = {}
    for line in file.read_bytes().splitlines():
        if not line.strip():
            continue
        row = orjson.loads(line)
        ref, asked = row["memory_id"], row["metadata"]["task_query"]
        # Each is a session of its own: experiences written one after the other need not belong together.
        messages.append(Message(text=f"{row['when_to_use']}\n{row['content']}", at=parse_time(row["time_created"]), session=ref, ref=ref))
        key = asked.casefold().strip().rstrip(".?! ")
        wording.setdefault(key, asked)
        gold.setdefault(key, []).append(ref)
    questions = [
        Question(id=f"{file.stem}/{number}", text=wording[key], category=file.stem, gold=dict.fromkeys(refs, 1))
        for number, (key, refs) in enumerate(gold.items())
    ]
    return Sample(id=file.stem, messages=tuple(messages), questions=tuple(questions[:limit]))


TASK = Task(
    name="experience",
    summary="what was learned from tasks; gold is the experiences of the task that is asked about",
    load=load,
    metrics=names("map", "ndcg@10", "recall@1", "recall@5", "recall@10", "recall@50"),
    data="experience",
)
