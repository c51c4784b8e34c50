"""Recipes by name, from TOML and as values; each space keeps its own; switching forms it anew from the episodes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import compose, parse_toml, resolve
from mneme.core.errors import InvalidInput, UnknownComponent

PLAIN = """
name = "plain"
about = "vectors alone, with facts by rule"
channels = ["dense"]
ranker = {use = "weighted-sum", weights = {dense = 2.0}}

[[formers]]
use = "rules"
skipped_roles = ["assistant"]

[card]
paper = "none"
"""
START = datetime(2024, 5, 1, tzinfo=UTC)


def test_toml_names_components_with_settings() -> None:
    recipe = parse_toml(PLAIN)
    assert [channel.name for channel in recipe.channels] == ["dense"]
    assert repr(recipe.ranker) == "WeightedSum(weights={'dense': 2.0})"
    assert recipe.formers[0].skipped_roles == ("assistant",)  # type: ignore[attr-defined]
    assert recipe.card is not None
    assert recipe.card.toml == PLAIN


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    text = (
        PLAIN.replace("weights =", "wieghts =").replace('skipped_roles = ["assistant"]', "skipped_roles = 3")
        + 'year = 1\n[refinerz]\nuse = "x"\n'
    )
    with pytest.raises(InvalidInput) as found:
        parse_toml(text)
    assert set(found.value.problems) == {"ranker.wieghts", "formers[0].skipped_roles", "refinerz", "card.year"}
    assert "did you mean weights" in found.value.problems["ranker.wieghts"]


def test_values_that_a_component_refuses_are_named_with_their_place_beside_all_others() -> None:
    text = """
name = "travel-notes"
channels = ["dense", "lexicel"]
ranker = {use = "dated", ranker = {use = "keyed", pool = "maxx"}}
refiners = [{use = "contiguity", shares = 0.2}]
formers = [{use = "rulez"}, {use = "segmented", boundaries = "gap"}, {use = "segmented", refine = "by hand"}]

[card]
differs = "one thing"
parts = [["only one"]]
"""
    with pytest.raises(InvalidInput) as found:
        parse_toml(text)
    problems = found.value.problems
    assert {
        "channels[1]", "ranker.ranker.pool", "refiners[0].shares", "formers[0]", "formers[1].boundaries", "formers[2].refine",
        "card.differs", "card.parts",
    } <= set(problems)  # fmt: skip
    assert problems["ranker.ranker.pool"] == "is 'maxx'; give one of max, mean, sum, only, merged"
    assert problems["formers[1].boundaries"] == "is 'gap'; give a list, each a string"
    assert problems["card.parts"] == "is (('only one',),); give a list, each a list of 2: a string, a string"
    assert problems["card.differs"] == "is 'one thing'; give a list, each a string"


@pytest.mark.parametrize(
    ("text", "field"),
    [('name = "x"\ncard = "y"', "card"), ("name = 3", "name"), ('name = " "', "name"), ('name = "x"\nabout = 7', "about")],
)
def test_a_field_of_the_wrong_type_is_an_error_that_names_it(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as found:
        parse_toml(text)
    assert set(found.value.problems) == {field}


def test_where_no_name_is_near_all_are_listed_and_not_guessed_at() -> None:
    with pytest.raises(UnknownComponent) as found:
        resolve("zzz")
    assert "did you mean" not in str(found.value)
    assert "structural-memory" in str(found.value)


def test_an_unknown_component_lists_near_ones() -> None:
    with pytest.raises(InvalidInput, match="weighted-sum"):
        compose(name="x", channels=["dense"], ranker="weighted-sun")
    with pytest.raises(UnknownComponent, match="default"):
        resolve("defualt")


def test_a_missing_file_or_broken_toml_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be read"):
        resolve(tmp_path / "none.toml")
    with pytest.raises(InvalidInput, match="no TOML"):
        parse_toml("name = ")


def test_a_base_fills_what_is_left_out() -> None:
    recipe = compose(name="more", base="default", formers=["rules"])
    default = resolve("default")
    assert recipe.refiners == default.refiners
    assert recipe.ranker == default.ranker
    assert len(recipe.formers) == 1


def test_a_space_keeps_its_recipe(tmp_path: Path) -> None:
    file = tmp_path / "plain.toml"
    file.write_text(PLAIN)
    root = tmp_path / "root"
    with mneme.Memory(root, embedder="hash:64", recipe=file) as memory:
        memory.space("a").remember("I live in Porto.", author="Ana")
        assert memory.space("a").stats()["recipe"] == "plain"
    file.unlink()
    with mneme.Memory(root, embedder="hash:64") as memory:
        assert memory.space("a").stats()["recipe"] == "plain"
        assert memory.space("b").stats()["recipe"] == "default"


def test_switching_forms_anew_from_the_episodes_and_back(tmp_path: Path) -> None:
    clock = FrozenClock(START)
    said = ["I live in Porto.", "I work at Siemens.", "My favourite colour is green."]
    with mneme.Memory(tmp_path, embedder="hash:64", recipe="default", clock=clock) as memory:
        memory.space("a").remember([{"text": text, "author": "Ana"} for text in said])
        assert not memory.space("a").memories({"kinds": ["fact", "profile", "preference"]})
    with mneme.Memory(tmp_path, embedder="hash:64", recipe=parse_toml(PLAIN), background=False, clock=clock) as memory:
        space = memory.space("a")
        space.recall("Porto")
        assert [job.task for job in space.jobs(states=("waiting",))] == ["re-form"]
        space.drain()
        formed = space.memories({"kinds": ["fact", "profile", "preference"]})
        assert {memory.attributes["object"] for memory in formed} >= {"Porto", "Siemens"}
        assert space.verify().ok
    with mneme.Memory(tmp_path, embedder="hash:64", recipe="default", background=False, clock=clock) as memory:
        memory.space("a").drain()
        assert [found.text for found in memory.space("a").memories()] == said
    with mneme.Memory(tmp_path, embedder="hash:64", recipe=parse_toml(PLAIN), background=False, clock=clock) as memory:
        space = memory.space("a")
        space.drain()
        assert [m.id for m in space.memories({"kinds": ["fact", "profile", "preference"]})] == [m.id for m in formed]
        assert len(space.episodes()) == 3
        assert space.verify().ok
