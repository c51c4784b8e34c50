"""Statements whose grammatical subject is an attribute: "my name is", "her favourite film is", "Ana's birthday is"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from mneme.formation import patterns as pat
from mneme.formation.clauses import CAP, KIN, KIN_GENDER, asserted
from mneme.formation.statement import Statement, make
from mneme.text.names import canonical_name
from mneme.text.relations import FAVOURITE
from mneme.text.time_expressions import find_times

_ENDED = re.compile(r"\b(?:no\s+longer|any\s?more)\b")
_DENIED = re.compile(r"\b(?:not|never|no\s+longer|isn['’]t|wasn['’]t|used\s+to)\b")
_APPOSED = re.compile(
    rf"(?P<owner>\b[Mm]y|\b[Oo]ur|\b(?P<other>[A-Z][\w-]*)['’]s)\s+(?P<kin>{KIN}),?\s+(?P<o>{CAP})(?![\w’']*['’]s\b\s+\w+['’]s)"
)
_REPORTED = re.compile(r"\b(?:said|says|told|claims|claimed|mentioned)\b")
_SPELLING = {"color": "colour", "movie": "film", "colours": "colour", "colors": "colour"}


def attributes(text: str, author: str, at: datetime, known: Sequence[str] = ()) -> Iterator[Statement]:
    """Names, contacts, favourites, birthdays and named relatives that a turn states outside of a subject and verb."""
    for sentence, start in asserted(text, at):
        if _REPORTED.search(sentence):
            continue
        yield from _rows(sentence, start, author, at, known)
        yield from _birthdays(sentence, start, author, at, known)
        yield from _apposed(sentence, start, author, at, known)


def _owner(match: re.Match[str], author: str, known: Sequence[str]) -> str:
    other = match.groupdict().get("other")
    return (canonical_name(other, known) or other) if other else author


def _rows(sentence: str, start: int, author: str, at: datetime, known: Sequence[str]) -> Iterator[Statement]:
    times = [found for found in find_times(sentence, at) if found.kind != "order"]
    for row in pat.ATTRIBUTES:
        for match in row.pattern.finditer(sentence):
            denied = _DENIED.search(match[0])
            if (denied and row.relation != "favourite") or re.match(r"\s+or\b", sentence[match.end() :]):
                continue
            ended = bool(_ENDED.search(sentence))
            value = re.sub(r"\s+", " ", match["o"]).strip(" .,;!")
            if value[:1] in "\"“‘'" and value[-1:] in "\"”’'":
                value = value[1:-1]
            name = row.relation
            if name == "favourite":
                what = match["what"].strip().lower()
                if what in ("part", "thing", "one", "ones", "way", "memory", "moment", "time", "parts", "things"):
                    continue
                name = FAVOURITE + "_".join(_SPELLING.get(word, word) for word in what.split())
                value = _without_time(value, at)
            if name == "kin":
                name = pat.KIN_RELATION.get(match["kin"].split()[-1], "")
            if not name or not value:
                continue
            used = times if name.startswith(FAVOURITE) else ()
            yield make(
                subject=_owner(match, author, known), name=name, value=value, at=at, author=author,
                start=start + min([match.start(), *(time.start for time in used)]),
                end=start + max([match.end(), *(time.end for time in used)]), polarity=not denied, ended=bool(denied) and ended,
                times=used,
            )  # fmt: skip


def _without_time(value: str, at: datetime) -> str:
    for found in reversed(find_times(value, at)):
        value = value[: found.start] + value[found.end :]
    return value.strip(" ,.")


def _birthdays(sentence: str, start: int, author: str, at: datetime, known: Sequence[str]) -> Iterator[Statement]:
    for match in pat.BIRTHDAY.finditer(sentence):
        near = find_times(sentence[match.end() : match.end() + 40], at)
        dated = [found for found in near if found.start <= 4 and found.precision in ("day", "month")]
        if not dated:
            continue
        found = dated[0]
        name = match.groupdict().get("name")
        subject = (canonical_name(name, known) or name) if name else author if match["self"] else _owner(match, author, known)
        yield make(
            subject=subject, name="birthday", value=found.text.removeprefix("the ").strip(), at=at, author=author,
            start=start + match.start(), end=start + match.end() + found.end,
        )  # fmt: skip


def _apposed(sentence: str, start: int, author: str, at: datetime, known: Sequence[str]) -> Iterator[Statement]:
    """The name of a relative wherever it stands, such as "with my brother Leo, we sang"."""
    for match in _APPOSED.finditer(sentence):
        kin = match["kin"].split()
        name = pat.KIN_RELATION.get(kin[-1])
        value = re.sub(r"['’]s?$", "", match["o"]).rstrip(".,")
        if name is None or "late" in kin or value in ("I", "I'm") or value.lower() in KIN_GENDER:
            continue
        yield make(
            subject=_owner(match, author, known), name=name, value=canonical_name(value, known) or value, at=at, author=author,
            start=start + match.start(), end=start + match.end(),
        )  # fmt: skip
