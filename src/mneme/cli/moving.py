"""Commands that move whole conversations and spaces in and out: import, export."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mneme.cli.app import MOMENT, App, console, shared
from mneme.core.error_map import INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console

    from mneme.importers import Intake

_PROBLEMS_SHOWN = 10


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", metavar="NAME", help="The format; found out if left out. --formats lists them.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this conversation; repeatable.")
@click.option("--undated", type=MOMENT, help="When messages without a date were said; the moment of the import if left out.")
@click.option("--formats", is_flag=True, is_eager=True, expose_value=False, callback=lambda *given: _list_formats(*given),
              help="List the formats.")  # fmt: skip
@shared
def import_command(app: App, path: Path, format: str | None, only: tuple[str, ...], undated: datetime | None) -> int:
    """Take in conversations or notes: a file, archive or folder.

    Stopping it (Ctrl-C) leaves everything that was stored so far; the same command goes on where it stopped.
    """
    from mneme.importers import EXPORT, Intake, count, detect, take_in

    format = format or detect(path)
    if format == EXPORT:
        return _import_own(app, path)
    intake = Intake()
    total = count(path, format)
    with app.memory() as memory:
        try:
            with progress_bar("Remembering", total, quiet=app.json) as show_done:
                take_in(
                    path, memory.space, format=format, space=app.space, only=only, undated=undated, intake=intake,
                    progress=lambda _: show_done(intake.done, total),
                )  # fmt: skip
        except KeyboardInterrupt:
            _say_how_to_go_on(app, path, format, only, intake, total)
            return INTERRUPTED
    app.answer(intake, lambda out: _show_intake(out, intake, app))
    return 0


def _import_own(app: App, path: Path) -> int:
    from mneme.cli.render import show_receipt

    with app.open(create=True) as space:
        receipt = space.import_(path)
    app.answer(receipt, lambda out: show_receipt(out, receipt, "Imported"))
    return 0


@contextmanager
def progress_bar(doing: str, total: int | None = None, *, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """Give a function that sets a bar to (done, of); no bar where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    out = console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True, disable=quiet or not out.is_terminal) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _say_how_to_go_on(app: App, path: Path, format: str, only: tuple[str, ...], intake: Intake, total: int) -> None:
    words = ["import", str(path), "--format", format]
    for name in only:
        words += ["--only", name]
    if app.space is not None:
        words += ["--space", app.space]
    click.echo(f"\nStopped after {intake.done:,} of {total:,} messages; what was stored is whole. Go on with:", err=True)
    click.echo(f"  {app.command} {shlex.join(words)}", err=True)


def _show_intake(out: Console, intake: Intake, app: App) -> None:
    from rich.markup import escape

    from mneme.cli.render import plural

    report = intake.report
    out.print(f"[green]Remembered[/] {plural(intake.total, 'message')} of format {report.format}.")
    for name, count in intake.stored.items():
        out.print(f"  {escape(name)}: {count:,}", style="dim")
    if intake.known:
        out.print(f"  {plural(intake.known, 'message')} had been stored before")
    if report.skipped:
        out.print(f"  {plural(report.skipped, 'message')} held nothing to remember")
    if report.replaced:
        out.print(f"  [yellow]{plural(report.replaced, 'character')} that are no text were replaced with \N{REPLACEMENT CHARACTER}[/]")
    for problem in report.problems[:_PROBLEMS_SHOWN]:
        out.print(f"  [yellow]{escape(problem.place)}[/]: {escape(problem.what)}")
    if len(report.problems) > _PROBLEMS_SHOWN:
        out.print(f"  [yellow]and {len(report.problems) - _PROBLEMS_SHOWN} more; --json lists all[/]")
    if intake.stored:
        space = next(iter(intake.stored))
        out.print(f'Ask: [bold]{escape(app.command)} recall --space {escape(shlex.quote(space))} "..."[/]')


def _list_formats(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    import importlib

    from mneme.importers import EXPORT, FORMATS

    for name, module in FORMATS.items():
        click.echo(f"{name:12} {importlib.import_module(module).SUMMARY}")
    click.echo(f"{EXPORT:12} an export of mneme, with its ids")
    ctx.exit()


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--backup", is_flag=True, help="A copy with the whole journal and history, to be put back as a space's file.")
@shared
def export(app: App, path: Path, backup: bool) -> None:
    """Write a space as lines of JSON.

    mneme import takes them in again, ids and all; other programs can read them.
    """
    with app.open() as space:
        if backup:
            space.backup(path)
            result: dict[str, object] = {"path": str(path), "bytes": path.stat().st_size}
        else:
            result = {"path": str(path), "lines": space.export(path)}

    def show(out: Console) -> None:
        from rich.markup import escape

        from mneme.cli.render import plural, size

        written = size(path.stat().st_size) if backup else plural(int(str(result["lines"])), "line")
        out.print(f"[green]Wrote[/] {escape(str(path))} ({written}).")

    app.answer(result, show)
