"""The commands that forget: by default out of sight, with --erase out of existence; and drop, for a whole space."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mneme.cli.app import App, console, shared
from mneme.cli.filtering import filtered, taken

if TYPE_CHECKING:
    from mneme.core.query import Filter
    from mneme.core.records import Memory as Record
    from mneme.memory import Memory
    from mneme.space import Space

_SHOWN = 5
_PAGE = 1000


@click.command()
@click.argument("memory_ids", nargs=-1)
@filtered
@click.option("--erase", is_flag=True, help="Remove the content for good, from every place, and prove it.")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@click.option("--reason", metavar="TEXT", help="Why; it stands in the journal.")
@shared
def forget(app: App, memory_ids: tuple[str, ...], erase: bool, yes: bool, reason: str | None, **options: Any) -> None:
    """Forget memories, named by id or chosen by the filter options.

    Without --erase they are archived: no recall shows them, and restore or undo brings them back. With --erase their content is
    removed from every place, the files are searched for it, and the report is printed.
    """
    from mneme.cli.render import show_erasure, show_receipt
    from mneme.core.query import ErasureReport

    where = taken(options)
    if bool(memory_ids) == (where is not None):
        raise click.UsageError("name memories by id, or choose them with filter options such as --author; not both, not neither")
    with app.open() as space:
        if erase and not yes:
            _ask(space, memory_ids, where, quiet=app.json)
        target = memory_ids if where is None else where
        result = space.forget(target, erase=erase, reason=reason)
    if not result.ids:
        app.answer(result, lambda out: out.print("Nothing to forget: no memory fits."))
    elif isinstance(result, ErasureReport):
        report = result
        app.answer(report, lambda out: show_erasure(out, report))
    else:
        receipt = result
        app.answer(receipt, lambda out: show_receipt(out, receipt, "Forgot (archived)"))


def _ask(space: Space, ids: tuple[str, ...], where: Filter | None, *, quiet: bool) -> None:
    """Show what would be erased and ask; stop unless the answer is yes."""
    from mneme.cli.render import plural, show_memory

    if quiet or not sys.stdin.isatty():
        raise click.UsageError("erasing can't be undone; add --yes to do it without being asked")
    doomed = [space.get(id) for id in ids] if where is None else _matching(space, where)
    if not doomed:
        return
    out = console(stderr=True)
    for memory in doomed[:_SHOWN]:
        show_memory(out, memory)
    if len(doomed) > _SHOWN:
        out.print(f"... and {len(doomed) - _SHOWN} more", style="dim")
    question = f"Erase {plural(len(doomed), 'memory', 'memories')} and what rests only on them, for good?"
    click.confirm(question, abort=True, err=True)


def _matching(space: Space, where: Filter) -> list[Record]:
    found: list[Record] = []
    while page := space.memories(where, after=found[-1].id if found else "", limit=_PAGE):
        found += page
    return found


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def drop(app: App, name: str, yes: bool) -> None:
    """Remove a space with everything in it, for good.

    Its journal goes too, so the head of the chain is printed first (with --json in the one object at the end): keep it if somebody may
    ask what was there. A space with something that a legal hold protects stays.
    """
    with app.memory() as memory:
        held = _held(memory, name)
        what = held.pop("told")
        if held["head"] and not app.json:
            console().print(f"The head of its journal is {held['head']}.", markup=False, soft_wrap=True)
        if not yes:
            if app.json or not sys.stdin.isatty():
                raise click.UsageError("dropping can't be undone; add --yes to do it without being asked")
            click.confirm(f"Drop {what}, for good?", abort=True, err=True)
        memory.drop(name)
    app.answer(held, lambda out: out.print(f"Dropped {what}.", markup=False, soft_wrap=True))


def _held(memory: Memory, name: str) -> dict[str, Any]:
    """Return what a space has, for the record, whatever model its vectors are of; a damaged one can be dropped too, but not told."""
    from mneme.cli.render import plural
    from mneme.core.errors import CorruptStore, NotFound

    if not memory.has_space(name):
        raise NotFound("space", name)
    try:
        with memory.space(name)._use(create=False, any_model=True) as opened:
            counts = opened.store.counts()
            newest = opened.store.entries(after=opened.store.last_seq() - 1, limit=1)
    except CorruptStore:
        return {"space": name, "memories": None, "entries": None, "head": "", "told": f"the damaged space {name!r}"}
    memories, entries = counts["memories"], counts["entries"]
    told = f"{name!r} with {plural(memories, 'memory', 'memories')} and {plural(entries, 'journal entry', 'journal entries')}"
    return {"space": name, "memories": memories, "entries": entries, "head": newest[0].hash if newest else "", "told": told}
