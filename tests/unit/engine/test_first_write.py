"""A new space works by its recipe from its first write on; what waits for deferred work sees it done."""

from __future__ import annotations

import threading

from mneme import Memory


def test_a_space_that_begins_with_brought_memories_has_nothing_to_form_anew() -> None:
    with Memory(":memory:", embedder="hash", recipe="beliefs") as memory:
        space = memory.space("s")
        space.remember(memories=[{"text": "Renew the passport.", "kind": "task"}])
        space.remember("I live in Porto.", author="Ana", wait=True)
        assert [(job.task, job.state) for job in space.jobs()] == [("form", "done")]
        assert "re-form" not in [entry.verb for entry in space.journal()]


def test_who_waits_waits_for_what_another_thread_is_at() -> None:
    with Memory(":memory:", embedder="hash", recipe="beliefs") as memory:
        space = memory.space("s")

        def tell(number: int) -> None:
            space.remember(f"I live in Town{number}.", author=f"Ana{number}", wait=True)
            assert any(f"Town{number}" in found.text for found in space.memories({"kinds": ("profile",)}))

        failed: list[AssertionError] = []

        def safely(number: int) -> None:
            try:
                tell(number)
            except AssertionError as error:
                failed.append(error)

        threads = [threading.Thread(target=safely, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert {job.state for job in space.jobs()} == {"done"}
