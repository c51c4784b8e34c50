"""The commands ask, jobs, worker and extract."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mneme import Memory, Message
from mneme.cli.main import run
from mneme.core.clock import FrozenClock
from mneme.models.settings import LLMSettings
from mneme.testing import ScriptedLLM


def answered(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> dict[str, object]:
    assert run([*words, "--root", str(folder), "--embedder", "hash", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_extract_shows_what_would_be_stored_and_stores_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = answered(capsys, tmp_path, "extract", "I moved to Lisbon in March 2023.", "--author", "Ana", "--dry-run")
    assert [memory["text"] for memory in made["would_store"]][:2] == [  # type: ignore[attr-defined, index]
        "Ana moved to Lisbon in March 2023.",
        "Ana lives in Lisbon since March 2023.",
    ]
    assert answered(capsys, tmp_path, "spaces") in ([], {"spaces": []})


def test_a_text_is_stored_formed_and_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = answered(capsys, tmp_path, "extract", "I moved to Lisbon in March 2023.", "--author", "Ana")
    assert len(stored["formed"]) >= 2  # type: ignore[arg-type]
    assert [job["state"] for job in answered(capsys, tmp_path, "jobs")] == ["done"]  # type: ignore[index]
    found = answered(capsys, tmp_path, "ask", "Where did Ana move to?")
    assert (found["extract"], found["known"]) == (True, True)
    assert answered(capsys, tmp_path, "worker", "--once")["done"] == 0


def test_extract_leaves_a_space_its_recipe_unless_another_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Memory(tmp_path, embedder="hash") as memory:
        memory.space("default").remember("I work at Acme.", author="Ana")
    assert answered(capsys, tmp_path, "extract", "I live in Lisbon.", "--author", "Ana")["formed"] == []
    assert run(["extract", "I live in Lisbon.", "--root", str(tmp_path), "--embedder", "hash"]) == 0
    assert "the recipe of this space is default; --recipe beliefs" in " ".join(capsys.readouterr().out.split())
    assert answered(capsys, tmp_path, "stats")["recipe"] == "default"
    assert answered(capsys, tmp_path, "extract", "I live in Oslo.", "--author", "Ana", "--recipe", "beliefs")["formed"]
    assert answered(capsys, tmp_path, "stats")["recipe"] == "beliefs"


def test_extract_wants_a_text_or_an_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["extract", "--root", str(tmp_path)]) != 0
    assert "--episode" in capsys.readouterr().err


def given_up(folder: Path) -> list[str]:
    """Store two messages whose forming fails for good, and return their jobs."""
    clock = FrozenClock(datetime(2024, 1, 1, tzinfo=UTC))
    llm = ScriptedLLM({}, settings=LLMSettings(retries=0, repairs=0))
    with Memory(folder, embedder="hash", recipe="beliefs", llm=llm, background=False, clock=clock) as memory:
        space = memory.space("default")
        for text in ("I moved to Lisbon in March 2023.", "I work at Acme."):
            space.remember(Message(text=text, author="Ana"))
        while space.jobs(states=("waiting",)):
            space.drain()
            clock.advance(hours=1)
        return [job.id for job in space.jobs(states=("dead",))]


def test_jobs_that_were_given_up_are_retried_or_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = given_up(tmp_path)
    assert answered(capsys, tmp_path, "jobs", "retry", first)["jobs"] == [first]
    dead, back = [(job["state"], job["attempts"]) for job in answered(capsys, tmp_path, "jobs")]  # type: ignore[index, attr-defined]
    assert (dead, back in (("waiting", 0), ("done", 1))) == (("dead", 5), True)  # the command's own worker may be quick enough to do it
    assert answered(capsys, tmp_path, "jobs", "drop", "--all")["jobs"] == [second]
    assert answered(capsys, tmp_path, "jobs", "drop", "--all")["jobs"] == []
    assert answered(capsys, tmp_path, "worker", "--once")["done"] == (1 if back[0] == "waiting" else 0)
    assert sorted(job["state"] for job in answered(capsys, tmp_path, "jobs")) == ["cancelled", "done"]  # type: ignore[index, attr-defined]
    assert answered(capsys, tmp_path, "ask", "Where did Ana move to?")["known"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("jobs", "retry"), "--all"),
        (("jobs", "retry", "job_none"), "job_none"),
        (("jobs", "list", "job_none"), "retry"),
        (("jobs", "drop", "--all", "--state", "dead"), "--state"),
    ],
)
def test_jobs_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    answered(capsys, tmp_path, "extract", "I moved to Lisbon in March 2023.", "--author", "Ana")
    assert run([*words, "--root", str(tmp_path), "--embedder", "hash"]) != 0
    assert said in capsys.readouterr().err


def test_a_job_that_is_done_is_not_retried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answered(capsys, tmp_path, "extract", "I moved to Lisbon in March 2023.", "--author", "Ana")
    (job,) = answered(capsys, tmp_path, "jobs")
    for action in ("retry", "drop"):
        assert run(["jobs", action, job["id"], "--root", str(tmp_path), "--embedder", "hash"]) != 0  # type: ignore[index]
        assert "is done" in capsys.readouterr().err
