"""What every command shares: which root and space it works on, and how it answers people and programs."""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from rich.console import Console

    from mneme import Memory
    from mneme.space import Space

FAILED = 1
"""The exit code of a command that ran and found something wrong."""
_WIDEST = 110
DEFAULT_SPACE = "default"
_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(slots=True, kw_only=True)
class App:
    """One run of the command line.

    Args:
        root: the folder of the spaces; None is the platform's data folder.
        space: the space to work on; None when the person named none.
        embedder: the embedding model; None is the one that ships with mneme.
        json: answer with one JSON object.
        running: the command at hand.
    """

    root: str | None = None
    space: str | None = None
    embedder: str | None = None
    json: bool = False
    running: str = ""

    @property
    def space_name(self) -> str:
        """The space to work on."""
        return DEFAULT_SPACE if self.space is None else self.space

    @property
    def command(self) -> str:
        """How a person calls mneme on the same root, for hints."""
        words = ["mneme"]
        words += ["--root", self.root] if self.root else []
        words += ["--embedder", self.embedder] if self.embedder else []
        return shlex.join(words)

    @contextmanager
    def memory(self, **settings: Any) -> Iterator[Memory]:
        """Open the root, and close it in the end."""
        from mneme import Memory

        if self.embedder:
            settings.setdefault("embedder", self.embedder)
        memory = Memory(self.root, actor=f"cli:{_user()}", **settings)
        try:
            yield memory
        finally:
            memory.close()

    @contextmanager
    def open(self, *, create: bool = False) -> Iterator[Space]:
        """Open the space, and close it in the end.

        Args:
            create: make the space when there is none; reading commands say that there is none instead.

        Raises:
            NotFound: there is no such space and ``create`` is false.
        """
        with self.memory() as memory:
            if not create:
                self.require(memory, self.space_name)
            yield memory.space(self.space_name)

    def require(self, memory: Memory, *names: str) -> None:
        """Check that spaces exist.

        Raises:
            NotFound: one does not; a note names those that do.
        """
        from mneme.core.errors import NotFound

        there = memory.spaces()
        for name in names:
            if name not in there:
                error = NotFound("space", name)
                error.add_note(
                    f"spaces here: {', '.join(there[:20])}" if there else "there are no spaces here yet; remember something first"
                )
                raise error

    def answer(self, result: object, show: Callable[[Console], None]) -> None:
        """Print a result: as JSON, or as ``show`` draws it for a person."""
        if self.json:
            from mneme.wire import encode

            click.echo(encode(result).decode())
        else:
            show(console())


def _user() -> str:
    """Return who works at this machine, for the journal."""
    return os.environ.get("USER") or os.environ.get("USERNAME") or str(os.getuid() if hasattr(os, "getuid") else "somebody")


def console(*, stderr: bool = False) -> Console:
    """Return where people read; control characters in what they read are shown, not obeyed."""
    from rich.console import Console

    from mneme.cli.terminal import Visible

    out = Console(stderr=stderr, highlight=False, emoji=False)
    out.push_render_hook(Visible())
    # Longer lines than this are hard to read.
    out.width = min(out.width, _WIDEST)
    return out


def shared(function: _Function) -> _Function:
    """Give a command the options that all have, and its :class:`App` as the first argument."""

    @click.option("--root", metavar="FOLDER", help="Folder of the spaces. [env: MNEME_ROOT]", default=None)
    @click.option("--space", metavar="NAME", help="Space to work on. [env: MNEME_SPACE; default: default]", default=None)
    @click.option("--embedder", metavar="NAME", help="Embedding model, such as openai:NAME. [env: MNEME_EMBEDDER]", default=None)
    @click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
    @click.pass_obj
    @functools.wraps(function)
    def command(app: App, /, root: str | None, space: str | None, embedder: str | None, as_json: bool, **options: Any) -> Any:
        # An empty name, of a shell variable that is not set, say, is no name: it is refused where it is used.
        app.root, app.space = app.root if root is None else root, app.space if space is None else space
        app.embedder = embedder or app.embedder
        app.json = as_json or app.json
        return function(app, **options)

    return cast("_Function", command)


class Moment(click.ParamType[datetime]):
    """A date or a time on the command line; without a zone it is UTC."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware moment in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except ValueError:
            self.fail(f"{value!r} is not a date; write 2024-05-01 or 2024-05-01T14:30+02:00", param, ctx)
        except OverflowError:
            self.fail(f"{value!r} is outside the years 1 to 9999 in UTC", param, ctx)


MOMENT = Moment()
