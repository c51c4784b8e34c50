"""How results look to a person: recalls, histories, reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mneme.core.journal import Entry
    from mneme.core.query import ErasureReport, Hit, Recall, Receipt, Verification
    from mneme.core.records import Memory
    from mneme.space import Step

_BAR = "▏▎▍▌▋▊▉█"
_BAR_CELLS = 10
_LEAST_SHOWN = 0.005
_TOLD_CHARS = 80
_PARTS = {
    "dense": "near in meaning",
    "lexical": "words of the question",
    "window-dense": "what stands beside it",
    "window-lexical": "words beside it",
    "session-dense": "nearest in its conversation",
    "session-lexical": "words in its conversation",
    "speaker": "said by",
    "asker": "the asker's own words",
    "answers": "follows a question",
    "length": "says enough",
    "tells-time": "tells a time",
    "in-range": "time asked about",
    "bridge": "shares a rare name",
    "strength": "often used",
    "title-asked": "its title is asked for",
    "title-led": "its title was led to",
    "same-subject": "about the same subject",
    "topic": "topic of its conversation",
    "spread": "more of one conversation",
    "later-than": "a later version of",
}
"""What the parts of the default recipe's score are, for a person; a part of another recipe is shown by its name."""


def day(moment: datetime | None) -> str:
    """Return a date as people read it, with the time when it is not midnight."""
    if moment is None:
        return "-"
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%d" if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else "%Y-%m-%d %H:%M")


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return ``1 memory`` or ``1,200 memories``."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def size(count: int) -> str:
    """Return a number of bytes in the unit that fits."""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def shortened(text: str, limit: int = 400) -> str:
    """Return a text on one line, cut at ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def show_receipt(console: Console, receipt: Receipt, done: str, *, ids: bool = True) -> None:
    """Print what a writing call did, with the ids of what it changed."""
    from rich.markup import escape

    if receipt.duplicate:
        console.print("[yellow]Already there:[/] the key was used before; nothing was added.")
    else:
        entry = f" [dim](journal entry {receipt.entry})[/]" if receipt.entry else ""
        console.print(f"[green]{done}[/] {plural(len(receipt.ids), 'memory', 'memories')}.{entry}")
    for id in receipt.ids[:10] if ids else ():
        console.print(f"  {id}", style="dim")
    if ids and len(receipt.ids) > 10:
        console.print(f"  and {len(receipt.ids) - 10} more", style="dim")
    if receipt.jobs:
        console.print(f"  deferred: {plural(len(receipt.jobs), 'job')}", style="dim")
    for refusal in receipt.refused:
        problems = "; ".join(f"{field}: {what}" for field, what in refusal.problems.items())
        console.print(f"[red]Refused[/] {escape(refusal.subject)}: {escape(problems)}")


def show_recall(console: Console, found: Recall, *, explain: bool = False, plain: bool = False, limit: int = 400) -> None:
    """Print the hits of a recall, best first; ``plain`` leaves ids and marks out."""
    if not found.hits:
        console.print("[yellow]Nothing found.[/] The space is empty, or the filters admit nothing.")
        return
    spaces = {hit.space for hit in found.hits}
    for place, hit in enumerate(found.hits, start=1):
        _show_hit(console, place, hit, explain=explain, plain=plain, named_space=len(spaces) > 1, limit=limit)
    if explain and found.trace is not None:
        stages = ", ".join(f"{name} {ms:.1f} ms" for name, ms in found.trace.stages)
        console.print(f"[dim]{stages}[/]")


def _show_hit(console: Console, place: int, hit: Hit, *, explain: bool, plain: bool, named_space: bool, limit: int) -> None:
    from rich.padding import Padding
    from rich.text import Text

    head = Text(f"{place:>2}. ", style="dim")
    head.append(day(hit.at), style="cyan")
    said = [part for part in (hit.author or hit.memory.role, hit.session, hit.space if named_space else None) if part]
    head.append(f"  {' · '.join(said)}" if said else "", style="bold")
    head.append(f"  {hit.score:.2f}", style="green")
    if hit.memory.status != "active":
        head.append(f"  {hit.memory.status}", style="yellow")
    console.print(head)
    console.print(Padding(Text(shortened(hit.text, limit)), (0, 0, 0, 4), expand=False))
    for medium in hit.memory.media:
        console.print(Padding(Text(f"with {medium.caption or medium.uri}", style="dim italic"), (0, 0, 0, 4), expand=False))
    if not plain:
        marks = [part for part in (f"[{hit.mark}]" if hit.mark else "", hit.memory.ref or "", hit.memory.id) if part]
        console.print(Padding(Text("  ".join(marks), style="dim"), (0, 0, 0, 4), expand=False))
    if explain:
        console.print(Padding(_why(hit.why), (0, 0, 0, 4), expand=False))


def _why(why: Mapping[str, object]) -> Table:
    """Return each part of the score as a line with a bar, the largest first, and beside it what it rests on; notes follow in words."""
    from rich.table import Table
    from rich.text import Text

    numbers = {name: float(value) for name, value in why.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    numbers = {name: part for name, part in numbers.items() if abs(part) >= _LEAST_SHOWN}
    most = max((abs(value) for value in numbers.values()), default=1.0) or 1.0
    evidence = why.get("evidence")
    rests = evidence if isinstance(evidence, Mapping) else {}
    table = Table.grid(padding=(0, 2))
    for width in (max(map(len, _PARTS.values())), 6, _BAR_CELLS):  # the same for every hit, so that bars can be compared
        table.add_column(no_wrap=True, min_width=width)
    table.add_column()
    for name, part in sorted(numbers.items(), key=lambda pair: -pair[1]):
        style = "green" if part >= 0 else "red"
        said = Text(_told(rests.get(name)), style="dim")
        table.add_row(f"[dim]{_PARTS.get(name, name)}[/]", f"[dim]{part:+.2f}[/]", f"[{style}]{_bar(abs(part) / most)}[/]", said)
    for name, value in why.items():
        if name != "evidence" and (isinstance(value, bool) or not isinstance(value, int | float)):
            table.add_row(f"[dim]{_PARTS.get(name, name)}[/]", "", "", Text(shortened(_told(value), _TOLD_CHARS), style="dim"))
    return table


def _told(value: object) -> str:
    """Return a piece of evidence as a person reads it."""
    match value:
        case None:
            return ""
        case {"from": first, "until": end, "how": how}:
            return f"{first} until {end}, {how}"
        case Mapping():
            return "; ".join(f"{name}: {_told(part)}" for name, part in value.items())
        case list() | tuple():
            texts = [_told(part) for part in value]
            return (" | " if any(" " in text for text in texts) else ", ").join(texts)
        case _:
            return shortened(str(value), _TOLD_CHARS)


def _bar(share: float) -> str:
    eighths = round(share * _BAR_CELLS * len(_BAR))
    whole, rest = divmod(eighths, len(_BAR))
    return "█" * whole + (_BAR[rest - 1] if rest else "")


def show_memory(console: Console, memory: Memory) -> None:
    """Print one memory on two lines."""
    from rich.padding import Padding
    from rich.text import Text

    said = " · ".join(part for part in (memory.author or memory.role, memory.session) if part)
    console.print(Text.assemble((day(memory.at), "cyan"), f"  {said}  " if said else "  ", (memory.id, "dim")))
    console.print(Padding(Text(shortened(memory.text)), (0, 0, 0, 4), expand=False))


def show_erasure(console: Console, report: ErasureReport) -> None:
    """Print what was erased and what the search that followed found."""
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[green]Erased[/] {plural(len(report.erased), 'record')} [dim](journal entry {report.entry})[/]")
    if report.derived:
        console.print(f"  of these, {plural(len(report.derived), 'memory', 'memories')} that rested only on the others")
    table = Table.grid(padding=(0, 2))
    for place, removed in report.places.items():
        table.add_row(f"    {escape(place)}", str(removed))
    if report.places:
        console.print("  removed, by place:")
        console.print(table)
    searched = f"{size(report.searched_bytes)} of files for {plural(report.needles, 'text, word or vector', 'texts, words and vectors')}"
    if report.findings:
        console.print(f"  searched {searched}: [red]{plural(len(report.findings), 'finding')}[/]")
        for finding in report.findings:
            console.print(f"    {escape(finding.place)}: {escape(finding.what)}", style="red")
    else:
        console.print(f"  searched {searched}: [green]nothing found[/]")
    for outside in report.outside:
        console.print(f"  [yellow]yours to do:[/] {escape(outside)}")


def show_verification(console: Console, name: str, verification: Verification) -> None:
    """Print what a check of a space found."""
    from rich.markup import escape

    checked = f"{plural(verification.entries, 'journal entry', 'journal entries')}, {plural(verification.memories, 'memory', 'memories')}"
    if verification.ok:
        console.print(f"[green]✓[/] {escape(name)}: {checked}; the chain is whole, rows and indexes agree")
        console.print(f"  [dim]head {verification.head}[/]")
        return
    console.print(f"[red]✗[/] {escape(name)}: {checked}; {plural(len(verification.problems), 'problem')}")
    for problem in verification.problems:
        console.print(f"  [red]{escape(problem)}[/]")


def show_steps(console: Console, steps: Sequence[Step]) -> None:
    """Print what happened to a memory, oldest first."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("entry", "recorded", "what", "version", "text"):
        table.add_column(heading, no_wrap=heading not in ("what", "text"))
    for step in steps:
        entry, memory = step.entry, step.memory
        version, text = (str(memory.version), shortened(memory.text, 200)) if memory else ("", "")
        if memory is not None and memory.status != "active":
            text = f"{text} ({memory.status})"
        table.add_row(str(entry.seq), day(entry.recorded_at), Text(_said(entry)), version, Text(text))
    console.print(table)


def show_journal(console: Console, entries: Sequence[Entry]) -> None:
    """Print journal entries, oldest first."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("entry", "recorded", "what", "by", "changes"):
        table.add_column(heading, no_wrap=heading not in ("what", "changes"), min_width=10)
    for entry in entries:
        counts = Counter(change.op for change in entry.changes)
        changes = ", ".join(f"{count} {op}" for op, count in counts.items())
        table.add_row(str(entry.seq), day(entry.recorded_at), Text(_said(entry)), Text(entry.actor), changes)
    console.print(table)


def _said(entry: Entry) -> str:
    """Return the verb of an entry with its reason."""
    undone = f" of entry {entry.undoes}" if entry.undoes is not None else ""
    return f"{entry.verb}{undone}: {entry.reason}" if entry.reason else f"{entry.verb}{undone}"
