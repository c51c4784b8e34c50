"""Asking a model on the way of a recall: what it can't say is left to the rules, since a recall never fails for want of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mneme.core.context import Context
from mneme.core.errors import ModelError
from mneme.core.llm import Prompt

Reply = TypeVar("Reply")


def consulted(ctx: Context, prompt: Prompt, said: Mapping[str, object], reply: type[Reply]) -> Reply | None:
    """Return the model's reply; None where there is no model, it can't be reached, its budget is spent or its reply never fits.

    Why is in the trace.
    """
    if ctx.llm is None:
        return None
    try:
        return ctx.llm.ask(prompt, said, reply)
    except ModelError as error:
        ctx.trace.note(role=prompt.role, by="rule", why=type(error).__name__)
        return None
