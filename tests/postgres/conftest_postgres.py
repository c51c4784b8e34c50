"""URLs of the tests' databases."""

from __future__ import annotations

from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict


def url_of(admin: str, database: str, role: str | None = None) -> str:
    """Return the URL of another database, or another role, on the same server."""
    known = {**conninfo_to_dict(admin), "dbname": database}
    if role is not None:
        known |= {"user": role, "password": "app"}
    return "postgresql://?" + "&".join(f"{key}={quote(str(value), safe='')}" for key, value in known.items() if value)
