"""Commands for PostgreSQL: db init, db index, and migrate, which moves spaces between folders and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mneme.cli.app import App, shared
from mneme.cli.moving import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from mneme.stores.postgres.schema import Setup

PASSWORD_VARIABLE = "MNEME_APP_PASSWORD"
URL_VARIABLE = "MNEME_ADMIN_URL"

_url = click.option("--url", envvar=URL_VARIABLE, metavar="URL", help=f"The administrator's URL of the database. [env: {URL_VARIABLE}]")
_app_role = click.option("--app-role", default="mneme_app", show_default=True, metavar="NAME", help="The role that mneme connects as.")
_owner_role = click.option("--owner-role", default="mneme_owner", show_default=True, metavar="NAME", help="The role that owns the tables.")


@click.group()
def db() -> None:
    """Prepare a PostgreSQL database and its indexes."""


@db.command()
@_url
@_app_role
@_owner_role
@click.option("--password", envvar=PASSWORD_VARIABLE, metavar="WORD",
              help=f"Password of the application role, if it is made. [env: {PASSWORD_VARIABLE}]")  # fmt: skip
@click.option("--partitions", type=click.IntRange(1, 256), default=16, show_default=True, help="Hash partitions of each table.")
@click.option("--print", "only_print", is_flag=True, help="Print the SQL instead of running it.")
@shared
def init(app: App, url: str | None, app_role: str, owner_role: str, password: str | None, partitions: int, only_print: bool) -> None:
    """Make or upgrade mneme's tables, policies, roles and rights.

    Safe to run again, and by several machines at once.
    """
    setup = _setup(app_role=app_role, owner_role=owner_role, password=password, partitions=partitions)
    if only_print:
        from mneme.stores.postgres.schema import script

        click.echo(script(setup), nl=False)
        return
    from mneme.stores.postgres.initialise import prepare

    prepared = prepare(_needed(url), setup)

    def show(out: Console) -> None:
        done = "was prepared already" if not prepared.applied else "is prepared"
        out.print(f"The database {done} (format {prepared.version}). mneme connects as [bold]{app_role}[/].")
        if not prepared.maintain:
            out.print(
                "[yellow]This server is older than PostgreSQL 17: erasures need MNEME_VACUUM_URL, a role that may vacuum the tables.[/]"
            )

    app.answer(prepared, show)


@db.command()
@_url
@_app_role
@_owner_role
@click.option("--at-least", type=click.IntRange(1), metavar="N", help="Spaces with at least so many vectors; what was measured to pay.")
@shared
def index(app: App, url: str | None, app_role: str, owner_role: str, at_least: int | None) -> None:
    """Give large spaces a vector index of their own, while they are in use.

    Run it again when spaces have grown: those that have one keep it.
    """
    from mneme.stores.postgres.initialise import build_indexes
    from mneme.stores.postgres.search import HNSW_FROM

    made = build_indexes(_needed(url), _setup(app_role=app_role, owner_role=owner_role), at_least=at_least or HNSW_FROM)

    def show(out: Console) -> None:
        from rich.markup import escape

        for each in made:
            out.print(f"{escape(each.space)}: an index over {each.vectors:,} vectors")
        if not made:
            out.print("No further space is large enough.")

    app.answer(made, show)


@click.command()
@click.option("--from", "source", required=True, metavar="ROOT", help="Folder or postgresql:// URL where the spaces are.")
@click.option("--to", "target", required=True, metavar="ROOT", help="Folder or postgresql:// URL where they go.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this space; repeatable.")
@shared
def migrate(app: App, source: str, target: str, only: tuple[str, ...]) -> None:
    """Copy spaces with their whole history between folders and databases.

    The source stays as it is, and in use. A run that was stopped goes on where it was when the same command runs again.
    """
    from mneme.core.errors import InvalidInput, NotFound
    from mneme.engine.places import folder, is_database, open_root
    from mneme.stores.moving import Moved, move

    if not is_database(source) and not folder(source).is_dir():
        raise InvalidInput({"--from": f"there is no folder {folder(source)}; name the one in which the spaces are"})

    old, new = open_root(source, "full"), open_root(target, "full")
    try:
        there = old.spaces()
        for name in only:
            if name not in there:
                raise NotFound("space", name)
        moved: list[Moved] = []
        names = list(only) or there
        with progress_bar("Moving spaces", len(names), quiet=app.json) as show_done:
            for name in names:
                moved.append(move(old, new, name))
                show_done(len(moved), len(names))
    finally:
        old.close()
        new.close()

    def show(out: Console) -> None:
        from rich.markup import escape

        for each in moved:
            state = "was there already" if each.there_before else "moved and verified"
            out.print(f"{escape(each.space)}: {each.rows:,} rows {state}, digest {each.digest[:16]}")
        if not moved:
            out.print("There are no spaces to move.")

    app.answer(moved, show)


def _setup(**settings: object) -> Setup:
    from mneme.stores.postgres.schema import Setup

    return Setup(**settings)  # type: ignore[arg-type]


def _needed(url: str | None) -> str:
    from mneme.core.errors import InvalidInput

    if not url:
        raise InvalidInput({"url": f"is missing; give --url postgresql://administrator@host/database, or set {URL_VARIABLE}"})
    return url
