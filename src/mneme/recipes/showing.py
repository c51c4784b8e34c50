"""A recipe as text for people: the composition as a picture, and its page in the documentation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass

from mneme.core.card import Card
from mneme.core.recipe import Recipe


def picture(recipe: Recipe) -> str:
    """Return the composition as a picture: what a message goes through, what a question goes through, what looks after the space."""
    write = ["message", "episode + verbatim memory", *named("form", recipe.formers), *named("guard", recipe.guards)]
    write += named("organise", recipe.organisers)
    read = ["question", *named("channel", recipe.channels), f"rank: {component(recipe.ranker)}", *named("refine", recipe.refiners)]
    read.append(f"pack: {type(recipe.packer).__name__}")
    keep = ["upkeep", *named("keep", recipe.keepers)]
    if recipe.curve is not None:
        keep.append(f"forgetting curve: {component(recipe.curve)}")
    return "\n\n".join(_flow(steps) for steps in (write, read, keep) if len(steps) > 1)


def component(part: object) -> str:
    """Return a component's name and the settings that differ from its defaults."""
    if not is_dataclass(part):
        return type(part).__name__
    shown = []
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name == "name" or not field.init or value == field.default:
            continue
        if is_dataclass(value):
            shown.append(f"{field.name}={component(value)}")
        elif isinstance(value, tuple) and any(is_dataclass(item) for item in value):
            shown.append(f"{field.name}=[{', '.join(type(item).__name__ for item in value)}]")
        elif not callable(value):
            shown.append(f"{field.name}={value!r}")
    return f"{type(part).__name__}({', '.join(shown)})" if shown else type(part).__name__


def named(verb: str, parts: Iterable[object]) -> list[str]:
    """Return one line per component."""
    return [f"{verb}: {component(part)}" for part in parts]


def described(recipe: Recipe) -> str:
    """Return all that ``mneme recipes show`` prints."""
    card = recipe.card or Card()
    parts = [f"{recipe.name}: {recipe.about}", picture(recipe)]
    if card.paper:
        parts.insert(1, f"Paper: {card.paper}")
    if card.parts:
        parts.append("\n".join(["Its parts here:", *(f"  {paper} -> {here}" for paper, here in card.parts)]))
    if card.differs:
        parts.append("\n".join(["Deviations:", *(f"  - {line}" for line in card.differs)]))
    costs = [("Without a model", card.without_model), ("Cost per write", card.per_write), ("Cost per recall", card.per_recall)]
    parts.append("\n".join(f"{name}: {told}" for name, told in costs if told))
    return "\n\n".join(part for part in parts if part)


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
        kept = [*(type(keeper).__name__ for keeper in recipe.keepers), *([type(recipe.curve).__name__] if recipe.curve else [])]
        columns = [
            [_own(former) for former in recipe.formers],
            [type(organiser).__name__ for organiser in recipe.organisers],
            [channel.name for channel in recipe.channels],
            [type(recipe.ranker).__name__],
            [type(refiner).__name__ for refiner in recipe.refiners],
            kept,
        ]
        lines.append(f"| [{recipe.name}]({recipe.name}.md) | " + " | ".join(", ".join(column) or "-" for column in columns) + " |")
    return "\n".join(lines)


def _own(former: object) -> str:
    inner = getattr(former, "by_rule", None)
    return f"{type(inner).__name__} or model" if inner is not None else type(former).__name__


def _flow(steps: Iterable[str]) -> str:
    first, *rest = steps
    return "\n".join([first, *(f"  -> {step}" for step in rest)])
