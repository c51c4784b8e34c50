"""Commands of the service: serve, keys."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mneme.cli.app import App, shared
from mneme.core.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from rich.console import Console

    from mneme.server.keys import Key, Keys

_KEYS_FILE = "keys.json"
_SPANS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_FIRST = "admin"

keys_option = click.option(
    "--keys", "keys_path", type=click.Path(path_type=Path, dir_okay=False), help="File of the keys; keys.json in the root if left out."
)


def open_keys(app: App, path: Path | None) -> Keys:
    """Return the keys of a root; those of a database are in the platform's data folder unless a file is named."""
    from mneme.engine.places import IN_MEMORY, ROOT_VARIABLE, folder, is_database, platform_folder
    from mneme.server.keys import Keys

    root = app.root or os.environ.get(ROOT_VARIABLE) or None
    if path is None:
        if root == IN_MEMORY:
            raise InvalidInput({"keys": f"the root {root} is no folder; name a file with --keys"})
        path = (platform_folder() if is_database(root) else folder(root)) / _KEYS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
    return Keys(path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--no-auth", is_flag=True, help="Admit everybody on this machine; loopback addresses only.")
@keys_option
@click.option("--llm", metavar="NAME", help="Language model, as provider:model; none if left out.")
@click.option("--recipe", metavar="NAME", help="Recipe of the spaces.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes; one a core is fastest.")
@click.option("--threads", type=click.IntRange(1, 1000), default=3, show_default=True, help="Quick calls at once in a process.")
@click.option("--max-open-mb", type=click.IntRange(1), help="Memory that open spaces may take, in a process.")
@click.option("--durability", type=click.Choice(["full", "normal"]), default="full", show_default=True, help="What a write survives.")
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True), help="PEM file of the certificate.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True), help="PEM file of its key.")
@click.option("--store", metavar="URL", help="Serve a PostgreSQL database, as postgresql://...; the same as --root URL.")
@click.option("--otel", is_flag=True, help="Send OpenTelemetry traces; the OTEL_* variables say where.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True)
@shared
def serve(
    app: App, host: str, port: int, no_auth: bool, keys_path: Path | None, max_open_mb: int | None, store: str | None, **options: Any
) -> None:
    """Serve the root over HTTP, until it is stopped.

    Keys are needed; the first start makes one that may do everything and prints it once.
    """
    _need_packages()
    _take_store(app, store)
    from mneme.server.run import Address
    from mneme.server.workers import Serving, start

    address = Address(host=host, port=port, tls_cert=options.pop("tls_cert"), tls_key=options.pop("tls_key"))
    address.check(keyed=not no_auth)
    keys = None if no_auth else open_keys(app, keys_path)
    first = keys.create(_FIRST)[1] if keys is not None and keys.is_new else None
    serving = Serving(
        root=app.root,
        embedder=app.embedder,
        max_open_bytes=max_open_mb and max_open_mb * 2**20,
        keys_path=None if keys is None else keys.path,
        address=address,
        **options,
    )

    def started(url: str) -> None:
        if first is not None:
            click.echo(f"The first key, which may do everything. It is shown this once:\n\n  {first}\n")
        click.echo(f"mneme serves {_place(app.root)} at {url}{' without keys' if no_auth else ''}")
        sys.stdout.flush()

    start(serving, started)


def _take_store(app: App, store: str | None) -> None:
    """Make a database that ``--store`` names the root."""
    from mneme.engine.places import is_database

    if store is None:
        return
    if not is_database(store):
        raise InvalidInput(
            {"store": "is no URL of PostgreSQL; write postgresql://role:password@host/database; a folder goes with --root"}
        )
    if app.root not in (None, store):
        raise InvalidInput({"store": "and --root name different places; give one of them"})
    app.root = store


def _place(root: str | None) -> str:
    """Return how messages name a root: never with a password."""
    from mneme.engine.places import is_database

    if root is None:
        return "its default folder"
    return f"the database at {root.rpartition('@')[2].partition('?')[0]}" if is_database(root) else root


def _need_packages() -> None:
    from importlib.util import find_spec

    if any(find_spec(package) is None for package in ("fastapi", "uvicorn", "pydantic")):
        raise MissingExtra("mneme serve", "server")


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of a server."""


@keys.command()
@click.argument("name")
@click.option("--spaces", "patterns", multiple=True, metavar="PATTERN", help="Space or pattern, such as 'team-a/*'; repeatable.")
@click.option("--rights", default="read,write", show_default=True, metavar="LIST", help="Of read, write, erase, admin.")
@click.option("--expires", metavar="SPAN", help="How long it holds, such as 12h, 90d or 52w; for ever if left out.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), default=1000.0, show_default=True, help="Calls a second.")
@click.option("--burst", type=click.IntRange(min=1), help="Calls at once after a rest; two seconds' worth if left out.")
@click.option("--max-mb", type=click.FloatRange(min=0.001), default=16.0, show_default=True, help="Longest request.")
@keys_option
@shared
def create(app: App, name: str, patterns: tuple[str, ...], rights: str, expires: str | None, keys_path: Path | None, **limits: Any) -> None:
    """Make a key and print it, once."""
    key, token = open_keys(app, keys_path).create(
        name,
        spaces=patterns or ("*",),
        rights=[right.strip() for right in rights.split(",") if right.strip()],
        expires_at=None if expires is None else _after(expires),
        rate_per_s=limits["rate"],
        burst=limits["burst"],
        max_bytes=round(limits["max_mb"] * 2**20),
    )

    def show(out: Console) -> None:
        from rich.markup import escape

        out.print(f"[green]Made[/] {escape(_described(key))}. It is shown this once:\n")
        out.print(token, soft_wrap=True)

    app.answer({**_shown(key), "key": token}, show)


@keys.command("list")
@keys_option
@shared
def list_(app: App, keys_path: Path | None) -> None:
    """List keys; their secrets are not kept."""
    there = open_keys(app, keys_path).list()

    def show(out: Console) -> None:
        from rich.markup import escape

        if not there:
            out.print("There are no keys yet; make one with [bold]mneme keys create NAME[/].")
        for key in there:
            out.print(f"{'[green]✓[/]' if key.holds(datetime.now(UTC)) else '[red]✗[/]'} {escape(_described(key))}")

    app.answer([_shown(key) for key in there], show)


@keys.command()
@click.argument("key_id")
@keys_option
@shared
def revoke(app: App, key_id: str, keys_path: Path | None) -> None:
    """Revoke a key by its id; it stops to hold at once."""
    key = open_keys(app, keys_path).revoke(key_id)
    app.answer(_shown(key), lambda out: out.print(f"Revoked {key.id}."))


def _after(span: str) -> datetime:
    if not span[:-1].isdecimal() or span[-1:] not in _SPANS or len(span) > 6:
        raise InvalidInput({"expires": f"{span!r} is no span of time; write 12h, 90d or 52w"})
    return datetime.now(UTC) + int(span[:-1]) * _SPANS[span[-1]]


def _shown(key: Key) -> dict[str, Any]:
    """Return what may be shown of a key."""
    hidden = {"salt", "digest"}
    return {name: getattr(key, name) for name in key.__dataclass_fields__ if name not in hidden}


def _described(key: Key) -> str:
    words = [key.id, key.name, ",".join(key.rights), "on", " ".join(key.spaces)]
    if key.revoked_at is not None:
        words.append(f"revoked {key.revoked_at:%Y-%m-%d}")
    elif key.expires_at is not None:
        words.append(f"{'expires' if key.holds(datetime.now(UTC)) else 'expired'} {key.expires_at:%Y-%m-%d %H:%M}")
    return " ".join(words)
