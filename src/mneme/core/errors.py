"""Every error that mneme raises.

MnemeError
├── InvalidInput          a field of a call is wrong; names every bad field and the fix   (also ValueError)
│   ├── InvalidBatch      some items of a list are bad; names them all
│   ├── Folded            a moment or an entry before the kept part of the journal
│   └── UnknownComponent  no component, recipe or model of that name; lists near matches
├── NotFound              no such memory, episode, entry, space or job                   (also LookupError)
├── Conflict              the thing changed since the caller read it
│   └── CannotUndo        later changes rest on it, or it was an erasure
├── Refused               a guard, a policy or a legal hold says no
├── ReadOnly              the folder or the store can't be written
├── StorageError          the disk, the file or the database failed
│   ├── StorageFull       no space left; nothing of the call was written
│   ├── CorruptStore      not a mneme file, truncated, or its checks fail
│   ├── NewerStore        written by a newer version of mneme
│   ├── Busy              other writers held the store for longer than the timeout
│   └── ErasureIncomplete erased content was still found; the report says where
├── ModelMismatch         the space's vectors come from another embedding model
├── ModelError            a model call failed
│   ├── ModelUnavailable  it can't be reached or refused the call
│   ├── InvalidReply      its reply does not fit the schema after every retry
│   ├── ContextOverflow   the question does not fit the model's window
│   └── BudgetExceeded    the call would pass a spending limit
├── MissingExtra          an optional package is needed; says what to install
├── Unauthorised          no key, or a key that does not hold
├── Forbidden             the key holds but not for this
├── TooManyCalls          the key's rate limit is used up for now
├── TooLarge              the request is larger than the key may send
├── Unreachable           the server can't be reached or does not answer as mneme does
└── Closed                the space or memory is closed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class MnemeError(Exception):
    """Root of every error that mneme raises."""


class InvalidInput(MnemeError, ValueError):
    """A call has bad fields.

    Args:
        problems: field name -> what is wrong and how to mend it. All bad fields of the call, not just the first.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in self.problems.items()))


class InvalidBatch(InvalidInput):
    """Some items of a list are bad and nothing of it was stored.

    Args:
        items: index in the list -> the field problems of that item.
    """

    def __init__(self, items: Mapping[int, Mapping[str, str]]) -> None:
        self.items = {index: dict(problems) for index, problems in items.items()}
        flat = {f"item {i}, {field}": text for i, problems in self.items.items() for field, text in problems.items()}
        super().__init__(flat)


class Folded(InvalidInput):
    """A moment or an entry lies before the kept part of the journal; the message names where it begins."""


class UnknownComponent(InvalidInput):
    """No component, recipe or model has this name.

    Args:
        kind: what was looked up, for example ``"recipe"``.
        name: the name that is unknown.
        near: known names that look like it, best first.
        known: names to choose from, told where none looks like it.
    """

    def __init__(self, kind: str, name: str, near: Sequence[str] = (), known: Sequence[str] = ()) -> None:
        hint = f"; did you mean {', '.join(near)}?" if near else f"; there are {', '.join(known)}" if known else ""
        super().__init__({kind: f"there is no {kind} named {name!r}{hint}"})


class NotFound(MnemeError, LookupError):
    """There is no such thing in this space, or no such space.

    Args:
        what: for example ``"memory"``.
        name: the id that was asked for.
    """

    def __init__(self, what: str, name: object) -> None:
        self.what = what
        self.name = name
        where = "" if what == "space" else " in this space"
        super().__init__(f"{what}: there is no {what} {name!r}{where}")


class Conflict(MnemeError):
    """The thing changed since the caller read it; read again and retry."""


class CannotUndo(Conflict):
    """The entry can't be undone: later changes rest on it, or it was an erasure."""


class Refused(MnemeError):
    """A guard, a policy or a legal hold refuses the change; the message names which and why."""


class ReadOnly(MnemeError):
    """The folder, file or database can't be written by this process."""


class StorageError(MnemeError):
    """The disk, the file or the database failed; nothing of the call was written."""


class StorageFull(StorageError):
    """No space is left on the device; nothing of the call was written."""


class CorruptStore(StorageError):
    """The file is not a mneme file, is truncated, or its checks fail."""


class NewerStore(StorageError):
    """The file was written by a newer version of mneme; upgrade mneme to open it."""


class Busy(StorageError):
    """Other writers held the store for longer than the timeout; retry."""


class ErasureIncomplete(StorageError):
    """Erased content was still found after erasing; the attached report says where.

    Args:
        message: what was found.
        report: the ``ErasureReport`` with its findings.
    """

    def __init__(self, message: str, report: object = None) -> None:
        self.report = report
        super().__init__(message)


class ModelMismatch(MnemeError):
    """The vectors of the space come from another embedding model; ``mneme reembed`` changes them."""


class ModelError(MnemeError):
    """A model call failed."""


class ModelUnavailable(ModelError):
    """The model can't be reached, or the provider refused the call."""


class InvalidReply(ModelError):
    """The model's reply does not fit the schema after every retry.

    Args:
        message: what is wrong with it; without words of the reply, since messages are kept where erasure does not look for content.
        reply: the reply itself, for whoever catches the error.
    """

    def __init__(self, message: str, reply: str = "") -> None:
        self.reply = reply
        super().__init__(message)


class ContextOverflow(ModelError):
    """The question does not fit the model's window, also after everything that may be shortened was; split it or take a larger model."""


class BudgetExceeded(ModelError):
    """The call would pass a spending limit; raise the limit or wait for the next day."""


class MissingExtra(MnemeError, ImportError):
    """An optional package is needed.

    Args:
        feature: what the caller wanted.
        extra: the extra to install, as in ``pip install 'mneme[extra]'``.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package: pip install 'mneme[{extra}]'")


class Unauthorised(MnemeError):
    """No key was given, or the key is unknown, expired or revoked."""


class Forbidden(MnemeError):
    """The key holds, but not for this space or verb."""


class TooManyCalls(MnemeError):
    """The key's rate limit is used up for now.

    Args:
        message: which limit.
        retry_after_s: when to try again.
    """

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TooLarge(MnemeError):
    """The request is larger than the key may send; split it, or ask for a larger limit."""


class Unreachable(MnemeError):
    """The server can't be reached, or what answers is no mneme server."""


class Closed(MnemeError):
    """The space or the memory is closed; open it again."""
