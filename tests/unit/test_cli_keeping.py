"""The commands that look after a space."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from mneme.cli.main import run


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MNEME_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("MNEME_EMBEDDER", "hash")
    for text in ("I moved to Porto on 3 May 2023.", "Thanks a lot!", "I moved to Porto on 3 May 2023!"):
        assert run(["remember", text, "--author", "Ann"]) == 0
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, object]:
    capsys.readouterr()
    assert run([*words, "--json"]) == code
    found = capsys.readouterr()
    return json.loads(found.out if code == 0 else found.err)  # type: ignore[no-any-return]


def test_upkeep_previews_does_and_is_undone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preview = told(capsys, "upkeep", "--dry-run", "--memories", "1")
    assert preview["entries"] == []
    assert {each["keeper"] for each in preview["proposals"]} == {"duplicates", "budget"}  # type: ignore[union-attr, attr-defined]
    assert told(capsys, "upkeep", "--memories", "1")["finished"] is True
    assert told(capsys, "stats")["active"] == 1
    assert run(["undo"]) == 0
    assert told(capsys, "stats")["active"] == 3


def test_policies_are_set_shown_and_cleared(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = root / "policies.toml"
    file.write_text("[[limit]]\nmemories = 1\n", encoding="utf-8")
    assert told(capsys, "policies", str(file))["policies"] == "[[limit]]\nmemories = 1\n"
    assert told(capsys, "upkeep")["done"] == {"duplicates": 1, "budget": 1}
    file.write_text("[[limit]]\nmemory = 1\n", encoding="utf-8")
    assert "memory" in str(told(capsys, "policies", str(file), code=2)["error"])
    assert told(capsys, "policies", "--clear", "--reason", "all is well")["policies"] == ""
    changes = cast("list[dict[str, str]]", told(capsys, "policies", "--changes"))
    assert [(change["reason"], change["after"]) for change in changes] == [
        (None, "[[limit]]\nmemories = 1\n"), ("all is well", "")
    ]  # fmt: skip
    assert run(["policies", "--changes"]) == 0
    assert "all is well" in capsys.readouterr().out
    assert told(capsys, "policies", "--changes", "--clear", code=2)
    assert told(capsys, "undo")
    assert "memories = 1" in str(told(capsys, "policies")["policies"])


def test_a_backup_is_verified_and_put_back(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = root / "copy.sqlite"
    assert told(capsys, "backup", str(copy))["memories"] == 3
    assert told(capsys, "restore-backup", str(copy), "--space", "again") == {"space": "again", "memories": 3}
    assert run(["verify", "--space", "again"]) == 0
    capsys.readouterr()
    assert run(["restore-backup", str(copy), "--space", "again"]) != 0
    assert "exists" in capsys.readouterr().err


def test_a_damaged_backup_is_refused_and_leaves_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = root / "copy.sqlite"
    assert run(["backup", str(copy)]) == 0
    data = bytearray(copy.read_bytes())
    data[-6000:-2000] = b"\xff" * 4000
    copy.write_bytes(bytes(data))
    capsys.readouterr()
    assert run(["restore-backup", str(copy), "--space", "again"]) != 0
    assert "again" not in str(told(capsys, "spaces"))
    assert not list((root / "root" / "spaces").glob("*restoring*"))


def test_due_lists_nothing_of_a_young_space(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["due"]) == 0
    assert "Nothing is due." in capsys.readouterr().out


def test_blocks_are_shown_and_edited_within_their_limit(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "block") == []
    assert run(["block", "user", "Ann lives in Porto.", "--limit", "40"]) == 0
    assert run(["block", "user", "She has 3 cats.", "--append"]) == 0
    (block,) = told(capsys, "block", "user", "Braga", "--replace", "Porto")
    assert block["text"] == "Ann lives in Braga.\nShe has 3 cats."  # type: ignore[index]
    assert "40" in str(told(capsys, "block", "user", "x" * 50, "--append", code=2)["error"])
    assert run(["undo"]) == 0
    assert "Porto" in told(capsys, "block", "user")[0]["text"]  # type: ignore[index, operator]
    assert run(["block", "user", "--append"]) == 2


def test_what_is_planned_is_listed_when_its_time_comes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "foreseen") == []
    assert run(["foreseen"]) == 0
    assert "Nothing is at hand." in capsys.readouterr().out


def test_compacting_says_what_it_folds_and_vacuum_what_it_frees(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "compact", "--older-than", "1d")["entries"] == 0
    preview = told(capsys, "compact", "--older-than", "0h", "--dry-run")
    assert (preview["dry_run"], preview["entries"], preview["entry"]) == (True, 3, 0)
    done = told(capsys, "compact", "--older-than", "0h")
    assert (done["entries"], done["to_seq"], done["entry"]) == (3, 3, 4)
    assert told(capsys, "verify")["default"]["ok"] is True  # type: ignore[index]
    assert "folded into the checkpoint" in str(told(capsys, "undo", "2", code=4)["error"])
    freed = told(capsys, "vacuum")
    assert 0 < int(str(freed["after"])) <= int(str(freed["before"]))


def test_a_span_is_hours_days_or_weeks(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compact", "--older-than", "soon"]) == 2
    assert "12h, 90d, 26w" in capsys.readouterr().err


def test_the_worker_looks_after_spaces_whose_time_has_come(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "worker", "--once")["upkeep"] == []
    looked = told(capsys, "worker", "--once", "--upkeep", "--quiet", "0")["upkeep"]
    assert [each["finished"] for each in looked] == [True]  # type: ignore[union-attr, attr-defined]
    assert told(capsys, "stats")["active"] == 2
    assert told(capsys, "worker", "--once", "--upkeep", "--quiet", "0")["upkeep"] == []  # nothing changed since
