"""The store in PostgreSQL passes the suite that every store passes."""

from __future__ import annotations

from mneme.stores.conformance import StoreConformance


class TestPostgresStore(StoreConformance):
    """Its fixture ``root`` is the one in ``conftest``."""
