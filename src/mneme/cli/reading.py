"""Commands that ask: recall, history, stats, spaces."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mneme.cli.app import FAILED, MOMENT, App, shared
from mneme.cli.filtering import filtered, taken

if TYPE_CHECKING:
    from rich.console import Console

    from mneme import Memory

_JOURNAL_SHOWN = 20


@click.command()
@click.argument("query")
@click.option("-k", type=click.IntRange(min=1), help="How many memories; 10 unless a budget is given.")
@click.option("--budget-tokens", type=click.IntRange(min=1), help="As many as fit into a context of this length.")
@click.option("--in", "spaces", multiple=True, metavar="NAME", help="Ask these spaces together; repeatable.")
@click.option("--as-of", type=MOMENT, help="What held in the world at this moment.")
@click.option("--known-at", type=MOMENT, help="What the memory knew at this moment.")
@click.option("--archived", is_flag=True, help="Archived memories too.")
@click.option("--explain", is_flag=True, help="Show why: what each channel gave to each score.")
@click.option("--context", is_flag=True, help="Print only the context for a prompt.")
@click.option("--full", is_flag=True, help="Print whole texts instead of their beginnings.")
@filtered
@shared
def recall(
    app: App,
    query: str,
    k: int | None,
    budget_tokens: int | None,
    spaces: tuple[str, ...],
    as_of: datetime | None,
    known_at: datetime | None,
    archived: bool,
    explain: bool,
    context: bool,
    full: bool,
    **options: Any,
) -> None:
    """Find what bears on a question, best first."""
    from mneme.cli.render import show_recall

    asked: dict[str, Any] = {
        "k": k, "budget_tokens": budget_tokens, "filters": taken(options, archived=archived),
        "as_of": as_of, "known_at": known_at, "explain": explain,
    }  # fmt: skip
    with app.memory() as memory:
        app.require(memory, *(spaces or (app.space_name,)))
        found = memory.recall(query, spaces=spaces, **asked) if spaces else memory.space(app.space_name).recall(query, **asked)
    if context and not app.json:
        from mneme.cli.terminal import visible

        # A program gets what is remembered as it is, a terminal what can't steer it.
        click.echo(visible(found.context) if sys.stdout.isatty() else found.context, color=True)
        return
    app.answer(found, lambda console: show_recall(console, found, explain=explain, limit=10**9 if full else 400))


@click.command()
@click.argument("memory_id", required=False)
@click.option("--last", type=click.IntRange(min=1), default=_JOURNAL_SHOWN, show_default=True, help="Without an id: how many entries.")
@shared
def history(app: App, memory_id: str | None, last: int) -> None:
    """Show a memory's versions and why it changed, or the journal.

    Without an id it shows the last entries of the journal.
    """
    from mneme.cli.render import show_journal, show_steps

    with app.open() as space:
        if memory_id is not None:
            steps = space.history(memory_id)
            app.answer(steps, lambda console: show_steps(console, steps))
            return
        entries = space.journal(after=max(int(space.stats()["entries"]) - last, 0), limit=last)
    app.answer(entries, lambda console: show_journal(console, entries))


@click.command()
@shared
def stats(app: App) -> None:
    """Count what a space holds."""
    with app.open() as space:
        counts = space.stats()

    def show(console: Console) -> None:
        from rich.table import Table

        from mneme.cli.render import size

        table = Table.grid(padding=(0, 2))
        for name, value in counts.items():
            is_bytes = isinstance(value, int) and (name == "bytes" or name.endswith("_bytes"))
            shown = size(value) if is_bytes else f"{value:,}" if isinstance(value, int) else str(value)
            table.add_row(f"[dim]{name.replace('_', ' ')}[/]", shown)
        console.print(table)

    app.answer(counts, show)


@click.command()
@shared
def spaces(app: App) -> int:
    """List the spaces of the root with what they hold."""
    with app.memory() as memory:
        counts = [_counted(memory, name) for name in memory.spaces()]

    def show(console: Console) -> None:
        from rich.table import Table
        from rich.text import Text

        from mneme.cli.render import size

        if not counts:
            console.print("No spaces yet. The first thing remembered makes one.")
            return
        table = Table(box=None, header_style="dim", padding=(0, 3, 0, 0))
        table.add_column("space")
        for heading in ("memories", "entries", "size"):
            table.add_column(heading, justify="right")
        for row in counts:
            if "error" not in row:
                table.add_row(Text(row["space"]), f"{row['memories']:,}", f"{row['entries']:,}", size(row["bytes"]))
        console.print(table)
        for row in counts:
            if "error" in row:
                console.print(Text.assemble(("✗ ", "red"), f"{row['space']}: {row['error']}"), soft_wrap=True)

    app.answer(counts, show)
    return FAILED if any("error" in row for row in counts) else 0


def _counted(memory: Memory, name: str) -> dict[str, Any]:
    """Return what a space holds, or why that can't be told: a broken file must not hide the others."""
    from mneme.core.errors import MnemeError

    try:
        return memory.space(name).stats()
    except MnemeError as error:
        return {"space": name, "error": str(error)}
