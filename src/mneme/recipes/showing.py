"""A recipe as text for people: the composition as a picture, and its page in the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib.metadata import entry_points

from mneme.core.card import Card
from mneme.core.recipe import Recipe
from mneme.core.registry import TABLE

WIDTH = 96
INNER = 80
"""Of the lines of a component, which are indented by up to sixteen more."""
SHORT = 60
"""A setting that takes more characters has a line of its own."""

OWN = "none, this project's own design"


def picture(recipe: Recipe) -> str:
    """Return the composition as a picture: what a message goes through, what a question goes through, what looks after the space.

    Components have the names that a TOML file gives them, and show the settings that differ from their defaults.
    """
    write = [["message"], ["episode + verbatim memory"], *named("form", recipe.formers), *named("guard", recipe.guards)]
    write += named("organise", recipe.organisers)
    read = [["question"], *named("channel", recipe.channels), *named("rank", [recipe.ranker]), *named("refine", recipe.refiners)]
    read += named("pack", [recipe.packer])
    keep = [["upkeep"], *named("keep", recipe.keepers)]
    if recipe.curve is not None:
        keep += named("forgetting curve", [recipe.curve])
    return "\n\n".join(_flow(steps) for steps in (write, read, keep) if len(steps) > 1)


def named(verb: str, parts: Iterable[object]) -> list[list[str]]:
    """Return the lines of each component, the verb before its first."""
    found = []
    for part in parts:
        first, *rest = component(part)
        found.append([f"{verb}: {first}", *rest])
    return found


def component(part: object) -> list[str]:
    """Return a component's registered name with its settings, and one line or more for each setting that holds much."""
    short, long = [], []
    for name, value in _settings(part).items():
        if _is_part(value) or (isinstance(value, tuple) and any(_is_part(item) for item in value)):
            long += _inner(name, value)
        elif isinstance(value, Mapping) or len(_plain(value)) > SHORT:
            told = _plain(value)
            long += textwrap.wrap(f"{name}: {told}", INNER, subsequent_indent="  ", break_long_words=False)
        else:
            short.append(f"{name} = {_plain(value)}")
    head = f"{name_of(part)} ({'; '.join(short)})" if short else name_of(part)
    first, *rest = textwrap.wrap(head, INNER, subsequent_indent="  ", break_long_words=False) or [head]
    return [first, *(f"  {line}" if line not in rest else line for line in (*rest, *long))]


def name_of(part: object) -> str:
    """Return the name under which a component is registered, its own name or its class where it is not.

    Example:
        >>> from mneme.retrieval.keyed import Keyed
        >>> name_of(Keyed())
        'keyed'
    """
    made = type(part)
    known = _registered().get(f"{made.__module__}:{made.__qualname__}")
    own = getattr(part, "name", "")
    return known or (own if isinstance(own, str) and own else made.__qualname__)


@cache
def _registered() -> dict[str, str]:
    found = {point.value: point.name for kind in TABLE for point in entry_points(group=f"mneme.{kind}")}
    return {**found, **{target: name for table in TABLE.values() for name, target in table.items()}}


def _settings(part: object) -> dict[str, object]:
    """Return the settings of a component that differ from their defaults; functions are none that could be shown."""
    if not is_dataclass(part):
        return {}
    shown = {}
    for field in fields(part):
        value = getattr(part, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if field.name != "name" and field.init and value != default and (_is_part(value) or not callable(value)):
            shown[field.name] = value
    return shown


def _is_part(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _inner(name: str, value: object) -> list[str]:
    """Return the lines of components within a component; many without settings of their own go on one line."""
    parts = value if isinstance(value, tuple) else (value,)
    lines = [component(part) for part in parts]
    if all(len(told) == 1 for told in lines):
        joined = f"{name}: {', '.join(told[0] for told in lines)}"
        return textwrap.wrap(joined, INNER, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    found = []
    for first, *rest in lines:
        found += [f"{name}: {first}", *(f"  {line}" for line in rest)]
    return found


def _plain(value: object) -> str:
    """Return a setting as a person writes it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} ({_plain(item)})" if isinstance(item, tuple) else f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, (tuple, list)):
        texts = [_plain(item) for item in value]
        return ("; " if any("," in text for text in texts) else ", ").join(texts)
    return str(value).lower() if isinstance(value, bool) else str(value)


def described(recipe: Recipe) -> str:
    """Return all that ``mneme recipes show`` prints."""
    card = recipe.card or Card()
    paper = card.paper or (OWN if recipe.name in TABLE["recipe"] else "")
    about = f"{recipe.name}: {recipe.about}" if recipe.about else recipe.name
    parts = [_wrapped(about), _wrapped(f"Paper: {paper}") if paper else "", picture(recipe)]
    if card.parts:
        parts.append("\n".join(["Its parts here:", *(_wrapped(f"{paper} -> {here}", "  ", "    ") for paper, here in card.parts)]))
    if card.differs:
        parts.append("\n".join(["Deviations:", *(_wrapped(f"- {line}", "  ", "    ") for line in card.differs)]))
    costs = [("Without a model", card.without_model), ("Cost per write", card.per_write), ("Cost per recall", card.per_recall)]
    parts.append("\n".join(_wrapped(f"{name}: {told}", "", "  ") for name, told in costs if told))
    return "\n\n".join(part for part in parts if part)


def _wrapped(text: str, first: str = "", rest: str = "  ") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)


def page(recipe: Recipe) -> str:
    """Return the recipe's page in the documentation, as Markdown."""
    card = recipe.card or Card()
    lines = [f"# {recipe.name}", "", recipe.about[:1].upper() + recipe.about[1:] + ".", ""]
    if card.paper:
        lines += [f"Paper: {card.paper}", ""]
    lines += ["```text", picture(recipe), "```", ""]
    if card.parts:
        lines += ["| in the paper | here |", "|---|---|", *(f"| {paper} | {here} |" for paper, here in card.parts), ""]
    if card.differs:
        lines += ["## Deviations", "", *(f"- {line}" for line in card.differs), ""]
    costs = [("Without a model", card.without_model), ("Per write", card.per_write), ("Per recall", card.per_recall)]
    told = [f"- {name}: {text}" for name, text in costs if text]
    if told:
        lines += ["## Costs", "", *told, ""]
    lines += [f'Use it with `Memory(recipe="{recipe.name}")`; print this with `mneme recipes show {recipe.name}`.', ""]
    return "\n".join(lines)


def table(recipes: Iterable[Recipe]) -> str:
    """Return mechanism by mechanism what every recipe uses, as a Markdown table."""
    lines = ["| recipe | forms | organises | channels | ranks | refines | looks after |", "|---|---|---|---|---|---|---|"]
    for recipe in recipes:
        kept = [*map(name_of, recipe.keepers), *([name_of(recipe.curve)] if recipe.curve else [])]
        columns = [
            [_own(former) for former in recipe.formers],
            list(map(name_of, recipe.organisers)),
            list(map(name_of, recipe.channels or getattr(recipe.ranker, "channels", ()))),
            [_around(recipe.ranker)],
            list(map(name_of, recipe.refiners)),
            kept,
        ]
        lines.append(f"| [{recipe.name}]({recipe.name}.md) | " + " | ".join(", ".join(column) or "-" for column in columns) + " |")
    return "\n".join(lines)


def _own(former: object) -> str:
    inner = [getattr(former, field, None) for field in ("by_rule", "by_model")]
    return " or ".join(name_of(part) for part in inner if part is not None) or name_of(former)


def _around(ranker: object) -> str:
    """Return a ranker's name, and that of the ranker that it is put around."""
    inner = getattr(ranker, "ranker", None)
    return name_of(ranker) if inner is None else f"{name_of(ranker)} ({_around(inner)})"


def _flow(steps: Sequence[Sequence[str]]) -> str:
    (first,), *rest = steps
    lines = [first]
    for head, *more in rest:
        lines += [f"  -> {head}", *(f"       {line}" for line in more)]
    return "\n".join(lines)
