"""Every store passes the suite that third parties can run too."""

from __future__ import annotations

from pathlib import Path

import pytest

from mneme.stores.conformance import StoreConformance
from mneme.stores.dict_store import DictRoot
from mneme.stores.sqlite import SQLiteRoot


class TestDictStore(StoreConformance):
    @pytest.fixture
    def root(self) -> DictRoot:
        return DictRoot()


class TestSQLiteStore(StoreConformance):
    @pytest.fixture
    def root(self, tmp_path: Path) -> SQLiteRoot:
        return SQLiteRoot(tmp_path / "root", durability="normal")
