"""pgvector's ``halfvec`` on the wire: two-byte floats, written and read by NumPy."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

from mneme.core.ports import FloatArray

WIDEST_INDEXED = 4000
"""The most dimensions that pgvector indexes in half precision."""
_HEAD = struct.Struct(">hh")
_LARGEST = float(np.finfo(np.float16).max)


class HalfVector:
    """A vector on its way into a ``halfvec`` column.

    Args:
        values: ``(width,)``.
    """

    __slots__ = ("values",)

    def __init__(self, values: FloatArray) -> None:
        self.values = values


def packed(values: FloatArray) -> bytes:
    """Return the binary form: the width, two reserved bytes, and big-endian half-precision numbers."""
    halves: NDArray[Any] = np.clip(values, -_LARGEST, _LARGEST).astype(">f2")
    return _HEAD.pack(len(halves), 0) + halves.tobytes()


def register(info: TypeInfo, connection: Connection[Any]) -> None:
    """Teach a connection the type."""
    info.register(connection)

    class BinaryDumper(Dumper):
        format = Format.BINARY
        oid = info.oid

        def dump(self, obj: HalfVector) -> Buffer:
            return packed(obj.values)

    connection.adapters.register_dumper(HalfVector, BinaryDumper)
