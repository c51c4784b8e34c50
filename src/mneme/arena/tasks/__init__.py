"""The tasks, one file per dataset. Names are resolved to files on demand, so that listing them reads no data."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from mneme.arena.task import Task, near
from mneme.core.errors import UnknownComponent

TASKS: Mapping[str, str] = MappingProxyType(
    {
        "locomo": "mneme.arena.tasks.locomo:TASK",
        "longmemeval": "mneme.arena.tasks.longmemeval:TASK",
        "beam": "mneme.arena.tasks.beam:TASK",
        "realtalk": "mneme.arena.tasks.realtalk:TASK",
        "temporal": "mneme.arena.tasks.temporal:TASK",
        "multihop": "mneme.arena.tasks.multihop:TASK",
        "babi": "mneme.arena.tasks.babi:TASK",
        "memsim": "mneme.arena.tasks.memsim:TASK",
        "procedural": "mneme.arena.tasks.procedural:TASK",
        "experience": "mneme.arena.tasks.experience:TASK",
        "factconsolidation": "mneme.arena.tasks.factconsolidation:TASK",
        "interference": "mneme.arena.tasks.interference:TASK",
    }
)


def get_task(name: str) -> Task:
    """Return the task of this name.

    Raises:
        UnknownComponent: there is none; the message lists near matches.
    """
    if name not in TASKS:
        raise UnknownComponent("task", name, near(name, list(TASKS)))
    module, _, attribute = TASKS[name].partition(":")
    task = getattr(import_module(module), attribute)
    assert isinstance(task, Task)
    return task
