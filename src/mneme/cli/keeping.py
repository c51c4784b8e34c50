"""Commands that look after a space: upkeep, policies, due, foreseen, block, backup, restore-backup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mneme.cli.app import MOMENT, App, shared

if TYPE_CHECKING:
    from rich.console import Console

    from mneme.engine.keeping import PolicyChange
    from mneme.engine.upkeep import UpkeepReport
    from mneme.space import Space

_SHOWN = 20
_EXCERPT = 90
_path = click.Path(path_type=Path)


@click.command()
@click.option("--dry-run", is_flag=True, help="Change nothing; list what would happen and why.")
@click.option("--at", "now", type=MOMENT, help="The moment of the pass; now unless told otherwise.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Stop after so long; the next goes on.")
@click.option("--tokens", type=click.IntRange(min=0), help="Hold the space to so many tokens.")
@click.option("--memories", type=click.IntRange(min=0), help="Hold the space to so many memories.")
@click.option("--policy", default="value", show_default=True, help="What goes first: value, fifo, lru, lfu, w-tinylfu, lowest-retention...")
@shared
def upkeep(app: App, dry_run: bool, now: datetime | None, seconds: float, tokens: int | None, memories: int | None, policy: str) -> None:
    """Merge, summarise, apply policies and hold limits.

    What does not fit is archived, never erased; only a rule of the policies erases. `mneme undo` takes the whole pass back.
    """
    from mneme.engine.upkeep import UpkeepBudget
    from mneme.retention.budgets import Limit

    limits = [] if tokens is None and memories is None else [Limit(tokens=tokens, memories=memories, policy=policy)]
    with app.open() as space:
        report = space.upkeep(now, dry_run=dry_run, budget=UpkeepBudget(seconds=seconds), limits=limits)
        texts = _texts(space, report) if dry_run and not app.json else {}
    app.answer(_plain(report), lambda out: _show(out, report, texts))


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--clear", is_flag=True, help="Take all policies away.")
@click.option("--reason", default=None, help="Why, for the journal.")
@click.option("--changes", is_flag=True, help="Show who changed them, when and why, instead.")
@shared
def policies(app: App, file: Path | None, clear: bool, reason: str | None, changes: bool) -> None:
    """Show or set rules, legal holds and limits.

    A TOML file sets them; see what they would do with `mneme upkeep --dry-run`. Every change is in the journal, and `mneme undo` takes it
    back.
    """
    if (file is not None) + clear + changes > 1:
        raise click.UsageError("give a file, --clear or --changes, not several of them")
    if changes:
        with app.open() as space:
            found = space.policy_changes()
        app.answer(found, lambda out: _print_changes(out, found))
        return
    new = "" if clear else None if file is None else file.read_text(encoding="utf-8")
    with app.open(create=file is not None) as space:
        text = space.policies(new, reason=reason)
    app.answer({"policies": text}, lambda out: out.print(text or "No policies.", markup=False))


@click.command()
@click.option("-n", "count", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@shared
def due(app: App, count: int) -> None:
    """List what is worth confirming before it fades."""
    with app.open() as space:
        found = space.due(count)

    def show(out: Console) -> None:
        for each in found:
            out.print(f"{each.memory.id}  {each.retention:4.0%} left  {each.memory.text}", markup=False, soft_wrap=True)
        if not found:
            out.print("Nothing is due.")

    plain = [{"memory": each.memory.id, "text": each.memory.text, "retention": each.retention, "worth": each.worth} for each in found]
    app.answer(plain, show)


@click.command()
@click.option("--days", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Also what begins in so many days.")
@shared
def foreseen(app: App, days: float) -> None:
    """List tasks and plans whose time has come, soonest end first."""
    from datetime import timedelta

    with app.open() as space:
        found = space.foreseen(timedelta(days=days))

    def show(out: Console) -> None:
        for each in found:
            until = "" if each.valid_to is None else f"until {each.valid_to:%Y-%m-%d %H:%M}  "
            out.print(f"{each.id}  {until}{each.text}", markup=False, soft_wrap=True)
        if not found:
            out.print("Nothing is at hand.")

    plain = [
        {"memory": each.id, "text": each.text, "from": each.valid_from.isoformat(), "until": each.valid_to and each.valid_to.isoformat()}
        for each in found
    ]
    app.answer(plain, show)


@click.command()
@click.argument("name", required=False)
@click.argument("text", required=False)
@click.option("--append", "add", is_flag=True, help="Add TEXT as a line at the end.")
@click.option("--replace", "old", help="Put TEXT in the place of this piece, which must be in the block once.")
@click.option("--limit", type=click.IntRange(min=1), help="Characters that the block may have.")
@shared
def block(app: App, name: str | None, text: str | None, add: bool, old: str | None, limit: int | None) -> None:
    """Show or edit what is always in context: blocks such as persona, user, task.

    Without NAME all are shown; with NAME one; with TEXT it is written.
    """
    if text is None and (add or old is not None or limit is not None):
        raise click.UsageError("give NAME and TEXT, or leave out --append, --replace and --limit")
    if add and old is not None:
        raise click.UsageError("give --append or --replace, not both")
    with app.open(create=text is not None) as space:
        blocks = space.blocks
        if name is not None and text is not None:
            if add:
                blocks.append(name, text)
            elif old is not None:
                blocks.replace(name, old, text)
            else:
                blocks.set(name, text, limit_chars=limit)
        found = blocks.list() if name is None else [blocks.get(name)]

    def show(out: Console) -> None:
        for each in found:
            out.print(f"{each.name} ({len(each.text)} of {each.limit_chars} characters)\n{each.text}", markup=False, soft_wrap=True)
        if not found:
            out.print("No blocks.")

    app.answer([{"name": each.name, "text": each.text, "limit_chars": each.limit_chars, "memory": each.id} for each in found], show)


@click.command()
@click.argument("path", type=_path)
@shared
def backup(app: App, path: Path) -> None:
    """Copy the space with its history, and verify it."""
    from mneme.cli.render import plural
    from mneme.engine.backups import check_backup

    with app.open() as space:
        space.backup(path)
    count = check_backup(path)
    shown = f"Backed up and verified {plural(count, 'memory', 'memories')}."
    app.answer({"path": str(path), "memories": count}, lambda out: out.print(shown))


@click.command("restore-backup")
@click.argument("path", type=_path)
@shared
def restore_backup(app: App, path: Path) -> None:
    """Make the space out of a backup.

    Every check that a store has is made first. A space of that name must not exist.
    """
    from mneme.cli.render import plural

    with app.memory() as memory:
        count = memory.restore_backup(path, app.space_name)
    shown = f"Restored {plural(count, 'memory', 'memories')} into {app.space_name}."
    app.answer({"space": app.space_name, "memories": count}, lambda out: out.print(shown, markup=False))


def _print_changes(out: Console, changes: Sequence[PolicyChange]) -> None:
    if not changes:
        out.print("The policies were never changed, or their changes were folded into a checkpoint.")
    for each in changes:
        who = each.actor or "somebody"
        why = f": {each.reason}" if each.reason else ""
        out.print(f"entry {each.entry}, {each.at:%Y-%m-%d %H:%M}, {who}{why}", markup=False)
        out.print(each.after.strip() or "No policies.", markup=False)


def _plain(report: UpkeepReport) -> dict[str, object]:
    return {
        "dry_run": report.dry_run,
        "finished": report.finished,
        "memories": report.memories,
        "fresh": report.fresh,
        "done": dict(report.done),
        "operations": dict(report.operations),
        "skipped": report.skipped,
        "held": report.held,
        "entries": list(report.entries),
        "erased": sum(len(each.erased) for each in report.erasures),
        "seconds": round(report.seconds, 3),
        "proposals": [
            {"keeper": each.keeper, "why": each.why, "ids": _ids(each.operations), "erase": list(each.erase)} for each in report.proposals
        ],
    }


def _ids(operations: tuple[object, ...]) -> list[str]:
    named = [getattr(operation, "id", None) or getattr(getattr(operation, "memory", None), "id", None) for operation in operations]
    return list(dict.fromkeys(str(id) for id in named if id))


def _texts(space: Space, report: UpkeepReport) -> dict[str, str]:
    """Return the beginning of each memory that the preview shows."""
    from mneme.core.errors import NotFound

    found: dict[str, str] = {}
    for keeper in report.done:
        for each in [one for one in report.proposals if one.keeper == keeper][:_SHOWN]:
            for id in (*_ids(each.operations)[:1], *each.erase[:1]):
                # What a pass would make is not there yet.
                with suppress(NotFound):
                    found[id] = " ".join(space.get(id).text.split())[:_EXCERPT]
    return found


def _show(out: Console, report: UpkeepReport, texts: Mapping[str, str]) -> None:
    verb = "Would do" if report.dry_run else "Did"
    if not report.done:
        out.print("Nothing to do.")
    for keeper, count in report.done.items():
        out.print(f"{verb} [bold]{count:,}[/] by {keeper}:")
        reasons = Counter(each.why for each in report.proposals if each.keeper == keeper)
        for why, times in reasons.most_common(_SHOWN):
            out.print(f"  {times:,} × {why}", markup=False)
        ids = [(*_ids(each.operations), *each.erase) for each in report.proposals if each.keeper == keeper and texts]
        for id in [named[0] for named in ids if named and named[0] in texts][:_SHOWN]:
            out.print(f"    {id}  {texts[id]}", markup=False, soft_wrap=True)
    if report.held:
        out.print(f"A legal hold stopped {report.held:,}.")
    if not report.finished:
        out.print("Stopped by its budget; run it again to go on.")
