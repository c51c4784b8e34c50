"""The tables of the page on PostgreSQL's size and speed are those that the benchmark's file gives."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).parents[2]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("postgres_figures", HOME / "scripts" / "postgres_figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def times(p50: float) -> dict[str, float]:
    return {"p50_ms": p50, "p95_ms": 2 * p50}


MEASURED = {
    "ingest 1000": {"mneme_per_s": 3400, "plain_per_s": 12000},
    "ingest 10000": {"mneme_per_s": 1400, "plain_per_s": 11000},
    "recall 1000": {"first_recall_ms": 44.4, "mneme": times(1.26), "plain": times(1.0), "ratio_p50": 1.26},
    "recall 10000": {"first_recall_ms": 1234.0, "mneme": times(4), "plain": times(5), "ratio_p50": 0.8},
    "in database 1000": {"dense": times(1), "dense_exact": times(0.9), "lexical": times(2), "recall_at_10": 1.0, "hnsw": False},
    "own index 1000": {"dense": times(0.5), "dense_exact": times(0.9), "lexical": times(2), "recall_at_10": 0.992, "hnsw": True},
    "not loaded 10000": times(84),
    "recall 1000 among many": {"first_recall_ms": 53.0, "mneme": times(2), "plain": times(1), "ratio_p50": 2.0},
    "filling many spaces": {"mneme_per_s": 2500, "plain_per_s": 9000},
    "many spaces": {"clients": 8, "spaces": 1000, **times(3)},
    "many spaces, plain": {"clients": 8, "spaces": 1000, **times(6)},
    "bytes": {
        "vector": 1_011_000 * 1700,
        "entry": 1_011_000 * 500,
        "embedding": 10_000 * 1000,
        "posting": 10_000 * 2260,
        "plain": 1_011_000 * 1500,
    },
}


def test_the_tables_follow_from_what_was_measured() -> None:
    made = script()
    assert "| 1,000 | 1.3 ms / 2.5 ms | 1.0 ms / 2.0 ms | 1.26 | 44 ms |  |" in made.recalls(MEASURED)
    assert "| 10,000 | 4.0 ms / 8.0 ms | 5.0 ms / 10.0 ms | 0.80 | 1.2 s | 84 ms |" in made.recalls(MEASURED)
    assert "| 1,000 spaces of 1,000, 8 clients at once | 3.0 ms / 6.0 ms | 6.0 ms / 12.0 ms | 0.50 | | |" in made.recalls(MEASURED)
    assert "| 1,000 | 0.9 ms / 1.8 ms | 2.0 ms / 4.0 ms | 0.5 ms / 1.0 ms | 0.992 |" in made.searches(MEASURED)
    assert "| 1,000 spaces of 1,000 | 2,500 | 9,000 |" in made.rates(MEASURED)
    assert "| together, a space below 5,000 memories | **2,200** |" in made.bytes_each(MEASURED)
    assert "| 3,260 more |" in made.bytes_each(MEASURED)


def test_a_page_without_its_markers_is_refused(tmp_path: Path) -> None:
    made = script()
    page, measured = tmp_path / "page.md", tmp_path / "bench.json"
    page.write_text("no markers", encoding="utf-8")
    measured.write_text(json.dumps(MEASURED), encoding="utf-8")
    with pytest.raises(SystemExit, match="markers"):
        made.main([str(measured), "--page", str(page)])


def test_the_page_holds_every_table(tmp_path: Path) -> None:
    made = script()
    page, measured = tmp_path / "page.md", tmp_path / "bench.json"
    page.write_text(made.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    measured.write_text(json.dumps(MEASURED), encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    for name in made.TABLES:
        held = text.partition(made.MARK.format(name=name))[2].partition(made.END.format(name=name))[0]
        assert held.count("\n|") >= 3, f"the table {name} is empty; run make bench-postgres and scripts/postgres_figures.py"
    assert made.main([str(measured), "--page", str(page)]) == 0
    assert made.main([str(measured), "--page", str(page), "--check"]) == 0
    assert made.main([str(measured), "--page", str(made.PAGE), "--check"]) == 1
