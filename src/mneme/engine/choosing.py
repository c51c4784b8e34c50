"""Which recipe a space works by: the one it was given, else the one that is stored with it, else the default."""

from __future__ import annotations

import json

from mneme.core.composing import parse_toml, resolve
from mneme.core.errors import InvalidInput, UnknownComponent
from mneme.core.ids import Ids
from mneme.core.operations import Enqueue
from mneme.core.ports import Batch, Store
from mneme.core.recipe import Recipe
from mneme.engine.reforming import reform_job

META = "recipe"
"""The key of a space's meta under which its recipe is stored."""


def stored(store: Store, space: str, fallback: Recipe) -> Recipe:
    """Return the recipe stored with a space, ``fallback`` when there is none.

    Raises:
        InvalidInput: the space was last used with a recipe that has no name here.
    """
    kept = _kept(store)
    if not kept:
        return fallback
    try:
        return parse_toml(kept["toml"], f"the recipe of space {space!r}") if kept["toml"] else resolve(kept["name"])
    except UnknownComponent as error:
        raise InvalidInput(
            {"recipe": f"space {space!r} was made with {kept['name']!r}, which is not known here; pass Memory(recipe=...) ({error})"}
        ) from error


def adopt(store: Store, recipe: Recipe, before: Recipe, ids: Ids, now: object) -> bool:
    """Store the recipe with a space; where it forms memories otherwise than the one before, enqueue forming them anew.

    Args:
        store: the space.
        recipe: what it works by from now on.
        before: what a space works by that has none stored.
        ids, now: for the job.

    Returns:
        Whether there is a job.
    """
    kept = _kept(store)
    wanted = {"name": recipe.name, "forming": recipe.forming, "toml": recipe.card.toml if recipe.card else ""}
    if kept == wanted:
        return False
    store.set_meta(META, json.dumps(wanted))
    known = kept["forming"] if kept else before.forming
    if known == recipe.forming or not store.list_episodes(limit=1):
        return False
    job = reform_job(ids.new("job"), recipe, now)  # type: ignore[arg-type]
    store.apply(Batch(operations=[Enqueue(job=job)], verb="re-form", trace_id=ids.new("tr"), at=now, reason=f"recipe {recipe.name}"))  # type: ignore[arg-type]
    return True


def _kept(store: Store) -> dict[str, str]:
    text = store.meta().get(META, "")
    return dict(json.loads(text)) if text else {}
