"""The command that answers: ask."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mneme.cli.app import MOMENT, App, shared
from mneme.cli.filtering import filtered, taken

if TYPE_CHECKING:
    from rich.console import Console

    from mneme.core.query import Answer


@click.command()
@click.argument("question")
@click.option("--llm", metavar="NAME", envvar="MNEME_LLM", help="Language model, such as ollama:qwen3. [env: MNEME_LLM]")
@click.option("-k", type=click.IntRange(min=1), help="How many memories to look at; as many as the budget holds when left out.")
@click.option("--budget-tokens", type=click.IntRange(min=1), default=2000, show_default=True, help="Length of the context for the model.")
@click.option("--as-of", type=MOMENT, help="What held in the world at this moment.")
@click.option("--known-at", type=MOMENT, help="What the memory knew at this moment.")
@filtered
@shared
def ask(
    app: App,
    question: str,
    llm: str | None,
    k: int | None,
    budget_tokens: int,
    as_of: datetime | None,
    known_at: datetime | None,
    **options: Any,
) -> None:
    """Answer a question from what is remembered, with checked citations.

    Without a language model the answer is the best sentences, word for word.
    """
    asked: dict[str, Any] = {"k": k, "budget_tokens": budget_tokens, "filters": taken(options), "as_of": as_of, "known_at": known_at}
    with app.memory(llm=llm, background=False) as memory:
        app.require(memory, app.space_name)
        found = memory.space(app.space_name).ask(question, **asked)
    app.answer(found, lambda console: _show(console, found))


def _show(console: Console, found: Answer) -> None:
    from rich.markup import escape

    from mneme.cli.render import day, shortened

    console.print(escape(found.text), soft_wrap=True)
    if found.extract:
        console.print("[dim]an extract: these sentences are quoted, no model wrote an answer[/]")
    for one in found.citations if not found.extract else ():
        console.print(f"  [dim]{one.mark or one.id}[/] {day(one.at)} “{escape(shortened(one.quote, 120))}”", soft_wrap=True)
    for conflict in found.conflicts:
        told = " / ".join(f"{shortened(text, 80)} ({day(at)})" for text, at in zip(conflict.texts, conflict.at, strict=True))
        console.print(f"[yellow]in conflict:[/] {escape(told)}", soft_wrap=True)
    for note in found.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
