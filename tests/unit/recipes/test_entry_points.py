"""Components and recipes of another package are found by its entry points, and one that is wrong says so."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import mneme
from mneme.core.composing import compose, parse_toml, resolve
from mneme.core.errors import InvalidInput
from mneme.core.registry import names
from mneme.recipes.commands import recipes

CODE = """
import re
from dataclasses import dataclass

from mneme.core.composing import compose
from mneme.core.operations import Keep
from mneme.core.records import Memory, Span
from mneme.formation.rules import derived_id

LEG = re.compile(r"from ([A-Z][a-z]+) to ([A-Z][a-z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    verb: str = "travelled"

    def form(self, ctx, episodes):
        return [Keep(memory=self._memory(episode, leg)) for episode in episodes for leg in LEG.finditer(episode.text)]

    def _memory(self, episode, leg):
        return Memory(
            id=derived_id(episode.id, f"leg|{leg.start()}"),
            text=f"{episode.author} {self.verb} from {leg[1]} to {leg[2]}.",
            kind="event",
            at=episode.at,
            recorded_at=episode.recorded_at,
            valid_from=episode.at,
            sources=(Span(episode=episode.id, start=leg.start(), end=leg.end()),),
        )


recipe = compose(name="itinerary", about="trips as events", formers=[Legs()], ranker="keyed")
nonsense = 7
"""
POINTS = """
[mneme.former]
legs = far_travels:Legs
nowhere = far_travels:Lost
gone = far_gone:Legs
number = far_travels:nonsense

[mneme.recipe]
itinerary = far_travels:recipe
broken = far_travels:nonsense
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "far_travels.py").write_text(CODE)
    info = tmp_path / "far_travels-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: far-travels\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("far_travels", None)


def legs(recipe: object) -> list[str]:
    with mneme.Memory(":memory:", embedder="hash:64", recipe=recipe, background=False) as memory:  # type: ignore[arg-type]
        space = memory.space("a")
        space.remember("We flew from Porto to Oslo.", author="Ana")
        assert space.verify().ok
        return [event.text for event in space.memories({"kinds": ["event"]})]


def test_a_component_of_another_package_is_named_in_python_and_in_toml() -> None:
    assert "legs" in names("former")
    assert legs(compose(name="mine", formers=["legs"])) == ["Ana travelled from Porto to Oslo."]
    text = 'name = "mine"\nbase = "longmemeval"\n[[formers]]\nuse = "legs"\nverb = "sailed"\n'
    assert legs(parse_toml(text)) == ["Ana sailed from Porto to Oslo."]
    with pytest.raises(InvalidInput, match="did you mean verb"):
        parse_toml(text.replace("verb =", "verbs ="))


def test_a_recipe_of_another_package_is_listed_shown_and_used() -> None:
    assert legs("itinerary") == ["Ana travelled from Porto to Oslo."]
    listed = CliRunner().invoke(recipes, ["list"])
    assert listed.exit_code == 0
    assert {"itinerary", "default"} <= set(listed.output.split())
    assert "broken" in listed.output
    assert "can't be loaded" in listed.output
    assert "-> form: " in CliRunner().invoke(recipes, ["show", "itinerary"]).output


def test_an_entry_point_that_leads_to_no_recipe_is_told() -> None:
    with pytest.raises(InvalidInput, match="must lead to a mneme Recipe"):
        resolve("broken")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere", "'nowhere' of far-travels can't be loaded"),
        ("gone", "No module named 'far_gone'"),
        ("number", "which is no former: it has no method form"),
    ],
)
def test_an_entry_point_that_leads_nowhere_or_to_no_component_is_told(name: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=r"formers\[0\]") as found:
        compose(name="x", formers=[name])
    assert told in str(found.value)


def test_what_is_no_component_is_refused_where_it_is_given() -> None:
    with pytest.raises(InvalidInput) as found:
        compose(name="x", channels=[1], formers=["rules", None], ranker=dict)
    assert set(found.value.problems) == {"channels[0]", "formers[1]", "ranker"}
