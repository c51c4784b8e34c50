"""What ``mneme recipes show`` prints: the composition by registered names, paper, deviations and costs, within a terminal."""

from __future__ import annotations

import re

import orjson
import pytest
from click.testing import CliRunner

from mneme.core.composing import compose, parse_toml, resolve
from mneme.core.registry import TABLE, names
from mneme.recipes.commands import recipes
from mneme.recipes.showing import OWN, described, page, picture, table

from .test_memory_r1 import Hoarder

RECIPES = names("recipe")
STEP = re.compile(r"^  -> (?P<verb>channel|rank|refine|pack|form|guard|organise|keep|forgetting curve): (?P<name>[\w-]+)", re.M)
KINDS = {
    "channel": "channel", "rank": "ranker", "refine": "refiner", "pack": "packer", "form": "former", "guard": "guard",
    "organise": "organiser", "keep": "keeper", "forgetting curve": "curve",
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_shown_whole_and_within_a_terminal(name: str) -> None:
    shown = CliRunner().invoke(recipes, ["show", name])
    assert shown.exit_code == 0
    text = shown.output
    assert text.startswith(f"{name}: ")
    assert "Paper: " in text
    assert "message\n  -> episode + verbatim memory" in text
    assert "\n  -> rank: " in text
    assert "\n  -> pack: " in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert not re.search(r"\{\}|<function|object at|MISSING|mappingproxy", text)
    card = resolve(name).card
    if card is not None and card.paper:
        assert card.paper in " ".join(text.split())
        for heading in ("Its parts here:", "Deviations:", "Without a model: ", "Cost per write: ", "Cost per recall: "):
            assert f"\n{heading}" in text, heading


@pytest.mark.parametrize("name", RECIPES)
def test_every_step_has_a_name_that_a_toml_file_can_use(name: str) -> None:
    steps = [(found["verb"], found["name"]) for found in STEP.finditer(picture(resolve(name)))]
    assert steps
    for verb, component in steps:
        assert component in TABLE[KINDS[verb]], (verb, component)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_of_a_paper_says_what_is_lost_without_a_model_and_what_it_costs(name: str) -> None:
    card = resolve(name).card
    if name in ("default", "beliefs"):
        return
    assert card is not None
    assert all((card.paper, card.parts, card.differs, card.without_model, card.per_write, card.per_recall))


def test_nested_components_are_lines_of_their_own_and_long_settings_are_wrapped() -> None:
    text = picture(resolve("scm"))
    assert "  -> rank: gated\n         channels: " in text
    assert "         ranker: overlap (per_second = 1e-08; similarity = 3.0; kinds = turn)" in text
    assert "form: either\n         by_rule: rules\n         by_model: model-statements" in picture(resolve("chatdb"))
    wide = compose(name="w", ranker={"use": "weighted-sum", "weights": {f"feature-{n}": float(n) for n in range(30)}})
    assert max(map(len, picture(wide).splitlines())) <= 100


def test_a_recipe_of_one_s_own_is_shown_too() -> None:
    mine = parse_toml('name = "mine"\nabout = "vectors alone"\nchannels = ["dense"]\nranker = "weighted-sum"\n')
    text = described(mine)
    assert text.startswith("mine: vectors alone")
    assert "Paper" not in text
    assert "Cost per write" not in text
    assert f"Paper: {OWN}" in described(resolve("default"))
    policy = compose(name="p", base="memory-r1", organisers=[{"use": "managed", "policy": Hoarder()}])
    assert "policy: Hoarder" in picture(policy)


def test_json_has_the_card_and_the_composition() -> None:
    shown = orjson.loads(CliRunner().invoke(recipes, ["show", "memorybank", "--json"]).output)
    assert {"name", "channels", "ranker", "paper", "parts", "differs", "without_model", "per_write", "per_recall"} <= set(shown)
    assert "2305.10250" in shown["paper"]


def test_the_table_and_the_pages_use_registered_names() -> None:
    rows = table([resolve("engram"), resolve("longmemeval")]).splitlines()
    assert "| routed |" in rows[2]
    assert "dated (keyed)" in rows[3]
    assert "rules or model-statements" in rows[3]
    text = page(resolve("engram"))
    assert "-> form: routed" in text
    assert "## Costs" in text
