"""The card of a recipe: where its design comes from, how it differs, what it loses without a model, what it costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a person should know of a recipe before choosing it.

    Args:
        paper: authors' name of the system and where it was published.
        parts: part of the paper -> what stands for it here.
        differs: every deviation, one sentence each.
        without_model: what is lost when no language model is there.
        per_write: what one message costs, besides storing it.
        per_recall: what one recall costs, besides embedding the question.
        toml: the text of the file that it was read from; empty for one written in Python.
    """

    paper: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    differs: tuple[str, ...] = ()
    without_model: str = ""
    per_write: str = ""
    per_recall: str = ""
    toml: str = ""
