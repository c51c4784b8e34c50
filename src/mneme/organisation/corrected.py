"""Corrections in the conversation: "No, I meant Porto, not Oslo" puts Porto where Oslo was, as if Oslo had never been said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import numpy as np

from mneme.core.context import Context
from mneme.core.records import Memory
from mneme.organisation.belief import belief, same_object
from mneme.organisation.board import Board, statements_about
from mneme.text.relations import told as told_as


def apply_correction(board: Board, memory: Memory, told: Callable[[Memory], datetime]) -> tuple[str, str]:
    """Revise what the correction is about: the author's latest statements with the old value, all from one message.

    Without an old value it is about the message before, if that states one value only. A correction of nothing known stays as a note.
    """
    author = str(memory.attributes["subject"])
    new, old = str(memory.attributes["object"]), str(memory.attributes.get("instead_of") or "")
    said = told(memory)
    stated = [other for other in _by(board, author) if told(other) <= said and other.id != memory.id]
    wrong = [other for other in stated if same_object(_object(other), old)] if old else _only_value(stated, told)
    if not wrong:
        board.add(memory, "ADD", "a correction of nothing that is known")
        return "ADD", "a correction of nothing that is known"
    latest = max(told(other) for other in wrong)
    for other in wrong:
        if told(other) == latest:
            _put(board, other, new, memory)
    return "UPDATE", "the user corrected it"


def _by(board: Board, author: str) -> list[Memory]:
    """What an author states: of themselves, or claimed of others; new ones first in the batch's own state."""
    stored = board.ctx.memories(_latest(board.ctx, author))
    new = {other.id: other for other in board.new()}
    known = [board.current(other) for other in stored if other.id not in new]
    return [other for other in (*known, *new.values()) if _claimant(other) == author and other.status == "active"]


def _latest(ctx: Context, author: str, most: int = 200) -> list[int]:
    rows = statements_about(ctx, author)
    if len(rows) > most:
        rows = rows[np.argsort(ctx.index.at[rows], kind="stable")[-most:]]
    return [int(row) for row in rows]


def _claimant(memory: Memory) -> str:
    return str(memory.attributes.get("claimed_by") or memory.attributes.get("subject") or "")


def _object(memory: Memory) -> str:
    item = belief(memory)
    return item.object if item else ""


def _only_value(stated: list[Memory], told: Callable[[Memory], datetime]) -> list[Memory]:
    if not stated:
        return []
    latest = max(told(other) for other in stated)
    last = [other for other in stated if told(other) == latest]
    values = {_object(other).casefold() for other in last}
    return last if len(values) == 1 else []


def _put(board: Board, other: Memory, new: str, correction: Memory) -> None:
    item = belief(other)
    assert item is not None
    if item.object and item.object in other.text:
        text = re.sub(rf"\b{re.escape(item.object)}", lambda _: new, other.text, count=1)
    else:
        text = told_as(item.subject, str(other.attributes["relation"]), new, polarity=bool(other.attributes.get("polarity", True)))
    attributes = {**other.attributes, "object": new, "corrected": True}
    board.change(other, text, attributes=attributes, sources=(*other.sources, *correction.sources))
