"""bAbI tasks 1 to 20: short stories, questions in between; gold is the supporting lines.

Source: Weston et al. 2015, "Towards AI-Complete Question Answering"; files ``qa<n>_<name>_test.txt``. A question sees the lines before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.records import Message

_TASK_NAME = re.compile(r"qa\d+")
# The official files part question, answer and support by tabs; some copies by a bar.
_PARTS = re.compile(r"\s*[\t|]\s*")
_START = datetime(2015, 1, 1, tzinfo=UTC)


def load(path: Path, options: Options) -> Dataset:
    """Read one file, or all test files of a folder."""
    # The release holds other languages and sizes beside the plain English 1k set.
    english = path / "en"
    files = sorted(existing_files(english if english.is_dir() else path, "qa*_test.txt"), key=_number)
    samples = [sample for file in files for sample in _first(_stories(file), options.limit)]
    return Dataset(samples=tuple(samples), sha256=hash_files(files))


def _number(file: Path) -> tuple[int, str]:
    digits = re.search(r"\d+", file.name)
    return (int(digits[0]) if digits else 0, file.name)


def _first(samples: Iterator[Sample], limit: int | None) -> Iterator[Sample]:
    for count, sample in enumerate(samples):
        if limit is not None and count >= limit:
            return
        yield sample


def _stories(file: Path) -> Iterator[Sample]:
    matched = _TASK_NAME.match(file.name)
    category = matched[0] if matched else file.stem
    block: list[str] = []
    count = 0
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("1 ") and block:
            yield _story(category, count, block)
            block, count = [], count + 1
        if line.strip():
            block.append(line)
    if block:
        yield _story(category, count, block)


def _story(category: str, count: int, lines: list[str]) -> Sample:
    name = f"{category}/{count}"
    messages: list[Message] = []
    questions: list[Question] = []
    for line in lines:
        number, _, rest = line.partition(" ")
        parts = _PARTS.split(rest.strip())
        at = _START + timedelta(minutes=int(number))
        if len(parts) < 3:
            messages.append(Message(text=rest.strip(), at=at, session="story", ref=number))
            continue
        questions.append(
            Question(
                id=f"{name}/{number}",
                text=parts[0],
                category=category,
                gold=dict.fromkeys(parts[2].split(), 1),
                at=at,
                after=len(messages),
                answer=parts[1],
            )
        )
    return Sample(id=name, messages=tuple(messages), questions=tuple(questions))


TASK = Task(
    name="babi",
    summary="short stories with questions in between; gold is the supporting lines, 20 kinds",
    load=load,
    metrics=names("recall@5", "recall@1", "recall@2", "recall@10", "recall_all@5", "ndcg@10"),
    depth=10,
    data="babi/en",
)
