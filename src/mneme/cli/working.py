"""Commands about deferred work: jobs, worker, extract."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from mneme.cli.app import MOMENT, App, shared
from mneme.core.operations import Keep
from mneme.core.records import Memory as Record
from mneme.core.records import Message

if TYPE_CHECKING:
    from rich.console import Console

    from mneme import Memory
    from mneme.engine.forming import Formed
    from mneme.engine.jobs import Done
    from mneme.engine.keeping import Triggers
    from mneme.engine.upkeep import UpkeepBudget, UpkeepReport

_ACTIONS = ("list", "retry", "drop")
_SHOWN_PASSES = 100
NEW = "beliefs"
"""The recipe that reads a text where there is no space with its own."""
_STATES = ("waiting", "leased", "done", "dead", "cancelled")
_llm = click.option("--llm", metavar="NAME", envvar="MNEME_LLM", help="Language model, such as ollama:qwen3. [env: MNEME_LLM]")


@click.command()
@click.argument("action", type=click.Choice(_ACTIONS), default="list")
@click.argument("ids", nargs=-1)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="List only jobs in this state; repeatable.")
@click.option("--all", "every", is_flag=True, help="Retry or drop every job that was given up.")
@shared
def jobs(app: App, action: str, ids: tuple[str, ...], states: tuple[str, ...], every: bool) -> None:
    """List deferred work: what waits, what runs, what was given up and why.

    `jobs retry ID ...` puts jobs that were given up back into the queue, `jobs drop ID ...` takes them out for good; the messages that
    they were about stay. --all stands for every job that was given up.
    """
    from mneme.core.errors import InvalidInput

    if action == "list":
        if ids or every:
            raise InvalidInput({"ACTION": "list takes neither ids nor --all; write jobs retry or jobs drop"})
        _list_jobs(app, states)
        return
    if states:
        raise InvalidInput({"--state": "is for the list; name jobs, or give --all"})
    if bool(ids) == every:
        raise InvalidInput({"IDS": "name jobs, or give --all for every job that was given up"})
    with app.open() as space:
        receipt = space.retry_jobs(ids) if action == "retry" else space.drop_jobs(ids)
    done = "back in the queue" if action == "retry" else "dropped"
    app.answer(receipt, lambda out: _show_changed(out, receipt.jobs, done))


def _show_changed(out: Console, ids: Sequence[str], done: str) -> None:
    from mneme.cli.render import plural

    out.print(f"{plural(len(ids), 'job')} {done}.")


def _list_jobs(app: App, states: Sequence[str]) -> None:
    from mneme.cli.render import day, plural

    with app.open() as space:
        found = space.jobs(states=states)

    def show(out: Console) -> None:
        from rich.markup import escape

        for job in found:
            colour = {"dead": "red", "done": "green", "leased": "yellow"}.get(job.state, "default")
            tried = f", {plural(job.attempts, 'attempt')}" if job.attempts else ""
            out.print(f"[dim]{job.id}[/] [{colour}]{job.state:8}[/] {escape(job.task)} due {day(job.due_at)}{tried}", soft_wrap=True)
            if job.error:
                out.print(f"  [yellow]{escape(job.error)}[/]", soft_wrap=True)
        if not found:
            out.print("No jobs.")

    app.answer(found, show)


@click.command()
@_llm
@click.option("--once", is_flag=True, help="Do what is due now, and stop.")
@click.option("--idle", "idle_s", type=click.FloatRange(min=0.05), default=2.0, show_default=True, help="Seconds between looks.")
@click.option("--upkeep", "keeping", is_flag=True, help="Look after spaces too: daily, when grown, when idle.")
@click.option("--every", "every_hours", type=click.FloatRange(min=0.01), default=24.0, show_default=True, help="Hours between passes.")
@click.option("--grown", "grown_by", type=click.IntRange(min=1), default=1000, show_default=True, help="New entries that are one too.")
@click.option("--quiet", "quiet_s", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds without writes before.")
@click.option("--model-tokens", type=click.IntRange(min=0), help="Tokens of the model that one pass may use.")
@click.option("--model-usd", type=click.FloatRange(min=0), help="Money for the model that one pass may spend.")
@shared
def worker(
    app: App,
    llm: str | None,
    once: bool,
    idle_s: float,
    keeping: bool,
    every_hours: float,
    grown_by: int,
    quiet_s: float,
    model_tokens: int | None,
    model_usd: float | None,
) -> None:
    """Do the deferred work of every space, until stopped.

    Any number of workers may run on one root. One that is stopped finishes the job at hand; what a killed one had begun is done again
    by another when its lease ends, and takes effect once.
    """
    from mneme.engine.jobs import Done
    from mneme.engine.keeping import Triggers
    from mneme.engine.upkeep import UpkeepBudget

    triggers = Triggers(every_hours=every_hours, grown_by=grown_by, idle_s=quiet_s) if keeping else None
    budget = UpkeepBudget(model_tokens=model_tokens, model_usd=model_usd)
    passes: deque[UpkeepReport] = deque(maxlen=_SHOWN_PASSES)
    stopping = threading.Event()
    if not once and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
    total = Done()
    with app.memory(llm=llm, background=False) as memory:
        while True:
            names = [app.space] if app.space is not None else memory.spaces()
            done = _round(memory, names, stopping)
            total += done
            if triggers is not None:
                passes += _look_after(memory, names, triggers, budget, stopping)
            if once or stopping.is_set():
                break
            stopping.wait(0 if done.any else idle_s)
        spent = memory.spending()

    def show(out: Console) -> None:
        out.print(f"{total.done:,} done, {total.retried:,} to be tried again, {total.dead:,} given up")
        if keeping:
            changes = sum(sum(report.operations.values()) for report in passes)
            tokens = sum(report.model_tokens for report in passes)
            out.print(f"{len(passes):,} passes of upkeep, {changes:,} changes, {tokens:,} tokens of the model")
        if spent.calls:
            priced = f", {spent.usd:.4f} USD" if not spent.unpriced else ""
            vain = spent.failed + spent.invalid
            out.print(f"[dim]{spent.calls:,} model calls so far, {vain:,} of them in vain, {spent.tokens:,} tokens{priced}[/]")

    looked = [
        {"operations": dict(report.operations), "finished": report.finished, "seconds": report.seconds, "model_calls": report.model_calls,
         "model_tokens": report.model_tokens, "model_usd": report.model_usd, "model_stopped": report.model_stopped}
        for report in passes
    ]  # fmt: skip
    app.answer({"done": total.done, "retried": total.retried, "dead": total.dead, "spent": spent, "upkeep": looked}, show)


def _round(memory: Memory, names: Sequence[str], stopping: threading.Event) -> Done:
    from mneme.engine.jobs import Done

    total = Done()
    for name in names:
        if stopping.is_set():
            break
        total += memory.space(name).drain()
    return total


def _look_after(
    memory: Memory, names: Sequence[str], triggers: Triggers, budget: UpkeepBudget, stopping: threading.Event
) -> list[UpkeepReport]:
    """Run a pass over each space whose time has come."""
    return [memory.space(name).upkeep(budget=budget) for name in names if not stopping.is_set() and memory.is_due(name, triggers)]


@click.command()
@click.argument("text", required=False)
@click.option("--episode", "episodes", multiple=True, metavar="ID", help="A stored message, by the space's own recipe; repeatable.")
@click.option("--dry-run", is_flag=True, help="Store nothing; only show what would be.")
@click.option("--author", metavar="NAME", help="Who says it.")
@click.option("--at", type=MOMENT, help="When it was said; now when left out.")
@click.option("--recipe", help="The memory design that reads a text; left out, beliefs for a dry run or a new space, else the space's own.")
@_llm
@shared
def extract(
    app: App,
    text: str | None,
    episodes: tuple[str, ...],
    dry_run: bool,
    author: str | None,
    at: datetime | None,
    recipe: str | None,
    llm: str | None,
) -> None:
    """Show what would be made of a text or of stored messages.

    Without --dry-run the text is stored. A space that is there keeps its recipe, unless --recipe names another: then it changes to that
    one, and all that it holds is read anew.

    In a dry run a text is read apart from the space, so that nothing of it is kept.
    """
    from mneme.core.errors import InvalidInput

    if (text is None) == (not episodes):
        raise InvalidInput({"TEXT": "give a text, or --episode with the id of a stored message"})
    if text is None and not dry_run:
        raise InvalidInput({"--episode": "is stored already, and formed by `mneme worker`; add --dry-run to see what is made of it"})
    if text is not None and not dry_run:
        _store(app, Message(text=text, author=author, at=at), recipe, llm)
        return
    if text is None:
        with app.memory(llm=llm, background=False) as memory:
            app.require(memory, app.space_name)
            made = memory.space(app.space_name).form(episodes)
    else:
        made = _read_apart(app, Message(text=text, author=author, at=at), recipe or NEW, llm)
    kept = [operation.memory for operation in made.operations if isinstance(operation, Keep)]
    plain = {"would_store": kept, "refused": made.refused, "quarantined": made.quarantined, "operations": len(made.operations)}
    app.answer(plain, lambda out: _show(out, kept, made.refused, "Would store"))


def _store(app: App, message: Message, recipe: str | None, llm: str | None) -> None:
    if recipe is None:
        with app.memory(background=False) as memory:
            recipe = None if memory.has_space(app.space_name) else NEW
    with app.memory(recipe=recipe, llm=llm, background=False) as memory:
        space = memory.space(app.space_name)
        receipt = space.remember(message, wait=True)
        kept = [space.get(id) for id in space.formed_from(receipt.episodes) if id not in receipt.ids]
        own = space.stats()["recipe"]

    def show(out: Console) -> None:
        _show(out, kept, {}, "Stored the message and")
        if recipe is None and not kept:
            out.print(f"[dim]the recipe of this space is {own}; --recipe {NEW} changes the space to one that forms statements[/]")

    app.answer({"stored": receipt.ids, "formed": kept}, show)


def _read_apart(app: App, message: Message, recipe: str, llm: str | None) -> Formed:
    """Return what a recipe makes of a message in a folder that is gone afterwards."""
    from mneme import Memory

    embedder = app.embedder or "local"
    with tempfile.TemporaryDirectory(prefix="mneme-extract-") as folder:
        with Memory(folder, embedder=embedder) as memory:
            receipt = memory.space("aside").remember(message)
        with Memory(folder, embedder=embedder, recipe=recipe, llm=llm, background=False) as memory:
            return memory.space("aside").form(receipt.episodes)


def _show(out: Console, kept: Sequence[Record], refused: Mapping[str, int], done: str) -> None:
    from rich.markup import escape

    from mneme.cli.render import day, plural

    out.print(f"{done} {plural(len(kept), 'memory', 'memories')}{':' if kept else '.'}")
    for memory in kept:
        out.print(f"  {memory.kind:10} {escape(memory.text)} [dim]since {day(memory.valid_from)}[/]", soft_wrap=True)
    for why, count in refused.items():
        out.print(f"  [yellow]refused {count}:[/] {escape(why)}", soft_wrap=True)
