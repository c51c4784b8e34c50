"""The one table from errors to what each face says: HTTP status, MCP (JSON-RPC) error code, exit code of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mneme.core import errors

INTERRUPTED = 130


class Codes(NamedTuple):
    """How the faces name an error.

    Args:
        http: the HTTP status.
        mcp: the JSON-RPC error code.
        exit: the exit code of the command line.
    """

    http: int
    mcp: int
    exit: int


# An error without a row has that of its nearest ancestor. Exit code 2 is also click's for a wrong option: both mean "mend the call".
TABLE: Mapping[type[errors.MnemeError], Codes] = {
    errors.MnemeError: Codes(500, -32603, 1),
    errors.InvalidInput: Codes(422, -32602, 2),
    errors.NotFound: Codes(404, -32002, 3),
    errors.Conflict: Codes(409, -32009, 4),
    errors.Refused: Codes(403, -32010, 5),
    errors.ReadOnly: Codes(503, -32011, 6),
    errors.StorageError: Codes(500, -32012, 7),
    errors.StorageFull: Codes(507, -32013, 8),
    errors.CorruptStore: Codes(500, -32014, 9),
    errors.NewerStore: Codes(500, -32015, 10),
    errors.Busy: Codes(503, -32016, 11),
    errors.ErasureIncomplete: Codes(500, -32017, 12),
    errors.ModelMismatch: Codes(409, -32018, 13),
    errors.ModelError: Codes(502, -32019, 14),
    errors.ModelUnavailable: Codes(503, -32020, 14),
    errors.ContextOverflow: Codes(413, -32021, 14),
    errors.BudgetExceeded: Codes(429, -32022, 15),
    errors.MissingExtra: Codes(501, -32023, 16),
    errors.Unauthorised: Codes(401, -32024, 17),
    errors.Forbidden: Codes(403, -32025, 18),
    errors.Closed: Codes(503, -32026, 19),
    errors.TooManyCalls: Codes(429, -32027, 20),
    errors.TooLarge: Codes(413, -32028, 21),
    errors.Unreachable: Codes(502, -32029, 22),
}


def codes_of(error: BaseException | type[BaseException]) -> Codes:
    """Return the codes of an error or an error class; those of :class:`~mneme.core.errors.MnemeError` for a foreign one."""
    kind = error if isinstance(error, type) else type(error)
    for ancestor in kind.__mro__:
        if issubclass(ancestor, errors.MnemeError) and ancestor in TABLE:
            return TABLE[ancestor]
    return TABLE[errors.MnemeError]
