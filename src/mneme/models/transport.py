"""One attempt at a model call: what is sent, what comes back, and how an attempt can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mneme.core.errors import ModelUnavailable

Mode = Literal["native", "json", "prompted"]
Cause = Literal["busy", "refused", "mode", "overflow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of the conversation with a model."""

    speaker: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent.

    Args:
        role: the prompt's role; not sent, scripted models go by it.
        variables: what the caller gave; not sent either.
        system: the standing instruction.
        turns: the conversation; the last turn is the user's.
        schema_name: a name for the schema, letters, digits and ``_``.
        schema: the JSON schema of the reply.
        mode: ``native`` asks the server to hold the reply to the schema, ``json`` to hold it to JSON, ``prompted`` asks nothing of it.
        max_output_tokens: the longest reply.
        temperature: 0 for the likeliest words; None leaves it to the provider.
        timeout_s: how long to wait for the whole reply.
    """

    role: str
    variables: Mapping[str, object]
    system: str
    turns: tuple[Turn, ...]
    schema_name: str
    schema: Mapping[str, Any]
    mode: Mode
    max_output_tokens: int
    temperature: float | None
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back.

    Args:
        text: the reply's text, thinking included if the server sent it in the text.
        input_tokens, output_tokens: as the provider reports them; None when it does not.
        cached_tokens: how many of the input tokens were read from the provider's cache.
        cut_off: the reply ended at the length limit or its stream ended without an end mark.
        refused: the provider's filter withheld the reply.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    cut_off: bool = False
    refused: bool = False


class AttemptFailed(ModelUnavailable):
    """One attempt brought no reply.

    Args:
        message: what happened.
        cause: ``busy`` may pass (limits, server errors, lost connections, slowness, garbled answers), ``refused`` will not (no key, no
            such model, no credit), ``mode`` is a server that does not take this kind of request, ``overflow`` a question too long for it.
        sent: the server was reached, so the attempt counts as a call.
        lost: the server was at work when the reply was lost, so that it may have been billed.
        retry_after_s: how long the server asks to wait.
    """

    def __init__(self, message: str, *, cause: Cause, sent: bool = True, lost: bool = False, retry_after_s: float | None = None) -> None:
        self.cause = cause
        self.sent = sent
        self.lost = lost
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Transport(Protocol):
    """Makes single attempts; retries, checks and accounting are not its business."""

    @property
    def identity(self) -> str:
        """The provider and model."""
        ...

    @property
    def window(self) -> int | None:
        """The model's window in tokens; None when it is not known."""
        ...

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes to try, best first."""
        ...

    def send(self, request: Request) -> Reply:
        """Make exactly one call.

        Raises:
            AttemptFailed: there is no reply.
        """
        ...
