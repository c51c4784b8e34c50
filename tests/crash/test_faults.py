"""Formation through a model server that fails: no raw input is lost, every job ends, every call is paid for once."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from mneme import Memory
from mneme.core.clock import Clock
from mneme.models.llm import ProviderLLM
from mneme.models.settings import LLMSettings, Pacing
from mneme.space import Space
from mneme.stores.sqlite.ledger import SQLiteLedger
from mneme.testing import FAULT_KINDS, ChatRequest, Fault, FaultMix, OpenAIDouble

WORKER = Path(__file__).with_name("forming.py")
CITIES = ("Oslo", "Lisbon", "Porto", "Bergen", "Turin", "Ghent", "Malmo", "Split")
_LINE = re.compile(r"^\[(\d+)\] \S+ \S+ (\w+): (.*?likes (\w+) (\d+)\.)$", re.MULTILINE)


class Hurried(Clock):
    """A clock whose every look is a while later, so that waiting jobs come due at once."""

    def __init__(self) -> None:
        self._now = datetime(2024, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def statements(request: ChatRequest) -> object:
    """Quote what each message says, as a faithful model would."""
    if "decisions" in str(request.schema):
        return {"decisions": []}
    said = "\n".join(str(message["content"]) for message in request.messages if message.get("role") == "user")
    found = _LINE.findall(said)  # a reply that was sent back is asked for again after the messages
    return {
        "items": [
            {
                "message": int(number), "quote": text, "text": text, "kind": "fact", "subject": who, "relation": "likes",
                "object": f"{city} {serial}", "negated": False, "ended": False,
            }
            for number, who, text, city, serial in found
        ]
    }  # fmt: skip


def texts(count: int) -> list[dict[str, object]]:
    start = datetime(2023, 1, 1, tzinfo=UTC)
    return [
        {"text": f"Ana likes {CITIES[i % len(CITIES)]} {i}.", "author": "Ana", "at": start + timedelta(minutes=i)} for i in range(count)
    ]  # fmt: skip


@contextmanager
def model(double: OpenAIDouble, folder: Path) -> Iterator[ProviderLLM]:
    settings = LLMSettings(backoff_s=0.001, backoff_cap_s=0.001, timeout_s=0.3, deadline_s=30, retries=1, repairs=1)
    pacing = Pacing(sleep=lambda seconds: None)
    ledger = SQLiteLedger(folder / "spending.sqlite")
    name = f"openai-compatible:test@{double.base_url}"
    with ProviderLLM(name, api_key="x", settings=settings, pacing=pacing, ledger=ledger) as llm:
        yield llm
    ledger.close()


def told(space: Space) -> list[str]:
    found: list[str] = []
    after = ""
    while page := space.memories({"kinds": ("preference", "fact")}, after=after, limit=500):
        found += [memory.text for memory in page]
        after = page[-1].id
    return found


def survive(folder: Path, kinds: tuple[str, ...], messages: int, rate: float = 0.2) -> Counter[str]:
    """Remember messages while the model fails in these ways; check everything and return the jobs' states."""
    faults = [Fault(kind, seconds=0.4 if kind == "slow" else 0.0) for kind in kinds]  # type: ignore[arg-type]
    plan = FaultMix(rate=rate, kinds=faults, seed=5).plan(100_000)
    with OpenAIDouble(statements, faults=plan) as double, model(double, folder) as llm:
        with Memory(folder, embedder="hash", recipe="beliefs", llm=llm, background=False, durability="normal", clock=Hurried()) as memory:
            space = memory.space("work")
            for start in range(0, messages, 50):
                space.remember(texts(messages)[start : start + 50])
            while space.jobs(states=("waiting", "leased")):
                space.drain()
            jobs = space.jobs()
            raw = {episode.text for episode in space.episodes(limit=10 * messages)}
            assert raw == {str(message["text"]) for message in texts(messages)}
            assert {job.state for job in jobs} <= {"done", "dead"}
            assert all(job.error for job in jobs if job.state == "dead")
            found = told(space)
            assert len(found) == len(set(found))
            formed = {text for job in jobs if job.state == "done" for text in _texts_of(space, job.payload)}
            assert formed <= set(found)
            total = memory.spending()
        assert total.calls == double.calls
        assert total.open == 0
        assert total.failed + total.invalid >= sum(request.fault is not None for request in double.served) * 0.5 or set(kinds) <= {
            "think", "fence", "chatter", "no_usage", "slow"
        }  # fmt: skip
    return Counter(job.state for job in jobs)


def _texts_of(space: Space, payload: object) -> list[str]:
    return [episode.text for episode in space.episodes([str(id) for id in payload["episodes"]])]  # type: ignore[index]


@pytest.mark.parametrize("kind", ["rate_limit", "reset", "invalid_json", "wrong_schema", "quota"])
def test_a_fifth_of_the_calls_failing_loses_nothing(tmp_path: Path, kind: str) -> None:
    assert survive(tmp_path, (kind,), 120)["done"] > 0


def test_a_model_that_always_fails_leaves_every_message_and_every_reason(tmp_path: Path) -> None:
    states = survive(tmp_path, ("server_error",), 48, rate=1.0)
    assert states == Counter(dead=2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_thousand_messages_survive_every_kind_of_failure(tmp_path: Path, kind: str) -> None:
    assert survive(tmp_path, (kind,), 1000)["done"] > 0


@pytest.mark.slow
def test_a_thousand_messages_survive_all_kinds_together(tmp_path: Path) -> None:
    assert survive(tmp_path, FAULT_KINDS, 1000)["done"] > 0


def prepared(folder: Path, double: OpenAIDouble, messages: int) -> None:
    with (
        model(double, folder) as llm,
        Memory(folder, embedder="hash", recipe="beliefs", llm=llm, background=False, durability="normal") as memory,
    ):
        for start in range(0, messages, 24):
            memory.space("work").remember(texts(messages)[start : start + 24])


def checked(folder: Path, messages: int) -> None:
    with Memory(folder, embedder="hash", durability="normal") as memory:
        space = memory.space("work")
        assert Counter(told(space)) == Counter(str(message["text"]) for message in texts(messages))
        assert {job.state for job in space.jobs()} == {"done"}
        assert space.verify().ok


def killed_at_random(folder: Path, rounds: int, messages: int) -> None:
    """Kill workers in the middle of their work; the lease of what they held ends with the clock of the one that comes after."""
    with OpenAIDouble(statements) as double:
        prepared(folder, double, messages)
        for turn in range(rounds):
            command = [sys.executable, str(WORKER), str(folder), double.base_url]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "open\n"
                before = double.calls
                while double.calls == before and process.poll() is None and turn < rounds - 1 and double.calls < messages // 12:
                    pass
                process.kill()
        later = Later()
        with (
            model(double, folder) as llm,
            Memory(folder, embedder="hash", llm=llm, background=False, durability="normal", clock=later) as memory,
        ):
            while memory.space("work").jobs(states=("waiting", "leased")):
                memory.space("work").drain()
    checked(folder, messages)


class Later(Hurried):
    """A clock that starts when every lease of now has ended."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC) + timedelta(hours=1)


def test_a_worker_killed_in_its_work_loses_and_doubles_nothing(tmp_path: Path) -> None:
    killed_at_random(tmp_path, rounds=2, messages=72)


@pytest.mark.slow
def test_a_worker_killed_thirty_times(tmp_path: Path) -> None:
    killed_at_random(tmp_path, rounds=30, messages=720)


def test_two_workers_never_do_one_job_twice(tmp_path: Path) -> None:
    messages = 96
    with OpenAIDouble(statements) as double:
        prepared(tmp_path, double, messages)
        jobs = messages // 24

        def work() -> None:
            with (
                model(double, tmp_path) as llm,
                Memory(tmp_path, embedder="hash", llm=llm, background=False, durability="normal") as memory,
            ):
                memory.space("work").drain()

        _together([work, work, work])
        assert double.calls == 2 * jobs  # two questions of twelve messages for each job
    checked(tmp_path, messages)


def _together(calls: list[Callable[[], None]]) -> None:
    threads = [Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
