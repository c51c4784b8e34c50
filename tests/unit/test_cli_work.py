"""The commands ask, jobs, worker and extract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mneme.cli.main import run


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


def test_extract_wants_a_text_or_an_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["extract", "--root", str(tmp_path)]) != 0
    assert "--episode" in capsys.readouterr().err
