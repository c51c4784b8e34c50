"""The command ``mneme inspect``: the inspector over a local folder."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mneme.cli.app import App, shared
from mneme.core.errors import InvalidInput, MissingExtra


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--no-open", is_flag=True, help="Print the address and open no browser.")
@shared
def inspect(app: App, path: Path | None, port: int, no_open: bool) -> None:
    """Look into the memory in a folder with a web browser, until it is stopped.

    PATH is the folder of the spaces; --root if left out. The page is reachable from this machine only, and only with the
    key in the address that is printed.
    """
    # The list of commands imports this module; the engine is for the command alone.
    from mneme.engine.places import folder

    try:
        from mneme.server.app import create_app
        from mneme.server.keys import Keys
        from mneme.server.logs import to_stderr
        from mneme.server.run import Address, bind, listen, serve, url_of
        from mneme.server.ui.part import add
    except ImportError as error:
        if isinstance(error, MissingExtra) or (error.name or "").startswith("mneme"):
            raise
        raise MissingExtra("mneme inspect", "server") from error
    app.root = str(path) if path is not None else app.root
    if not folder(app.root).is_dir():
        raise InvalidInput({"path": f"there is no folder {folder(app.root)}; name the one in which the spaces are"})
    to_stderr("warning")
    keys = Keys(None)
    _, token = keys.create("inspector")
    with app.memory() as memory:
        made = create_app(memory, keys, parts=[add])

        address = Address(port=port)
        listening = listen(bind(address))
        page = f"{url_of(listening, address)}/#key={token}"
        click.echo(f"Inspecting {folder(app.root)}; stop with Ctrl+C.\n\n  {page}\n")
        sys.stdout.flush()
        if not no_open:
            click.launch(page)
        serve(made, listening, address, made.state.mneme.feed.stop)
