"""What tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of benchmark data; tests that need it skip where it is missing."""
    named = os.environ.get("MNEME_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"benchmark data is not at {folder}; set MNEME_DATA")
    return folder
