"""The command ``mneme mcp``: the memory for one agent, over standard input and output."""

from __future__ import annotations

import click

from mneme.cli.app import App, shared
from mneme.core.errors import MissingExtra


@click.command()
@click.option("--any-space", is_flag=True, help="Let the agent name other spaces than --space.")
@click.option("--read-only", is_flag=True, help="Offer only the tools that read.")
@click.option("--allow-erase", is_flag=True, help="Let the agent erase for good, not only archive.")
@shared
def mcp(app: App, any_space: bool, read_only: bool, allow_erase: bool) -> None:
    """Give an agent this memory over MCP, on standard input and output.

    The agent's program starts this command; docs/how-to/mcp.md shows how common ones are set up.
    """
    # The list of commands imports this module; the engine is for the command alone.
    from mneme.service import ERASE, READ, WRITE, Caller, Service

    try:
        from mneme.server.mcp.build import build
        from mneme.server.mcp.desk import Desk
        from mneme.server.threads import Threads
    except ImportError as error:
        if isinstance(error, MissingExtra) or (error.name or "").startswith("mneme"):
            raise
        raise MissingExtra("mneme mcp", "mcp") from error
    rights = frozenset({READ} if read_only else {READ, WRITE, ERASE} if allow_erase else {READ, WRITE})
    spaces = ("*",) if any_space else (app.space_name,)
    with app.memory() as memory:
        caller = Caller(actor=f"mcp:{memory.actor.partition(':')[2]}", spaces=spaces, rights=rights)
        desk = Desk(service=Service(memory), threads=Threads(), caller=caller, space=app.space_name)
        build(desk, rights).run("stdio")
