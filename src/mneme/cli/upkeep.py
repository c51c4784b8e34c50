"""Commands that look after a root: verify, reembed, doctor."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mneme.cli.app import FAILED, App, shared

if TYPE_CHECKING:
    from rich.console import Console

    from mneme import Memory

_LEAST_FREE_BYTES = 500 * 10**6
_CLOCK_TOLERANCE = timedelta(minutes=1)


@click.command()
@click.option("--all", "every", is_flag=True, help="Every space of the root.")
@shared
def verify(app: App, every: bool) -> int:
    """Check that a space's journal, rows and indexes agree."""
    from mneme.cli.render import show_verification

    with app.memory() as memory:
        names = memory.spaces() if every else [app.space_name]
        app.require(memory, *names)
        results = {name: memory.space(name).verify() for name in names}

    def show(out: Console) -> None:
        for name, verification in results.items():
            show_verification(out, name, verification)

    plain = {name: {"ok": v.ok, "entries": v.entries, "memories": v.memories, "head": v.head, "problems": v.problems}
             for name, v in results.items()}  # fmt: skip
    app.answer(plain, show)
    return 0 if all(verification.ok for verification in results.values()) else FAILED


@click.command()
@click.option("--all", "every", is_flag=True, help="Every space of the root.")
@shared
def reembed(app: App, every: bool) -> None:
    """Give a space's texts the vectors of another model.

    The model is the one that --embedder names. The new vectors are made beside the old ones, and all are switched at once.
    """
    from mneme.cli.moving import progress_bar
    from mneme.cli.render import plural

    done: dict[str, int] = {}
    with app.memory() as memory:
        names = memory.spaces() if every else [app.space_name]
        app.require(memory, *names)
        for name in names:
            with progress_bar(f"Embedding {name}", quiet=app.json) as moved:
                done[name] = memory.space(name).reembed(moved)
        model = memory.embedder.identity

    def show(out: Console) -> None:
        from rich.markup import escape

        for name, count in done.items():
            what = f"{plural(count, 'memory', 'memories')} embedded anew" if count else "already uses this model"
            out.print(f"[green]✓[/] {escape(name)}: {what}")
        out.print(f"[dim]model {escape(model)}[/]")

    app.answer({"model": model, "spaces": done}, show)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One thing that doctor looked at."""

    what: str
    found: str
    ok: bool = True
    fix: str = ""


@click.command()
@shared
def doctor(app: App) -> int:
    """Check the machine, the folder, the model and every space."""
    examined = list(_examine(app))

    def show(out: Console) -> None:
        from rich.markup import escape

        for one in examined:
            out.print(f"{'[green]✓[/]' if one.ok else '[red]✗[/]'} {one.what:10} {escape(one.found)}", soft_wrap=True)
            if one.fix and not one.ok:
                out.print(f"  {'':10} [yellow]{escape(one.fix)}[/]", soft_wrap=True)

    healthy = all(one.ok for one in examined)
    app.answer({"ok": healthy, "checks": examined}, show)
    return 0 if healthy else FAILED


def _examine(app: App) -> Iterator[Examined]:
    yield Examined(what="python", found=f"{platform.python_version()} at {sys.executable}")
    yield _sqlite()
    folder = Path(app.root) if app.root else _default_root()
    yield from _folder(folder)
    start = time.perf_counter()
    with app.memory() as memory:
        yield _model(memory, start)
        for name in memory.spaces():
            yield from _space(memory, name)


def _default_root() -> Path:
    from mneme.engine.places import folder

    return folder(None)


def _sqlite() -> Examined:
    import sqlite3

    version = sqlite3.sqlite_version
    return Examined(what="sqlite", found=version, ok=sqlite3.sqlite_version_info >= (3, 35), fix="a Python with SQLite 3.35 or later")


def _folder(folder: Path) -> Iterator[Examined]:
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".mneme-doctor-"):
            writable = True
    except OSError:
        writable = False
    state = "" if folder.exists() else " (is made by the first write)"
    yield Examined(what="folder", found=f"{folder}{state}", ok=writable, fix=f"{there} can't be written; name another with --root")
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free"
    yield Examined(what="disk", found=found, ok=free >= _LEAST_FREE_BYTES, fix="free some space: below 0.5 GB a write may fail")


def _model(memory: Memory, start: float) -> Examined:
    vector = memory.embedder.embed(["Is the model there?"])
    seconds = time.perf_counter() - start
    return Examined(what="model", found=f"{memory.embedder.identity}, {vector.shape[1]} wide, ready in {seconds:.2f} s")


def _space(memory: Memory, name: str) -> Iterator[Examined]:
    from mneme.core.errors import MnemeError

    space = memory.space(name)
    try:
        verification = space.verify()
        ahead = space.journal(after=space.entry_at(memory.clock.now() + _CLOCK_TOLERANCE), limit=1)
        moment = memory.clock.now()  # read behind the journal, to which others may write meanwhile
    except MnemeError as error:
        yield Examined(what="space", found=name, ok=False, fix=str(error))
        return
    found = f"{name}: {verification.memories:,} memories, {verification.entries:,} journal entries"
    yield Examined(what="space", found=found, ok=verification.ok, fix="; ".join(verification.problems[:3]))
    # Behind an entry that is ahead, new ones share its moment, and known_at can't part them.
    if ahead and ahead[0].recorded_at > moment + _CLOCK_TOLERANCE:
        recorded, now = (at.isoformat(sep=" ", timespec="seconds") for at in (ahead[0].recorded_at, moment))
        found = f"{name}: entry {ahead[0].seq} was recorded at {recorded}, and now it is {now}"
        fix = "set the clock right; if it was ahead once, export the space and import it into a new one, which records everything anew"
        yield Examined(what="clock", found=found, ok=False, fix=fix)
