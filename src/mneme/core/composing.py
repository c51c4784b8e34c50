"""Composing recipes out of names: components by their registry names, with settings, from Python or from TOML.

A component is written as its name, or as a mapping with ``use`` and its settings. Settings that are components themselves are written
the same way. Unknown keys, unknown names and values of the wrong type are errors, all of them named at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
from collections.abc import Mapping, Sequence
from collections.abc import Mapping as AbstractMapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from mneme.core.card import Card
from mneme.core.errors import InvalidInput
from mneme.core.recipe import Recipe
from mneme.core.registry import load

Spec = str | Mapping[str, Any]

SLOTS: Mapping[str, str] = types.MappingProxyType(
    {
        "channels": "channel",
        "ranker": "ranker",
        "packer": "packer",
        "refiners": "refiner",
        "formers": "former",
        "organisers": "organiser",
        "guards": "guard",
        "keepers": "keeper",
        "curve": "curve",
    }
)
"""Field of a recipe -> kind of component in the registry."""

NESTED: Mapping[str, str] = types.MappingProxyType(
    {
        "features": "feature",
        "ranker": "ranker",
        "channels": "channel",
        "refiners": "refiner",
        "policy": "policy",
        "by_rule": "",
        "by_model": "",
    }
)
"""Setting of a component that holds components -> their kind; empty for the kind of the component itself."""

METHODS: Mapping[str, str] = types.MappingProxyType(
    {
        "channel": "search",
        "feature": "score",
        "ranker": "rank",
        "refiner": "refine",
        "packer": "pack",
        "former": "form",
        "organiser": "organise",
        "guard": "check",
        "keeper": "upkeep",
        "curve": "retention",
        "policy": "decide",
    }
)
"""Kind of component -> its method."""

GATE = ("grounding", "fingerprints")
"""The guards of a composition that forms memories and names none: what its sources don't bear out is refused, and what was recalled."""

_MANY = frozenset({"channels", "refiners", "formers", "organisers", "guards", "keepers", "features"})


def compose(*, name: str, about: str = "", base: str = "", card: Card | Mapping[str, Any] | None = None, **slots: Any) -> Recipe:
    """Return a recipe of components by name.

    Args:
        name, about: as :class:`Recipe`.
        base: a recipe that fills the slots that are left out; ``default`` for ranker, channels and packer if nothing is given.
        card: what a person should know of it.
        slots: the fields of a recipe: one component or a list of them. Where there are formers and no guards, the guards are ``GATE``;
            an empty list of guards stands for none.

    Raises:
        InvalidInput: a slot, a setting or a value is wrong; names all of them.

    Example:
        >>> compose(name="plain", channels=["dense"], ranker="weighted-sum").ranker
        WeightedSum(weights={})
    """
    problems: dict[str, str] = {}
    given: dict[str, Any] = {}
    for slot, spec in slots.items():
        if slot not in SLOTS:
            problems[slot] = _unknown(slot, [*SLOTS, "name", "about", "base", "card"])
        elif slot in _MANY:
            specs = spec if isinstance(spec, Sequence) and not isinstance(spec, str) else [spec]
            given[slot] = tuple(_build(SLOTS[slot], item, f"{slot}[{place}]", problems) for place, item in enumerate(specs))
        else:
            given[slot] = _build(SLOTS[slot], spec, slot, problems)
    made = _card(card, problems)
    if not isinstance(name, str) or not name.strip():
        problems["name"] = f"is {name!r}; give the recipe a name"
    if not isinstance(about, str):
        problems["about"] = f"is {about!r}; give a string"
    if problems:
        raise InvalidInput(problems)
    if base or not {"channels", "ranker", "packer"} <= set(given):
        below = _as_recipe(base or "default")
        whole = ("channels", "ranker", "packer") if not base else tuple(SLOTS)
        # A ranker of one's own rarely wants another recipe's refiners, so only a named base brings them.
        given = {**{slot: getattr(below, slot) for slot in whole if slot not in given}, **given}
    if given.get("formers") and not given.get("guards") and "guards" not in slots:
        given["guards"] = tuple(load("guard", name)() for name in GATE)
    return Recipe(name=name, about=about, card=made, **given)


def read_toml(path: Path) -> Recipe:
    """Return the recipe that a TOML file describes.

    Raises:
        InvalidInput: the file can't be read, is no TOML, or has unknown keys or bad values.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise InvalidInput({"recipe": f"{path} can't be read ({error.strerror}); give the path of a TOML file"}) from error
    return parse_toml(text, str(path))


def parse_toml(text: str, where: str = "recipe") -> Recipe:
    """Return the recipe that TOML text describes; ``where`` is what messages call it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput({"recipe": f"{where} is no TOML: {error}"}) from error
    if "name" not in table:
        raise InvalidInput({"name": f'is missing in {where}; write name = "mine" in its first line'})
    card = table.pop("card", {})
    if not isinstance(card, Mapping):
        raise InvalidInput({"card": f"is {card!r} in {where}; write it as a table, [card]"})
    return compose(card={**card, "toml": text}, **table)


def resolve(recipe: str | Path | Recipe) -> Recipe:
    """Return a recipe given as a value, a registered name, or the path of a TOML file.

    Raises:
        UnknownComponent: no recipe has this name.
        InvalidInput: the file does not describe one.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Path) or recipe.endswith(".toml"):
        return read_toml(Path(recipe))
    return _as_recipe(recipe)


def _as_recipe(name: str) -> Recipe:
    """Return a recipe by name; ``family:one:two`` is the recipe that a family makes of these parameters."""
    family, *parameters = name.split(":")
    found = load("family", family)(*parameters) if parameters else load("recipe", name)
    if not isinstance(found, Recipe):
        raise InvalidInput({"recipe": f"{name!r} stands for a {type(found).__name__}; its entry point must lead to a mneme Recipe"})
    return found


def _build(kind: str, spec: object, path: str, problems: dict[str, str]) -> Any:
    if isinstance(spec, str):
        spec = {"use": spec}
    if not isinstance(spec, Mapping):  # a component made in Python
        if not isinstance(spec, type) and callable(getattr(spec, METHODS[kind], None)):
            return spec
        problems[path] = f"is {spec!r}; give a {kind}, which has the method {METHODS[kind]}, or the name of one"
        return None
    settings = dict(spec)
    name = settings.pop("use", None)
    if not isinstance(name, str):
        problems[path] = f'names no component; write use = "..." with a {kind} of the registry'
        return None
    try:
        made = load(kind, name)
    except InvalidInput as error:  # no such name, or one of another package that leads nowhere
        problems[path] = "; ".join(error.problems.values())
        return None
    if not callable(getattr(made, METHODS[kind], None)):
        problems[path] = f"{name!r} stands for {made!r}, which is no {kind}: it has no method {METHODS[kind]}"
        return None
    if not isinstance(made, type):
        if settings:
            problems[path] = f"{name!r} takes no settings here"
        return made
    values = _settings(kind, made, settings, path, problems)
    unset = dataclasses.MISSING
    required = [f.name for f in dataclasses.fields(made) if f.init and f.default is unset and f.default_factory is unset]
    missing = [field for field in required if field not in values]
    if missing:
        problems[path] = f"needs {', '.join(missing)}"
    if any(key == path or key.startswith(f"{path}.") for key in problems):
        return None
    try:
        return made(**values)
    except InvalidInput as error:  # a value of the right type that is none of those the component takes
        problems.update({f"{path}.{key}": problem for key, problem in error.problems.items()})
        return None


def _settings(kind: str, made: type, settings: Mapping[str, Any], path: str, problems: dict[str, str]) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(made) if field.init}
    hints = get_type_hints(made)
    values: dict[str, Any] = {}
    for key, value in settings.items():
        here = f"{path}.{key}"
        if key not in known:
            problems[here] = _unknown(key, known)
        elif key in NESTED:
            many = key in _MANY
            items = value if many and not isinstance(value, str) else [value]
            inner = NESTED[key] or kind
            parts = tuple(_build(inner, item, f"{here}[{place}]" if many else here, problems) for place, item in enumerate(items))
            values[key] = parts if many else parts[0]
        else:
            values[key] = _plain(value)
            if not _fits(values[key], hints[key]):
                problems[here] = f"is {value!r}; give {_told(hints[key])}"
    return values


def _plain(value: Any) -> Any:
    """Return lists as tuples, which is what frozen settings hold."""
    if isinstance(value, AbstractMapping):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(_plain(item) for item in value) if isinstance(value, list) else value


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value may stand where the type is expected; what plain data can't express is not judged."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in inner)
    if hint is bool or hint is str or hint is type(None):
        return isinstance(value, hint)
    if hint is int or hint is float:
        return isinstance(value, int if hint is int else (int, float)) and not isinstance(value, bool)
    if origin is tuple:
        parts = inner[:1] * len(value) if isinstance(value, tuple) and inner[1:] == (...,) else inner
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin in (Mapping, AbstractMapping, dict):
        return isinstance(value, AbstractMapping) and all(_fits(item, inner[1]) for item in value.values())
    return True


def _told(hint: Any) -> str:
    words = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_told(part) for part in inner if part is not type(None))
    if origin is tuple:
        return f"a list, each {_told(inner[0])}" if inner[1:] == (...,) else f"a list of {len(inner)}: {', '.join(map(_told, inner))}"
    if origin in (Mapping, AbstractMapping, dict):
        return "a table, each value " + _told(inner[1])
    return words.get(hint, str(hint).replace("typing.", ""))


def _card(card: Card | Mapping[str, Any] | None, problems: dict[str, str]) -> Card | None:
    if card is None or isinstance(card, Card):
        return card
    if not isinstance(card, AbstractMapping):
        problems["card"] = f"is {card!r}; give a Card or a table"
        return None
    hints = get_type_hints(Card)
    values = {key: _plain(value) for key, value in card.items()}
    for key, value in values.items():
        if key not in hints:
            problems[f"card.{key}"] = _unknown(key, hints)
        elif not _fits(value, hints[key]):
            problems[f"card.{key}"] = f"is {value!r}; give {_told(hints[key])}"
    return None if problems else Card(**values)


def _unknown(key: str, known: Any) -> str:
    near = difflib.get_close_matches(key, list(known), n=2)
    return f"is unknown; {'did you mean ' + ' or '.join(near) if near else 'known are ' + ', '.join(sorted(known))}"
