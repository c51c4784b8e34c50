"""URLs of the tests' databases."""

from __future__ import annotations

from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict


def url_of(admin: str, database: str, role: str | None = None) -> str:
    """Return the URL of another database, or another role, on the same server."""
    known = {**conninfo_to_dict(admin), "dbname": database}
    if role is not None:
        known |= {"user": role, "password": "app"}
    return "postgresql://?" + "&".join(f"{key}={quote(str(value), safe='')}" for key, value in known.items() if value)


def vacuum_url(admin: str) -> str | None:
    """Return who vacuums a database: its administrator before PostgreSQL 17, where no other role can; else mneme's own role."""
    with psycopg.connect(admin) as connection:
        return admin if connection.info.server_version < 170000 else None
