"""``mneme recipes``: which memory designs there are, and what each is made of."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def recipes() -> None:
    """Memory designs: list them, show one, write their pages."""


@recipes.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def list_command(as_json: bool) -> None:
    """List every recipe with one sentence about it."""
    import orjson

    from mneme.core.composing import resolve
    from mneme.core.errors import InvalidInput, MnemeError
    from mneme.core.recipe import Recipe
    from mneme.core.registry import names

    found: dict[str, Recipe] = {}
    broken: dict[str, str] = {}
    for name in names("recipe"):
        try:
            found[name] = resolve(name)
        except (MnemeError, ImportError, AttributeError) as error:  # another package's, which must not hide the rest
            why = "; ".join(error.problems.values()) if isinstance(error, InvalidInput) else str(error)
            broken[name] = why if "can't be loaded" in why else f"can't be loaded: {why}"
    if as_json:
        plain = {name: {"about": recipe.about, "paper": recipe.card.paper if recipe.card else ""} for name, recipe in found.items()}
        plain |= {name: {"error": why} for name, why in broken.items()}
        click.echo(orjson.dumps({"recipes": plain}, option=orjson.OPT_INDENT_2).decode())
        return
    told = {**{name: recipe.about for name, recipe in found.items()}, **broken}
    width = max(len(name) for name in told)
    for name in sorted(told):
        click.echo(f"{name:{width}}  {told[name]}")


@recipes.command()
@click.argument("recipe")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def show(recipe: str, as_json: bool) -> None:
    """Show RECIPE (a name, or the path of a TOML file): its composition, paper, deviations and costs."""
    import orjson

    from mneme.core.card import Card
    from mneme.core.composing import resolve
    from mneme.recipes.showing import described

    found = resolve(recipe)
    if as_json:
        card = found.card or Card()
        told = {"paper": card.paper, "parts": card.parts, "differs": card.differs, "without_model": card.without_model}
        plain = {**found.spec(), "about": found.about, **told, "per_write": card.per_write, "per_recall": card.per_recall}
        click.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2, default=str).decode())
    else:
        click.echo(described(found))


@recipes.command()
@click.argument("folder", type=click.Path(path_type=Path))
def pages(folder: Path) -> None:
    """Write the page of every recipe, and the table over all, into FOLDER."""
    from mneme.core.composing import resolve
    from mneme.core.registry import TABLE
    from mneme.recipes.showing import page, table

    folder.mkdir(parents=True, exist_ok=True)
    found = [resolve(name) for name in TABLE["recipe"]]
    for recipe in found:
        (folder / f"{recipe.name}.md").write_text(page(recipe), "utf-8")
    about = [
        "Each recipe is a composition of components; see `mneme recipes show NAME`. How they compare on the same data is",
        "[measured](measured.md); what each published system asks for, and the tests that show it, is in [sheets](sheets.md).",
        "",
        "Whatever the paper says, what a recipe forms passes two guards first. `grounding`: a statement, note or summary with a name,",
        "number or date that the messages it cites don't bear out is refused, and what it would have replaced stays. `fingerprints`: what",
        "mneme itself had rendered and an agent pasted back is no news. `guards = []` in a recipe of your own leaves both out.",
    ]
    index = ["# Recipes", "", *about, "", table(found), ""]
    (folder / "README.md").write_text("\n".join(index), "utf-8")
    click.echo(f"{len(found)} pages in {folder}")
