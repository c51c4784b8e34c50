"""The page that leads from each system's acceptance test to our tests: every test that it names exists, no recipe is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mneme.core.registry import TABLE

HOME = Path(__file__).resolve().parents[2]
PAGE = (HOME / "docs" / "recipes" / "sheets.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(?P<file>[\w/]+\.py)::(?P<test>test_\w+)`", PAGE)
OWN = {"default", "beliefs"}


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_page_names_exists(file: str) -> None:
    path = HOME / (file if "/" in file else f"tests/unit/recipes/{file}")
    there = set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert [test for name, test in NAMED if name == file and test not in there] == []


def test_every_recipe_of_a_published_system_has_its_lines() -> None:
    rows = re.findall(r"^\| \[(?P<name>[\w-]+)\]\((?P<page>[\w-]+)\.md\) \|", PAGE, re.MULTILINE)
    assert all(name == page for name, page in rows)
    assert {name for name, _ in rows} == set(TABLE["recipe"]) - OWN


def test_every_line_names_a_test() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("|")][2:]
    assert len(lines) > 80
    assert [line for line in lines if "::test_" not in line or line.count("|") != 5] == []
