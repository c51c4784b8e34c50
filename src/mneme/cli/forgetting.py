"""The command that forgets: by default out of sight, with --erase out of existence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mneme.cli.app import App, console, shared
from mneme.cli.filtering import filtered, taken

if TYPE_CHECKING:
    from mneme.core.query import Filter
    from mneme.core.records import Memory
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


def _matching(space: Space, where: Filter) -> list[Memory]:
    found: list[Memory] = []
    while page := space.memories(where, after=found[-1].id if found else "", limit=_PAGE):
        found += page
    return found
