"""A memory on a server, with the verbs and results of a local one."""

from __future__ import annotations

from mneme.client.client import AsyncClient, AsyncServedSpace, Client, ServedSpace

__all__ = ["AsyncClient", "AsyncServedSpace", "Client", "ServedSpace"]
