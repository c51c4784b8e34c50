"""The command line's door: finds the command, turns every error into one line and an exit code."""

from __future__ import annotations

import difflib
import importlib
import json
import os
import sys
from collections.abc import Sequence

import click

from mneme.cli.app import App
from mneme.core.error_map import INTERRUPTED, codes_of
from mneme.core.errors import InvalidInput, MissingExtra, MnemeError

# heading -> command -> module:attribute. A command's module is imported when it is asked for, and for the list of commands.
COMMANDS: dict[str, dict[str, str]] = {
    "Remember and change": {
        "remember": "mneme.cli.writing:remember",
        "revise": "mneme.cli.writing:revise",
        "forget": "mneme.cli.forgetting:forget",
        "restore": "mneme.cli.writing:restore",
        "undo": "mneme.cli.writing:undo",
    },
    "Ask": {
        "ask": "mneme.cli.asking:ask",
        "recall": "mneme.cli.reading:recall",
        "history": "mneme.cli.reading:history",
        "stats": "mneme.cli.reading:stats",
        "spaces": "mneme.cli.reading:spaces",
    },
    "Move in and out": {
        "import": "mneme.cli.moving:import_command",
        "export": "mneme.cli.moving:export",
        "migrate": "mneme.cli.databases:migrate",
    },
    "Look after": {
        "upkeep": "mneme.cli.keeping:upkeep",
        "policies": "mneme.cli.keeping:policies",
        "due": "mneme.cli.keeping:due",
        "foreseen": "mneme.cli.keeping:foreseen",
        "block": "mneme.cli.keeping:block",
        "backup": "mneme.cli.keeping:backup",
        "restore-backup": "mneme.cli.keeping:restore_backup",
        "compact": "mneme.cli.compacting:compact",
        "vacuum": "mneme.cli.compacting:vacuum",
        "drop": "mneme.cli.forgetting:drop",
        "jobs": "mneme.cli.working:jobs",
        "worker": "mneme.cli.working:worker",
        "extract": "mneme.cli.working:extract",
        "verify": "mneme.cli.upkeep:verify",
        "reembed": "mneme.cli.upkeep:reembed",
        "doctor": "mneme.cli.upkeep:doctor",
    },
    "Serve": {
        "serve": "mneme.server.commands:serve",
        "keys": "mneme.server.commands:keys",
        "db": "mneme.cli.databases:db",
        "mcp": "mneme.server.mcp.commands:mcp",
        "inspect": "mneme.server.ui.commands:inspect",
    },
    "Get to know and measure": {
        "demo": "mneme.cli.demo:demo",
        "recipes": "mneme.recipes.commands:recipes",
        "arena": "mneme.arena.commands:arena",
    },
}
EXTRAS = {"serve": "server", "keys": "server", "inspect": "server", "mcp": "mcp", "db": "postgres", "arena": "arena"}
"""Command -> the extra whose packages it can't do without."""


class Commands(click.Group):
    """The commands under their headings, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command's name."""
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None when there is none of that name."""
        for commands in COMMANDS.values():
            if cmd_name in commands:
                module, _, attribute = commands[cmd_name].partition(":")
                command = getattr(importlib.import_module(module), attribute)
                assert isinstance(command, click.Command)
                return command
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names; of an unknown one the error names those like it."""
        near = difflib.get_close_matches(args[0], known) if args[0] not in (known := self.list_commands(ctx)) else []
        if near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(near)}?")
        app = ctx.find_object(App)
        if app is not None:
            app.running = args[0]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, by heading."""
        for heading, commands in COMMANDS.items():
            found = [(name, self.get_command(ctx, name)) for name in commands]
            with formatter.section(heading):
                formatter.write_dl([(name, command.get_short_help_str(limit=90)) for name, command in found if command])


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"mneme {version('mneme')}")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--root", metavar="FOLDER", envvar="MNEME_ROOT", default=None, help="Folder of the spaces. [env: MNEME_ROOT]")
@click.option("--space", metavar="NAME", envvar="MNEME_SPACE", default=None, help="Space to work on. [env: MNEME_SPACE]")
@click.option("--embedder", metavar="NAME", envvar="MNEME_EMBEDDER", default=None, help="Embedding model. [env: MNEME_EMBEDDER]")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version.")
@click.pass_obj
def cli(app: App, root: str | None, space: str | None, embedder: str | None, as_json: bool) -> None:
    """The memory of an AI agent: remember, recall, revise, forget.

    Every command takes --root, --space, --embedder and --json, before its name or after it.
    """
    app.root, app.space, app.embedder, app.json = root, space, embedder, as_json


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    app = App()
    try:
        result = cli.main(list(arguments), prog_name="mneme", standalone_mode=False, obj=app)
    except click.ClickException as error:
        if app.json or "--json" in arguments:
            _print_error("UsageError", error.format_message(), error.exit_code)
        else:
            error.show()
        return error.exit_code
    except MnemeError as error:
        _show_error(error, app)
        return codes_of(error).exit
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(app.running)
        if extra is None or (error.name or "").partition(".")[0] == "mneme":
            raise
        missing = MissingExtra(f"mneme {app.running}", extra)
        _show_error(missing, app)
        return codes_of(missing).exit
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain once more while closing standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _show_error(error: MnemeError, app: App) -> None:
    if app.json:
        more = {"problems": error.problems} if isinstance(error, InvalidInput) else {}
        _print_error(type(error).__name__, str(error), codes_of(error).exit, **more)
        return
    lines = [f"{field}: {what}" for field, what in error.problems.items()] if isinstance(error, InvalidInput) else [str(error)]
    lines += getattr(error, "__notes__", [])
    click.echo("Error: " + "\n       ".join(lines), err=True)


def _print_error(kind: str, message: str, code: int, **more: object) -> None:
    plain = {"type": kind, "message": message, "exit": code, **more}
    click.echo(json.dumps({"error": plain}, ensure_ascii=False), err=True)


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))
