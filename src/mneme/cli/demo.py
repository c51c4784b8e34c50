"""The command that tells the story of the demonstration."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mneme.cli.app import App, console, shared

if TYPE_CHECKING:
    from rich.console import Console

    from mneme.demo import Scene


@click.command()
@shared
def demo(app: App) -> None:
    """Watch a memory learn, answer, correct itself and forget.

    It works in a temporary folder, which is removed in the end; with --root it works there, in the space "demo", and leaves it.
    """
    from mneme.core.errors import InvalidInput
    from mneme.demo import SPACE, story

    # The folder of a person's own memory is no place for a story, unless they name it.
    if app.root == os.environ.get("MNEME_ROOT"):
        app = replace(app, root=None)
    start = time.perf_counter()
    with _folder(app) as root:
        told = replace(app, root=root)
        with told.memory() as memory:
            name = app.space or SPACE
            if name in memory.spaces():
                raise InvalidInput(
                    {"space": f"there is a space {name!r} already, and the story needs an empty one; name another with --space"}
                )
            space = memory.space(name)
            if app.json:
                scenes = list(story(space))
                app.answer({"scenes": scenes}, lambda out: None)
                return
            out = console()
            out.print("[bold]mneme[/], the memory of an AI agent. No key, no server, no network.")
            for number, scene in enumerate(story(space), start=1):
                _show(out, number, scene)
    _farewell(out, app, time.perf_counter() - start)


@contextmanager
def _folder(app: App) -> Iterator[str]:
    if app.root is not None:
        yield app.root
        return
    with tempfile.TemporaryDirectory(prefix="mneme-demo-") as folder:
        yield folder


def _show(out: Console, number: int, scene: Scene) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out.print()
    out.rule(Text(f"{number}. {scene.title}", style="bold"), align="left", style="dim")
    out.print(Text(scene.words, style="italic"))
    for call in scene.calls:
        out.print()
        out.print(Padding(Text.assemble((">>> ", "dim"), (call.code, "bold cyan")), (0, 0, 0, 2)))
        _show_result(out, call.result)


def _show_result(out: Console, result: object) -> None:
    from mneme.cli import render
    from mneme.core.query import ErasureReport, Recall, Receipt, Verification

    match result:
        case Recall():
            render.show_recall(out, result, plain=True)
        case ErasureReport():
            render.show_erasure(out, result)
        case Verification():
            render.show_verification(out, "the space", result)
        case Receipt():
            done = {"remember": "Remembered", "revise": "Revised", "forget": "Forgot (archived)", "undo": "Undone: changes to"}
            render.show_receipt(out, result, done.get(result.verb, result.verb), ids=False)
        case list():
            render.show_steps(out, result)


def _farewell(out: Console, app: App, seconds: float) -> None:
    from rich.markup import escape

    from mneme.demo import SPACE

    out.print()
    out.rule("[bold]What to try next[/]", align="left", style="dim")
    out.print(f"That took {seconds:.1f} s. Now with your own words:")
    program = _program()
    for what, command in (
        ("remember something", 'remember "I moved to Porto in May." --author me'),
        ("ask, and see why it was found", 'recall "Where do I live?" --explain'),
        ("take in a ChatGPT or Claude export", "import conversations.json"),
        ("read the journal; undo takes a change back", "history"),
        ("check this machine", "doctor"),
    ):
        out.print(f"\n  [dim]# {what}[/]\n  [bold]{escape(program)} {escape(command)}[/]")
    if app.root is not None:
        space = escape(app.space or SPACE)
        out.print(f'\n  [dim]# go on in the space of this story[/]\n  [bold]{escape(app.command)} --space {space} recall "..."[/]')
    out.print("\nREADME.md has the same in five lines of Python; docs/tutorial.md goes on from here.")


def _program() -> str:
    """Return how a person calls the program that is running, from where they are."""
    running = Path(sys.argv[0])
    found = shutil.which("mneme")
    if not running.exists() or (found is not None and Path(found).exists() and running.samefile(found)):
        return "mneme"
    return os.path.relpath(running)
