"""Commands that keep the journal and the files small: compact, vacuum."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from mneme.cli.app import App, shared

if TYPE_CHECKING:
    from rich.console import Console

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class _Span(click.ParamType[timedelta]):
    """A span of time such as ``90d``, ``12h`` or ``26w``."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the span."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,6})([hdw])", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no span; write hours, days or weeks as in 12h, 90d, 26w", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@click.option(
    "--older-than", type=_Span(), default="90d", show_default=True, help="Fold what is older: hours, days, weeks as 12h, 90d, 26w."
)
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would go.")
@click.option("--reason", help="For the journal.")
@shared
def compact(app: App, older_than: timedelta, dry_run: bool, reason: str | None) -> None:
    """Fold the journal's old entries into a checkpoint.

    What is remembered stays as it is; the way there goes: calls from before can't be undone, and --known-at reaches back to the
    checkpoint only. `mneme verify` still proves the whole, `mneme vacuum` then gives the room back.
    """
    from mneme.engine.compaction import plain

    with app.open() as space:
        done = space.compact(older_than, dry_run=dry_run, reason=reason)

    def show(out: Console) -> None:
        if not done.entries:
            out.print(
                "Nothing is that old." if done.since is None else f"Nothing more is that old; kept since {done.since:%Y-%m-%d %H:%M}."
            )
            return
        verb = "would be folded" if dry_run else "folded"
        out.print(f"{done.entries:,} entries {verb}, with {done.versions:,} superseded versions and {done.links:,} ended links.")
        out.print(f"[dim]The past is exact from {done.since:%Y-%m-%d %H:%M} on.[/]")

    app.answer({"dry_run": dry_run, **plain(done)}, show)


@click.command()
@shared
def vacuum(app: App) -> None:
    """Give the room of what is gone back to the system.

    Others may read meanwhile; writers wait.
    """
    with app.open() as space:
        freed = space.vacuum()
    app.answer(freed, lambda out: out.print(f"{freed.before:,} bytes before, {freed.after:,} after."))
