"""Commands that change a memory: remember, revise, restore, undo."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from mneme.cli.app import MOMENT, App, shared


def _text(given: str | None, argument: str) -> str:
    """Return the text of an argument, or standard input when there is none or a dash."""
    if given is not None and given != "-":
        return given
    if sys.stdin.isatty():
        raise click.UsageError(f"{argument} is missing; write it in quotes, or pipe it in")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not {error.encoding}; convert it first, for example with iconv") from error


@click.command()
@click.argument("text", required=False)
@click.option("--at", type=MOMENT, help="When it was said; now if left out. Without a zone it is UTC.")
@click.option("--author", metavar="NAME", help="Who said it.")
@click.option("--role", metavar="ROLE", help="user, assistant, tool or whatever you use.")
@click.option("--session", metavar="NAME", help="The conversation it belongs to.")
@click.option("--ref", metavar="REF", help="Your own id of it; recalls carry it back.")
@click.option("--channel", metavar="NAME", help="Where it came from, such as email.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A label to filter by; repeatable.")
@click.option("--key", metavar="KEY", help="Doing it again with the same key adds nothing.")
@shared
def remember(
    app: App,
    text: str | None,
    at: datetime | None,
    author: str | None,
    role: str | None,
    session: str | None,
    ref: str | None,
    channel: str | None,
    tags: tuple[str, ...],
    key: str | None,
) -> None:
    """Remember a text (or standard input)."""
    from mneme.cli.render import show_receipt
    from mneme.core.records import Message

    message = Message(
        text=_text(text, "TEXT"), at=at, author=author, role=role, session=session, ref=ref, channel=channel, tags=tuple(tags)
    )
    with app.open(create=True) as space:
        receipt = space.remember(message, key=key)
    app.answer(receipt, lambda console: show_receipt(console, receipt, "Remembered"))


@click.command()
@click.argument("memory_id")
@click.argument("text", required=False)
@click.option("--since", type=MOMENT, help="The world changed then: the old text held until this moment, the new one from then on.")
@click.option("--reason", metavar="TEXT", help="Why; it stands in the history.")
@shared
def revise(app: App, memory_id: str, text: str | None, since: datetime | None, reason: str | None) -> None:
    """Correct a memory, or say since when something else holds.

    The old version stays in its history.
    """
    from mneme.cli.render import show_receipt

    with app.open() as space:
        receipt = space.revise(memory_id, _text(text, "TEXT"), since=since, reason=reason)
    app.answer(receipt, lambda console: show_receipt(console, receipt, "Revised"))


@click.command()
@click.argument("memory_ids", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", help="Why; it stands in the history.")
@shared
def restore(app: App, memory_ids: tuple[str, ...], reason: str | None) -> None:
    """Bring back what was forgotten but not erased."""
    from mneme.cli.render import show_receipt

    with app.open() as space:
        receipt = space.restore(memory_ids, reason=reason)
    app.answer(receipt, lambda console: show_receipt(console, receipt, "Restored"))


@click.command()
@click.argument("entry", type=click.IntRange(min=1), required=False)
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many of the last changes to take back.")
@click.option("--reason", metavar="TEXT", help="Why; it stands in the history.")
@shared
def undo(app: App, entry: int | None, count: int, reason: str | None) -> None:
    """Take back the last change, or the journal entry of a number.

    An undo can be undone; an erasure can't.
    """
    from mneme.cli.render import show_receipt

    with app.open() as space:
        receipt = space.undo(entry=entry, reason=reason) if entry is not None else space.undo(count=count, reason=reason)
    app.answer(receipt, lambda console: show_receipt(console, receipt, "Undone: changes to"))
