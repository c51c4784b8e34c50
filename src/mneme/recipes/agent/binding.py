"""Placeholders in a chain of SQL: what earlier steps found is bound as values, never pasted into the statement.

``<column>`` stands for a column that the last step with such a column found, ``<column@step2>`` for that of the second step, ``:name`` for
a group of an intent's pattern. A placeholder that stands for several rows makes several statements; placeholders of one step go through
its rows together, those of different steps are combined each with each. One that stands for no row at all is an error: a chain that left
its statement out and went on would take back what was never sold.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mneme.core.errors import InvalidInput
from mneme.stores.tables import Found, Row, Value

_SLOT = r"[A-Za-z_]\w*(?:@step\d+)?"
_TOKEN = re.compile(
    rf"'<(?P<quoted>{_SLOT})>'|(?P<literal>'(?:[^']|'')*')|<(?P<bare>{_SLOT})>|(?<![:\w]):(?P<name>[A-Za-z_]\w*)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step that ran.

    Args:
        about: what it was for.
        statements: its statements with the values they were given.
        found: what each of them found.
    """

    about: str
    statements: tuple[tuple[str, Row], ...]
    found: tuple[Found, ...]


def unknown(sql: str, done: Sequence[Done]) -> list[str]:
    """Return the placeholders that name no column that an earlier step found."""
    slots = (token["quoted"] or token["bare"] for token in _TOKEN.finditer(sql))
    return [slot for slot in slots if slot and _place(slot, done) is None]


def bind(sql: str, done: Sequence[Done], groups: Mapping[str, Value]) -> list[tuple[str, Row]]:
    """Return the statement with question marks, once for each combination of rows that its placeholders stand for.

    Raises:
        InvalidInput: a placeholder names nothing that is known, or stands for no row.

    Example:
        >>> found = Found(columns=("id", "name"), rows=((1, "a"), (2, "b")))
        >>> step = Done(about="", statements=(), found=(found,))
        >>> for statement in bind("DELETE FROM t WHERE id = <id> AND name = '<name>' AND note <> '?'", [step], {}):
        ...     print(statement)
        ("DELETE FROM t WHERE id = ? AND name = ? AND note <> '?'", (1, 'a'))
        ("DELETE FROM t WHERE id = ? AND name = ? AND note <> '?'", (2, 'b'))
    """
    if missing := unknown(sql, done):
        raise InvalidInput({"sql": f"<{missing[0]}> names no column that an earlier step found"})
    wanted: list[tuple[int, int] | str] = []

    def one(token: re.Match[str]) -> str:
        if token["literal"]:
            return token[0]
        slot, name = token["quoted"] or token["bare"], token["name"]
        if name and name not in groups:
            raise InvalidInput({"sql": f"names :{name}, which the intent's pattern does not catch"})
        place = name or _place(slot, done)
        assert place is not None
        wanted.append(place)
        return "?"

    text = _TOKEN.sub(one, sql)
    steps = list(dict.fromkeys(place[0] for place in wanted if isinstance(place, tuple)))
    rows = [[row for found in done[step].found for row in found.rows] for step in steps]
    if empty := [step for step, found in zip(steps, rows, strict=True) if not found]:
        raise InvalidInput({"sql": f"needs a row of step {empty[0] + 1}, which found none"})
    made = []
    for chosen in itertools.product(*rows):
        row_of = dict(zip(steps, chosen, strict=True))
        made.append((text, tuple(groups[place] if isinstance(place, str) else row_of[place[0]][place[1]] for place in wanted)))
    return made


def told(steps: Sequence[Done], most: int = 50) -> str:
    """Return what the steps found, for a person or a model; at most ``most`` rows of each statement."""
    lines = []
    for number, step in enumerate(steps, 1):
        for found in step.found:
            shown = [", ".join(f"{name}={value}" for name, value in zip(found.columns, row, strict=True)) for row in found.rows[:most]]
            if found.more or len(found.rows) > most:
                shown.append("and more")
            lines.append(f"{number}. " + ("; ".join(shown) if shown else f"{found.changed} rows changed" if found.changed else "nothing"))
    return "\n".join(lines)


def as_value(text: str | None) -> Value:
    """Return a number where a text is one, else the text.

    Example:
        >>> [as_value(text) for text in ("20", "2.5", "Bob", None)]
        [20, 2.5, 'Bob', None]
    """
    if text is not None and re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    return float(text) if text is not None and re.fullmatch(r"[+-]?\d+\.\d+", text) else text


def _place(slot: str, done: Sequence[Done]) -> tuple[int, int] | None:
    """Return step and column that a placeholder means: of the step that it names, else of the last that found such a column."""
    name, _, step = slot.partition("@step")
    numbers = [int(step) - 1] if step else range(len(done) - 1, -1, -1)
    for number in numbers:
        columns = done[number].found[0].columns if 0 <= number < len(done) and done[number].found else ()
        if name in columns:
            return number, columns.index(name)
    return None
