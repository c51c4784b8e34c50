"""The options that say which memories a command may see, the same on every command that takes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mneme.cli.app import MOMENT

if TYPE_CHECKING:
    from mneme.core.query import Filter

_Function = TypeVar("_Function", bound=Callable[..., Any])


def filtered(function: _Function) -> _Function:
    """Give a command the options of a filter; :func:`taken` turns them into one."""
    options = [
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind, such as turn or fact; repeatable."),
        click.option("--author", "authors", multiple=True, metavar="NAME", help="Only what this person said; repeatable."),
        click.option("--role", "roles", multiple=True, metavar="ROLE", help="Only this role, such as user; repeatable."),
        click.option("--session", "sessions", multiple=True, metavar="NAME", help="Only this session; repeatable."),
        click.option("--channel", "channels", multiple=True, metavar="NAME", help="Only this channel; repeatable."),
        click.option("--ref", "refs", multiple=True, metavar="REF", help="Only the message with this ref; repeatable."),
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only what has this tag; repeatable."),
        click.option("--since", type=MOMENT, help="Only what was said at this moment or later."),
        click.option("--until", type=MOMENT, help="Only what was said before this moment."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def taken(options: dict[str, Any], *, archived: bool = False) -> Filter | None:
    """Take the filter's options out of a command's options, and return the filter; None when none was given."""
    from mneme.core.query import Filter

    lists = ("kinds", "authors", "roles", "sessions", "channels", "refs", "tags")
    values: dict[str, tuple[str, ...]] = {name: tuple(options.pop(name)) for name in lists}
    since: datetime | None = options.pop("since")
    until: datetime | None = options.pop("until")
    if not any(values.values()) and since is None and until is None and not archived:
        return None
    return Filter(**values, since=since, until=until, archived=archived)
