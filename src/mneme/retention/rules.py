"""Declarative policies: a time to live by kind, tag or source, erasure by rule, legal holds and limits; written as TOML.

.. code-block:: toml

    [[rule]]
    name = "mail goes after 90 days"
    action = "erase"              # or "archive"
    older_than_days = 90
    channels = ["email"]          # also: kinds, tags, authors, roles, sessions, tiers

    [[hold]]
    name = "case 12"
    tags = ["case-12"]
    until = 2027-01-01T00:00:00Z  # left out: until the hold is taken away

    [[limit]]
    tokens = 200_000
    policy = "value"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.errors import InvalidInput
from mneme.core.operations import Archive
from mneme.core.records import KINDS
from mneme.core.upkeep import DAY_US, BoolArray, Census, Proposal, Round
from mneme.retention.budgets import Limit

ACTIONS = ("archive", "erase")
_ERASED_AT_ONCE = 200
_SCOPES = ("kinds", "tags", "authors", "roles", "sessions", "channels", "tiers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which memories a rule or hold is about; every given field must hold, one of its values is enough.

    Args:
        kinds, tags, authors, roles, sessions, channels, tiers: accepted values; empty accepts all.
    """

    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise InvalidInput({"kinds": f"unknown: {', '.join(unknown)}; known are {', '.join(KINDS)}"})

    @property
    def empty(self) -> bool:
        """Whether it accepts everything."""
        return not any(getattr(self, name) for name in _SCOPES)

    def covers(self, census: Census) -> BoolArray:
        """Return ``(n,)``: what it accepts."""
        accepted = np.ones(len(census), bool)
        for name in _SCOPES:
            wanted = getattr(self, name)
            if wanted and name == "tags":
                accepted &= census.tags.where(lambda tags: bool(set(tags) & set(wanted)))  # noqa: B023  # called at once
            elif wanted:
                accepted &= getattr(census, name[:-1]).among(wanted)
        return accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens to memories of a scope when they are old enough.

    Args:
        name: what reports call it.
        action: ``archive`` or ``erase``.
        older_than_days: since their time.
        scope: which ones.
    """

    name: str
    action: str
    older_than_days: float
    scope: Scope = field(default_factory=Scope)

    def __post_init__(self) -> None:
        problems: dict[str, str] = {}
        if self.action not in ACTIONS:
            problems["action"] = f"must be one of {', '.join(ACTIONS)}, not {self.action!r}"
        if isinstance(self.older_than_days, bool) or not isinstance(self.older_than_days, int | float) or self.older_than_days < 0:
            problems["older_than_days"] = f"must be a number of at least 0, not {self.older_than_days!r}"
        if problems:
            raise InvalidInput({f"rule {self.name!r}, {name}": text for name, text in problems.items()})

    def due(self, census: Census, now: datetime) -> BoolArray:
        """Return ``(n,)``: what it is time for; archived memories too, when the rule erases."""
        statuses = ("active",) if self.action == "archive" else ("active", "archived", "quarantined", "undone")
        old = census.at < to_micros(now) - int(self.older_than_days * DAY_US)
        return old & census.status.among(statuses) & self.scope.covers(census)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRule:
    """A legal hold: nothing in its scope is archived or erased by upkeep, nor erased by ``forget``.

    Args:
        name: what reports and refusals call it.
        scope: what it protects.
        until: when it ends; None is when it is taken away.
    """

    name: str
    scope: Scope
    until: datetime | None = None

    def __call__(self, census: Census, now: datetime) -> BoolArray:
        """Return ``(n,)``: what it protects now."""
        if self.until is not None and now >= self.until:
            return np.zeros(len(census), bool)
        return self.scope.covers(census)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Applies the rules, in their order.

    Args:
        rules: the first one that is due for a memory decides.
    """

    rules: tuple[Rule, ...]
    name: str = "rules"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what is due; erasures in groups, because each one is searched for afterwards."""
        taken = ctx.held.copy()
        for rule in self.rules:
            due = np.flatnonzero(rule.due(ctx.census, ctx.now) & ~taken)
            taken[due] = True
            ids = [ctx.census.ids[place] for place in due.tolist()]
            why = f"rule {rule.name!r}: older than {rule.older_than_days:g} days"
            if rule.action == "archive":
                yield from (Proposal(keeper=self.name, why=why, operations=(Archive(id=id),)) for id in ids)
            else:
                for start in range(0, len(ids), _ERASED_AT_ONCE):
                    yield Proposal(keeper=self.name, why=why, erase=tuple(ids[start : start + _ERASED_AT_ONCE]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What a policy file says.

    Args:
        rules, holds, limits: in the order of the file.
    """

    rules: tuple[Rule, ...] = ()
    holds: tuple[HoldRule, ...] = ()
    limits: tuple[Limit, ...] = ()


def read_policies(toml: str) -> Policies:
    """Return the policies of a TOML text.

    Raises:
        InvalidInput: it is no TOML, or a table has unknown or bad keys; every message names the table and the key.
    """
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput({"policies": f"is not TOML: {error}"}) from error
    unknown = sorted(set(tables) - {"rule", "hold", "limit"})
    if unknown:
        raise InvalidInput({name: "unknown table; known are [[rule]], [[hold]] and [[limit]]" for name in unknown})
    return Policies(
        rules=tuple(_rule(table, number) for number, table in enumerate(_tables(tables, "rule"), start=1)),
        holds=tuple(_hold(table, number) for number, table in enumerate(_tables(tables, "hold"), start=1)),
        limits=tuple(_limit(table, number) for number, table in enumerate(_tables(tables, "limit"), start=1)),
    )


def _tables(tables: Mapping[str, Any], name: str) -> Sequence[dict[str, Any]]:
    found = tables.get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise InvalidInput({name: f"must be written as [[{name}]]"})
    return found


def _rule(table: dict[str, Any], number: int) -> Rule:
    where = f"rule {number}"
    _known(table, where, ("name", "action", "older_than_days", *_SCOPES), ("action", "older_than_days"))
    scope = _scope(table, where)
    if scope.empty and table["action"] == "erase":
        raise InvalidInput({where: f"erases everything; name at least one of {', '.join(_SCOPES)}"})
    return Rule(name=str(table.get("name", where)), action=table["action"], older_than_days=table["older_than_days"], scope=scope)


def _hold(table: dict[str, Any], number: int) -> HoldRule:
    where = f"hold {number}"
    _known(table, where, ("name", "until", *_SCOPES), ())
    until = table.get("until")
    if until is not None and not isinstance(until, datetime):
        raise InvalidInput({f"{where}, until": "must be a TOML date and time, such as 2027-01-01T00:00:00Z"})
    if until is not None and until.tzinfo is None:
        raise InvalidInput({f"{where}, until": "has no time zone; add Z for UTC"})
    return HoldRule(name=str(table.get("name", where)), scope=_scope(table, where), until=None if until is None else until.astimezone(UTC))


def _limit(table: dict[str, Any], number: int) -> Limit:
    _known(table, f"limit {number}", tuple(each.name for each in fields(Limit)), ())
    return Limit(**table)


def _scope(table: Mapping[str, Any], where: str) -> Scope:
    chosen: dict[str, tuple[str, ...]] = {}
    for name in _SCOPES:
        value = table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise InvalidInput({f"{where}, {name}": "must be a list of strings"})
        chosen[name] = tuple(value)
    return Scope(**chosen)


def _known(table: Mapping[str, Any], where: str, known: Sequence[str], needed: Sequence[str]) -> None:
    problems = {f"{where}, {name}": f"unknown; known are {', '.join(known)}" for name in sorted(set(table) - set(known))}
    problems |= {f"{where}, {name}": "is missing" for name in needed if name not in table}
    if problems:
        raise InvalidInput(problems)
