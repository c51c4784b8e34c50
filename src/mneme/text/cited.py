"""The reply of a model that sums up: sentences, each with the quotations that bear it out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of a message."""

    message: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence with what bears it out."""

    text: str
    quotes: list[Quote] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model answers; the list is required, so that a part of a broken reply is not taken for an empty one."""

    sentences: list[Sentence]
