"""The further faces of the server that are installed: MCP under ``/mcp``, the inspector under ``/``."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import cast

from mneme.server.app import Part

_PARTS = (("mneme.server.mcp", "mcp"), ("mneme.server.ui", "fastapi"))
"""Package whose module ``part`` has a function ``add(app, state)``, and what it needs; the inspector comes last since it serves ``/``."""


def installed() -> list[Part]:
    """Return the parts whose packages are there."""
    return [
        cast("Part", import_module(f"{package}.part").add)
        for package, needs in _PARTS
        if find_spec(needs) is not None and find_spec(package) is not None
    ]
