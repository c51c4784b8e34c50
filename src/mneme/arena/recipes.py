"""The recipes that the arena knows: the baselines, and every recipe of the engine's registry."""

from __future__ import annotations

from collections.abc import Sequence

from mneme.arena.baselines import BASELINES
from mneme.arena.engine import engine_recipe
from mneme.arena.subject import Recipe
from mneme.arena.task import near
from mneme.core import registry
from mneme.core.errors import UnknownComponent

ALL = "all"
"""Stands for every recipe of the engine."""

ENGINE = "engine:"
"""Prefix that asks for the engine's recipe where a baseline has the same name."""


def recipe_names() -> list[str]:
    """Return every name, baselines first."""
    engine = [name if name not in BASELINES else f"{ENGINE}{name}" for name in registry.names("recipe")]
    return [*BASELINES, *engine]


def get_recipe(name: str) -> Recipe:
    """Return the recipe of this name, the one that a family makes (``structural-memory:triples:iterative``), or that of a TOML file.

    Raises:
        UnknownComponent: there is none; the message lists near matches.
        InvalidInput: the file, or what a package brings along, describes none.
    """
    if name in BASELINES:
        return BASELINES[name]
    family, _, parameters = name.partition(":")
    if name.endswith(".toml") or (parameters and family in registry.names("family")):
        return engine_recipe(name, name)
    if name not in recipe_names() and not name.startswith(ENGINE):
        raise UnknownComponent("recipe", name, near(name, recipe_names()))
    return engine_recipe(name.removeprefix(ENGINE), name)


def get_recipes(names: Sequence[str]) -> list[Recipe]:
    """Return the recipes of these names, each once, in order; ``all`` stands for every recipe of the engine, the default first."""
    engine = [name if name not in BASELINES else f"{ENGINE}{name}" for name in registry.names("recipe")]
    engine.sort(key=lambda name: name != "default")
    wanted = [one for name in names for one in (engine if name == ALL else [name])]
    return [get_recipe(name) for name in dict.fromkeys(wanted)]
