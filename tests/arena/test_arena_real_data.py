"""The loaders and a baseline on the real releases; skipped where they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mneme.arena.log import RunLog
from mneme.arena.recipes import get_recipes
from mneme.arena.run import run_task
from mneme.arena.subject import Tools
from mneme.arena.summary import summarise
from mneme.arena.task import Options, pool
from mneme.arena.tasks import TASKS, get_task
from mneme.models.hashing import HashEmbedder
from mneme.text.analyser import Analyser
from mneme.text.tokens import count_tokens


@pytest.mark.parametrize("name", list(TASKS))
def test_real_files_load_and_nearly_every_answerable_question_has_gold(name: str, data_dir: Path) -> None:
    task = get_task(name)
    if not (data_dir / task.data).exists():
        pytest.skip(f"{task.data} is not in the data folder")
    dataset = task.load(data_dir / task.data, Options(limit=3))
    asked = [question for sample in dataset.samples for question in sample.questions if question.answerable]
    labelled = [question for question in asked if question.gold or question.gold_sessions]
    assert len(labelled) >= 0.9 * len(asked) > 0
    for sample in dataset.samples:
        refs = {message.ref for message in sample.messages}
        assert len(refs) == len(sample.messages)
        assert all({*question.gold, *question.stale} <= refs for question in sample.questions)


def test_pooled_haystacks_keep_every_session_once(data_dir: Path) -> None:
    task = get_task("longmemeval")
    if not (data_dir / task.data).exists():
        pytest.skip(f"{task.data} is not in the data folder")
    dataset = task.load(data_dir / task.data, Options())
    pooled = pool(dataset).samples[0]
    assert {message.session for message in pooled.messages} == {
        message.session for sample in dataset.samples for message in sample.messages
    }
    assert len(pooled.questions) == len(dataset.samples)


def test_words_alone_find_about_what_was_published_for_them(data_dir: Path, tmp_path: Path) -> None:
    task = get_task("locomo")
    if not (data_dir / task.data).exists():
        pytest.skip(f"{task.data} is not in the data folder")
    options = Options(limit=2)
    tools = Tools(embedder=HashEmbedder(), analyser=Analyser(), count_tokens=count_tokens, folder=tmp_path)
    dataset = task.load(data_dir / task.data, options)
    done = run_task(task, dataset, get_recipes(["bm25"]), options=options, tools=tools, log=RunLog(tmp_path / "log"))
    found = summarise(task.metrics, done[0].records)["recall@10"]
    assert 0.5 < found["mean"] < 0.75
    assert found["lo"] < found["mean"] < found["hi"]
