"""Claims about measures: run once, judged like any other, and told apart from tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mneme.arena.claims import read_claims, verify
from mneme.arena.log import RunLog
from mneme.arena.measures import MEASURES, get_measure
from mneme.arena.subject import Tools
from mneme.core.errors import InvalidInput
from mneme.models.hashing import HashEmbedder
from mneme.text.analyser import Analyser
from mneme.text.tokens import count_tokens

EXPRESSIONS = Path(__file__).resolve().parents[1] / "unit" / "data" / "time_expressions.jsonl"


def claims(folder: Path, **fields: Any) -> Path:
    row = {
        "id": "t",
        "task": "time",
        "recipe": "beliefs",
        "data": str(EXPRESSIONS),
        "metric": "right",
        "expected": 0.9956,
        "tolerance": 0.005,
    }
    file = folder / "c.yaml"
    lines = [f"{name}: {value!r}" for name, value in (row | {"command": "mneme arena run time"} | fields).items() if value is not None]
    file.write_text("claims:\n  - " + "\n    ".join(lines) + "\n", encoding="utf-8")
    return file


def judged(folder: Path, **fields: Any) -> tuple[str, float | None]:
    tools = Tools(embedder=HashEmbedder(32), analyser=Analyser(), count_tokens=count_tokens, folder=folder)
    (found,) = verify(read_claims(claims(folder, **fields)), root=folder, tools=tools, log=RunLog(folder / "logs"))
    return found.status, found.measured


def test_a_figure_of_a_measure_is_claimed_like_any_other(tmp_path: Path) -> None:
    (right,) = get_measure("time")([0], EXPRESSIONS, "beliefs")
    assert right.ok
    assert judged(tmp_path) == ("OK", right.value)
    assert judged(tmp_path, expected=0.5)[0] == "FAIL"
    assert judged(tmp_path, data="nowhere.jsonl") == ("SKIP", None)


def test_a_claim_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has no figure 'wrong'; it has right"):
        judged(tmp_path, metric="wrong")
    with pytest.raises(InvalidInput, match="data"):
        read_claims(claims(tmp_path, task="locomo", metric="recall@10", data=None))


def test_every_claim_on_a_measure_names_one_that_is_there() -> None:
    published = read_claims(Path(__file__).resolve().parents[2] / "claims" / "formation.yaml")
    assert {claim.task for claim in published} >= set(MEASURES)
