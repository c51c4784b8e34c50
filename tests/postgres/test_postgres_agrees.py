"""Whatever is applied in whatever order, PostgreSQL agrees with the obvious store, and so with SQLite."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from mneme.core.operations import Operation
from mneme.core.ports import Batch
from mneme.stores.dict_store import DictRoot
from mneme.stores.postgres import PostgresRoot
from mneme.text.terms import encode_terms


def shared_machine() -> ModuleType:
    """The rules of ``tests/congruence``: one set of scripts for every store."""
    path = Path(__file__).parents[1] / "congruence" / "test_stores_agree.py"
    spec = importlib.util.spec_from_file_location("stores_agree_rules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def with_token_rows(batch: Callable[..., Batch]) -> Callable[..., Batch]:
    def made(*operations: Operation, **more: Any) -> Batch:
        ready = batch(*operations, **more)
        material = {id: replace(each, terms=encode_terms([id, "word", "word"])) for id, each in ready.material.items()}
        return replace(ready, material=material)

    return made


def agree(root: PostgresRoot, examples: int, *, searched: bool) -> None:
    rules = shared_machine()

    if searched:  # search in the database reads token rows, so they have to be real ones
        rules.batch = with_token_rows(rules.batch)

    class Machine(rules.Stores):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.store.close()
            for space in root.spaces():
                root.drop(space)
            self.oracle, self.store = DictRoot().open("a"), root.open("a")
            if searched:
                self.store.build_search()

    chosen = settings(
        max_examples=examples, stateful_step_count=15, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck), database=None,
    )  # fmt: skip
    run_state_machine_as_test(Machine, settings=chosen)


@pytest.mark.parametrize("searched", [False, True])
def test_postgres_agrees_with_the_dict_store(root: PostgresRoot, searched: bool) -> None:
    agree(root, 5, searched=searched)


@pytest.mark.slow
def test_postgres_agrees_with_the_dict_store_for_long(root: PostgresRoot) -> None:
    agree(root, 60, searched=True)
